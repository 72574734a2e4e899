"""Operations that clients are known to use, and how a schema suits them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    Source,
    parse,
    separate_operations,
    validate,
)

from portal.compatibility.errors import ContractError
from portal.documents.folder import manifest
from rest_compat.directives import strip


@dataclass(frozen=True, slots=True)
class Document:
    """One operation with its fragments."""

    file: Path
    operation: str
    tree: DocumentNode


@dataclass(frozen=True, slots=True)
class BrokenDocument:
    """A document that a schema does not suit."""

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
    """Every operation of a file, or of the *.graphql files below a folder.

    A *.json file is a manifest of trusted documents. Raises ContractError.
    """
    files = sorted(path.rglob("*.graphql")) if path.is_dir() else [path]
    if not files:
        raise ContractError(f"{path} holds no *.graphql file.")
    for file in files:
        try:
            yield from _operations(file)
        except ValueError as error:
            raise ContractError(f"{file} can't be read: {error}") from None
        except GraphQLError as error:
            raise ContractError(f"{file} is no GraphQL: {error}") from None


def _operations(file: Path) -> Iterator[Document]:
    text = file.read_text(encoding="utf-8")
    texts = [each for _, each in manifest(text)] if file.suffix == ".json" else [text]
    for each in texts:
        parts = separate_operations(strip(parse(Source(each, str(file)))))
        for operation, part in parts.items():
            yield Document(file, operation or "the operation", part)


def broken_documents(
    documents: Iterable[Document], schema: GraphQLSchema
) -> Iterator[BrokenDocument]:
    for document in documents:
        if errors := validate(schema, document.tree):
            yield BrokenDocument(document, errors)


def _line(error: GraphQLError) -> str:
    return f":{error.locations[0].line}" if error.locations else ""
