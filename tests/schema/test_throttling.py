"""Who fails too often waits: per account and per address, and never the owner at a known one."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from models import AttemptCount, FamiliarAddress, User
from portal.settings import Settings
from tests.callers import Caller, Clock, People

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
    """The same caller at another address, as a proxy tells it."""
    return Caller(caller.client, {**caller.headers, "X-Forwarded-For": address})


async def login(caller: Caller, username: str, password: str) -> dict[str, Any]:
    """What went wrong; nothing after a success."""
    answer = (await caller.data(LOGIN, username=username, password=password))["login"]
    errors = answer["errors"]
    assert bool(answer["accessToken"]) is (errors == [])
    return errors[0] if errors else {}


async def code(caller: Caller, username: str, password: str = "wrong") -> str:  # noqa: S107
    return str((await login(caller, username, password)).get("code", "OK"))


async def codes(*calls: tuple[Caller, str]) -> Counter[str]:
    """Of wrong passwords, all at once."""
    return Counter(await asyncio.gather(*(code(caller, name) for caller, name in calls)))


def elsewhere(number: int, caller: Caller) -> Caller:
    return at(f"198.18.{number // 250}.{number % 250 + 1}", caller)


async def use_up(kind: str, count: int, per: str = "minute") -> None:
    """As if so many attempts of the one who has failed had failed, which takes long to do."""
    counter = AttemptCount.filter(key__startswith=f"{kind}/", key__endswith=f"/{per}")
    assert await counter.update(count=count) == 1


async def lock(caller: Caller, username: str) -> None:
    """As a stranger."""
    await code(elsewhere(1, caller), username)
    await use_up("account", 20)


async def test_sr05_attempts_at_an_account_from_many_addresses_are_slowed(
    anonymous: Caller, people: People
) -> None:
    calls = [(elsewhere(number, anonymous), "alice") for number in range(26)]
    assert await codes(*calls) == {"INVALID_CREDENTIALS": 20, "RATE_LIMITED": 6}
    assert await code(at(CAFE, anonymous), "ALICE", RIGHT) == "RATE_LIMITED"
    assert await code(at(CAFE, anonymous), "bob", RIGHT) == "OK"


async def test_sr05_attempts_from_one_address_at_many_accounts_are_slowed(
    anonymous: Caller, people: People
) -> None:
    calls = [(at(CAFE, anonymous), f"user-{number}") for number in range(56)]
    assert await codes(*calls) == {"INVALID_CREDENTIALS": 50, "RATE_LIMITED": 6}
    assert await code(at(CAFE, anonymous), "alice", RIGHT) == "RATE_LIMITED"
    assert await code(at(HOME, anonymous), "alice", RIGHT) == "OK"


async def test_an_address_that_has_to_wait_uses_up_no_account(
    anonymous: Caller, people: People
) -> None:
    await code(at(CAFE, anonymous), "user")
    await use_up("address", 50)
    assert await codes(*((at(CAFE, anonymous), "alice") for _ in range(25))) == {"RATE_LIMITED": 25}
    assert await code(at(HOME, anonymous), "alice", RIGHT) == "OK"


@pytest.mark.parametrize("username", ["alice", "nobody", "carol", "no\x00body", "x" * 5000])
async def test_sr04_a_slowed_account_does_not_show_whether_it_exists(
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


async def test_the_rest_api_says_429_and_for_how_long(
    anonymous: Caller, people: People, clock: Clock
) -> None:
    await lock(anonymous, "alice")
    clock.advance(minutes=5)
    credentials = {"username": "alice", "password": RIGHT}
    response = await at(CAFE, anonymous).rest("POST", "/login/", json=credentials)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "600"
    assert response.json() == {"detail": "Too many attempts: try again in 600 seconds."}


async def test_sr06_the_slowing_ends_by_itself(
    anonymous: Caller, people: People, clock: Clock
) -> None:
    await lock(anonymous, "alice")
    clock.advance(minutes=14, seconds=59)
    assert await code(at(CAFE, anonymous), "alice", RIGHT) == "RATE_LIMITED"
    clock.advance(seconds=1)
    assert await code(at(CAFE, anonymous), "alice", RIGHT) == "OK"


async def test_sr06_a_live_session_is_not_affected(anonymous: Caller, alice: Caller) -> None:
    await lock(anonymous, "alice")
    assert (await at(ATTIC, alice).data(VIEWER))["viewer"]


async def test_sr06_strangers_do_not_lock_out_the_owner_where_she_signed_in_before(
    anonymous: Caller, people: People, clock: Clock
) -> None:
    home = at(HOME, anonymous)
    assert await code(home, "alice", RIGHT) == "OK"
    clock.advance(days=89)
    await lock(anonymous, "alice")
    assert await code(at(CAFE, anonymous), "alice", RIGHT) == "RATE_LIMITED"
    assert await code(home, "bob") == "INVALID_CREDENTIALS"
    assert await code(home, "alice") == "RATE_LIMITED"
    assert await code(home, "alice", RIGHT) == "OK"


async def test_a_familiar_address_is_slowed_as_well(anonymous: Caller, people: People) -> None:
    home = at(HOME, anonymous)
    await code(home, "alice", RIGHT)
    assert await codes(*[(home, "alice")] * 22) == {"INVALID_CREDENTIALS": 20, "RATE_LIMITED": 2}
    assert await code(home, "alice", RIGHT) == "OK"
    await codes(*[(home, "alice")] * 2)
    await use_up("familiar-account", 20)
    assert await code(home, "alice", RIGHT) == "RATE_LIMITED"


async def test_an_address_is_not_familiar_for_ever(
    anonymous: Caller, people: People, clock: Clock
) -> None:
    await code(at(HOME, anonymous), "alice", RIGHT)
    clock.advance(days=90)
    await lock(anonymous, "alice")
    assert await code(at(HOME, anonymous), "alice", RIGHT) == "RATE_LIMITED"


async def test_a_slow_attacker_has_a_hundred_attempts_a_day(
    anonymous: Caller, people: People, clock: Clock
) -> None:
    attacker = at(CAFE, anonymous)
    await code(attacker, "alice")
    for attempts in (99, 100):
        clock.advance(minutes=15)
        await use_up("account", attempts, per="day")
        outcome = await login(attacker, "alice", "wrong")
    assert (outcome["code"], outcome["retryAfter"]) == ("RATE_LIMITED", 23.5 * 3600)
    clock.advance(hours=23, minutes=30)
    assert await code(attacker, "alice", RIGHT) == "OK"


async def test_a_slow_attacker_at_a_familiar_address_has_a_hundred_more(
    anonymous: Caller, people: People, clock: Clock
) -> None:
    home = at(HOME, anonymous)
    await code(home, "alice", RIGHT)
    await code(home, "alice")
    await use_up("account", 100, per="day")
    await code(home, "alice")
    await use_up("familiar-account", 99, per="day")
    clock.advance(minutes=15)
    assert await code(home, "alice") == "RATE_LIMITED"
    assert await code(home, "alice", RIGHT) == "RATE_LIMITED"
    clock.advance(hours=23, minutes=45)
    assert await code(home, "alice", RIGHT) == "OK"


async def test_a_success_counts_nowhere(anonymous: Caller, people: People) -> None:
    calls = [code(at(CAFE, anonymous), "alice", RIGHT) for _ in range(25)]
    assert set(await asyncio.gather(*calls[:20])) == {"OK"}
    assert set(await asyncio.gather(*calls[20:])) == {"OK"}
    assert {row.count for row in await AttemptCount.all()} == {0}


async def test_a_success_does_not_show_to_those_who_fail_elsewhere(
    anonymous: Caller, people: People
) -> None:
    await code(at(CAFE, anonymous), "alice")
    await use_up("account", 19)
    assert await code(at(HOME, anonymous), "alice", RIGHT) == "OK"
    assert await code(at(CAFE, anonymous), "alice") == "INVALID_CREDENTIALS"
    assert await code(at(CAFE, anonymous), "alice") == "RATE_LIMITED"


async def test_a_success_forgets_the_failures_at_a_familiar_address(
    anonymous: Caller, people: People
) -> None:
    home = at(HOME, anonymous)
    await code(home, "alice", RIGHT)
    await lock(anonymous, "alice")
    for _ in range(2):
        assert await code(home, "alice") == "RATE_LIMITED"
        await use_up("familiar-account", 19)
        assert await code(home, "alice", RIGHT) == "OK"


async def test_a_success_does_not_clear_the_address(anonymous: Caller, people: People) -> None:
    cafe = at(CAFE, anonymous)
    await code(cafe, "user")
    await use_up("address", 49)
    assert await code(cafe, "bob", RIGHT) == "OK"
    assert await code(cafe, "user") == "INVALID_CREDENTIALS"
    assert await code(cafe, "user") == "RATE_LIMITED"


@pytest.mark.parametrize(
    ("other", "is_same"),
    [("2001:db8:0:1:ffff::9", True), ("2001:db8:0:2::1", False)],
    ids=["same-64", "other-64"],
)
async def test_an_ipv6_network_is_one_address(
    anonymous: Caller, people: People, other: str, is_same: bool
) -> None:
    await code(at("2001:db8:0:1::1", anonymous), "user")
    await use_up("address", 50)
    expected = "RATE_LIMITED" if is_same else "OK"
    assert await code(at(other, anonymous), "alice", RIGHT) == expected


async def test_the_header_of_a_stranger_moves_nobody_to_another_address(
    anonymous: Caller, people: People
) -> None:
    """The last address was added by the proxy, the first ones by the client."""
    await code(at(CAFE, anonymous), "user")
    await use_up("address", 50)
    assert await code(at(f"{HOME}, {CAFE}", anonymous), "alice", RIGHT) == "RATE_LIMITED"


async def test_neither_names_nor_addresses_are_kept(anonymous: Caller, people: People) -> None:
    await code(at(HOME, anonymous), "alice", RIGHT)
    await code(at(CAFE, anonymous), "a password typed as a name")
    kept = [row.key for model in (AttemptCount, FamiliarAddress) for row in await model.all()]
    assert len(kept) >= 3
    for planted in ("alice", "typed", HOME, CAFE):
        assert planted not in " ".join(kept)


async def test_an_account_that_is_closed_is_not_opened_by_its_password(
    anonymous: Caller, people: People
) -> None:
    cafe = at(CAFE, anonymous)
    found = await asyncio.gather(*(code(cafe, "carol", RIGHT) for _ in range(21)))
    assert Counter(found) == {"INVALID_CREDENTIALS": 20, "RATE_LIMITED": 1}
    assert not await FamiliarAddress.exists()
    assert (await User.get(username="carol")).last_login_at is None
