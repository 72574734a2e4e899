from __future__ import annotations

import hashlib
from typing import Any

import orjson

FINGERPRINT_LENGTH = 20


def fingerprint(value: Any) -> str:
    """The same for equal values, and nothing more."""
    return hashlib.sha256(orjson.dumps(value)).hexdigest()[:FINGERPRINT_LENGTH]
