"""The folder in which an operator keeps documents of clients."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson
from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
)
from pydantic import BaseModel, TypeAdapter, ValidationError

from portal.cli.client import CREDENTIAL, LOGIN
from portal.settings import PREFIX, Settings, SettingsError
from portal.web import playground
from resolvers.errors import ErrorCode
from rest_compat.operations import StoredOperation
from schema.executor import Executor, InvalidDocument


@dataclass(frozen=True, slots=True)
class Parameters:
    """The document is given as `query`, or named by `document_id` or by `sha256`.

    Both of `query` and `sha256` mean that the document may be named by its hash from now on.
    """

    query: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    document_id: str | None = None
    sha256: str | None = None


def digest(text: str) -> str:
    """The SHA-256 of a document, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


logger = logging.getLogger(__name__)
MAXIMUM_REPORTED = 1000
LONGEST_NAME = 100


class Report:
    """Logs each document that is not trusted, once: its text may hold secrets, its hash does not.

    After MAXIMUM_REPORTED documents it says so and is silent.
    """

    def __init__(self) -> None:
        self._reported: set[str] = set()

    def note(self, text: str, document: DocumentNode, client: str) -> None:
        sha256 = digest(text)
        if len(self._reported) > MAXIMUM_REPORTED or sha256 in self._reported:
            return
        self._reported.add(sha256)
        if len(self._reported) > MAXIMUM_REPORTED:
            logger.warning("Further documents that are not trusted are not reported.")
            return
        name = _operation_name(document)
        logger.warning("Not trusted: operation %s, sha256:%s, from %s", name, sha256, client)


def _operation_name(document: DocumentNode) -> str:
    names = (
        each.name.value
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode) and each.name
    )
    return next(names, "without a name")[:LONGEST_NAME]


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


LONGEST = 10_000
OVERHEAD = 200


class KeptDocuments:
    """What clients have sent along with its hash, so that the hash will do the next time.

    `characters` bounds all of them together: the ones used lately stay. A document that is very
    long is not kept.
    """

    def __init__(self, characters: int = 1_000_000) -> None:
        self._texts: LRUCache[str, str] = LRUCache(characters, getsizeof=_size)

    def get(self, digest: str) -> str | None:
        return self._texts.get(digest)

    def keep(self, digest: str, text: str) -> None:
        if len(text) <= LONGEST:
            self._texts[digest] = text


def _size(text: str) -> int:
    """Short documents take room as well."""
    return len(text) + OVERHEAD


PREFIX = "sha256:"


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """`origin` is for complaints: where the operator finds it."""

    id: str
    text: str
    origin: str


class TrustedDocuments:
    """Each has its own id and, from its text, another one. Once prepared, they stay so."""

    def __init__(self, prepare: Callable[[str], DocumentNode]) -> None:
        self._prepare = prepare
        self._texts: dict[str, str] = {}
        self._prepared: dict[str, DocumentNode | None] = {}

    def add(self, document: NamedDocument) -> None:
        """Raises SettingsError for an id that means another document."""
        own, from_text = document.id, f"{PREFIX}{digest(document.text)}"
        if own.startswith(PREFIX) and own != from_text:
            raise SettingsError(f"{document.origin}: {own} is not the hash of the text")
        if self._texts.setdefault(own, document.text) != document.text:
            raise SettingsError(f"{document.origin}: another document has the id {own}")
        self._texts[from_text] = document.text
        self._prepared.setdefault(document.text)

    def check(self, document: NamedDocument) -> None:
        """Prepares it at once. Raises SettingsError where it can't be run."""
        try:
            self._prepared[document.text] = self._prepare(document.text)
        except InvalidDocument as error:
            raise SettingsError(f"{document.origin}: {_complaint(error)}") from None

    def find(self, parameters: Parameters) -> DocumentNode | None:
        """By its id, by its hash, or as it is: who sends a trusted document need not know it."""
        text = parameters.query
        if text is None:
            known = (self._texts[each] for each in _ids(parameters) if each in self._texts)
            text = next(known, None)
        if text is None or text not in self._prepared:
            return None
        document = self._prepared[text]
        if document is None:
            document = self._prepared[text] = self._prepare(text)
        return document


