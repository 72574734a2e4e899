"""What a `postgres://` URL says, and what of it people may read."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

SCHEMES = ("postgres", "postgresql")
FORM = "use postgres://USER:PASSWORD@HOST:PORT/DATABASE"
ESCAPES = f"{FORM}, with %2F for /, %3F for ?, %23 for # and %40 for @ in the password"
UNKNOWN_PLACE = "postgres://…"


def is_postgres(text: str) -> bool:
    """Whether somebody means one, even if it is none: then it may hold a password."""
    return text.strip().lower().startswith(tuple(f"{scheme}:" for scheme in SCHEMES))


def check_postgres_url(url: str) -> None:
    """Raises ValueError, whose message has nothing of the URL."""
    parts = _split(url)
    if not url.startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
        raise ValueError(FORM)
    if parts.fragment or "@" in f"{parts.path}{parts.query}":
        raise ValueError(ESCAPES)
    if "," not in parts.netloc:
        _port(parts)


def postgres_label(url: str) -> str:
    """Host, port and database of a URL that was checked; what is beside them may be secret."""
    parts = _split(url)
    if not parts.hostname or "," in parts.netloc:
        return UNKNOWN_PLACE
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = _port(parts)
    return f"postgres://{host}{f':{port}' if port else ''}{parts.path}"


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError(ESCAPES) from None


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise ValueError(ESCAPES) from None
