"""Stored operations: documents on disk, checked against the schema when the portal starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    ObjectFieldNode,
    OperationDefinitionNode,
    Source,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_operation_ast,
    parse,
    print_ast,
    separate_operations,
    validate,
    visit,
)

from rest_compat.directives import ClientDirectives, strip
from rest_compat.paths import PathTemplate
from rest_compat.retirement import NOTHING_ANNOUNCED, Retirement, retirement
from rest_compat.shape import Shape, ShapeReader
from rest_compat.variables import descriptions

BODY = "body"
REPRESENTATION = "representation"


class InvalidStoredDocument(Exception):
    """A stored document that the portal can't start with; the message names file and place."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of an operation: a part of the path or of the request's body."""

    name: str
    type: str
    required: bool
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: PathTemplate
    public: bool


@dataclass(frozen=True, slots=True)
class StoredOperation:
    """One operation, ready to run.

    `noun` is the name of its file. `body_path` leads to the value that is the answer.
    `field_names` are the names of input fields in the schema and those of the variables that
    fill them.
    """

    name: str
    kind: str
    noun: str
    summary: str
    routes: tuple[Route, ...]
    variables: tuple[Variable, ...]
    field_names: dict[str, str]
    shapes: tuple[Shape, ...]
    body_path: tuple[Shape, ...]
    retirement: Retirement
    document: DocumentNode

    @property
    def source(self) -> str:
        """The document as GraphQL clients send it.

        Without descriptions, which not every client takes in an executable document.
        """
        return print_ast(visit(self.document, _Undescribed()))

    def body_variables(self, route: Route) -> tuple[Variable, ...]:
        """The variables that come with the request's body."""
        elsewhere = {*route.path.variables, REPRESENTATION}
        return tuple(v for v in self.variables if v.name not in elsewhere)

    @property
    def has_optional_body(self) -> bool:
        return any(variable.name == REPRESENTATION for variable in self.variables)


class _Undescribed(Visitor):
    def enter(self, node: Any, *_: Any) -> Any:
        return replace(node, description=None) if getattr(node, "description", None) else None


def load(
    folder: Path, schema: GraphQLSchema, outlook: Retirement = NOTHING_ANNOUNCED
) -> list[StoredOperation]:
    """All operations below the folder; `outlook` is for those that say nothing of their own.

    Raises InvalidStoredDocument.
    """
    reader = _Reader(schema, outlook)
    operations: list[StoredOperation] = []
    for file in sorted(folder.glob("*.graphql")):
        try:
            operations.extend(reader.read(file))
        except GraphQLError as error:
            raise InvalidStoredDocument(f"{file.name}: {error}") from error
    return operations


class _Reader:
    def __init__(self, schema: GraphQLSchema, outlook: Retirement) -> None:
        self._schema = schema
        self._outlook = outlook
        self._directives = ClientDirectives()

    def read(self, file: Path) -> Iterator[StoredOperation]:
        parsed = parse(Source(file.read_text(encoding="utf-8"), file.name))
        for document in separate_operations(parsed).values():
            executable = strip(document)
            for error in validate(self._schema, executable):
                raise error
            yield self._operation(document, executable, file.stem)

    def _operation(
        self, document: DocumentNode, executable: DocumentNode, noun: str
    ) -> StoredOperation:
        node = get_operation_ast(document)
        root = self._schema.get_root_type(node.operation) if node else None
        if node is None or node.name is None or root is None:
            raise GraphQLError("A stored operation has a name.", node)
        shapes = ShapeReader(document, self._schema, self._directives).read(
            root, node.selection_set
        )
        texts = descriptions(executable, self._schema)
        return StoredOperation(
            name=node.name.value,
            kind=node.operation.value,
            noun=noun,
            summary=node.description.value if node.description else "",
            routes=tuple(_route(values) for values in self._directives.all("rest", node)),
            variables=tuple(_variable(each, texts) for each in node.variable_definitions or ()),
            field_names=_field_names(node),
            shapes=shapes,
            body_path=_body_path(shapes),
            retirement=self._retirement(node),
            document=executable,
        )

    def _retirement(self, node: OperationDefinitionNode) -> Retirement:
        announced = self._directives.first("retires", node)
        if announced is None:
            return self._outlook
        try:
            return retirement(announced)
        except ValueError as error:
            raise GraphQLError(f"@retires: {error}.", node) from None


def _route(values: dict[str, Any]) -> Route:
    return Route(values["method"], PathTemplate(values["path"]), values["public"])


def _variable(node: VariableDefinitionNode, texts: Mapping[str, str | None]) -> Variable:
    kind = node.type
    required = kind.kind == "non_null_type" and node.default_value is None
    while not hasattr(kind, "name"):
        kind = kind.type  # type: ignore[attr-defined]
    name: str = node.variable.name.value
    return Variable(name, kind.name.value, required, texts.get(name))


def _field_names(node: OperationDefinitionNode) -> dict[str, str]:
    names: dict[str, str] = {}

    class Reader(Visitor):
        def enter_object_field(self, field: ObjectFieldNode, *_: Any) -> None:
            if isinstance(field.value, VariableNode):
                names[field.name.value] = field.value.name.value

    visit(node, Reader())
    return names


def _body_path(shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
    for shape in shapes:
        if shape.key == BODY:
            return (shape,)
        inner = _body_path(shape.children)
        if inner:
            return (shape, *inner)
    return ()
