"""What others do here while everything is taken over."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import asyncpg
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from models import Database, User
from portal.legacy import takeover
from portal.legacy.mistakes import LegacyError
from portal.settings import Settings
from tests.callers import Caller, Clock
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import USERS, Rows, find
from tests.portal.legacy.state import everything

pytestmark = pytest.mark.database


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With SQLite, nobody waits for others who write."""
    url = settings.database_url
    impatient = f"{url}?busy_timeout=0" if url.startswith("sqlite") else url
    return settings.model_copy(update={"database_url": impatient})


@pytest.fixture
async def locked(database: Database) -> AsyncIterator[None]:
    """Somebody else writes."""
    assert database.sqlite_path
    with closing(sqlite3.connect(database.sqlite_path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_busy_database_is_told_in_one_line(
    rows: Rows, take_over: TakeOver, locked: None
) -> None:
    before = await everything()
    with pytest.raises(LegacyError, match="the database is busy; nothing was changed"):
        await take_over(rows)
    assert await everything() == before


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_who_signs_in_while_the_database_is_busy_comes_back_later(
    anonymous: Caller, locked: None
) -> None:
    body = {"username": "root", "password": "rootpw"}
    answer = await anonymous.rest("POST", "/login/", json=body)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "busy" in answer.json()["detail"]
    query = """mutation { login(input: {username: "root", password: "rootpw"}) { accessToken } }"""
    assert await anonymous.codes(query) == ["UNAVAILABLE"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_nobody_is_told_to_be_signed_out_by_a_busy_database(
    alice: Caller, locked: None
) -> None:
    answer = await alice.rest("POST", "/logout/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_administrators_are_told_when_to_come_back(admin: Caller, locked: None) -> None:
    query = """mutation { createGroup(input: {name: "New"}) {
        group { name } errors { code message retryAfter } } }"""
    message = "The database is busy; nothing was changed, try again."
    assert (await admin.data(query))["createGroup"] == {
        "group": None,
        "errors": [{"code": "UNAVAILABLE", "message": message, "retryAfter": 5}],
    }


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_only_users_who_change_have_to_wait(
    rows: Rows,
    take_over: TakeOver,
    settings: Settings,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await take_over(rows)
    find(rows, USERS, 2)["first_name"] = "There"
    other = await asyncpg.connect(settings.database_url)
    await other.execute("SET lock_timeout = '200ms'")
    waited: list[int] = []

    async def sign_in(connection: BaseDBAsyncClient) -> None:
        for key in (2, 3):
            try:
                await other.execute("UPDATE users SET last_login_at = now() WHERE id = $1", key)
            except asyncpg.LockNotAvailableError:
                waited.append(key)

    monkeypatch.setattr(takeover, "advance_sequences", sign_in)
    await take_over(rows)
    await other.close()
    assert waited == [2]
    assert (await User.get(id=2)).first_name == "There"
