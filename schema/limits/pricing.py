from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from schema.limits.fragments import fragments_of
from schema.limits.introspection import INTROSPECTION
from schema.limits.price import Argument, PageSize, Price, literal

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
