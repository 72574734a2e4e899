"""A running portal records expired access and sessions automatically."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from cluster.cluster import Clusters
from models import (
    AccessState,
    AttemptCount,
    Database,
    ServiceAccount,
    Session,
    SignInMethod,
    User,
)
from portal.jobs import AccessEnder, Sweeper
from tests.callers import Clock
from tests.cluster.waiting import until

pytestmark = pytest.mark.database


@pytest.fixture
async def ender(database: Database, clock: Clock) -> AsyncIterator[AccessEnder]:
    ender = AccessEnder(database, clock, Clusters(), interval=timedelta(milliseconds=10))
    yield ender
    await ender.close()


@pytest.fixture
async def sweeper(database: Database, clock: Clock) -> AsyncIterator[Sweeper]:
    sweeper = Sweeper(
        database,
        clock,
        idle_lifetime=timedelta(hours=4),
        interval=timedelta(milliseconds=10),
    )
    yield sweeper
    await sweeper.close()


async def approved(clock: Clock, username: str, *, hours: int) -> User:
    account = await ServiceAccount.create(namespace="team", name=username)
    return await User.create(
        username=username,
        access_state=AccessState.APPROVED,
        access_expires_at=clock() + timedelta(hours=hours),
        service_account=account,
    )


async def states() -> list[AccessState]:
    return [user.access_state for user in await User.all().order_by("id")]


async def become(expected: list[AccessState]) -> None:
    async with asyncio.timeout(5):
        while await states() != expected:  # noqa: ASYNC110  # a database has no event for it
            await asyncio.sleep(0.01)


async def test_only_expired_access_is_recorded(
    database: Database, ender: AccessEnder, clock: Clock
) -> None:
    await approved(clock, "alice", hours=1)
    await approved(clock, "bob", hours=3)
    ender.start()
    clock.advance(hours=2)
    await become([AccessState.NEW, AccessState.APPROVED])


async def test_only_expired_sessions_are_deleted(
    database: Database, sweeper: Sweeper, clock: Clock
) -> None:
    user = await User.create(username="alice")
    for name, method, used, expires in (
        ("expired", SignInMethod.PASSWORD, 0, -1),
        ("idle", SignInMethod.PASSWORD, -5, 1),
        ("living", SignInMethod.PASSWORD, -3, 1),
        ("expired token", SignInMethod.TOKEN, 0, -1),
        ("idle token", SignInMethod.TOKEN, -5, 1),
    ):
        await Session.create(
            id=uuid4(),
            user=user,
            name=name,
            method=method,
            created_at=clock(),
            last_used_at=clock() + timedelta(hours=used),
            expires_at=clock() + timedelta(hours=expires),
        )
    sweeper.start()
    for _ in range(500):
        if await Session.all().count() < 5:
            break
        await asyncio.sleep(0.01)
    assert {session.name for session in await Session.all()} == {"living", "idle token"}


async def test_rate_limits_are_pruned(database: Database, sweeper: Sweeper, clock: Clock) -> None:
    now = int(clock().timestamp())
    for key, ends_at in (("over", now), ("open", now + 1)):
        await AttemptCount.create(key=key, count=1, ends_at=ends_at)
    sweeper.start()
    for _ in range(500):
        if await AttemptCount.all().count() < 2:
            break
        await asyncio.sleep(0.01)
    assert [row.key for row in await AttemptCount.all()] == ["open"]


async def test_a_database_that_fails_is_asked_again(
    database: Database,
    ender: AccessEnder,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await approved(clock, "alice", hours=-1)
    await database.connection.execute_script("ALTER TABLE access_requests RENAME TO away")
    ender.start()
    await until(lambda: "AccessEnder failed" in caplog.text, seconds=5)
    assert await states() == [AccessState.APPROVED]
    await database.connection.execute_script("ALTER TABLE away RENAME TO access_requests")
    await become([AccessState.NEW])
