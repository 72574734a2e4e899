"""Which passwords may be chosen. Those that were chosen before stay good."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from zxcvbn import zxcvbn

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 128
JUDGED_LENGTH = 32  # what is estimated grows much faster than the text
GUESSES = 1_000_000  # far more than throttling lets anybody try
PRODUCT = "kubeportal"
# What people choose who have to choose often
SEASONS = """
spring summer autumn fall winter frühling fruehling frühjahr fruehjahr sommer herbst
january february march april may june july august september october november december
januar jänner februar märz maerz mai juni juli oktober dezember
"""
TRIMMED = re.compile(r"[\W\d_]{0,3}(?P<name>.+?)[\W\d_]{0,6}", re.DOTALL)


def complaint(password: str, names: Iterable[str] = ()) -> str | None:
    """Why this can't be a new password, in words for its owner; None when it can.

    names: names and addresses of the owner and the portal, which others would try first.
    """
    if len(password) < MINIMUM_LENGTH:
        return f"A password has at least {MINIMUM_LENGTH} characters."
    if len(password) > MAXIMUM_LENGTH:
        return f"A password has at most {MAXIMUM_LENGTH} characters."
    if problem := impossible(password):
        return problem
    words = [PRODUCT, *_words(names)]
    if _is_trimmed_name(password, words) or _guesses(password, words) < GUESSES:
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


def _is_trimmed_name(password: str, words: Iterable[str]) -> bool:
    """Whether it is a name or a season with a year, a few digits or signs around it."""
    trimmed = TRIMMED.fullmatch(_folded(password))
    return trimmed is not None and trimmed["name"] in {*SEASONS.split(), *map(_folded, words)}


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _guesses(password: str, words: Sequence[str]) -> float:
    """How many tries it takes, begun with the most common passwords, names and words."""
    judged = unicodedata.normalize("NFKC", password)[:JUDGED_LENGTH]
    return float(zxcvbn(judged, user_inputs=words)["guesses"])


def _words(names: Iterable[str]) -> Iterator[str]:
    for name in filter(None, names):
        yield name
        if "@" in name:
            yield from name.split("@")
