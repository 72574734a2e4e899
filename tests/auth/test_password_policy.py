"""Which passwords may be chosen."""

from __future__ import annotations

import pytest

from auth.passwords import Passwords, UnusablePassword, check_password

OWNER = ("alice", "Alice", "Anders", "a.anders@example.org")
SHORT = "A password has at least 8 characters."
LONG = "A password has at most 128 characters."
EASY = "This password is too easy to guess: common, a pattern, or made of its owner's names."
BROKEN = "A password has complete Unicode characters only."


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "alice-demo",  # the owner's name is not all of it
        "Tr0ub4dor&3",
        "winter garden tales",
        "Winter8305182",
        "秘密の合言葉です",
        "🔑🗝🔒🔓🧷🧲🪝🧵",
        "naïve Schlüssel",
        "x7 \t~9Qk",
        "fünf kleine Wörter ohne Sinn " * 4,
    ],
)
def test_sr03_accepted_passwords(password: str) -> None:
    check_password(password, OWNER)


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", SHORT),
        ("x7~9Qk#", SHORT),
        ("correct horse" * 10, LONG),
        ("correct\ud800horse", BROKEN),
        # of the most common ones
        ("password", EASY),
        ("password1", EASY),
        ("Password1", EASY),
        ("P@ssw0rd", EASY),
        ("drowssap", EASY),
        ("12345678", EASY),
        ("qwertyuiop", EASY),
        ("iloveyou", EASY),
        # patterns
        ("aaaaaaaaaaaaaaaa", EASY),
        ("abcabcabcabc", EASY),
        ("passwordpassword", EASY),
        ("abcdefgh", EASY),
        ("x" * 128, EASY),
        # the owner's
        ("alicealice", EASY),
        ("alice2024", EASY),
        ("a.anders", EASY),
        ("a.anders@example.org", EASY),
        ("example.org", EASY),
        ("srednA.a1", EASY),
        # the portal's
        ("kubeportal", EASY),
    ],
    ids=ascii,
)
def test_sr03_refused_passwords(password: str, expected: str) -> None:
    with pytest.raises(UnusablePassword) as refused:
        check_password(password, OWNER)
    assert str(refused.value) == expected


@pytest.mark.parametrize(("accepted", "refused"), [(8, 7), (128, 129)])
def test_sr03_the_limits_are_in_characters(accepted: int, refused: int) -> None:
    text = "ü€🔑 x7~9Qk#" * 12
    check_password(text[:accepted])
    with pytest.raises(UnusablePassword):
        check_password(text[:refused])


def test_name_of_the_owner_is_guessable() -> None:
    check_password("zaphodbeeblebrox42")
    with pytest.raises(UnusablePassword, match="too easy"):
        check_password("zaphodbeeblebrox42", ["", "ZaphodBeeblebrox"])


async def test_names_of_the_portal_are_refused() -> None:
    passwords = Passwords(names=("Acme Cloud", "portal.acme-cloud.example", "acme-cloud"))
    for password in ("acme cloud", "portal.acme-cloud.example", "Acme-Cloud-1"):
        with pytest.raises(UnusablePassword, match="too easy"):
            await passwords.hash(password, OWNER)


async def test_refused_password_is_not_hashed() -> None:
    with pytest.raises(UnusablePassword, match="too easy"):
        await Passwords().hash("alicealice", OWNER)
