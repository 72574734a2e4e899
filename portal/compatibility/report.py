from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from graphql import GraphQLSchema

from portal.compatibility.changes import Change, changes_between
from portal.compatibility.documents import BrokenDocument, Document, broken_documents


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
