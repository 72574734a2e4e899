"""Values of the former portal under the rules of this one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tortoise.models import Model

from models import ServiceAccount, User, WebApp, WebAppCategory
from portal.legacy.report import SHOWN_LENGTH, Report, Rule
from portal.logs import printable
from resolvers.changes import WriteOptions
from resolvers.errors import BadUserInput
from resolvers.rules import MAXIMUM_ALTERNATIVE_EMAILS, account_errors, clean

TRUE = frozenset({"1", "t", "true", "y", "yes", "on"})
LINE_BREAKS = "\n\r\t"


def flag(value: Any) -> bool:
    """A boolean as either database returns it: SQLite has none of its own."""
    return str(value).lower() in TRUE


def text(value: Any) -> str:
    """Empty for null."""
    return "" if value is None else str(value)


def timestamp(value: Any) -> datetime | None:
    """In UTC, which Django means where it writes no time zone. Raises ValueError."""
    if value is None or value == "":
        return None
    found = value if isinstance(value, datetime) else datetime.fromisoformat(text(value))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Adapter:
    """Adapts the values of one row and notes in the report what it had to change.

    subject: the name of the row in the report.
    """

    report: Report
    model: type[Model]
    subject: str

    def note(self, rule: Rule, detail: str = "") -> None:
        self.report.note(rule, self.subject, detail)

    def line(self, column: str, value: Any, substitute: str | None = "", kept: str = "") -> Any:
        """Without control characters and cut to the length of the column.

        substitute: instead of a text that is still invalid. kept: control characters to keep.
        """
        given = text(value).strip()
        limit = self.model._meta.fields_map[column].max_length  # type: ignore[attr-defined]
        adapted = "".join(each for each in given if each.isprintable() or each in kept)
        try:
            cleaned = clean(self.model, column, adapted[:limit].strip())
        except BadUserInput:
            cleaned = substitute
        if (cleaned or "") != given:
            self.note(Rule.TEXT_INVALID, f"{column}: now {printable(text(cleaned)[:SHOWN_LENGTH])}")
        return cleaned

    def email(self, value: Any) -> str | None:
        address = text(value).strip()
        if not address:
            return None
        try:
            return str(clean(User, "primary_email", address))
        except BadUserInput:
            self.note(Rule.ADDRESS_INVALID, address[:SHOWN_LENGTH])
            return None

    def emails(self, lines: Any) -> list[str]:
        """One address a line."""
        addresses = filter(None, map(self.email, text(lines).splitlines()))
        unique = list(dict.fromkeys(addresses))
        for address in unique[MAXIMUM_ALTERNATIVE_EMAILS:]:
            self.note(Rule.ADDRESS_LIMIT, address)
        return unique[:MAXIMUM_ALTERNATIVE_EMAILS]

    def link(self, value: Any) -> str | None:
        if not text(value):
            return None
        try:
            return str(clean(WebApp, "link_url", text(value)))
        except BadUserInput as error:
            self.note(Rule.LINK_INVALID, f"{text(value)[:SHOWN_LENGTH]}: {error.message}")
            return None

    def category(self, value: Any) -> WebAppCategory | None:
        try:
            return WebAppCategory(text(value)) if text(value) else None
        except ValueError:
            self.note(Rule.CATEGORY_UNKNOWN, text(value)[:SHOWN_LENGTH])
            return None

    def timestamp(self, column: str, value: Any) -> datetime | None:
        try:
            return timestamp(value)
        except (ValueError, OverflowError):
            self.note(Rule.DATE_INVALID, column)
            return None

    def account(self, namespace: str, name: str, options: WriteOptions) -> ServiceAccount | None:
        account = ServiceAccount(namespace=namespace, name=name)
        if errors := account_errors(account, options):
            messages = " ".join(error.message for error in errors)
            self.note(Rule.ACCOUNT_INVALID, f"{account.qualified_name[:SHOWN_LENGTH]}: {messages}")
            return None
        return account


def subject(noun: str, source_id: int, name: Any) -> str:
    return f"{noun} {source_id} ({printable(text(name)[:SHOWN_LENGTH])})"


def id_list(ids: Iterable[Any]) -> str:
    """The operand of SQL's IN."""
    return f"({', '.join(str(int(number)) for number in ids) or 'NULL'})"
