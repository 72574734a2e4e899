"""From a file to a declaration."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from auth.passwords import Passwords
from models import (
    Database,
    User,
)
from portal.declared import DeclarationError
from tests.declaring import apply_file
from tests.portal.declared.state import (
    Declare,
    groups_of,
)


async def test_a_dash_is_standard_input(
    database: Database, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give(text: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))

    give("users: [{username: ünal}]".encode())
    await apply_file(Path("-"), passwords, dry_run=False)
    assert (await User.get()).username == "ünal"
    give(b"users: 1")
    with pytest.raises(DeclarationError, match=r"^stdin:1: users: Must be a list\.$"):
        await apply_file(Path("-"), passwords, dry_run=False)


async def test_anchors_and_merge_keys_work(database: Database, declare: Declare) -> None:
    await declare("""
groups: [{name: A}, {name: B}]
users:
  - &alice {username: alice, groups: &both [A, B], firstName: Al}
  - {<<: *alice, username: bob, firstName: Bob}
  - {<<: [{lastName: Chen}, *alice], username: carol, groups: *both}
""")
    assert await groups_of("bob") == await groups_of("carol") == {"A", "B"}
    names = await User.all().order_by("id").values_list("first_name", "last_name")
    assert names == [("Al", ""), ("Bob", ""), ("Al", "Chen")]


async def test_byte_order_mark_is_ignored(database: Database, declare: Declare) -> None:
    await declare(b"\xef\xbb\xbfusers: [{username: alice}]")
    assert await User.exists(username="alice")


def bomb() -> str:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(["l0: &l0 [lol, lol]", *levels])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (bomb(), "The file has more than 1000000 values"),
        ("users: &a\n  - *a", "portal.yaml:1: This contains an alias of itself"),
        ("x: &a [" + "x," * 2000 + "]\ny: [" + "*a," * 2000 + "]", "more than 1000000 values"),
        ("#" * (10 * 1024 * 1024 + 1), "The file has more than 10 MiB"),
    ],
)
async def test_huge_file_is_an_error(declare: Declare, text: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message.replace("[", r"\[")):
        await declare(text)


async def test_unreadable_file_is_an_error(
    declare: Declare, passwords: Passwords, tmp_path: Path
) -> None:
    for file, message in {
        Path("no.yaml"): "no.yaml: No such file",
        tmp_path: "Is a directory",
    }.items():
        with pytest.raises(DeclarationError, match=message):
            await apply_file(file, passwords, dry_run=False)
