from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auth.passwords import Passwords
from tests.declaring import apply_file
from tests.portal.declared.state import Declare, write


@pytest.fixture
def passwords() -> Passwords:
    return Passwords()


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passwords: Passwords) -> Declare:
    """Applies a text as the file portal.yaml."""
    monkeypatch.chdir(tmp_path)

    async def declare(text: str | bytes, *, dry_run: bool = False, **policy: Any) -> str:
        write(text)
        return await apply_file(Path("portal.yaml"), passwords, dry_run=dry_run, **policy)

    return declare
