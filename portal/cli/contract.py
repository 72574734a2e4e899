"""`kubeportal schema` and `kubeportal openapi`: the contract with clients, and changes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson
from graphql import (
    BreakingChange,
    DangerousChange,
    DocumentNode,
    FieldDefinitionNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    SchemaChange,
    Source,
    TypeDefinitionNode,
    build_schema,
    find_schema_changes,
    parse,
    print_ast,
    separate_operations,
)

from portal.errors import OperatorError
from portal.web.app import REST_DOCUMENTS
from portal.web.documents import manifest
from rest_compat.openapi import describe
from rest_compat.operations import load, strip
from schema.executor import Executor, problems
from schema.limits import Limits, fragments_of
from schema.root import REST_API_VERSION
from schema.root import build_schema as our_schema


class ContractError(OperatorError):
    """A schema or a document cannot be read, or clients would break."""


@click.group()
def schema() -> None:
    """Print the GraphQL schema, or check it for breaking changes."""


@schema.command("print")
def schema_print() -> None:
    """Print the schema definition (SDL)."""
    click.echo(print_schema(), nl=False)


@schema.command("check")
@click.option(
    "--against",
    default="schema.graphql",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Schema that clients rely on.",
)
@click.option(
    "--documents",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Operations of clients: a folder, a *.graphql file or a manifest. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def schema_check(against: Path, documents: tuple[Path, ...], as_json: bool) -> None:
    """Fail if clients of the committed schema would break.

    The operations of the REST API are always checked too.
    """
    report = check_schema(against, documents)
    click.echo(report.as_json() if as_json else str(report))
    if report.failure:
        raise ContractError(report.failure)


@click.group()
def openapi() -> None:
    """Print the description of the REST API."""


@openapi.command("print")
def openapi_print() -> None:
    """Print the OpenAPI description as JSON."""
    click.echo(openapi_json())


def print_schema() -> str:
    return Executor(our_schema()).sdl


def check_schema(committed: Path, paths: Sequence[Path] = ()) -> Compatibility:
    """Compare the current schema with the committed one, for the operations of REST and of `paths`.

    Raises ContractError for a file that cannot be read.
    """
    documents = [document for path in (REST_DOCUMENTS, *paths) for document in read_documents(path)]
    return compare(_read_schema(committed), build_schema(print_schema()), documents)


def openapi_json() -> str:
    operations = load(REST_DOCUMENTS, Executor(our_schema()).graphql_schema)
    description = describe(operations, version=REST_API_VERSION)
    return orjson.dumps(description, option=orjson.OPT_INDENT_2).decode()


def _read_schema(file: Path) -> GraphQLSchema:
    try:
        return build_schema(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContractError(
            f"{file}: there is no such file. Name the schema that clients rely on with --against."
        ) from None
    except (GraphQLError, TypeError) as error:
        raise ContractError(f"{file} is not a valid schema: {error}") from None


GUARD = "guard"
SEVERITIES = ("breaking", "dangerous", "safe")


@dataclass(frozen=True, slots=True)
class Change:
    """`severity` is one of SEVERITIES, for clients of the old schema."""

    severity: str
    type: str
    description: str

    @property
    def breaks(self) -> bool:
        return self.severity == "breaking"


def changes_between(old: GraphQLSchema, new: GraphQLSchema) -> list[Change]:
    """The most severe ones first."""
    changes = [
        *(_change(change) for change in find_schema_changes(old, new)),
        *_changed_guards(old, new),
        *_changed_one_ofs(old, new),
        *_deprecations(old, new),
    ]
    return sorted(changes, key=lambda change: SEVERITIES.index(change.severity))


def _change(change: SchemaChange) -> Change:
    return Change(_severity(change), change.type.name, change.description)


def _severity(change: SchemaChange) -> str:
    if isinstance(change, BreakingChange):
        return "breaking"
    return "dangerous" if isinstance(change, DangerousChange) else "safe"


def _changed_guards(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    """Another permission may be required than before."""
    before, now = dict(_guards(old)), dict(_guards(new))
    for place, guard in now.items():
        if place in before and guard != before[place]:
            text = f"{place} had {before[place] or 'no guard'}, now it has {guard or 'none'}."
            yield Change("dangerous", "GUARD_CHANGED", text)


def _changed_one_ofs(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    for name, kind in new.type_map.items():
        before = old.type_map.get(name)
        if isinstance(kind, GraphQLInputObjectType) and isinstance(before, GraphQLInputObjectType):
            if kind.is_one_of and not before.is_one_of:
                text = f"{name} takes exactly one of its fields now."
                yield Change("breaking", "ONE_OF_ADDED", text)
            if before.is_one_of and not kind.is_one_of:
                yield Change("safe", "ONE_OF_REMOVED", f"{name} takes several of its fields now.")


def _deprecations(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    before = dict(_reasons(old))
    for place, reason in _reasons(new):
        if reason and place in before and not before[place]:
            yield Change("safe", "DEPRECATED", f"{place} is deprecated now: {reason}")


def _reasons(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """The deprecation reason of each field, argument and enum value, by its coordinate."""
    for name, kind in schema.type_map.items():
        members = {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}
        for key, member in members.items():
            yield f"{name}.{key}", member.deprecation_reason
            for argument, definition in getattr(member, "args", {}).items():
                yield f"{name}.{key}({argument}:)", definition.deprecation_reason


def _guards(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """The guard of each type and field in the SDL, by its coordinate."""
    for name, kind in schema.type_map.items():
        if kind.ast_node:
            yield name, _guard(kind.ast_node)
            for key, field in getattr(kind, "fields", {}).items():
                yield f"{name}.{key}", _guard(field.ast_node)


def _guard(node: TypeDefinitionNode | FieldDefinitionNode) -> str:
    guards = [each for each in node.directives or () if each.name.value == GUARD]
    return " ".join(map(print_ast, guards))


@dataclass(frozen=True, slots=True)
class Compatibility:
    """The changes, and the operations that are no longer valid; `documents` is their number."""

    changes: list[Change]
    broken: list[BrokenDocument]
    documents: int

    @property
    def failure(self) -> str | None:
        """Why clients would break, in one line; None if they would not."""
        breaking = sum(change.breaks for change in self.changes)
        if not breaking and not self.broken:
            return None
        return (
            f"Clients would break. Breaking changes: {breaking};"
            f" invalid documents: {len(self.broken)} of {self.documents}."
        )

    def __str__(self) -> str:
        changes = [f"{change.severity}: {change.description}" for change in self.changes]
        return "\n".join([*changes, *map(str, self.broken)]) or "Nothing changed."

    def as_json(self) -> str:
        report = {
            "compatible": self.failure is None,
            "changes": self.changes,
            "documents": self.documents,
            "broken": [broken.as_json() for broken in self.broken],
        }
        return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode()


def compare(old: GraphQLSchema, new: GraphQLSchema, documents: Sequence[Document]) -> Compatibility:
    return Compatibility(
        changes=changes_between(old, new),
        broken=list(broken_documents(documents, new)),
        documents=len(documents),
    )


@dataclass(frozen=True, slots=True)
class Document:
    """An operation with its fragments."""

    file: Path
    operation: str
    tree: DocumentNode


@dataclass(frozen=True, slots=True)
class BrokenDocument:
    """A document that is not valid for a schema, or exceeds the limits."""

    document: Document
    errors: list[GraphQLError]

    def __str__(self) -> str:
        where = f"{self.document.operation} in {self.document.file}"
        return "\n".join(f"broken: {where}{_line(each)}: {each.message}" for each in self.errors)

    def as_json(self) -> dict[str, Any]:
        return {
            "operation": self.document.operation,
            "file": str(self.document.file),
            "errors": [error.formatted for error in self.errors],
        }


def read_documents(path: Path) -> Iterator[Document]:
    """Every operation in a file, or in the files below a folder.

    A *.graphql file may spread fragments of other files of the folder. A *.json file is a manifest
    of trusted documents; other JSON files in a folder are ignored. Raises ContractError.
    """
    if not path.is_dir():
        yield from _manifest(path) if path.suffix == ".json" else _operations([path])
        return
    sources = sorted(path.rglob("*.graphql"))
    manifests = [file for file in sorted(path.rglob("*.json")) if _is_manifest(file)]
    if not sources and not manifests:
        raise ContractError(f"{path} contains no *.graphql file and no manifest.")
    yield from _operations(sources)
    for file in manifests:
        yield from _manifest(file)


def broken_documents(
    documents: Iterable[Document], schema: GraphQLSchema
) -> Iterator[BrokenDocument]:
    for document in documents:
        if errors := problems(schema, document.tree, Limits()):
            yield BrokenDocument(document, errors)


def _operations(files: Iterable[Path]) -> Iterator[Document]:
    trees = {file: _parse(_text(file), file) for file in files}
    shared: dict[str, FragmentDefinitionNode] = {}
    for tree in trees.values():
        shared.update(fragments_of(tree))
    for file, tree in trees.items():
        own = fragments_of(tree)
        others = [node for name, node in shared.items() if name not in own]
        yield from _separate(DocumentNode(definitions=(*tree.definitions, *others)), file)


def _manifest(file: Path) -> Iterator[Document]:
    try:
        texts = manifest(_text(file))
    except ValueError as error:
        raise ContractError(f"{file} cannot be read: {error}") from None
    for _, text in texts:
        yield from _separate(_parse(text, file), file)


def _is_manifest(file: Path) -> bool:
    """Whether a JSON file has the form of a manifest, and at least one text is GraphQL."""
    try:
        texts = manifest(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return any(map(_is_graphql, (text for _, text in texts)))


def _is_graphql(text: str) -> bool:
    try:
        parse(text, no_location=True)
    except GraphQLError:
        return False
    return True


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except ValueError as error:
        raise ContractError(f"{file} cannot be read: {error}") from None


def _parse(text: str, file: Path) -> DocumentNode:
    try:
        return strip(parse(Source(text, str(file))))
    except GraphQLError as error:
        raise ContractError(f"{file} is not valid GraphQL: {error}") from None


def _separate(tree: DocumentNode, file: Path) -> Iterator[Document]:
    for operation, part in separate_operations(tree).items():
        yield Document(file, operation or "the operation", part)


def _line(error: GraphQLError) -> str:
    return f":{error.locations[0].line}" if error.locations else ""
