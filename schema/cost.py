"""What an operation costs: the number of fields that its result may hold, known before it runs."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_list_type,
    is_object_type,
)

from resolvers.pages import MAXIMUM_PAGE
from schema.enums import Permission
from schema.guard import permission_of
from schema.limits import fragments_of

Variables: TypeAlias = Mapping[str, Any]
PAGE_ARGUMENTS = {"first", "last"}
INTROSPECTION = {"__schema", "__type"}


class Plan:
    """What is known about an operation before it runs."""

    def __init__(self, walk: Walk, operation: OperationDefinitionNode) -> None:
        self.kind = operation.operation
        self._walk = walk
        self._operation = operation
        self._cost = walk.cost(operation, {})
        self.permissions = frozenset(walk.permissions)
        self.introspects = walk.introspects
        self._has_page_variables = walk.has_page_variables

    def cost(self, variables: Variables) -> int:
        # Most operations cost the same every time, and are walked only once
        if not self._has_page_variables:
            return round(self._cost)
        return round(self._walk.cost(self._operation, variables))


class Walk:
    """Walks operations of a valid document, each fragment once per size of page.

    Every field costs 1. A list costs its items: those of a page by the size of the page, those of
    introspection by the average size of such a list, and those of any other list by `list_size`.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        list_size: int,
        introspection_sizes: Mapping[tuple[str, str], float],
    ) -> None:
        self._schema = schema
        self._introspection_sizes = introspection_sizes
        self._fragments = fragments_of(document)
        self._list_size = list_size
        self._variables: Variables = {}
        self._costs: dict[tuple[str, int | None], float] = {}
        self.permissions: set[Permission] = set()
        self.introspects = False
        self.has_page_variables = False

    def cost(self, operation: OperationDefinitionNode, variables: Variables) -> float:
        defaults = {
            definition.variable.name.value: _literal(definition.default_value)
            for definition in operation.variable_definitions or ()
            if definition.default_value
        }
        self._variables = {**defaults, **variables}
        self._costs.clear()
        root = self._schema.get_root_type(operation.operation)
        return self._selections(operation.selection_set, root, None)

    def _selections(
        self, selected: SelectionSetNode, parent: GraphQLNamedType | None, page: int | None
    ) -> float:
        """`page` is the size of the lists in this selection, if they are pages."""
        return sum(self._selection(each, parent, page) for each in selected.selections)

    def _selection(
        self, node: SelectionNode, parent: GraphQLNamedType | None, page: int | None
    ) -> float:
        if isinstance(node, FieldNode):
            return self._field(node, parent, page)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, page)
        inline = cast(InlineFragmentNode, node)
        if inline.type_condition is None:
            return self._selections(inline.selection_set, parent, page)
        return self._narrowed(inline.selection_set, inline.type_condition, page)

    def _fragment(self, name: str, page: int | None) -> float:
        if (name, page) not in self._costs:
            node = self._fragments[name]
            cost = self._narrowed(node.selection_set, node.type_condition, page)
            self._costs[name, page] = cost
        return self._costs[name, page]

    def _narrowed(
        self, selected: SelectionSetNode, condition: NamedTypeNode, page: int | None
    ) -> float:
        return self._selections(selected, self._schema.get_type(condition.name.value), page)

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, page: int | None) -> float:
        name = node.name.value
        self.introspects |= name in INTROSPECTION
        field = self._schema.get_field(cast(GraphQLCompositeType, parent), name)
        if field is None or name == "__typename":
            return 1
        permission = permission_of(parent, field)
        if permission is not None:
            self.permissions.add(permission)
        if node.selection_set is None:
            return 1
        kind = get_named_type(field.type)
        item = 1 + self._selections(node.selection_set, kind, self._page_size(node, field))
        if not is_list_type(get_nullable_type(field.type)):
            return item
        if page is not None:
            return item * page
        return item * self._introspection_sizes.get((str(parent), name), self._list_size)

    def _page_size(self, node: FieldNode, field: GraphQLField) -> int | None:
        """None where the field has no pages."""
        if not PAGE_ARGUMENTS & field.args.keys():
            return None
        arguments = node.arguments or ()
        sizes = [self._size(each.value) for each in arguments if each.name.value in PAGE_ARGUMENTS]
        return max((size for size in sizes if size is not None), default=MAXIMUM_PAGE)

    def _size(self, node: ValueNode) -> int | None:
        """None for no value; an invalid one counts as the largest page."""
        if isinstance(node, VariableNode):
            self.has_page_variables = True
            value = self._variables.get(node.name.value)
        else:
            value = _literal(node)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if value is None or (is_number and 0 <= value <= MAXIMUM_PAGE):
            return value
        return MAXIMUM_PAGE


class Plans:
    """The plans of operations, made once per document and forgotten with it."""

    def __init__(self, schema: GraphQLSchema, list_size: int) -> None:
        self._schema = schema
        self._list_size = list_size
        self._introspection_sizes = introspection_sizes(schema)
        # By identity: graphql-core compares and hashes documents by their whole content
        self._cached: dict[int, dict[str | None, Plan]] = {}

    def find(self, document: DocumentNode, operation_name: str | None) -> Plan | None:
        """None where the name does not select an operation of the document."""
        plans = self._cached.get(id(document))
        if plans is None:
            plans = self._cached[id(document)] = self._plan(document)
            weakref.finalize(document, self._cached.pop, id(document)).atexit = False
        return plans.get(operation_name)

    def _plan(self, document: DocumentNode) -> dict[str | None, Plan]:
        def walk() -> Walk:
            return Walk(self._schema, document, self._list_size, self._introspection_sizes)

        plans: dict[str | None, Plan] = {
            node.name.value if node.name else None: Plan(walk(), node)
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        if len(plans) == 1:
            plans[None] = next(iter(plans.values()))
        return plans


def introspection_sizes(schema: GraphQLSchema) -> dict[tuple[str, str], float]:
    """The average sizes of the lists of introspection, by type and field."""
    kinds = schema.type_map.values()
    objects = [kind for kind in kinds if is_object_type(kind) or is_interface_type(kind)]
    fields = [field for kind in objects for field in kind.fields.values()]
    with_arguments = [*fields, *schema.directives]
    arguments = sum(len(each.args) for each in with_arguments) / len(with_arguments)
    sizes = {
        "fields": len(fields),
        "inputFields": sum(len(kind.fields) for kind in kinds if is_input_object_type(kind)),
        "enumValues": sum(len(kind.values) for kind in kinds if is_enum_type(kind)),
        "interfaces": sum(len(kind.interfaces) for kind in objects),
        "possibleTypes": sum(
            len(schema.get_possible_types(kind)) for kind in kinds if is_abstract_type(kind)
        ),
    }
    return {("__Type", name): size / len(kinds) for name, size in sizes.items()} | {
        ("__Schema", "types"): len(kinds),
        ("__Schema", "directives"): len(schema.directives),
        ("__Field", "args"): arguments,
        ("__Directive", "args"): arguments,
    }


def _literal(node: ValueNode | None) -> Any:
    """The number that is written; None for nothing or null, and the text of anything else."""
    if isinstance(node, IntValueNode) and len(node.value) <= len(str(MAXIMUM_PAGE)):
        return int(node.value)
    return getattr(node, "value", None)
