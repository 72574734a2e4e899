"""The stored GraphQL documents of the REST API, read and validated at start.

A document describes its routes and its response body with client-side directives, which are
removed before the schema sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    InlineFragmentNode,
    NonNullTypeNode,
    ObjectFieldNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    build_schema,
    get_directive_values,
    get_named_type,
    get_operation_ast,
    parse,
    print_ast,
    separate_operations,
    validate,
    visit,
)
from graphql.execution import get_argument_values

DIRECTIVES_SDL = '''
"""The operation serves this route; the path may hold {variable} and {name=constant}."""
directive @rest(
  method: Method!
  path: String!
  "Open to anonymous callers: a missing or invalid access token does not matter."
  public: Boolean! = false
) repeatable on QUERY | MUTATION

"""The fields of the object become fields of its parent. They are null where it is null."""
directive @flatten on FIELD

"""Null is an error: 503 with this message."""
directive @required(message: String!) on FIELD

"""The value is also set as a cookie."""
directive @cookie(name: String!) on FIELD

"""Dates or times in ISO 8601, for the headers of these names."""
directive @retires(deprecation: String, sunset: String) on QUERY | MUTATION

enum Method { GET POST PATCH }

type Query { unused: Boolean }
'''
DIRECTIVES = {
    directive.name: directive
    for directive in build_schema(DIRECTIVES_SDL).directives
    if directive.name in ("rest", "flatten", "required", "cookie", "retires")
}
BODY = "body"
REPRESENTATION = "representation"
ERRORS_TYPE = "UserError"


class InvalidStoredDocument(Exception):
    """A stored document that cannot be served; the message names the file and the place."""


@dataclass(frozen=True, slots=True)
class Retirement:
    """When an operation is deprecated (RFC 9745) and removed (RFC 8594).

    Raises ValueError for a sunset before the deprecation.
    """

    deprecation: datetime | None = None
    sunset: datetime | None = None

    def __post_init__(self) -> None:
        if self.deprecation and self.sunset and self.sunset < self.deprecation:
            raise ValueError("the sunset is not before the deprecation")

    @property
    def headers(self) -> dict[str, str]:
        headers = {}
        if self.deprecation:
            headers["Deprecation"] = f"@{int(self.deprecation.timestamp())}"
        if self.sunset:
            headers["Sunset"] = format_datetime(self.sunset, usegmt=True)
        return headers


def parse_datetime(text: str) -> datetime:
    """A date, at midnight UTC, or a time with its zone, in ISO 8601. Raises ValueError."""
    try:
        value = datetime.fromisoformat(text)
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("use a day like 2030-01-31, or a time with its zone") from None


PARAMETER = re.compile(r"\{(\w+)(?:=(\w+))?\}")


class PathTemplate:
    """A path like `/users/{id}/` or `/cluster/{slug=k8s_version}/`, relative to the version."""

    def __init__(self, template: str) -> None:
        self.openapi = PARAMETER.sub(r"{\1}", template)
        parameters = PARAMETER.findall(template)
        self.variables = tuple(name for name, constant in parameters if not constant)
        self.constants = {name: constant for name, constant in parameters if constant}
        self._pattern = re.compile(PARAMETER.sub(r"(?P<\1>[^/]+)", template))

    def match(self, path: str) -> dict[str, str] | None:
        """The values of the parameters, constants included; None for another path."""
        match = self._pattern.fullmatch(path)
        return match.groupdict() if match else None


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: PathTemplate
    public: bool


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of an operation, which comes from the path or from the request body."""

    name: str
    graphql_type: str
    required: bool
    description: str | None = None

    @property
    def type(self) -> str:
        """The name of the type, without lists and `!`."""
        return self.graphql_type.strip("[]!")

    def may_be_null(self, route: Route) -> bool:
        """A PATCH sets values and clears none: there, null is an error."""
        return not self.required and route.method != "PATCH"


