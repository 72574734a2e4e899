"""What stored documents say to the REST layer; stripped before the schema sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
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
    ObjectFieldNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    build_schema,
    get_named_type,
    get_operation_ast,
    parse,
    print_ast,
    separate_operations,
    validate,
    visit,
)
from graphql.execution import get_argument_values
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from rest_compat.status import (
    Refusal,
    invalid_input,
)

ERRORS_TYPE = "UserError"


@dataclass(frozen=True, slots=True)
class Shape:
    """A selected field: its key in the answer, its type, and what its directives say."""

    key: str
    type: GraphQLType
    description: str | None
    flatten: bool = False
    required: str | None = None
    cookie: str | None = None
    children: tuple[Shape, ...] = field(default=())

    @property
    def named_type(self) -> GraphQLNamedType:
        return get_named_type(self.type)

    @property
    def holds_errors(self) -> bool:
        return self.named_type.name == ERRORS_TYPE

    def render(self, value: Any) -> Any:
        """The part of the body that the value of this field becomes."""
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


class ShapeReader:
    """Reads the shapes of the fields of one document."""

    def __init__(
        self, document: DocumentNode, schema: GraphQLSchema, directives: ClientDirectives
    ) -> None:
        self._schema = schema
        self._directives = directives
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def read(self, parent: GraphQLNamedType, selections: SelectionSetNode) -> tuple[Shape, ...]:
        return tuple(self._fields(parent, selections))

    def _fields(self, parent: GraphQLNamedType, selections: SelectionSetNode) -> Iterator[Shape]:
        for node in selections.selections:
            if isinstance(node, FragmentSpreadNode):
                yield from self._fields(parent, self._fragments[node.name.value].selection_set)
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields(parent, node.selection_set)
            elif isinstance(node, FieldNode) and isinstance(parent, GraphQLObjectType):
                yield self._shape(parent, node)

    def _shape(self, parent: GraphQLObjectType, node: FieldNode) -> Shape:
        definition = parent.fields[node.name.value]
        inner, directives = node.selection_set, self._directives
        required, cookie = directives.first("required", node), directives.first("cookie", node)
        return Shape(
            key=(node.alias or node.name).value,
            type=definition.type,
            description=definition.description,
            flatten=directives.first("flatten", node) is not None,
            required=required["message"] if required else None,
            cookie=cookie["name"] if cookie else None,
            children=self.read(get_named_type(definition.type), inner) if inner else (),
        )


SDL = '''
"""The operation answers these requests; a path may hold {variable} and {name=constant}."""
directive @rest(
  method: Method!
  path: String!
  "Open to everyone: a missing or bad access token does not matter."
  public: Boolean! = false
) repeatable on QUERY | MUTATION

"""The fields of the object become fields of its parent; where it is null, they are too."""
directive @flatten on FIELD

"""Without a value there is no answer: the message says what to do."""
directive @required(message: String!) on FIELD

"""The value is sent as a cookie as well."""
directive @cookie(name: String!) on FIELD

"""The operation is about to go: days or times in ISO 8601, for the headers of these names."""
directive @retires(deprecation: String, sunset: String) on QUERY | MUTATION

enum Method { GET POST PATCH }

type Query { unused: Boolean }
'''
NAMES = ("rest", "flatten", "required", "cookie", "retires")


class ClientDirectives:
    """Reads the directives of a document. Raises GraphQLError where one is used wrongly."""

    def __init__(self) -> None:
        known = build_schema(SDL).directives
        self._definitions = {directive.name: directive for directive in known}

    def all(self, name: str, node: OperationDefinitionNode | FieldNode) -> list[dict[str, Any]]:
        """The arguments of each directive of that name."""
        return [
            get_argument_values(self._definitions[name], directive)
            for directive in node.directives or ()
            if directive.name.value == name
        ]

    def first(self, name: str, node: OperationDefinitionNode | FieldNode) -> dict[str, Any] | None:
        return next(iter(self.all(name, node)), None)


class _Stripper(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
        return REMOVE if node.name.value in NAMES else None


def strip(document: DocumentNode) -> DocumentNode:
    """The document as any GraphQL server takes it."""
    stripped: DocumentNode = visit(document, _Stripper())
    return stripped


PARAMETER = re.compile(r"\{(\w+)(?:=(\w+))?\}")


class PathTemplate:
    """A path like `/users/{id}/` or `/cluster/{slug=k8s_version}/`, relative to the version."""

    def __init__(self, template: str) -> None:
        self.template = template
        found = PARAMETER.findall(template)
        self.variables = tuple(name for name, constant in found if not constant)
        self.constants = {name: constant for name, constant in found if constant}
        self._pattern = re.compile(
            PARAMETER.sub(
                _expression,
                re.escape(template).replace(r"\{", "{").replace(r"\}", "}").replace(r"\=", "="),
            )
        )

    @property
    def openapi(self) -> str:
        return PARAMETER.sub(r"{\1}", self.template)

    def match(self, path: str) -> dict[str, str] | None:
        """The texts of the variables; None when the path is another one."""
        found = self._pattern.fullmatch(path)
        return found.groupdict() if found else None


def _expression(parameter: re.Match[str]) -> str:
    name, constant = parameter.groups()
    return constant or f"(?P<{name}>[^/]+)"


def descriptions(document: DocumentNode, schema: GraphQLSchema) -> dict[str, str | None]:
    """By the name of a variable: the description of the argument or input field that it fills."""
    info = TypeInfo(schema)
    found: dict[str, str | None] = {}

    def note(value: ValueNode, description: str | None) -> None:
        if isinstance(value, VariableNode):
            found[value.name.value] = description

    class Reader(Visitor):
        def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
            argument = info.get_argument()
            note(node.value, argument.description if argument else None)

        def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
            parent = get_named_type(info.get_parent_input_type())
            if isinstance(parent, GraphQLInputObjectType):
                note(node.value, parent.fields[node.name.value].description)

    visit(document, TypeInfoVisitor(info, Reader()))
    return found


class Match(NamedTuple):
    operation: StoredOperation
    route: Route
    texts: dict[str, str]


class RouteTable:
    """Which operations answer a path; several may share one, told apart by what they need."""

    def __init__(self, operations: Sequence[StoredOperation]) -> None:
        self._routes = [
            (operation, route) for operation in operations for route in operation.routes
        ]

    def matches(self, path: str) -> list[Match]:
        return [
            Match(operation, route, texts)
            for operation, route in self._routes
            if (texts := route.path.match(path)) is not None
        ]


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


def load(folder: Path, schema: GraphQLSchema) -> list[StoredOperation]:
    """All operations below the folder. Raises InvalidStoredDocument."""
    reader = _Reader(schema)
    operations: list[StoredOperation] = []
    for file in sorted(folder.glob("*.graphql")):
        try:
            operations.extend(reader.read(file))
        except GraphQLError as error:
            raise InvalidStoredDocument(f"{file.name}: {error}") from error
    return operations


class _Reader:
    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
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
        try:
            return retirement(self._directives.first("retires", node) or {})
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


MAXIMUM_INT = 2**31 - 1
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


async def read_body(request: Request) -> Any:
    """The JSON or form body as it came; an empty one is an empty object. Raises Refusal."""
    kind, parameters = parse_options_header(request.headers.get("content-type", ""))
    content_type = kind.decode("latin-1").strip().lower()
    if content_type in FORM_TYPES:
        return await _form(request, parameters.get(b"charset", b"utf-8"))
    content = await request.body()
    if not content:
        return {}
    if content_type == "application/json":
        return _json(content)
    raise Refusal(415, {"detail": f'Unsupported media type "{content_type}" in request.'})


def path_variables(operation: StoredOperation, texts: Mapping[str, str]) -> dict[str, Any]:
    """Raises Refusal where a text can't be an id: then there is no such thing."""
    types = {variable.name: variable.type for variable in operation.variables}
    return {
        name: _database_id(text) if types[name] == "Int" else text for name, text in texts.items()
    }


