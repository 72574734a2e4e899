"""Which document a request asks for, and whether it may be run."""

from __future__ import annotations

from typing import Literal

from graphql import DocumentNode, FieldNode, GraphQLError, OperationDefinitionNode

from portal.documents.kept import KeptDocuments
from portal.documents.report import Report
from portal.documents.trusted import PREFIX, TrustedDocuments
from portal.graphql_request import Parameters
from resolvers.errors import ErrorCode
from schema.executor import Executor, InvalidDocument

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
