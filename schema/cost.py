"""What an operation costs at most: the number of fields that its answer may hold."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import SimpleNamespace
from typing import Any, TypeAlias, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NamedTypeNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    get_operation_ast,
    is_list_type,
    value_from_ast_untyped,
)

from resolvers.pages import MAXIMUM_PAGE
from schema.limits import fragments_of, nodes_of

PAGE_ARGUMENTS = {"first", "last"}


class Pricing:
    """Reads the price of one operation from a document that fits the schema.

    Every field costs 1. The items of a list cost what one of them costs, by the size of the page
    or by the size that is expected of a list without pages. What describes the schema is free.
    """

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, list_size: int) -> None:
        self._schema = schema
        self._fragments = fragments_of(document)
        self._list_size = list_size
        self._defaults: Mapping[str, Any] = {}
        self._known: dict[tuple[str, PageSize | None], Price] = {}

    def price(self, operation: OperationDefinitionNode) -> Price:
        self._defaults = {
            definition.variable.name.value: literal(definition.default_value)
            for definition in operation.variable_definitions or ()
            if definition.default_value
        }
        root = self._schema.get_root_type(operation.operation)
        return self._selections(operation.selection_set, root, None)

    def _selections(
        self, selected: SelectionSetNode, parent: GraphQLNamedType | None, page: PageSize | None
    ) -> Price:
        """`page` is the size of the lists here, if they are pages."""
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
        known = self._known.get((name, page))
        if known is None:
            node = self._fragments[name]
            known = self._narrowed(node.selection_set, node.type_condition, page)
            self._known[name, page] = known
        return known

    def _narrowed(
        self, selected: SelectionSetNode, condition: NamedTypeNode, page: PageSize | None
    ) -> Price:
        return self._selections(selected, self._schema.get_type(condition.name.value), page)

    def _field(
        self, node: FieldNode, parent: GraphQLNamedType | None, page: PageSize | None
    ) -> Price:
        if node.name.value in INTROSPECTION:
            return Price()
        field = self._schema.get_field(cast(GraphQLCompositeType, parent), node.name.value)
        if field is None or node.selection_set is None:
            return Price(1)
        within = self._page_size(node, field)
        item = Price(1) + self._selections(node.selection_set, get_named_type(field.type), within)
        if not is_list_type(get_nullable_type(field.type)):
            return item
        return item.paged(page) if page else item.times(self._list_size)

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


Variables: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Argument:
    """The value of `first` or `last`: `fixed`, unless a variable has one."""

    variable: str | None
    fixed: Any

    @classmethod
    def of(cls, node: ValueNode, defaults: Variables) -> Argument:
        if isinstance(node, VariableNode):
            name = node.name.value
            return cls(name, defaults.get(name))
        return cls(None, literal(node))

    def value(self, variables: Variables) -> Any:
        return self.fixed if self.variable is None else variables.get(self.variable, self.fixed)


@dataclass(frozen=True, slots=True)
class PageSize:
    """How many items a page has at most; what is no size gives the largest page, or an error."""

    arguments: tuple[Argument, ...]

    def of(self, variables: Variables) -> int:
        given = (argument.value(variables) for argument in self.arguments)
        sizes = [_size(value) for value in given if value is not None]
        return max(sizes, default=MAXIMUM_PAGE)

    @property
    def is_fixed(self) -> bool:
        return all(argument.variable is None for argument in self.arguments)


@dataclass(frozen=True, slots=True)
class Price:
    """`fixed`, and what depends on the variables: the items of pages."""

    fixed: int = 0
    pages: tuple[tuple[PageSize, Price], ...] = ()

    def of(self, variables: Variables) -> int:
        total = self.fixed
        for size, item in self.pages:
            total += size.of(variables) * item.of(variables)
        return total

    def __add__(self, other: Price) -> Price:
        return Price(self.fixed + other.fixed, self.pages + other.pages)

    def times(self, count: int) -> Price:
        pages = tuple((size, item.times(count)) for size, item in self.pages)
        return Price(self.fixed * count, pages)

    def paged(self, size: PageSize) -> Price:
        return self.times(size.of({})) if size.is_fixed else Price(pages=((size, self),))


def literal(node: ValueNode | None) -> Any:
    """The number that is written; None for nothing or null, and the text of anything else."""
    if isinstance(node, IntValueNode) and len(node.value) <= len(str(MAXIMUM_PAGE)):
        return int(node.value)
    return getattr(node, "value", None)


def _size(value: Any) -> int:
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAXIMUM_PAGE
    return value if known else MAXIMUM_PAGE


INTROSPECTION = {"__schema", "__type"}


class SchemaReading:
    """Walks the schema as the execution will, with the deprecated and what may be skipped."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._info = cast(GraphQLResolveInfo[None], SimpleNamespace(schema=schema))
        self._document = document
        self._fragments = fragments_of(document)
        self._variables = dict(variables)

    def fields(self, operation_name: str | None, *, most: int) -> int:
        """How many fields of the answer describe the schema; not counted further than `most`.

        The name must mean an operation of the document.
        """
        operation = cast(OperationDefinitionNode, get_operation_ast(self._document, operation_name))
        self._variables = {
            definition.variable.name.value: value_from_ast_untyped(definition.default_value)
            for definition in operation.variable_definitions or ()
            if definition.default_value
        } | self._variables
        return sum(1 for _ in islice(self._of_root(operation.selection_set), most))

    def _of_root(self, selected: SelectionSetNode) -> Iterator[FieldNode]:
        query = cast(GraphQLObjectType, self._schema.query_type)
        for node in self._selected(selected):
            if node.name.value in INTROSPECTION:
                yield from self._of_field(node, query, None)

    def _of_field(
        self, node: FieldNode, parent: GraphQLObjectType, source: Any
    ) -> Iterator[FieldNode]:
        yield node
        field = self._schema.get_field(parent, node.name.value)
        if node.selection_set is None or field is None or field.resolve is None:
            return
        found = field.resolve(source, self._info, **self._arguments(node, field.args))
        within = cast(GraphQLObjectType, get_named_type(field.type))
        many = is_list_type(get_nullable_type(field.type))
        for item in (found or ()) if many else (found,):
            if item is not None:
                for inner in self._selected(node.selection_set):
                    yield from self._of_field(inner, within, item)

    def _arguments(self, node: FieldNode, known: Iterable[str]) -> dict[str, Any]:
        """The name of a type, and all that is deprecated, whether it is asked for or not."""
        if node.name.value != "__type":
            return dict.fromkeys(known, True)
        [name] = node.arguments or ()
        return {"name": str(value_from_ast_untyped(name.value, self._variables))}

    def _selected(self, selected: SelectionSetNode) -> Iterator[FieldNode]:
        """Each fragment once, as in the execution."""
        spread: set[str] = set()
        open_sets = [selected]
        while open_sets:
            for selection in open_sets.pop().selections:
                if isinstance(selection, FieldNode):
                    yield selection
                elif isinstance(selection, InlineFragmentNode):
                    open_sets.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    if name not in spread:
                        spread.add(name)
                        open_sets.append(self._fragments[name].selection_set)


