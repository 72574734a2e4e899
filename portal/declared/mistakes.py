"""What is wrong with a declaration, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from portal.errors import OperatorError
from portal.logs import printable

KEY_LENGTH = 50

Location = tuple[str | int, ...]


class DeclarationError(OperatorError):
    """The file can't be applied and nothing was changed; one line says why."""


@dataclass(frozen=True, order=True, slots=True)
class Mistake:
    """A line of the file, the field as `users[0].primaryEmail`, and what is wrong with it."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        field = f" {self.field}:" if self.field else ""
        return f"{self.line}:{field} {self.message}"


def refusal(file: str, mistakes: Iterable[Mistake]) -> DeclarationError:
    """All of them, in the order of the lines."""
    return DeclarationError("; ".join(f"{file}:{mistake}" for mistake in sorted(mistakes)))


def field_name(location: Location) -> str:
    """As in JavaScript."""
    steps = [f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in location]
    return "".join(steps).removeprefix(".")


def _key(step: str) -> str:
    """Without what follows a forgotten space, as in `password:…`: it may be a secret."""
    return printable(step.partition(":")[0][:KEY_LENGTH])


def suggestion(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, if there is any."""
    by_key = {candidate.casefold(): candidate for candidate in known}
    nearest = get_close_matches(name.casefold(), by_key, n=1)
    return f": did you mean {printable(by_key[nearest[0]])}?" if nearest else ""
