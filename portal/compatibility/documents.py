"""Operations that clients are known to use, and how a schema suits them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Source,
    parse,
    separate_operations,
)

from portal.compatibility.errors import ContractError
from portal.documents.folder import manifest
from rest_compat.directives import strip
from schema.documents import problems
from schema.limits.fragments import fragments_of
from schema.limits.limits import Limits


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
