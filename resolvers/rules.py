"""What a text may be, in the words of every complaint about one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

from pydantic.alias_generators import to_camel

from resolvers.errors import BadUserInput, Complaint

NULL = "This field may not be null."
BLANK = "This field may not be blank."
CONTROL = "Control characters are not allowed."


def too_long(limit: int) -> str:
    return f"Ensure this field has no more than {limit} characters."


def line_complaint(text: str, limit: int, *, blank: bool = False) -> str | None:
    """Why it is not a text in one line; `blank` ones are fine where nothing needs to be said."""
    if not blank and not text.strip():
        return BLANK
    if len(text) > limit:
        return too_long(limit)
    return None if text.isprintable() else CONTROL


def lines_complaint(text: str, limit: int) -> str | None:
    """Why it is not a text of some lines, of which there may be none."""
    if len(text) > limit:
        return too_long(limit)
    is_fit = all(character.isprintable() or character in "\n\r\t" for character in text)
    return None if is_fit else CONTROL


Values: TypeAlias = Mapping[str, Any]
Rule: TypeAlias = Callable[[Any], Any]


class Form:
    """Given values by the name of their column. What passes its rule is `clean`."""

    def __init__(self, given: Values, rules: Mapping[str, Rule]) -> None:
        self.clean: dict[str, Any] = {}
        self._complaints: list[Complaint] = []
        for column, value in given.items():
            self._take(column, value, rules[column])

    def add(self, complaint: Complaint) -> None:
        self._complaints.append(complaint)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Keeps what a BadUserInput complains of."""
        try:
            yield
        except BadUserInput as refusal:
            self._complaints += refusal.complaints

    def done(self) -> dict[str, Any]:
        """What to write. Raises BadUserInput with all complaints, and when nothing was given."""
        if self._complaints:
            raise BadUserInput(*self._complaints)
        if not self.clean:
            raise BadUserInput(Complaint("Nothing to change: give at least one field."))
        return self.clean

    def _take(self, column: str, value: Any, rule: Rule) -> None:
        try:
            self.clean[column] = rule(value)
        except BadUserInput as refusal:
            self._complaints += [
                replace(complaint, field=f"{to_camel(column)}{complaint.field or ''}")
                for complaint in refusal.complaints
            ]


def unfit(message: str) -> BadUserInput:
    """What a rule raises."""
    return BadUserInput(Complaint(message))


def required(value: Any) -> Any:
    """The rule for flags and choices."""
    if value is None:
        raise unfit(NULL)
    return value


def optional(value: Any) -> Any:
    """The rule for a choice that nobody needs to make."""
    return value


def text(limit: int) -> Rule:
    """The rule for a text of some lines, or null."""

    def rule(value: str | None) -> str | None:
        if value and (complaint := lines_complaint(value, limit)):
            raise unfit(complaint)
        return value

    return rule


def line(limit: int, *, blank: bool = False, null: bool = False) -> Rule:
    """The rule for a text in one line; spaces around it don't count."""

    def rule(value: str | None) -> str | None:
        if value is None:
            if null:
                return None
            raise unfit(NULL)
        if complaint := line_complaint(value, limit, blank=blank):
            raise unfit(complaint)
        return value.strip()

    return rule


def satisfying(complaint: Callable[[Any], str | None], rule: Rule) -> Rule:
    """The rule with another one for what passes it, null excepted."""

    def both(value: Any) -> Any:
        clean = rule(value)
        if clean is not None and (message := complaint(clean)):
            raise unfit(message)
        return clean

    return both