def body_variables(operation: StoredOperation, route: Route, body: Any) -> dict[str, Any]:
    """What the body says about the operation's variables; other keys have no effect.

    Raises Refusal with a complaint for each variable that is missing or no string.
    """
    if not isinstance(body, dict):
        message = f"Invalid data. Expected a dictionary, but got {_json_type(body)}."
        raise invalid_input(route.method, {"non_field_errors": [message]})
    wanted = operation.body_variables(route)
    complaints = {
        variable.name: [complaint]
        for variable in wanted
        if (complaint := _complaint(variable, body))
    }
    if complaints:
        raise invalid_input(route.method, complaints)
    return {variable.name: body[variable.name] for variable in wanted if variable.name in body}


def fits(operation: StoredOperation, route: Route, body: Any) -> bool:
    """True when the body has everything that the operation can't do without."""
    return isinstance(body, dict) and all(
        variable.name in body for variable in operation.body_variables(route) if variable.required
    )


def _complaint(variable: Variable, body: Mapping[str, Any]) -> str | None:
    if variable.name not in body:
        return "This field is required." if variable.required else None
    value = body[variable.name]
    if value is None:
        return "This field may not be null." if variable.required else None
    return None if isinstance(value, str) else "Not a valid string."


def _database_id(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAXIMUM_INT:
        return int(text)
    raise Refusal(404, {"detail": "Not found."})


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, {"detail": f"JSON parse error - {error}"}) from None


