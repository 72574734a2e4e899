from __future__ import annotations

from collections.abc import Iterable, Iterator

from portal import playground
from portal.client.commands import CREDENTIAL, LOGIN
from portal.documents import folder
from portal.documents.documents import Documents
from portal.documents.trusted import NamedDocument, TrustedDocuments
from portal.settings import Settings
from rest_compat.operations import StoredOperation
from schema.executor import Executor


def documents_of(
    settings: Settings, operations: Iterable[StoredOperation], executor: Executor
) -> Documents:
    """Raises SettingsError for a document of the operator that can't be run."""
    trusted = TrustedDocuments(executor.prepare)
    for document in _shipped(operations):
        trusted.add(document)
    if settings.graphql_documents_path is not None:
        for document in folder.read(settings.graphql_documents_path):
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
