"""Texts of the former portal, made fit for this one; what that changes is noted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from email_validator import EmailNotValidError

from models.users import EMAIL_LENGTH
from portal.declared.texts import check_link
from portal.legacy.report import Report, Rule
from portal.legacy.values import BROKEN, moment, text
from portal.logs import printable
from resolvers.rules import normalize_email

SHOWN_NAME = 50


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one row; `subject` is what the report calls it."""

    report: Report
    subject: str

    def line(self, name: str, value: Any, limit: int) -> str:
        """Without control characters, and not longer than the limit."""
        given, fit = text(value), fit_line(value, limit)
        if fit != given or BROKEN in given:
            self.note(Rule.TEXT_ADAPTED, name)
        return fit

    def name(self, name: str, value: Any, limit: int, substitute: str) -> str:
        """The same, and never blank."""
        fit = fit_line(value, limit)
        if fit.strip():
            return self.line(name, value, limit)
        self.note(Rule.TEXT_ADAPTED, f"{name}: now {substitute}")
        return substitute

    def paragraph(self, name: str, value: Any, limit: int) -> str | None:
        """The same, where line breaks are spaces; None for an empty one."""
        return self.line(name, " ".join(text(value).split()), limit) or None

    def address(self, value: Any) -> str | None:
        given, fit = text(value).strip(), fit_address(value)
        if given and fit is None:
            self.note(Rule.ADDRESS_UNFIT, printable(given[:EMAIL_LENGTH]))
        return fit

    def addresses(self, lines: Any) -> list[str]:
        """One a line, each once."""
        found = (self.address(line) for line in text(lines).splitlines())
        return list(dict.fromkeys(address for address in found if address))

    def link(self, value: Any, limit: int) -> str | None:
        given = text(value)
        if not given:
            return None
        try:
            if len(given) > limit or not given.isprintable():
                raise ValueError("it is too long or has control characters")
            return check_link(given)
        except ValueError as error:
            self.note(Rule.LINK_UNFIT, f"{printable(given[:limit])}: {error}")
            return None

    def moment(self, name: str, value: Any) -> datetime | None:
        try:
            return moment(value)
        except ValueError:
            self.note(Rule.DATE_UNFIT, name)
            return None

    def note(self, rule: Rule, detail: str = "") -> None:
        self.report.note(rule, self.subject, detail)


def fit_line(value: Any, limit: int) -> str:
    return "".join(filter(str.isprintable, text(value)))[:limit]


def fit_address(value: Any) -> str | None:
    given = text(value).strip()
    if not given or len(given) > EMAIL_LENGTH:
        return None
    try:
        return normalize_email(given)
    except (EmailNotValidError, ValueError):
        return None


def shortened(name: Any) -> str:
    return printable(text(name)[:SHOWN_NAME])


def subject(kind: str, source_id: int, name: Any) -> str:
    return f"{kind} {source_id} ({shortened(name)})"


def listed(ids: Iterable[Any]) -> str:
    """For a query: the numbers among brackets."""
    return f"({', '.join(str(int(number)) for number in ids) or 'NULL'})"
