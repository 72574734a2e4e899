"""What a text may be, in the words of every complaint about one."""

from __future__ import annotations

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
