"""What is different between two schemas, and how much of it clients feel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    """A schema or a document can't be read, or clients would break."""


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
    """The most serious ones come first."""
    found = [
        *(_change(change) for change in find_schema_changes(old, new)),
        *_changed_guards(old, new),
        *_changed_one_ofs(old, new),
        *_deprecations(old, new),
    ]
    return sorted(found, key=lambda change: SEVERITIES.index(change.severity))


def _change(change: SchemaChange) -> Change:
    return Change(_severity(change), change.type.name, change.description)


def _severity(change: SchemaChange) -> str:
    if isinstance(change, BreakingChange):
        return "breaking"
    return "dangerous" if isinstance(change, DangerousChange) else "safe"


def _changed_guards(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    """Clients may be refused what they were given before."""
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
    """Why each field, argument and value of an enum is deprecated, by its place."""
    for name, kind in schema.type_map.items():
        members = {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}
        for key, member in members.items():
            yield f"{name}.{key}", member.deprecation_reason
            for argument, definition in getattr(member, "args", {}).items():
                yield f"{name}.{key}({argument}:)", definition.deprecation_reason


def _guards(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """The guard of each type and field that is written in the SDL, by its place."""
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
    """What changed, and which of so many known documents do not fit."""

    changes: list[Change]
    broken: list[BrokenDocument]
    documents: int

    @property
    def objection(self) -> str | None:
        """Why clients break, in one line; None when they don't."""
        breaking = sum(change.breaks for change in self.changes)
        if not breaking and not self.broken:
            return None
        return (
            f"Clients would break. Breaking changes: {breaking};"
            f" known documents that do not fit: {len(self.broken)} of {self.documents}."
        )

    def __str__(self) -> str:
        changes = [f"{change.severity}: {change.description}" for change in self.changes]
        return "\n".join([*changes, *map(str, self.broken)]) or "Nothing changed."

    def as_json(self) -> str:
        report = {
            "compatible": self.objection is None,
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
    """One operation with its fragments."""

    file: Path
    operation: str
    tree: DocumentNode


@dataclass(frozen=True, slots=True)
class BrokenDocument:
    """A document that a schema does not suit, or that is beyond the limits."""

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
    """Every operation of a file, or of the files below a folder.

    A *.graphql file may spread the fragments of the other ones. A *.json file is a manifest of
    trusted documents; among those of a folder there may be others. Raises ContractError.
    """
    if not path.is_dir():
        yield from _manifest(path) if path.suffix == ".json" else _operations([path])
        return
    sources = sorted(path.rglob("*.graphql"))
    manifests = [file for file in sorted(path.rglob("*.json")) if _is_manifest(file)]
    if not sources and not manifests:
        raise ContractError(f"{path} holds no *.graphql file and no manifest.")
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
    trees = {file: _parsed(_text(file), file) for file in files}
    shared: dict[str, FragmentDefinitionNode] = {}
    for tree in trees.values():
        shared.update(fragments_of(tree))
    for file, tree in trees.items():
        own = fragments_of(tree)
        others = [node for name, node in shared.items() if name not in own]
        yield from _separated(DocumentNode(definitions=(*tree.definitions, *others)), file)


def _manifest(file: Path) -> Iterator[Document]:
    try:
        texts = manifest(_text(file))
    except ValueError as error:
        raise ContractError(f"{file} can't be read: {error}") from None
    for _, text in texts:
        yield from _separated(_parsed(text, file), file)


def _is_manifest(file: Path) -> bool:
    """Many a JSON file holds texts by their names, but not the texts of operations."""
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
        raise ContractError(f"{file} can't be read: {error}") from None


def _parsed(text: str, file: Path) -> DocumentNode:
    try:
        return strip(parse(Source(text, str(file))))
    except GraphQLError as error:
        raise ContractError(f"{file} is no GraphQL: {error}") from None


def _separated(tree: DocumentNode, file: Path) -> Iterator[Document]:
    for operation, part in separate_operations(tree).items():
        yield Document(file, operation or "the operation", part)


def _line(error: GraphQLError) -> str:
    return f":{error.locations[0].line}" if error.locations else ""


def print_schema() -> str:
    return Executor(our_schema()).sdl


def check_schema(committed: Path, paths: Sequence[Path] = ()) -> Compatibility:
    """Compares with the committed schema; the documents of REST and of the paths are known.

    Raises ContractError where a file can't be read.
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
            f"{file}: there is no such file; name the schema that clients rely on with --against"
        ) from None
    except (GraphQLError, TypeError) as error:
        raise ContractError(f"{file} is no schema: {error}") from None
