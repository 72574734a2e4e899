"""Requests while another process keeps SQLite locked."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import pytest

from models import Database
from portal.settings import Settings
from tests.callers import Caller


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """SQLite does not wait for the lock."""
    url = f"{settings.database_url}?busy_timeout=0"
    return settings.model_copy(update={"database_url": url})


@pytest.fixture
async def locked(database: Database) -> AsyncIterator[None]:
    assert database.sqlite_path
    with closing(sqlite3.connect(database.sqlite_path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


async def test_sign_in(anonymous: Caller, locked: None) -> None:
    body = {"username": "root", "password": "rootpw"}
    answer = await anonymous.rest("POST", "/login/", json=body)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "busy" in answer.json()["detail"]
    query = """mutation { login(input: {username: "root", password: "rootpw"}) { accessToken } }"""
    assert await anonymous.codes(query) == ["UNAVAILABLE"]


async def test_sign_out(alice: Caller, locked: None) -> None:
    answer = await alice.rest("POST", "/logout/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


async def test_mutation(admin: Caller, locked: None) -> None:
    query = """mutation { createGroup(input: {name: "New"}) {
        group { name } errors { code message retryAfter } } }"""
    message = "The database is busy; nothing was changed, try again."
    assert (await admin.data(query))["createGroup"] == {
        "group": None,
        "errors": [{"code": "UNAVAILABLE", "message": message, "retryAfter": 5}],
    }