@dataclass(frozen=True, slots=True)
class SelectedField:
    """A field that a document selects, with what its directives say about the response."""

    key: str
    type: GraphQLType
    description: str | None
    holds_errors: bool = False
    flatten: bool = False
    required: str | None = None
    cookie: str | None = None
    children: tuple[SelectedField, ...] = ()

    @property
    def named_type(self) -> GraphQLNamedType:
        return get_named_type(self.type)

    @property
    def is_conditional(self) -> bool:
        """Whether the response depends on its value, or on one in it."""
        own = self.holds_errors or self.required or self.cookie
        return bool(own) or any(child.is_conditional for child in self.children)

    def render(self, value: Any) -> Any:
        """The JSON value of the response for this value of the field."""
        if isinstance(value, list):
            return [self.render(item) for item in value]
        if not self.children or value is None:
            return value
        return dict(self._entries(value))

    def _entries(self, value: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
        for child in self.children:
            if child.holds_errors:
                continue
            inner = None if value is None else value.get(child.key)
            if child.flatten:
                yield from child._entries(inner)
            else:
                yield child.key, child.render(inner)


@dataclass(frozen=True, slots=True)
class StoredOperation:
    """One operation, ready to execute.

    `noun` is the name of its file. `body_path` leads to the field that is the response body.
    `field_names` maps input fields of the schema to the variables that fill them. `source` is the
    document as any GraphQL client can send it. `is_conditional`: whether the response depends on
    more than the body.
    """

    name: str
    kind: str
    noun: str
    summary: str
    routes: tuple[Route, ...]
    variables: tuple[Variable, ...]
    field_names: dict[str, str]
    fields: tuple[SelectedField, ...]
    body_path: tuple[SelectedField, ...]
    retirement: Retirement
    document: DocumentNode
    source: str
    is_conditional: bool

    @property
    def has_optional_body(self) -> bool:
        return any(variable.name == REPRESENTATION for variable in self.variables)

    def path_variables(self, route: Route) -> tuple[Variable, ...]:
        return tuple(v for v in self.variables if v.name in route.path.variables)

    def body_variables(self, route: Route) -> tuple[Variable, ...]:
        elsewhere = {*route.path.variables, REPRESENTATION}
        return tuple(v for v in self.variables if v.name not in elsewhere)


def load(folder: Path, schema: GraphQLSchema) -> list[StoredOperation]:
    """All operations of the folder. Raises InvalidStoredDocument."""
    operations: list[StoredOperation] = []
    for file in sorted(folder.glob("*.graphql")):
        try:
            parsed = parse(Source(file.read_text(encoding="utf-8"), file.name))
            operations.extend(
                _operation(document, file.stem, schema)
                for document in separate_operations(parsed).values()
            )
        except GraphQLError as error:
            raise InvalidStoredDocument(f"{file.name}: {error}") from error
    return operations


def strip(document: DocumentNode) -> DocumentNode:
    """The document as any GraphQL server takes it.

    Descriptions go with our directives: most clients do not parse them in executable documents.
    """
    stripped: DocumentNode = visit(document, _Stripper())
    return stripped


class _Stripper(Visitor):
    def enter(self, node: Any, *_: Any) -> Any:
        if isinstance(node, DirectiveNode) and node.name.value in DIRECTIVES:
            return REMOVE
        return replace(node, description=None) if getattr(node, "description", None) else None


def _operation(document: DocumentNode, noun: str, schema: GraphQLSchema) -> StoredOperation:
    executable = strip(document)
    for error in validate(schema, executable):
        raise error
    node = get_operation_ast(document)
    root = schema.get_root_type(node.operation) if node else None
    if node is None or node.name is None or root is None:
        raise GraphQLError("A stored operation needs a name.", node)
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    fields = tuple(_fields(root, node.selection_set, fragments))
    inputs = _InputReader.read(executable, schema)
    return StoredOperation(
        name=node.name.value,
        kind=node.operation.value,
        noun=noun,
        summary=node.description.value if node.description else "",
        routes=tuple(_routes(node)),
        variables=tuple(
            _variable(each, inputs.descriptions) for each in node.variable_definitions or ()
        ),
        field_names=inputs.field_names,
        fields=fields,
        body_path=_body_path(fields),
        retirement=_retirement(node),
        document=executable,
        source=print_ast(executable),
        is_conditional=any(field.is_conditional for field in fields),
    )


def _routes(node: OperationDefinitionNode) -> Iterator[Route]:
    for directive in node.directives or ():
        if directive.name.value == "rest":
            values = get_argument_values(DIRECTIVES["rest"], directive)
            yield Route(values["method"], PathTemplate(values["path"]), values["public"])


def _retirement(node: OperationDefinitionNode) -> Retirement:
    values = get_directive_values(DIRECTIVES["retires"], node) or {}
    try:
        return Retirement(**{name: parse_datetime(text) for name, text in values.items()})
    except ValueError as error:
        raise GraphQLError(f"@retires: {error}.", node) from None


def _variable(node: VariableDefinitionNode, descriptions: Mapping[str, str | None]) -> Variable:
    required = isinstance(node.type, NonNullTypeNode) and node.default_value is None
    name: str = node.variable.name.value
    return Variable(name, print_ast(node.type), required, descriptions.get(name))


def _fields(
    parent: GraphQLNamedType,
    selections: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Iterator[SelectedField]:
    for node in selections.selections:
        if isinstance(node, FragmentSpreadNode):
            yield from _fields(parent, fragments[node.name.value].selection_set, fragments)
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(parent, node.selection_set, fragments)
        elif isinstance(node, FieldNode) and isinstance(parent, GraphQLObjectType):
            yield _field(parent, node, fragments)


def _field(
    parent: GraphQLObjectType, node: FieldNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> SelectedField:
    definition = parent.fields[node.name.value]
    named_type, inner = get_named_type(definition.type), node.selection_set
    required = get_directive_values(DIRECTIVES["required"], node)
    cookie = get_directive_values(DIRECTIVES["cookie"], node)
    return SelectedField(
        key=(node.alias or node.name).value,
        type=definition.type,
        holds_errors=named_type.name == ERRORS_TYPE,
        description=definition.description,
        flatten=get_directive_values(DIRECTIVES["flatten"], node) is not None,
        required=required["message"] if required else None,
        cookie=cookie["name"] if cookie else None,
        children=tuple(_fields(named_type, inner, fragments)) if inner else (),
    )


def _body_path(fields: tuple[SelectedField, ...]) -> tuple[SelectedField, ...]:
    for field in fields:
        if field.key == BODY:
            return (field,)
        if inner := _body_path(field.children):
            return (field, *inner)
    return ()


class _InputReader(Visitor):
    """Finds which argument or input field of the schema each variable fills."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.descriptions: dict[str, str | None] = {}
        self.field_names: dict[str, str] = {}
        self._info = info

    @classmethod
    def read(cls, document: DocumentNode, schema: GraphQLSchema) -> _InputReader:
        info = TypeInfo(schema)
        reader = cls(info)
        visit(document, TypeInfoVisitor(info, reader))
        return reader

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        argument = self._info.get_argument()
        if isinstance(node.value, VariableNode) and argument:
            self.descriptions[node.value.name.value] = argument.description

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        parent = get_named_type(self._info.get_parent_input_type())
        if isinstance(node.value, VariableNode) and isinstance(parent, GraphQLInputObjectType):
            variable = node.value.name.value
            self.descriptions[variable] = parent.fields[node.name.value].description
            self.field_names[node.name.value] = variable
