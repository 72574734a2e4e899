"""What an operation costs: the number of fields that its result may hold, known before it runs."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
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
    OperationType,
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


@dataclass(frozen=True, slots=True)
class Argument:
    """The value of `first` or `last`: `fixed`, unless the variable has one."""

    variable: str | None
    fixed: Any

    @classmethod
    def of(cls, node: ValueNode, defaults: Variables) -> Argument:
        if isinstance(node, VariableNode):
            name = node.name.value
            return cls(name, defaults.get(name))
        return cls(None, _literal(node))

    def value(self, variables: Variables) -> Any:
        return self.fixed if self.variable is None else variables.get(self.variable, self.fixed)


@dataclass(frozen=True, slots=True)
class PageSize:
    """The maximum number of items on a page; an invalid size counts as the largest page."""

    arguments: tuple[Argument, ...]

    def of(self, variables: Variables) -> int:
        values = (argument.value(variables) for argument in self.arguments)
        sizes = [_size(value) for value in values if value is not None]
        return max(sizes, default=MAXIMUM_PAGE)

    @property
    def is_fixed(self) -> bool:
        return all(argument.variable is None for argument in self.arguments)


@dataclass(frozen=True, slots=True)
class Price:
    """`fixed`, and a part that depends on variables: the items of pages."""

    fixed: float = 0
    pages: tuple[tuple[PageSize, Price], ...] = ()

    def of(self, variables: Variables) -> float:
        total = self.fixed
        for size, item in self.pages:
            total += size.of(variables) * item.of(variables)
        return total

    def __add__(self, other: Price) -> Price:
        return Price(self.fixed + other.fixed, self.pages + other.pages)

    def times(self, count: float) -> Price:
        pages = tuple((size, item.times(count)) for size, item in self.pages)
        return Price(self.fixed * count, pages)

    def paged(self, size: PageSize) -> Price:
        return self.times(size.of({})) if size.is_fixed else Price(pages=((size, self),))


@dataclass(frozen=True, slots=True)
class Plan:
    """`introspects`: whether the operation reads the schema."""

    kind: OperationType
    price: Price
    permissions: frozenset[Permission]
    introspects: bool

    def cost(self, variables: Variables) -> int:
        return round(self.price.of(variables))


class Planner:
    """Reads one operation of a valid document, each fragment once per size of page.

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
        self._defaults: Variables = {}
        self._prices: dict[tuple[str, PageSize | None], Price] = {}
        self._permissions: set[Permission] = set()
        self._introspects = False

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        self._defaults = {
            definition.variable.name.value: _literal(definition.default_value)
            for definition in operation.variable_definitions or ()
            if definition.default_value
        }
        root = self._schema.get_root_type(operation.operation)
        price = self._selections(operation.selection_set, root, None)
        return Plan(operation.operation, price, frozenset(self._permissions), self._introspects)

    def _selections(
        self, selected: SelectionSetNode, parent: GraphQLNamedType | None, page: PageSize | None
    ) -> Price:
        """`page` is the size of the lists in this selection, if they are pages."""
        return sum((self._selection(each, parent, page) for each in selected.selections), Price())

    def _selection(
        self, node: SelectionNode, parent: GraphQLNamedType | None, page: PageSize | None
    ) -> Price:
        if isinstance(node, FieldNode):
            return self._field(node, parent, page)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, page)
        inline = cast(InlineFragmentNode, node)
        if inline.type_condition is None:
            return self._selections(inline.selection_set, parent, page)
        return self._narrowed(inline.selection_set, inline.type_condition, page)

    def _fragment(self, name: str, page: PageSize | None) -> Price:
        price = self._prices.get((name, page))
        if price is None:
            node = self._fragments[name]
            price = self._narrowed(node.selection_set, node.type_condition, page)
            self._prices[name, page] = price
        return price

    def _narrowed(
        self, selected: SelectionSetNode, condition: NamedTypeNode, page: PageSize | None
    ) -> Price:
        return self._selections(selected, self._schema.get_type(condition.name.value), page)

    def _field(
        self, node: FieldNode, parent: GraphQLNamedType | None, page: PageSize | None
    ) -> Price:
        name = node.name.value
        self._introspects |= name in INTROSPECTION
        field = self._schema.get_field(cast(GraphQLCompositeType, parent), name)
        if field is None or name == "__typename":
            return Price(1)
        permission = permission_of(parent, field)
        if permission is not None:
            self._permissions.add(permission)
        if node.selection_set is None:
            return Price(1)
        inner_page = self._page_size(node, field)
        kind = get_named_type(field.type)
        item = Price(1) + self._selections(node.selection_set, kind, inner_page)
        if not is_list_type(get_nullable_type(field.type)):
            return item
        if page:
            return item.paged(page)
        return item.times(self._introspection_sizes.get((str(parent), name), self._list_size))

    def _page_size(self, node: FieldNode, field: GraphQLField) -> PageSize | None:
        """None where the field has no pages."""
        if not PAGE_ARGUMENTS & field.args.keys():
            return None
        return PageSize(
            tuple(
                Argument.of(argument.value, self._defaults)
                for argument in node.arguments or ()
                if argument.name.value in PAGE_ARGUMENTS
            )
        )


class Plans:
    """The plans of operations, computed once per document and forgotten with it."""

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
        plans: dict[str | None, Plan] = {
            node.name.value if node.name else None: Planner(
                self._schema, document, self._list_size, self._introspection_sizes
            ).plan(node)
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


def _size(value: Any) -> int:
    is_valid = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAXIMUM_PAGE
    return value if is_valid else MAXIMUM_PAGE
