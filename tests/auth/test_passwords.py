"""Passwords."""

import threading
import time
from statistics import median

import anyio
import pytest
from passlib.hash import django_pbkdf2_sha256

from auth.passwords import Passwords, PasswordsBusy, Verification

# Hashes that Django 2.2 made for our own test accounts.
DJANGO_ALICE = "pbkdf2_sha256$150000$yNteGoLEF5rg$5B5k1+cGA8ip44Ng1EXg1YbJW61Kxay187YwD1aLaFA="
DJANGO_UNICODE = "pbkdf2_sha256$150000$e2XHHeTbCpIO$kdSaNtPDFr6QLn4XqjWoub4dx1esWCSyeTE2pjz0juU="
# Hashes that Django 5.2 makes of the same two passwords, with its costs turned down.
GOOD = "correct horse"
UNICODE = "gehéim ✓"
LONG = "x" * 100
DJANGO_HASHES = [
    (
        UNICODE,
        "argon2$argon2id$v=19$m=1024,t=2,p=2$YWQ1T2dRaWdNZDNCdDBqeU1TYzNmNg"
        "$xCFOgXo8CnkoWxebGmupCeHrnOrp8DHj4gJhXM7XN/0",
    ),
    (
        LONG,
        "argon2$argon2id$v=19$m=1024,t=2,p=2$NzZxeWc3N3N5M3pHcXRobGVXVExZRg"
        "$Rf3PgbWTUyhUvmI8PwLR0NvzDoUCFf74TiCs5UhkxcY",
    ),
    (UNICODE, "bcrypt_sha256$$2b$05$DaYq7nZYTVg14IDFe8X3KOHw.z2GIWogO1wfOp.yrtTt6bVaX7rMe"),
    (LONG, "bcrypt_sha256$$2b$05$f93pwWuhiACDk3Ni2hxMCO3zU27SSDD3UA.XDZnG5ZyYDILJ.aLYi"),
    (
        UNICODE,
        "pbkdf2_sha256$1000$inbjLGNjtBgW76HfpJIkK7$nePdOfZtlnulpLNSrP0JZ1N0CkZ2ozLlOB4MmGsH100=",
    ),
    (
        LONG,
        "pbkdf2_sha256$1000$hmXHjzWmCIsenmsJMEttC5$WipZzLJcVoZ58nm4yN55Jkk+N2JTHd2S76GW340yspc=",
    ),
    (UNICODE, "pbkdf2_sha1$1000$w1ippwSyimoXMpgRzBJju2$wCX0tQy421n+zDa5JaMReS+KLJ0="),
    (LONG, "pbkdf2_sha1$1000$8DhWqMT2VQpiAmZGd6zK3T$NN83hgN0e9eB/iNCADPG4lxrbgU="),
]
# What Django 3 made, before it turned to Argon2id.
DJANGO_ARGON2I = (
    "argon2$argon2i$v=19$m=512,t=2,p=2$F57RVqvoiYdLic7P1jbJkA"
    "$SZ5pVC6HGKB/1IZHiqFcB0QZSPjwomtqN469fky/XXk"
)
DJANGO_NUL = "pbkdf2_sha256$1000$saltsaltsalt$sVaWem31qy3rw+Ldi3plA/XzhMSNi9/XHnnD1Ytj05o="
UNUSABLE = [
    "",
    "!4QRzTiCWTxC5hJiAgj4XIapaBcFi7pudbOZCbtsr",
    "secret",
    "hässlich",
    "\ud800",
    "md5$salt$d41d8cd98f00b204e9800998ecf8427e",
    "pbkdf2_sha256$",
    "pbkdf2_sha256$x$y$z",
    "pbkdf2_sha256$150000$e2XHHeTbCpIO$",
    "pbkdf2_sha256$0$e2XHHeTbCpIO$kdSaNtPDFr6QLn4XqjWoub4dx1esWCSyeTE2pjz0juU=",
    "bcrypt_sha256$$2b$12$zz",
    "argon2$argon2id$",
    "$argon2id$v=19$m=1,t=1,p=1$x$y",
    "$argon2id$v=19$m=19456,t=2,p=1,keyid=a$c2FsdHNhbHQ$c2FsdHNhbHQ",
]
REFUSED = Verification(ok=False, replacement=None)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(refusal_seconds=0)


