"""Rate limits of sign-ins: per account and network, with limits of their own for familiar pairs."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from models import AttemptCount, User
from portal.settings import Settings
from tests.callers import Caller, Clock, People

pytestmark = pytest.mark.database

LOGIN = """
mutation ($username: String!, $password: String!) {
  login(input: {username: $username, password: $password}) {
    accessToken
    errors { code field message retryAfter }
  }
}
"""
VIEWER = "{ viewer { username } }"
HOME, CAFE, ATTIC = "192.0.2.7", "198.51.100.9", "203.0.113.5"
RIGHT = "correct horse"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"trusted_proxies": ("127.0.0.1",)})


def at(address: str, caller: Caller) -> Caller:
    """The same caller at another address, as a trusted proxy reports it."""
    return Caller(caller.client, {**caller.headers, "X-Forwarded-For": address})


async def login(caller: Caller, username: str, password: str) -> dict[str, Any]:
    """The error; empty after a success."""
    answer = (await caller.data(LOGIN, username=username, password=password))["login"]
    errors = answer["errors"]
    assert bool(answer["accessToken"]) is (errors == [])
    return errors[0] if errors else {}


async def code(caller: Caller, username: str, password: str = "wrong") -> str:  # noqa: S107
    return str((await login(caller, username, password)).get("code", "OK"))


async def codes(*calls: tuple[Caller, str]) -> Counter[str]:
    """The results of wrong passwords, all at the same time."""
    return Counter(await asyncio.gather(*(code(caller, name) for caller, name in calls)))


def elsewhere(number: int, caller: Caller) -> Caller:
    return at(f"198.18.{number // 250}.{number % 250 + 1}", caller)


async def use_up(limit: str, count: int) -> None:
    """Set the count of the only subject that has failed, as many attempts take long."""
    assert await AttemptCount.filter(key__startswith=f"{limit}/").update(count=count) == 1


async def lock(caller: Caller, username: str) -> None:
    """As an attacker from elsewhere."""
    await code(elsewhere(1, caller), username)
    await use_up("account", 20)


async def test_sr05_account_limit_counts_all_networks(anonymous: Caller, people: People) -> None:
    calls = [(elsewhere(number, anonymous), "alice") for number in range(26)]
    assert await codes(*calls) == {"INVALID_CREDENTIALS": 20, "RATE_LIMITED": 6}
    assert await code(at(CAFE, anonymous), "ALICE", RIGHT) == "RATE_LIMITED"
    assert await code(at(CAFE, anonymous), "bob", RIGHT) == "OK"


async def test_sr05_network_limit_counts_all_accounts(anonymous: Caller, people: People) -> None:
    calls = [(at(CAFE, anonymous), f"user-{number}") for number in range(56)]
    assert await codes(*calls) == {"INVALID_CREDENTIALS": 50, "RATE_LIMITED": 6}
    assert await code(at(CAFE, anonymous), "alice", RIGHT) == "RATE_LIMITED"
    assert await code(at(HOME, anonymous), "alice", RIGHT) == "OK"


async def test_limited_network_uses_up_no_account(anonymous: Caller, people: People) -> None:
    await code(at(CAFE, anonymous), "user")
    await use_up("network", 50)
    assert await codes(*((at(CAFE, anonymous), "alice") for _ in range(25))) == {"RATE_LIMITED": 25}
    assert await code(at(HOME, anonymous), "alice", RIGHT) == "OK"


@pytest.mark.parametrize("username", ["alice", "nobody", "carol", "no\x00body", "x" * 5000])
async def test_sr04_limits_do_not_show_accounts(
    anonymous: Caller, people: People, username: str
) -> None:
    cafe = at(CAFE, anonymous)
    outcomes = await asyncio.gather(*(login(cafe, username, "wrong") for _ in range(20)))
    refusal = {
        "code": "INVALID_CREDENTIALS",
        "field": None,
        "message": "Unable to log in with provided credentials.",
        "retryAfter": None,
    }
    wait = {
        "code": "RATE_LIMITED",
        "field": None,
        "message": "Too many attempts: try again in 900 seconds.",
        "retryAfter": 900,
    }
    assert outcomes == [refusal] * 20
    assert await login(cafe, username, "wrong") == wait


async def test_rest_responds_429_with_retry_after(
    anonymous: Caller, people: People, clock: Clock
) -> None:
    await lock(anonymous, "alice")
    clock.advance(minutes=5)
    credentials = {"username": "alice", "password": RIGHT}
    response = await at(CAFE, anonymous).rest("POST", "/login/", json=credentials)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "600"
    assert response.json() == {"detail": "Too many attempts: try again in 600 seconds."}


async def test_sr06_limits_end_with_their_window(
    anonymous: Caller, people: People, clock: Clock
) -> None:
    await lock(anonymous, "alice")
    clock.advance(minutes=14, seconds=59)
    assert await code(at(CAFE, anonymous), "alice", RIGHT) == "RATE_LIMITED"
    clock.advance(seconds=1)
    assert await code(at(CAFE, anonymous), "alice", RIGHT) == "OK"


async def test_sr06_limits_leave_sessions_alone(anonymous: Caller, alice: Caller) -> None:
    await lock(anonymous, "alice")
    assert (await at(ATTIC, alice).data(VIEWER))["viewer"]


async def test_sr06_owner_keeps_familiar_network(
    anonymous: Caller, people: People, clock: Clock
) -> None:
    home = at(HOME, anonymous)
    assert await code(home, "alice", RIGHT) == "OK"
    clock.advance(days=89)
    await lock(anonymous, "alice")
    assert await code(at(CAFE, anonymous), "alice", RIGHT) == "RATE_LIMITED"
    assert await code(home, "alice", RIGHT) == "OK"


async def test_sr06_familiar_network_has_separate_limits(anonymous: Caller, people: People) -> None:
    campus = at(HOME, anonymous)
    assert await code(campus, "alice", RIGHT) == "OK"
    await code(campus, "nobody")
    await use_up("network", 50)
    assert await code(campus, "bob", RIGHT) == "RATE_LIMITED"
    assert await code(campus, "alice", RIGHT) == "OK"


@pytest.mark.parametrize(
    ("limit", "attempts", "minutes"),
    [
        ("familiar-account", 20, 15),
        ("familiar-account-day", 100, 24 * 60),
        ("familiar-network", 200, 15),
    ],
)
async def test_familiar_network_has_limits_too(
    anonymous: Caller, people: People, clock: Clock, limit: str, attempts: int, minutes: int
) -> None:
    home = at(HOME, anonymous)
    await code(home, "alice", RIGHT)
    await code(home, "alice")
    await use_up(limit, attempts - 1)
    assert await code(home, "alice") == "INVALID_CREDENTIALS"
    assert await code(home, "alice", RIGHT) == "RATE_LIMITED"
    clock.advance(minutes=minutes)
    assert await code(home, "alice", RIGHT) == "OK"


@pytest.mark.parametrize("limit", ["network", "familiar-network"])
async def test_sr06_account_limit_spares_the_network(
    anonymous: Caller, people: People, limit: str
) -> None:
    campus = at(HOME, anonymous)
    if limit == "familiar-network":
        await code(campus, "alice", RIGHT)
    assert (await codes(*[(campus, "alice")] * 45))["RATE_LIMITED"] == 25
    assert (await AttemptCount.get(key__startswith=f"{limit}/")).count == 20


async def test_familiarity_expires(anonymous: Caller, people: People, clock: Clock) -> None:
    await code(at(HOME, anonymous), "alice", RIGHT)
    clock.advance(days=90)
    await lock(anonymous, "alice")
    assert await code(at(HOME, anonymous), "alice", RIGHT) == "RATE_LIMITED"


async def test_daily_limit(anonymous: Caller, people: People, clock: Clock) -> None:
    attacker = at(CAFE, anonymous)
    await code(attacker, "alice")
    clock.advance(minutes=15)
    await use_up("account-day", 100)
    outcome = await login(attacker, "alice", "wrong")
    assert (outcome["code"], outcome["retryAfter"]) == ("RATE_LIMITED", 23.75 * 3600)
    clock.advance(hours=23, minutes=45)
    assert await code(attacker, "alice", RIGHT) == "OK"


async def test_success_counts_nowhere(anonymous: Caller, people: People) -> None:
    calls = [code(at(CAFE, anonymous), "alice", RIGHT) for _ in range(25)]
    assert set(await asyncio.gather(*calls[:20])) == {"OK"}
    assert set(await asyncio.gather(*calls[20:])) == {"OK"}
    assert {row.count for row in await AttemptCount.all()} == {0}


async def test_success_gives_back_its_own_attempt_only(anonymous: Caller, people: People) -> None:
    await code(at(CAFE, anonymous), "alice")
    await use_up("account", 19)
    assert await code(at(HOME, anonymous), "alice", RIGHT) == "OK"
    assert await code(at(CAFE, anonymous), "alice") == "INVALID_CREDENTIALS"
    assert await code(at(CAFE, anonymous), "alice") == "RATE_LIMITED"


@pytest.mark.parametrize(
    ("other", "is_same"),
    [("2001:db8:0:1:ffff::9", True), ("2001:db8:0:2::1", False)],
    ids=["same-64", "other-64"],
)
async def test_ipv6_network_is_one_subject(
    anonymous: Caller, people: People, other: str, is_same: bool
) -> None:
    await code(at("2001:db8:0:1::1", anonymous), "user")
    await use_up("network", 50)
    expected = "RATE_LIMITED" if is_same else "OK"
    assert await code(at(other, anonymous), "alice", RIGHT) == expected


async def test_forged_forwarded_header_is_ignored(anonymous: Caller, people: People) -> None:
    """The last address was added by the proxy, the first ones by the client."""
    await code(at(CAFE, anonymous), "user")
    await use_up("network", 50)
    assert await code(at(f"{HOME}, {CAFE}", anonymous), "alice", RIGHT) == "RATE_LIMITED"


async def test_subjects_are_stored_as_keyed_hashes(anonymous: Caller, people: People) -> None:
    await code(at(HOME, anonymous), "alice", RIGHT)
    await code(at(CAFE, anonymous), "a password typed as a name")
    keys = [row.key for row in await AttemptCount.all()]
    assert len(keys) >= 7
    for planted in ("alice", "typed", HOME, CAFE):
        assert planted not in " ".join(keys)


async def test_closed_account_stays_closed(anonymous: Caller, people: People) -> None:
    cafe = at(CAFE, anonymous)
    found = await asyncio.gather(*(code(cafe, "carol", RIGHT) for _ in range(21)))
    assert Counter(found) == {"INVALID_CREDENTIALS": 20, "RATE_LIMITED": 1}
    assert not await AttemptCount.exists(key__startswith="familiar")
    assert (await User.get(username="carol")).last_login_at is None
