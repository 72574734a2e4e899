"""The GraphQL documents that a client may name instead of sending them.

Trusted documents are those of the portal itself and those in a folder of the operator. Automatic
persisted queries are documents that a client has sent once, along with their hash.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson
from cachetools import LRUCache
from graphql import DocumentNode, FieldNode, GraphQLError, OperationDefinitionNode
from pydantic import BaseModel, TypeAdapter, ValidationError

from portal.settings import PREFIX as SETTINGS_PREFIX
from portal.settings import Settings, SettingsError
from resolvers.errors import ErrorCode
from rest_compat.operations import StoredOperation
from schema.executor import Executor, InvalidDocument

logger = logging.getLogger(__name__)

Policy = Literal["any", "report", "trusted"]

# Those that the command `kubeportal` and the playground send
OWN_DOCUMENTS = Path(__file__).parents[1] / "documents"
PREFIX = "sha256:"
VARIABLE = f"{SETTINGS_PREFIX}GRAPHQL_DOCUMENTS_PATH"
UNKNOWN_ID = "No document has this `documentId`."
# Clients of automatic persisted queries look for this text
UNKNOWN_HASH = "PersistedQueryNotFound"
NOT_TRUSTED = "This portal runs trusted documents only: send the `documentId` of one."
# In characters. Each document counts for a minimum, as short ones take memory as well
PERSISTED = 1_000_000
LONGEST_PERSISTED = 10_000
SHORTEST_PERSISTED = 200
REPORTED = 1000
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Parameters:
    """A GraphQL request. It has a `query`, a `document_id`, a `sha256`, or `query` and `sha256`.

    The last means that the document may be named by its hash from now on.
    """

    query: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    document_id: str | None = None
    sha256: str | None = None


class Documents:
    """Finds the document of a request, for all transports.

    The policy `report` logs documents that are not trusted, and `trusted` refuses them, from
    administrators as well, so that a stolen token of theirs can do no more. Documents about the
    schema alone are always allowed, as health checks and tools send them.
    """

    def __init__(self, executor: Executor, trusted: TrustedDocuments, policy: Policy) -> None:
        self._executor = executor
        self._trusted = trusted
        self._policy = policy
        self._persisted: LRUCache[str, str] = LRUCache(
            PERSISTED, getsizeof=lambda text: max(len(text), SHORTEST_PERSISTED)
        )
        self._reported: LRUCache[str, bool] = LRUCache(REPORTED)

    def prepare(self, parameters: Parameters, client: str) -> DocumentNode:
        """Raises InvalidDocument."""
        trusted = self._trusted.find(parameters)
        if trusted is not None:
            return trusted
        text = self._text(parameters)
        document = self._executor.prepare(text)
        if self._policy != "any" and not _is_about_schema(document):
            if self._policy == "trusted":
                raise InvalidDocument(ErrorCode.DOCUMENT_NOT_TRUSTED, [GraphQLError(NOT_TRUSTED)])
            self._report(text, document, client)
        if parameters.sha256 is not None and len(text) <= LONGEST_PERSISTED:
            self._persisted[parameters.sha256] = text
        return document

    def _text(self, parameters: Parameters) -> str:
        if parameters.query is not None:
            return parameters.query
        document_id = parameters.document_id
        text = self._persisted.get(parameters.sha256 or (document_id or "").removeprefix(PREFIX))
        if text is not None:
            return text
        message = UNKNOWN_HASH if document_id is None else UNKNOWN_ID
        raise InvalidDocument(ErrorCode.PERSISTED_QUERY_NOT_FOUND, [GraphQLError(message)])

    def _report(self, text: str, document: DocumentNode, client: str) -> None:
        """Logs a document once: not its text, which may hold secrets, but its hash."""
        sha256 = digest(text)
        if sha256 not in self._reported:
            self._reported[sha256] = True
            name = _operation_name(document)
            logger.warning("Not trusted: operation %s, sha256:%s, from %s", name, sha256, client)


def digest(text: str) -> str:
    """The SHA-256 of a document, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _operation_name(document: DocumentNode) -> str:
    names = (
        each.name.value
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode) and each.name
    )
    return next(names, "without a name")[:LONGEST_NAME]


def _is_about_schema(document: DocumentNode) -> bool:
    """Whether every operation selects `__schema`, `__type` or `__typename` and nothing else."""
    operations = (
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    )
    return all(
        isinstance(selection, FieldNode) and selection.name.value.startswith("__")
        for operation in operations
        for selection in operation.selection_set.selections
    )


