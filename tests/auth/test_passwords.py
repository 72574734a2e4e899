"""Hashing and verifying passwords."""

import threading
import time
from typing import Any

import anyio
import anyio.to_thread
import pytest
from argon2 import low_level

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
    return Passwords()


async def test_sr01_new_hash_is_argon2id(passwords: Passwords) -> None:
    assert (await passwords.hash(GOOD)).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_hashes_are_salted(passwords: Passwords) -> None:
    assert await passwords.hash(GOOD) != await passwords.hash(GOOD)


@pytest.mark.parametrize(
    "password",
    [GOOD, "gehéimnis✓", "秘密の合言葉です", "🔑🗝🔒🔓🧷🧲🪝🧵", f"{GOOD}{'x' * 113}", " ~ bare ~ "],
)
async def test_sr03_password_is_verified_exactly(passwords: Passwords, password: str) -> None:
    stored = await passwords.hash(password)
    assert await passwords.verify(password, stored) == Verification(ok=True, replacement=None)
    for other in (f"x{password}", f"{password} ", password[:-1], password.strip()[1:]):
        assert await passwords.verify(other, stored) == REFUSED


async def test_unicode_forms_differ(passwords: Passwords) -> None:
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
async def test_sr02_django_hashes_verify(passwords: Passwords, password: str, stored: str) -> None:
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
async def test_weaker_argon2_hash_is_replaced(passwords: Passwords, stored: str) -> None:
    verification = await passwords.verify("secret", stored)
    assert verification.ok
    assert verification.replacement is not None


@pytest.mark.parametrize("stored", [None, *UNUSABLE])
async def test_unusable_hash_refuses_every_password(
    passwords: Passwords, stored: str | None
) -> None:
    for password in ("", "secret"):
        assert await passwords.verify(password, stored) == REFUSED


async def test_known_hashes(
    passwords: Passwords,
) -> None:
    usable = [DJANGO_ALICE, DJANGO_ARGON2I, *(stored for _, stored in DJANGO_HASHES)]
    assert all(map(passwords.knows, [*usable, await passwords.hash(GOOD)]))
    assert not any(map(passwords.knows, UNUSABLE))


COSTLY = [
    DJANGO_ALICE.replace("150000", "10000000"),
    DJANGO_ARGON2I.replace("m=512", "m=4194304"),
    DJANGO_ARGON2I.replace("t=2", "t=1000"),
    DJANGO_ARGON2I.replace("p=2", "p=100"),
    "bcrypt_sha256$$2b$31$abcdefghijklmnopqrstuuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
]


@pytest.mark.parametrize("stored", COSTLY)
async def test_costly_hash_is_not_verified(stored: str, passwords: Passwords) -> None:
    assert stored not in (DJANGO_ALICE, DJANGO_ARGON2I)
    assert not passwords.knows(stored)
    assert await passwords.verify("alicepw", stored) == REFUSED


@pytest.mark.parametrize("password", ["secret\0", "\0", "x" * 4097, "x" * 1_000_000, "\ud800"])
async def test_unusual_password_is_wrong(passwords: Passwords, password: str) -> None:
    for stored in (await passwords.hash(GOOD), None):
        assert await passwords.verify(password, stored) == REFUSED


@pytest.mark.parametrize("stored", [None, "!unusable", "current"])
async def test_sr04_missing_account_costs_one_hash(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch, stored: str | None
) -> None:
    verify_secret = low_level.verify_secret
    costs: list[bytes] = []

    def counted(stored: bytes, *secret_and_type: Any) -> bool:
        costs.append(stored.rsplit(b"$", 2)[0])
        return verify_secret(stored, *secret_and_type)

    if stored == "current":
        stored = await passwords.hash(GOOD)
    await passwords.verify("wrong", None)
    monkeypatch.setattr(low_level, "verify_secret", counted)
    assert await passwords.verify("wrong", stored) == REFUSED
    assert costs == [b"$argon2id$v=19$m=19456,t=2,p=1"]


async def test_sr08_hashes_are_computed_off_the_event_loop(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def verify(*_: object) -> Verification:
        threads.append(threading.current_thread())
        return REFUSED

    monkeypatch.setattr(passwords, "_verify", verify)
    await passwords.verify("wrong", None)
    assert threads != [threading.current_thread()]


async def test_hashes_computed_at_the_same_time_are_limited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passwords = Passwords(concurrency=2)
    running: list[int] = []
    most = 0

    def slow(*_: object) -> Verification:
        nonlocal most
        running.append(1)
        most = max(most, len(running))
        time.sleep(0.01)
        running.pop()
        return REFUSED

    monkeypatch.setattr(passwords, "_verify", slow)
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(passwords.verify, "wrong", None)
    assert most == 2


async def test_hashes_have_their_own_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    shared: set[int] = set()
    hashing: set[int] = set()

    def work() -> None:
        shared.add(threading.get_ident())
        time.sleep(0.01)

    def verify(*_: object) -> Verification:
        hashing.add(threading.get_ident())
        return REFUSED

    monkeypatch.setattr(passwords, "_verify", verify)
    for _ in range(3):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(anyio.to_thread.run_sync, work)
        await passwords.verify("wrong", None)
    assert len(hashing) == 1
    assert hashing.isdisjoint(shared)


async def test_full_queue_refuses_at_once() -> None:
    passwords = Passwords(concurrency=1, waiting=2)
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
