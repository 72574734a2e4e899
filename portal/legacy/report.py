"""What an import has done, or would do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

import orjson

from portal.logs import printable

SHOWN_REMARKS = 20
WIDTH = 9


class Rule(StrEnum):
    """Why something is not here as it was there."""

    ACCESS_WITHOUT_ACCOUNT = "approved without a service account: not approved here"
    ACCOUNT_UNFIT = "no service account that Kubernetes can have"
    ACCOUNT_SHARED = "a service account of several users: kept"
    ACCOUNT_WITHOUT_ACCESS = "a service account without approval: not granted here"
    ACCOUNTS_UNUSED = "accounts and namespaces of nobody: left"
    ADDRESS_TAKEN = "a verified address of somebody else: left"
    ADDRESS_UNFIT = "no e-mail address: left"
    ADDRESS_UNVERIFIED = "addresses that were never verified: no proof of who somebody is"
    ADMINISTRATORS_BY_RULE = "a group that fills itself and makes administrators"
    CATEGORY_UNKNOWN = "a category that does not exist here: left"
    CHANGED_HERE = "changed there and here: kept as it is here"
    DANGLING = "refers to something that is not there: left"
    DATE_UNFIT = "no date: left, or the time of the import where there has to be one"
    GONE_HERE = "deleted here: left"
    GONE_THERE = "deleted there: kept here"
    ID_TAKEN = "the id can't be kept: it has another one here"
    IDENTITY_LEFT = "an identity that can't sign in here: left"
    LINK_UNFIT = "no address for a link: left"
    MEMBERS_BY_RULE = "a group that fills itself: its members are not copied"
    MEMBERSHIP_RULE_UNKNOWN = "a group that filled itself by a rule that does not exist here"
    NAME_TAKEN = "a name that is taken here: it got a suffix"
    PASSWORD_UNKNOWN = "a password of an unknown kind: the user needs a new one"  # noqa: S105
    STAFF_WITHOUT_GROUP = "could use the administration there, and is in no group that may"
    TEXT_ADAPTED = "a text that does not fit: cut, or without its control characters"


@dataclass(slots=True)
class Counts:
    """Of one table. `there` is how many rows it has; `gone` were deleted since they were taken."""

    there: int = 0
    new: int = 0
    same: int = 0
    changed: int = 0
    left: int = 0
    gone: int = 0


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
    """Holds no passwords and no hashes."""

    source: str
    release: str
    dry_run: bool
    tables: dict[str, Counts] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)

    def table(self, name: str) -> Counts:
        return self.tables.setdefault(name, Counts())

    def note(self, rule: Rule, subject: str, detail: str = "") -> None:
        self.remarks.append(Remark(rule, subject, detail))

    def complete(self) -> None:
        """Once everything is counted: what was not taken was left."""
        for counts in self.tables.values():
            counts.left = max(0, counts.there - counts.new - counts.same - counts.changed)

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
        yield f"{self.source}, of release {self.release}"
        if self.dry_run:
            yield "Dry run: nothing was changed. It would be:"

    def _counts(self) -> Iterator[str]:
        width = max(map(len, self.tables), default=0)
        yield " " * width + "".join(f"{column:>{WIDTH}}" for column in COLUMNS)
        for name, counts in self.tables.items():
            numbers = (getattr(counts, column) for column in COLUMNS)
            yield f"{name:<{width}}" + "".join(f"{number:>{WIDTH}}" for number in numbers)

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
