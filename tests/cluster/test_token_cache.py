import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from cluster.connection import ClusterRefused, ClusterUnavailable
from cluster.tokens import Issue, ServiceAccountToken, TokenCache

HOUR = timedelta(hours=1)
ALICE = ("team", "alice", HOUR)
BOB = ("team", "bob", HOUR)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Server:
    """Issues tokens that the clock's hour limits, numbered, unless it is told to fail."""

    def __init__(self, clock: Clock, life: timedelta | None = HOUR) -> None:
        self.issued = 0
        self.failure: Exception | None = None
        self._clock = clock
        self._life = life

    async def issue(self) -> ServiceAccountToken:
        self.issued += 1
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        expires_at = self._clock() + self._life if self._life else None
        return ServiceAccountToken(f"token {self.issued}", expires_at)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Server:
    return Server(clock)


@pytest.fixture
def cache(clock: Clock) -> TokenCache:
    return TokenCache(clock=clock, capacity=2)


async def test_token_is_cached_for_most_of_its_lifetime(
    cache: TokenCache, server: Server, clock: Clock
) -> None:
    first = await cache.get(ALICE, server.issue)
    clock.now += timedelta(minutes=47)
    assert await cache.get(ALICE, server.issue) == first
    clock.now += timedelta(minutes=2)
    assert (await cache.get(ALICE, server.issue)).value == "token 2"


async def test_token_without_expiry_is_cached_for_a_minute(cache: TokenCache, clock: Clock) -> None:
    server = Server(clock, life=None)
    await cache.get(ALICE, server.issue)
    await cache.get(ALICE, server.issue)
    assert server.issued == 1
    clock.now += timedelta(minutes=1)
    await cache.get(ALICE, server.issue)
    assert server.issued == 2


async def test_expired_token_is_not_cached(cache: TokenCache, clock: Clock) -> None:
    server = Server(clock, life=timedelta(minutes=-5))
    await cache.get(ALICE, server.issue)
    await cache.get(ALICE, server.issue)
    assert server.issued == 2


async def test_accounts_do_not_share_tokens(cache: TokenCache, server: Server) -> None:
    alice = await cache.get(ALICE, server.issue)
    assert await cache.get(BOB, server.issue) != alice
    assert await cache.get(("other", "alice", HOUR), server.issue) != alice


async def test_requests_at_the_same_time_make_one_call(cache: TokenCache, server: Server) -> None:
    tokens = await asyncio.gather(*(cache.get(ALICE, server.issue) for _ in range(20)))
    assert server.issued == 1
    assert len(set(tokens)) == 1


async def test_cancelled_caller_does_not_cancel_the_call(cache: TokenCache, server: Server) -> None:
    impatient = asyncio.ensure_future(cache.get(ALICE, server.issue))
    patient = asyncio.ensure_future(cache.get(ALICE, server.issue))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).value == "token 1"
    assert server.issued == 1


async def test_a_failed_request_is_not_kept(cache: TokenCache, server: Server) -> None:
    server.failure = ClusterUnavailable("down")
    with pytest.raises(ClusterUnavailable):
        await cache.get(ALICE, server.issue)
    server.failure = None
    assert (await cache.get(ALICE, server.issue)).value == "token 2"


async def test_valid_token_bridges_unavailability(
    cache: TokenCache, server: Server, clock: Clock
) -> None:
    first = await cache.get(ALICE, server.issue)
    server.failure = ClusterUnavailable("down")
    clock.now += timedelta(minutes=59)
    assert await cache.get(ALICE, server.issue) == first
    clock.now += timedelta(minutes=1)
    with pytest.raises(ClusterUnavailable):
        await cache.get(ALICE, server.issue)


async def test_a_refusal_is_not_bridged(cache: TokenCache, server: Server, clock: Clock) -> None:
    await cache.get(ALICE, server.issue)
    server.failure = ClusterRefused(404, "the account is gone")
    clock.now += timedelta(minutes=59)
    with pytest.raises(ClusterRefused):
        await cache.get(ALICE, server.issue)


async def test_least_recently_used_token_is_dropped(cache: TokenCache, server: Server) -> None:
    alice = await cache.get(ALICE, server.issue)
    await cache.get(BOB, server.issue)
    await cache.get(ALICE, server.issue)
    await cache.get(("team", "carol", HOUR), server.issue)
    assert await cache.get(ALICE, server.issue) == alice
    assert (await cache.get(BOB, server.issue)).value == "token 4"


async def test_a_forgotten_account_gets_a_new_token(cache: TokenCache, server: Server) -> None:
    await cache.get(ALICE, server.issue)
    bob = await cache.get(BOB, server.issue)
    cache.forget("team", "alice")
    assert (await cache.get(ALICE, server.issue)).value == "token 3"
    assert await cache.get(BOB, server.issue) == bob


async def test_a_failure_that_nobody_waits_for_is_no_noise(
    cache: TokenCache, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.failure = ClusterUnavailable("down")
    lonely = asyncio.ensure_future(cache.get(ALICE, server.issue))
    await asyncio.sleep(0)
    lonely.cancel()
    await cache.close()
    assert caplog.records == []


async def test_closing_waits_for_requests_under_way(cache: TokenCache) -> None:
    done = asyncio.Event()

    async def issue() -> ServiceAccountToken:
        await asyncio.sleep(0.01)
        done.set()
        return ServiceAccountToken("late", None)

    issuing: Issue = issue
    waiting = asyncio.ensure_future(cache.get(ALICE, issuing))
    await asyncio.sleep(0)
    await cache.close()
    assert done.is_set()
    assert (await waiting).value == "late"
