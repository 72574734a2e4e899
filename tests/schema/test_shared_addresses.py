"""Many people have one address: nobody learns who they are, and no one keeps out the others."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from auth.passwords import Passwords, PasswordsBusy
from models import AttemptCount, User
from portal.settings import Settings
from resolvers.errors import RateLimited
from resolvers.throttling import Throttle
from tests.callers import Caller, Clock, People
from tests.schema.test_throttling import CAFE, HOME, RIGHT, at, code, codes, login, use_up

NAMES = ["alice", "bob", "carol", "dora", "nobody"]
Answer = tuple[int, str, str | None]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"trusted_proxies": ("127.0.0.1",)})


@pytest.fixture
async def campus(anonymous: Caller, people: People, password_hash: str) -> Caller:
    """Where Alice and Dora have signed in before, and Dora's account was closed later."""
    dora = await User.create(username="dora", password_hash=password_hash)
    caller = at(HOME, anonymous)
    assert [await code(caller, name, RIGHT) for name in ("alice", "dora")] == ["OK", "OK"]
    await User.filter(id=dora.id).update(is_active=False)
    return caller


async def rest_login(caller: Caller, username: str, password: str = "wrong") -> Answer:  # noqa: S107
    credentials = {"username": username, "password": password}
    answer = await caller.rest("POST", "/login/", json=credentials)
    return answer.status_code, answer.text, answer.headers.get("retry-after")


async def use_up_address(caller: Caller, count: int = 50) -> None:
    await code(caller, "somebody")
    await use_up("address", count)


async def use_up_accounts(caller: Caller) -> None:
    """By attempts that come from elsewhere."""
    await codes(*((at(CAFE, caller), name) for name in NAMES))
    accounts = AttemptCount.filter(key__startswith="account/", key__endswith="/minute")
    assert await accounts.update(count=20) == len(NAMES)


@pytest.mark.parametrize("use_up_limit", [use_up_address, use_up_accounts])
async def test_sr04_where_all_have_to_wait_a_familiar_account_shows_by_nothing_but_its_password(
    campus: Caller, use_up_limit: Any
) -> None:
    await use_up_limit(campus)
    answers = await asyncio.gather(*(rest_login(campus, name) for name in NAMES))
    message = "Too many attempts: try again in 900 seconds."
    assert answers == [(429, f'{{"detail":"{message}"}}', "900")] * len(NAMES)
    outcomes = await asyncio.gather(*(login(campus, name, "wrong") for name in NAMES))
    refusal = {"code": "RATE_LIMITED", "field": None, "message": message, "retryAfter": 900}
    assert outcomes == [refusal] * len(NAMES)
    assert await code(campus, "dora", RIGHT) == "RATE_LIMITED"
    assert await code(campus, "bob", RIGHT) == "RATE_LIMITED"
    assert (await rest_login(campus, "alice", RIGHT))[0] == 200
    assert await code(campus, "alice", RIGHT) == "OK"


async def test_sr04_where_all_have_to_wait_a_familiar_account_does_not_show_by_the_time(
    campus: Caller,
) -> None:
    await use_up_address(campus)
    longest = [await slowest(campus, name) for name in ("nobody", "alice")]
    assert max(longest) < 1.3 * min(longest)


async def slowest(caller: Caller, username: str) -> float:
    """Of some attempts at once, in seconds."""
    started = time.monotonic()
    assert await codes(*[(caller, username)] * 6) == {"RATE_LIMITED": 6}
    return time.monotonic() - started


async def test_sr04_where_all_have_to_wait_a_familiar_account_does_not_show_when_many_sign_in(
    campus: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise PasswordsBusy

    await use_up_address(campus)
    monkeypatch.setattr(Passwords, "verify", busy)
    found = await asyncio.gather(*(code(campus, name) for name in ("nobody", "alice")))
    assert found == ["RATE_LIMITED"] * 2
    beyond = await AttemptCount.filter(key__startswith="familiar-")
    assert {counter.count for counter in beyond} == {0}


@pytest.mark.parametrize("username", ["alice", "nobody"])
async def test_sr04_what_is_left_of_the_attempts_does_not_show_who_is_familiar(
    campus: Caller, username: str
) -> None:
    await use_up_address(campus, 30)
    counted = await codes(*[(campus, username)] * 20)
    assert counted == {"INVALID_CREDENTIALS": 20}
    assert await code(campus, "somebody") == "RATE_LIMITED"
    assert await code(at(CAFE, campus), username) == "RATE_LIMITED"


@pytest.mark.parametrize("username", ["bob", "alice"])
async def test_nobody_uses_up_the_address_by_attempts_at_one_account(
    campus: Caller, username: str
) -> None:
    for _ in range(2):
        outcomes = await codes(*[(campus, username)] * 55)
        assert outcomes["RATE_LIMITED"] >= 35
    assert await code(campus, "admin", RIGHT) == "OK"
    await use_up("address", 50)
    assert await code(campus, "admin", RIGHT) == "OK"
    counts = Counter({row.key.partition("/")[0]: row.count for row in await AttemptCount.all()})
    assert counts["familiar-address"] <= 20


KEYS = [["old"], ["old", "new"], ["new", "old"], ["new"]]


@pytest.mark.parametrize("step", list(pairwise(KEYS)), ids=str)
async def test_sr39_replicas_agree_at_each_step_in_which_keys_are_replaced(
    people: People, clock: Clock, step: tuple[list[str], list[str]]
) -> None:
    before, after = (Throttle(keys=keys, clock=clock) for keys in step)
    await (await before.sign_in("alice", HOME)).succeeded()
    for _ in range(10):
        for replica in (before, after):
            await replica.sign_in("alice", CAFE)
    for replica in (before, after):
        with pytest.raises(RateLimited):
            await replica.sign_in("alice", CAFE)
        assert (await replica.sign_in("alice", HOME)).refusal