@dataclass(frozen=True, slots=True)
class Plan:
    """`introspects`: whether the document reads the schema."""

    kind: OperationType
    price: Price
    introspects: bool


class Plans:
    """The plans of operations, made once per document and kept for as long as it is."""

    def __init__(self, schema: GraphQLSchema, list_size: int) -> None:
        self._schema = schema
        self._list_size = list_size
        # Documents are equal when their contents are, which takes long to find out
        self._known: dict[int, dict[str | None, Plan]] = {}

    def find(self, document: DocumentNode, operation_name: str | None) -> Plan | None:
        """None where the name does not say which operation of a valid document is meant."""
        known = self._known.get(id(document))
        if known is None:
            known = self._known[id(document)] = self._read(document)
            weakref.finalize(document, self._known.pop, id(document)).atexit = False
        return known.get(operation_name)

    def _read(self, document: DocumentNode) -> dict[str | None, Plan]:
        introspects = any(map(_reads_the_schema, nodes_of(document)))
        plans: dict[str | None, Plan] = {
            node.name.value if node.name else None: Plan(
                node.operation,
                Pricing(self._schema, document, self._list_size).price(node),
                introspects,
            )
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        if len(plans) == 1:
            plans[None] = next(iter(plans.values()))
        return plans


def _reads_the_schema(node: Node) -> bool:
    return isinstance(node, FieldNode) and node.name.value in INTROSPECTION