async def test_sr01_a_new_hash_is_argon2id_as_strong_as_owasp_asks(passwords: Passwords) -> None:
    assert (await passwords.hash(GOOD)).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_the_same_password_never_gives_the_same_hash(passwords: Passwords) -> None:
    assert await passwords.hash(GOOD) != await passwords.hash(GOOD)


@pytest.mark.parametrize(
    "password",
    [GOOD, "gehéimnis✓", "秘密の合言葉です", "🔑🗝🔒🔓🧷🧲🪝🧵", f"{GOOD}{'x' * 113}", " ~ bare ~ "],
)
async def test_sr03_a_password_is_verified_as_it_is(passwords: Passwords, password: str) -> None:
    stored = await passwords.hash(password)
    assert await passwords.verify(password, stored) == Verification(ok=True, replacement=None)
    for other in (f"x{password}", f"{password} ", password[:-1], password.strip()[1:]):
        assert await passwords.verify(other, stored) == REFUSED


async def test_no_two_spellings_of_a_character_are_the_same(passwords: Passwords) -> None:
    stored = await passwords.hash("geh\u00e9imnis ohne namen")
    assert await passwords.verify("gehe\u0301imnis ohne namen", stored) == REFUSED


@pytest.mark.parametrize(
    ("password", "stored"),
    [
        ("alicepw", DJANGO_ALICE),
        ("pässwörd✓", DJANGO_UNICODE),
        ("bobpw✓", DJANGO_ARGON2I),
        *DJANGO_HASHES,
    ],
)
async def test_sr02_hashes_of_django_verify_and_are_to_be_replaced(
    passwords: Passwords, password: str, stored: str
) -> None:
    verification = await passwords.verify(password, stored)
    assert verification.ok
    assert verification.replacement is not None
    assert await passwords.verify(password, verification.replacement) == Verification(ok=True)
    assert await passwords.verify(f"{password}x", stored) == REFUSED


@pytest.mark.parametrize(
    "stored",
    [
        "$argon2id$v=19$m=8192,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA"
        "$1MFrSlTaCp7gQvIShdjNOgXSukI4u8eGoCFgWiW0jc8",
        "$argon2id$v=19$m=19456,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA"
        "$2cu+DcyGUO4EdW7sBE1SzH8EokuJ3aP9DaFF84TI1jo",
    ],
)
async def test_a_weaker_argon2_hash_is_to_be_replaced(passwords: Passwords, stored: str) -> None:
    verification = await passwords.verify("secret", stored)
    assert verification.ok
    assert verification.replacement is not None


@pytest.mark.parametrize("stored", [None, *UNUSABLE])
async def test_without_a_usable_hash_every_password_is_wrong(
    passwords: Passwords, stored: str | None
) -> None:
    for password in ("", "secret"):
        assert await passwords.verify(password, stored) == REFUSED


async def test_a_hash_is_known_when_a_password_can_be_compared_with_it(
    passwords: Passwords,
) -> None:
    usable = [DJANGO_ALICE, DJANGO_ARGON2I, *(stored for _, stored in DJANGO_HASHES)]
    assert all(map(passwords.knows, [*usable, await passwords.hash(GOOD)]))
    assert not any(map(passwords.knows, UNUSABLE))


COSTLY = [
    DJANGO_ALICE.replace("150000", "5000001"),
    DJANGO_ARGON2I.replace("m=512", "m=4194304"),
    DJANGO_ARGON2I.replace("t=2", "t=1000"),
    "bcrypt_sha256$$2b$31$abcdefghijklmnopqrstuuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
]


@pytest.mark.parametrize("stored", COSTLY)
async def test_a_hash_that_keeps_a_worker_for_hours_is_not_compared(
    stored: str, passwords: Passwords
) -> None:
    assert stored not in (DJANGO_ALICE, DJANGO_ARGON2I)
    assert not passwords.knows(stored)
    assert await passwords.verify("alicepw", stored) == REFUSED


@pytest.mark.parametrize("password", ["secret\0", "\0", "x" * 4097, "x" * 1_000_000, "\ud800"])
async def test_an_impossible_password_is_wrong(passwords: Passwords, password: str) -> None:
    for stored in (DJANGO_NUL, await passwords.hash(GOOD), None):
        assert await passwords.verify(password, stored) == REFUSED


async def test_sr04_a_missing_account_takes_as_long_as_a_wrong_password() -> None:
    passwords = Passwords()
    current = await passwords.hash(GOOD)
    kinds = {"missing": None, "unusable": "!x", "django": DJANGO_ALICE, "current": current}
    medians = [median([await seconds(passwords, s) for _ in range(3)]) for s in kinds.values()]
    assert min(medians) >= 0.4
    assert max(medians) < 1.5 * min(medians)


