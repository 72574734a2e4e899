"""What every answer is like, whatever was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

TYPES = (
    "application/json",
    "application/graphql-response+json",
    "application/yaml",
    "text/event-stream",
    "text/plain",
    "text/html",
)
MASKED = "INTERNAL_SERVER_ERROR"
SAFE = ("X-Request-Id", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control")
INSIDE = re.compile(
    r"Traceback|File \"|site-packages|\.py\b|object at 0x|NoneType|Maybe\["
    r"|asyncpg|sqlite|postgres|tortoise|pydantic|strawberry|starlette|orjson"
    r"|(Syntax|Integrity|Operational|Key|Value|Type|Attribute|Unicode\w+|Portal)Error"
    r"|(SELECT|INSERT INTO|UPDATE|DELETE FROM) \"|constraint"
    r"|\$argon2|pbkdf2_",
)


def fault(status: int, headers: Mapping[str, str], text: str, asked: str) -> str | None:
    """What is wrong with the answer to what was asked."""
    if status >= 500:
        return f"status {status}"
    if missing := [name for name in SAFE if name not in headers]:
        return f"no {missing}"
    if text and headers.get("Content-Type", "").partition(";")[0] not in TYPES:
        return f"type {headers.get('Content-Type')}"
    if inside := told_of_inside(text, asked):
        return f"tells {inside}"
    if "json" in headers.get("Content-Type", "") and text:
        json.loads(text)
    return None


def told_of_inside(text: str, asked: str) -> str | None:
    """What an answer tells of the inside; what the caller wrote may be repeated."""
    told = [*(found[0] for found in INSIDE.finditer(text)), *([MASKED] if MASKED in text else [])]
    return next((each for each in told if each not in asked), None)


def asked(url: object, headers: Mapping[str, object], body: object) -> str:
    """A request as one text, also as it is without the quoting of addresses."""
    content = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    parts = [str(url), *map(str, headers.values()), content]
    return "\n".join([*parts, *map(unquote_plus, parts)])
