"""How much of the schema an operation reads; counted there, as an estimate may be far off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import SimpleNamespace
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    get_operation_ast,
    is_list_type,
    value_from_ast_untyped,
)

from schema.limits.fragments import fragments_of

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
