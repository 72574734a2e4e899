"""Which of our media types a client likes best, from its Accept header (RFC 9110)."""

from __future__ import annotations

from collections.abc import Sequence


def best_match(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offer with the highest quality, the first of equals; None when none will do."""
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [_media_range(part) for part in accept.split(",") if part.strip()]
    rated = [(_quality(offer, ranges), -position, offer) for position, offer in enumerate(offered)]
    quality, _, best = max(rated)
    return best if quality > 0 else None


def _media_range(text: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media_type, _number(value)
    return media_type, 1.0


def _number(text: str) -> float:
    """0 for what is no number, of which NaN is one."""
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return min(quality, 1.0) if quality > 0 else 0.0


def _quality(offer: str, ranges: Sequence[tuple[str, float]]) -> float:
    for candidate in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        matching = [quality for media_type, quality in ranges if media_type == candidate]
        if matching:
            return max(matching)
    return 0.0
