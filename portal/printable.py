from __future__ import annotations


def printable(text: str) -> str:
    """Without control characters, which a terminal would obey."""
    return text if text.isprintable() else ascii(text)[1:-1]
