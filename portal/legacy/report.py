"""The report of an import, as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import orjson

from portal.legacy.source import LegacyError
from portal.logs import printable

SHOWN_REMARKS = 20
SHOWN_NAMES = 20
SHOWN_LENGTH = 50
WIDTH = 11


class Rule(StrEnum):
    """Why a row of the portal differs from its source. The values are headings of the report."""

    ACCESS_OF_CLOSED_ACCOUNT = "Access of a closed account: not granted"
    ACCESS_WITHOUT_ACCOUNT = "Approved without a service account: access not granted"
    ACCOUNT_INVALID = "Service account that the portal does not allow: access not granted"
    ACCOUNT_SHARED = "Service account of several users: kept"
    ACCOUNT_WITHOUT_ACCESS = "Service account without approval: access not granted"
    ADDRESS_INVALID = "Invalid e-mail address: left out"
    ADDRESS_LIMIT = "More alternative e-mail addresses than the portal allows: the first ones kept"
    ADDRESS_TAKEN = "Verified e-mail address of another user: left out"
    CATEGORY_UNKNOWN = "Unknown category: left out"
    DATE_INVALID = "Invalid date: left out, or replaced by the time of the import"
    DELETED_IN_PORTAL = "Imported before and deleted in the portal since: not imported again"
    DELETED_IN_SOURCE = "Imported before and deleted in the source since: kept in the portal"
    DIFFERENT = "Imported before and different in the source now: not changed"
    GROUP_FILLS_ITSELF = "Group that fills itself: memberships not imported"
    GROUP_MAKES_ADMINISTRATORS = "Group that fills itself: its members are no longer administrators"
    GROUP_RULE_UNKNOWN = "Group with a rule that the portal does not have: members kept, none added"
    ID_TAKEN = "Id that is not available: replaced"
    IDENTITY_UNUSABLE = "Identity that can't sign in to the portal: left out"
    LINK_INVALID = "Invalid link: left out"
    NAME_TAKEN = "Name that is taken: suffix added"
    PASSWORD_UNKNOWN = "Password hash of an unknown kind: left out"  # noqa: S105
    STAFF_NOT_ADMINISTRATOR = "Staff that is in no group of administrators: not an administrator"
    TEXT_INVALID = "Invalid text: shortened, without control characters, or replaced"


@dataclass(slots=True)
class Counts:
    """Numbers of rows. `source` is the sum of `created`, `known` and `skipped`.

    known: imported before. different: those of them that have changed on either side since.
    """

    source: int = 0
    created: int = 0
    known: int = 0
    different: int = 0
    skipped: int = 0


COLUMNS = tuple(column.name for column in fields(Counts))


@dataclass(frozen=True, slots=True)
class Remark:
    rule: Rule
    subject: str
    detail: str = ""

    def __str__(self) -> str:
        return printable(f"{self.subject}: {self.detail}" if self.detail else self.subject)


@dataclass(slots=True)
class Report:
    """Contains names and addresses, but neither passwords nor hashes."""

    source: str
    release: str
    dry_run: bool
    tables: dict[str, Counts] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)

    def table(self, title: str) -> Counts:
        return self.tables.setdefault(title, Counts())

    def note(self, rule: Rule, subject: str, detail: str = "") -> None:
        self.remarks.append(Remark(rule, subject, detail))

    def add_step(self, text: str, names: Sequence[str]) -> None:
        """Adds a next step about those names; none without a name."""
        shown = ", ".join(printable(name[:SHOWN_LENGTH]) for name in names[:SHOWN_NAMES])
        more = len(names) - SHOWN_NAMES
        if names:
            self.next_steps.append(f"{text}: {shown}{f' and {more} more' if more > 0 else ''}.")

    def count_skipped(self) -> None:
        for counts in self.tables.values():
            counts.skipped = counts.source - counts.created - counts.known

    def json(self) -> bytes:
        content: dict[str, Any] = {
            "source": self.source,
            "release": self.release,
            "dryRun": self.dry_run,
            "tables": self.tables,
            "remarks": [
                {
                    "rule": remark.rule.name,
                    "meaning": remark.rule.value,
                    "subject": remark.subject,
                    "detail": remark.detail,
                }
                for remark in self.remarks
            ],
            "next": self.next_steps,
        }
        return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def __str__(self) -> str:
        return "\n".join([*self._head(), "", *self._counts(), *self._remarks(), *self._next()])

    def _head(self) -> Iterator[str]:
        yield f"{self.source}, release {self.release}"
        if self.dry_run:
            yield "Dry run: nothing was changed. The import would do this:"

    def _counts(self) -> Iterator[str]:
        width = max(map(len, self.tables), default=0)
        yield " " * width + "".join(f"{column:>{WIDTH}}" for column in COLUMNS)
        for title, counts in self.tables.items():
            numbers = (getattr(counts, column) for column in COLUMNS)
            yield f"{title:<{width}}" + "".join(f"{number:>{WIDTH}}" for number in numbers)

    def _remarks(self) -> Iterator[str]:
        for rule in Rule:
            remarks = [remark for remark in self.remarks if remark.rule is rule]
            if not remarks:
                continue
            yield f"\n{rule.value} ({len(remarks)})"
            yield from (f"  {remark}" for remark in remarks[:SHOWN_REMARKS])
            if len(remarks) > SHOWN_REMARKS:
                yield f"  … and {len(remarks) - SHOWN_REMARKS} more: see the report as JSON"

    def _next(self) -> Iterator[str]:
        if self.next_steps:
            yield "\nWhat to do next"
            yield from (f"- {printable(step)}" for step in self.next_steps)


@contextmanager
def report_file(path: Path | None) -> Iterator[Callable[[bytes], None]]:
    """A function that writes the report to the file, which only its owner may read.

    The draft is created next to it at once, so that a place that can't be written fails before
    the import. Raises LegacyError and OSError.
    """
    if path is None:
        yield lambda content: None
        return
    target = path.resolve()
    if target.is_dir() or not target.parent.is_dir():
        raise LegacyError(f"--report: {printable(str(path))} is not a file in an existing folder")
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        draft = Path(file.name)

        def write(content: bytes) -> None:
            try:
                file.write(content)
                file.flush()
                draft.replace(target)
            except OSError as error:
                raise LegacyError(
                    f"--report: {printable(str(path))} can't be written, but the import is done:"
                    f" {error.strerror}"
                ) from None

        try:
            yield write
        finally:
            draft.unlink(missing_ok=True)