async def _form(request: Request, charset: bytes) -> dict[str, Any]:
    # some of Python's codecs take minutes for a megabyte, or let half characters through
    if charset.lower() not in (b"utf-8", b"utf8"):
        raise Refusal(415, {"detail": "Send forms in UTF-8."})
    try:
        async with request.form(max_files=0) as form:
            return dict(form)
    except HTTPException as error:
        raise Refusal(error.status_code, {"detail": f"Form parse error - {error.detail}"}) from None


def _json_type(value: Any) -> str:
    names = {list: "list", str: "str", bool: "bool", int: "int", float: "float"}
    return names.get(type(value), "null")


HEADERS = {
    "Deprecation": "Since when clients should not rely on the route any more (RFC 9745).",
    "Sunset": "From when on the route may be gone (RFC 8594).",
}


@dataclass(frozen=True, slots=True)
class Retirement:
    """Raises ValueError for a sunset before the deprecation."""

    deprecation: datetime | None = None
    sunset: datetime | None = None

    def __post_init__(self) -> None:
        if self.deprecation and self.sunset and self.sunset < self.deprecation:
            raise ValueError("the sunset is not before the deprecation")

    @property
    def texts(self) -> dict[str, str | None]:
        """In ISO 8601, by the names of the attributes."""
        moments = {"deprecation": self.deprecation, "sunset": self.sunset}
        return {name: at.isoformat() if at else None for name, at in moments.items()}

    @property
    def headers(self) -> dict[str, str]:
        headers = {}
        if self.deprecation:
            headers["Deprecation"] = f"@{int(self.deprecation.timestamp())}"
        if self.sunset:
            headers["Sunset"] = format_datetime(self.sunset, usegmt=True)
        return headers


def retirement(texts: Mapping[str, str]) -> Retirement:
    """From the arguments of a directive. Raises ValueError."""
    return Retirement(**{name: moment(text) for name, text in texts.items()})


def moment(text: str) -> datetime:
    """A day, at its midnight in UTC, or a time with its zone, in ISO 8601. Raises ValueError."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("use a day like 2030-01-31, or a time with its zone") from None
