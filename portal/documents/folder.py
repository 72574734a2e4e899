"""The folder in which an operator keeps documents of clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from portal.documents.trusted import NamedDocument
from portal.settings import PREFIX, SettingsError

VARIABLE = f"{PREFIX}GRAPHQL_DOCUMENTS_PATH"


class Operation(BaseModel):
    id: str
    body: str


class ApolloManifest(BaseModel):
    """What Apollo's `generate-persisted-query-manifest` writes."""

    format: Literal["apollo-persisted-query-manifest"]
    version: Literal[1]
    operations: list[Operation]


# What GraphQL Code Generator and the compiler of Relay write: documents by their ids
Texts = TypeAdapter(dict[str, str])


def read(folder: Path) -> Iterator[NamedDocument]:
    """A `*.graphql` file is a document with the file's name for its id; `*.json` are manifests.

    Raises SettingsError, which names the file.
    """
    if not folder.is_dir():
        raise SettingsError(f"{VARIABLE}: {folder} is no folder")
    for file in sorted(folder.iterdir()):
        if file.suffix in (".graphql", ".json"):
            origin = f"{VARIABLE}: {file.name}"
            for document_id, text in _documents(file, origin):
                yield NamedDocument(document_id, text, origin)


def _documents(file: Path, origin: str) -> list[tuple[str, str]]:
    try:
        text = file.read_text(encoding="utf-8")
        return [(file.stem, text)] if file.suffix == ".graphql" else manifest(text)
    except OSError as error:
        raise SettingsError(f"{origin}: {error.strerror}") from None
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise SettingsError(f"{origin}: no manifest: {place} {problem['msg']}") from None
    except ValueError as error:
        raise SettingsError(f"{origin}: {error}") from None


def manifest(text: str) -> list[tuple[str, str]]:
    """The documents by their ids. Raises ValueError."""
    content = orjson.loads(text)
    if isinstance(content, dict) and "format" in content:
        operations = ApolloManifest.model_validate(content).operations
        return [(operation.id, operation.body) for operation in operations]
    return list(Texts.validate_python(content).items())