class TrustedDocuments:
    """Documents by their own ids and by the hashes of their texts."""

    def __init__(self, documents: Mapping[str, DocumentNode] | None = None) -> None:
        self._documents = dict(documents or {})

    def copy(self) -> TrustedDocuments:
        return TrustedDocuments(self._documents)

    def add(self, document_id: str, text: str, document: DocumentNode) -> None:
        """Raises ValueError for the id of another document."""
        hash_id = f"{PREFIX}{digest(text)}"
        if document_id.startswith(PREFIX) and document_id != hash_id:
            raise ValueError(f"{document_id} is not the hash of the document")
        document = self._documents.setdefault(hash_id, document)
        if self._documents.setdefault(document_id, document) is not document:
            raise ValueError(f"another document has the id {document_id}")

    def find(self, parameters: Parameters) -> DocumentNode | None:
        """By id, by hash, or by text: a client that sends a trusted document need not know it."""
        if parameters.query is not None:
            ids = [f"{PREFIX}{digest(parameters.query)}"]
        elif parameters.document_id is not None:
            ids = [parameters.document_id]
        else:
            # Some manifests use the hash alone, or another id, as the id of a document
            ids = [f"{PREFIX}{parameters.sha256}", parameters.sha256 or ""]
        return next((self._documents[each] for each in ids if each in self._documents), None)


class TrustedDocument(NamedTuple):
    """`file` is its origin, for errors."""

    id: str
    text: str
    file: Path


def portal_documents(operations: Iterable[StoredOperation], executor: Executor) -> TrustedDocuments:
    """The documents of the REST API, the playground and the command."""
    trusted = TrustedDocuments()
    for operation in operations:
        trusted.add(operation.name, operation.source, operation.document)
    for document_id, text, _ in read_documents(OWN_DOCUMENTS):
        trusted.add(document_id, text, executor.prepare(text))
    return trusted


def load_documents(settings: Settings, ours: TrustedDocuments, executor: Executor) -> Documents:
    """`ours` and those of the operator. Raises SettingsError for one that is not valid."""
    trusted = ours.copy()
    if settings.graphql_documents_path is not None:
        for document in read_documents(settings.graphql_documents_path):
            try:
                trusted.add(document.id, document.text, executor.prepare(document.text))
            except (InvalidDocument, ValueError) as error:
                raise SettingsError(f"{VARIABLE}: {document.file.name}: {_reason(error)}") from None
    return Documents(executor, trusted, settings.graphql_documents)


def _reason(error: InvalidDocument | ValueError) -> str:
    if isinstance(error, ValueError):
        return str(error)
    first = error.errors[0]
    place = f" (line {first.locations[0].line})" if first.locations else ""
    return f"{first.message}{place}"


class ManifestOperation(BaseModel):
    id: str
    body: str


class ApolloManifest(BaseModel):
    """What Apollo's `generate-persisted-query-manifest` writes."""

    format: Literal["apollo-persisted-query-manifest"]
    version: Literal[1]
    operations: list[ManifestOperation]


# What GraphQL Code Generator and the compiler of Relay write: documents by their ids
DocumentsById = TypeAdapter(dict[str, str])


def read_documents(folder: Path) -> Iterator[TrustedDocument]:
    """The id of a `*.graphql` file is its name; `*.json` files are manifests.

    Raises SettingsError, which names the file.
    """
    if not folder.is_dir():
        raise SettingsError(f"{VARIABLE}: {folder} is not a folder")
    for file in sorted(folder.iterdir()):
        if file.suffix in (".graphql", ".json"):
            for document_id, text in _read(file):
                yield TrustedDocument(document_id, text, file)


def _read(file: Path) -> list[tuple[str, str]]:
    origin = f"{VARIABLE}: {file.name}"
    try:
        text = file.read_text(encoding="utf-8")
        return [(file.stem, text)] if file.suffix == ".graphql" else manifest(text)
    except OSError as error:
        raise SettingsError(f"{origin}: {error.strerror}") from None
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise SettingsError(f"{origin}: not a manifest: {place} {problem['msg']}") from None
    except ValueError as error:
        raise SettingsError(f"{origin}: {error}") from None


def manifest(text: str) -> list[tuple[str, str]]:
    """The documents of a manifest, by their ids. Raises ValueError."""
    content = orjson.loads(text)
    if isinstance(content, dict) and "format" in content:
        operations = ApolloManifest.model_validate(content).operations
        return [(operation.id, operation.body) for operation in operations]
    return list(DocumentsById.validate_python(content).items())
