"""Which passwords may be chosen. Those that were chosen before stay good."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from zxcvbn import zxcvbn

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 128
JUDGED_LENGTH = 32  # what is estimated grows much faster than the text
GUESSES = 1_000_000  # far more than throttling lets anybody try


def complaint(password: str, owner: Iterable[str] = ()) -> str | None:
    """Why this can't be a new password, in words for its owner; None when it can.

    owner: names and addresses of the owner, which others would try first.
    """
    if len(password) < MINIMUM_LENGTH:
        return f"A password has at least {MINIMUM_LENGTH} characters."
    if len(password) > MAXIMUM_LENGTH:
        return f"A password has at most {MAXIMUM_LENGTH} characters."
    if problem := impossible(password):
        return problem
    if _guesses(password, owner) < GUESSES:
        return (
            "This password is too easy to guess: common, a pattern, or made of its owner's names."
        )
    return None


def impossible(password: str) -> str | None:
    """Why no hash can be of this password; None when one can."""
    if "\0" in password:
        return "A password has no NUL characters."
    if any("\ud800" <= character <= "\udfff" for character in password):
        return "A password has complete Unicode characters only."
    return None


def _guesses(password: str, owner: Iterable[str]) -> float:
    """How many tries it takes, begun with the most common passwords, names and words."""
    judged = unicodedata.normalize("NFKC", password)[:JUDGED_LENGTH]
    return float(zxcvbn(judged, user_inputs=list(_words(owner)))["guesses"])


def _words(owner: Iterable[str]) -> Iterator[str]:
    for name in filter(None, owner):
        yield name
        if "@" in name:
            yield from name.split("@")
