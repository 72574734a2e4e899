"""What every answer is like, whatever was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

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


def fault(status: int, headers: Mapping[str, str], text: str) -> str | None:
    """What is wrong with the answer."""
    if status >= 500:
        return f"status {status}"
    if missing := [name for name in SAFE if name not in headers]:
        return f"no {missing}"
    if text and headers.get("Content-Type", "").partition(";")[0] not in TYPES:
        return f"type {headers.get('Content-Type')}"
    if found := INSIDE.search(text):
        return f"tells {found[0]}"
    if MASKED in text:
        return "a masked error"
    if "json" in headers.get("Content-Type", "") and text:
        json.loads(text)
    return None