def _ids(parameters: Parameters) -> tuple[str, ...]:
    """Manifests name documents by the bare hash, or by any id that clients send in its place."""
    if parameters.document_id is not None:
        return (parameters.document_id,)
    return (f"{PREFIX}{parameters.sha256}", parameters.sha256 or "")


def _complaint(invalid: InvalidDocument) -> str:
    error = invalid.errors[0]
    place = f" (line {error.locations[0].line})" if error.locations else ""
    return f"{error.message}{place}"


Policy = Literal["any", "report", "trusted"]
UNKNOWN_ID = "No document has this `documentId`."
# Clients of automatic persisted queries look for this text
UNKNOWN_HASH = "PersistedQueryNotFound"
NOT_TRUSTED = "Only trusted documents are run here: send the `documentId` of one."


class Documents:
    """Where all transports get their documents.

    `report` logs those that are not trusted, and `trusted` refuses them: to administrators as
    well, so that a stolen token of theirs can do no more. Documents about nothing but the schema
    are always run, as health checks and tools send them.
    """

    def __init__(self, executor: Executor, trusted: TrustedDocuments, policy: Policy) -> None:
        self._executor = executor
        self._trusted = trusted
        self._policy = policy
        self._kept = KeptDocuments()
        self._report = Report()

    def prepare(self, parameters: Parameters, client: str) -> DocumentNode:
        """Raises InvalidDocument."""
        found = self._trusted.find(parameters)
        if found is not None:
            return found
        text = self._text(parameters)
        document = self._executor.prepare(text)
        self._judge(text, document, client)
        if parameters.sha256 is not None:
            self._kept.keep(parameters.sha256, text)
        return document

    def _text(self, parameters: Parameters) -> str:
        if parameters.query is not None:
            return parameters.query
        named = parameters.document_id
        text = self._kept.get(parameters.sha256 or (named or "").removeprefix(PREFIX))
        if text is not None:
            return text
        message = UNKNOWN_HASH if named is None else UNKNOWN_ID
        raise InvalidDocument(ErrorCode.PERSISTED_QUERY_NOT_FOUND, [GraphQLError(message)])

    def _judge(self, text: str, document: DocumentNode, client: str) -> None:
        if self._policy == "any" or _is_about_the_schema(document):
            return
        if self._policy == "trusted":
            raise InvalidDocument(ErrorCode.DOCUMENT_NOT_TRUSTED, [GraphQLError(NOT_TRUSTED)])
        self._report.note(text, document, client)


def _is_about_the_schema(document: DocumentNode) -> bool:
    """Whether every operation selects `__schema`, `__type` or `__typename` and nothing else."""
    operations = (
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    )
    return all(
        isinstance(selection, FieldNode) and selection.name.value.startswith("__")
        for operation in operations
        for selection in operation.selection_set.selections
    )


def documents_of(
    settings: Settings, operations: Iterable[StoredOperation], executor: Executor
) -> Documents:
    """Raises SettingsError for a document of the operator that can't be run."""
    trusted = TrustedDocuments(executor.prepare)
    for document in _shipped(operations):
        trusted.add(document)
    if settings.graphql_documents_path is not None:
        for document in read(settings.graphql_documents_path):
            trusted.add(document)
            trusted.check(document)
    return Documents(executor, trusted, settings.graphql_documents)


def _shipped(operations: Iterable[StoredOperation]) -> Iterator[NamedDocument]:
    """Those behind the REST API, and those that our own command and page send."""
    for operation in operations:
        yield NamedDocument(operation.name, operation.source, "rest_compat")
    yield NamedDocument("kubeportal-login", LOGIN, "portal.client")
    yield NamedDocument("kubeportal-credential", CREDENTIAL, "portal.client")
    for name, source in playground.DOCUMENTS.items():
        yield NamedDocument(name, source, "portal.playground")
