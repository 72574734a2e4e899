"""The documents that the operator trusts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from graphql import DocumentNode

from portal.graphql_request import Parameters, digest
from portal.settings import SettingsError
from schema.executor import InvalidDocument

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