async def test_sr04_in_single_file_each_refusal_takes_the_same_time() -> None:
    passwords = Passwords(refusal_seconds=0, single_refusal_seconds=0.3)
    current = await passwords.hash(GOOD)
    attempts = [("alice", current), ("alice", "!x"), ("alice", None)]
    attempts += [(f"user-{number}", current) for number in range(7)]
    started = time.monotonic()
    async with anyio.create_task_group() as group:
        for account, stored in attempts:
            group.start_soon(passwords.verify_in_single_file, account, "wrong", stored)
    assert 0.9 <= time.monotonic() - started < 2.7


async def test_the_right_password_leaves_a_single_file_at_once() -> None:
    passwords = Passwords(single_refusal_seconds=10)
    current = await passwords.hash(GOOD)
    started = time.monotonic()
    assert (await passwords.verify_in_single_file("alice", GOOD, current)).ok
    assert time.monotonic() - started < 5


async def test_a_single_file_is_not_longer_than_allowed() -> None:
    passwords = Passwords(waiting=1, refusal_seconds=0, single_refusal_seconds=0.3)
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(passwords.verify_in_single_file, "alice", "wrong", None)
        await anyio.sleep(0.1)
        with pytest.raises(PasswordsBusy):
            await passwords.verify_in_single_file("alice", "wrong", None)
    assert await passwords.verify_in_single_file("alice", "wrong", None) == REFUSED


async def test_who_loses_patience_leaves_the_line() -> None:
    passwords = Passwords(concurrency=1, waiting=1, refusal_seconds=0)
    slow = django_pbkdf2_sha256.using(rounds=1_000_000).hash(GOOD)
    async with anyio.create_task_group() as group:
        group.start_soon(passwords.verify, "wrong", slow)
        await anyio.sleep(0.05)
        for _ in range(3):
            with pytest.raises(PasswordsBusy):
                await passwords.verify("wrong", None, patience=0.05)
    assert await passwords.verify("wrong", None, patience=0.05) == REFUSED


async def test_a_missing_account_costs_a_hash_too(passwords: Passwords) -> None:
    stored = await passwords.hash(GOOD)
    await passwords.verify("wrong", None)
    missing = median([await seconds(passwords, None) for _ in range(9)])
    wrong = median([await seconds(passwords, stored) for _ in range(9)])
    assert missing > wrong / 2


async def test_sr08_hashing_leaves_the_event_loop_free(passwords: Passwords) -> None:
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            started = time.monotonic()
            await anyio.sleep(0.001)
            longest = max(longest, time.monotonic() - started)

    async with anyio.create_task_group() as watcher:
        watcher.start_soon(watch)
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(passwords.verify, "wrong", DJANGO_ALICE)
        watcher.cancel_scope.cancel()
    assert longest < 0.3


async def test_no_more_hashes_are_computed_at_once_than_allowed() -> None:
    passwords = Passwords(concurrency=2, refusal_seconds=0)
    before = set(threading.enumerate())
    most = 0

    async def verify() -> None:
        nonlocal most
        await passwords.verify("wrong", None)
        most = max(most, len(set(threading.enumerate()) - before))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(verify)
    assert most == 2


async def test_who_finds_the_line_full_is_refused_at_once() -> None:
    passwords = Passwords(concurrency=1, waiting=2, refusal_seconds=0)
    outcomes: list[str] = []

    async def verify() -> None:
        try:
            await passwords.verify("wrong", None)
        except PasswordsBusy:
            outcomes.append("busy")
        else:
            outcomes.append("refused")

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(verify)
    assert outcomes == ["busy", "busy", "refused", "refused", "refused"]
    assert await passwords.verify("wrong", None) == REFUSED


async def test_nobody_waits_for_the_delay_of_somebody_elses_refusal() -> None:
    passwords = Passwords(concurrency=1, waiting=0, refusal_seconds=1)
    stored = await passwords.hash(GOOD)
    async with anyio.create_task_group() as group:
        group.start_soon(passwords.verify, "wrong", None)
        await anyio.sleep(0.5)
        assert (await passwords.verify(GOOD, stored)).ok
        group.cancel_scope.cancel()


async def seconds(passwords: Passwords, stored: str | None) -> float:
    started = time.monotonic()
    await passwords.verify("wrong", stored)
    return time.monotonic() - started
