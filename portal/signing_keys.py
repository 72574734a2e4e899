"""The keys that sign access tokens: configured, or kept beside the SQLite file."""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from portal.reasons import reason
from portal.setting_values import SHORTEST_KEY
from portal.settings import PREFIX, Settings, SettingsError

logger = logging.getLogger(__name__)

SAFE_LENGTH = 32


def signing_keys(settings: Settings, sqlite_path: Path | None) -> list[str]:
    """The configured keys, or the one kept beside the SQLite file, made on first use.

    Raises SettingsError where a key is needed and there is none.
    """
    if settings.secret_key:
        return [key.get_secret_value() for key in settings.secret_key]
    if sqlite_path is None:
        raise SettingsError(
            f"{PREFIX}SECRET_KEY: required with PostgreSQL, so that all replicas agree;"
            f" set it to {SAFE_LENGTH} random characters or more"
        )
    return [_kept(sqlite_path.with_suffix(".secret"))]


def warn_of_short_keys(settings: Settings) -> None:
    if any(len(key) < SAFE_LENGTH for key in settings.secret_key):
        logger.warning("%sSECRET_KEY: better use %d random characters", PREFIX, SAFE_LENGTH)


def _kept(file: Path) -> str:
    try:
        if not file.exists():
            _create(file)
        key = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{file}: {reason(error)}") from None
    except ValueError:
        key = ""
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"{file}: this is no signing key; delete it for a new one, which ends all sessions"
        )
    return key


def _create(file: Path) -> None:
    """Several processes may try at once: one wins, and nobody reads a half-written file."""
    with NamedTemporaryFile("w", dir=file.parent) as draft:
        draft.write(secrets.token_urlsafe(48))
        draft.flush()
        with suppress(FileExistsError):
            os.link(draft.name, file)
