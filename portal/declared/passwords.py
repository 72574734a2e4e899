"""Declared passwords. Comparing is slow, so it is done before the transaction begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio

from auth.passwords import Passwords, UnusablePassword
from models import User, username_key
from portal.declared.declaration import Declaration, DeclaredUser
from portal.declared.document import Document
from portal.declared.state import State

AT_ONCE = 50  # fewer than may wait in line for their hashes


class Outdated(Exception):
    """The stored hash is no longer the one that a declared password was compared with."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A declared password beside the stored hash.

    replacement: the hash to store instead; None when the stored one is of that password.
    """

    stored: str | None
    replacement: str | None


Comparisons = Mapping[str, Comparison]


@dataclass(frozen=True, slots=True)
class Secret:
    """What to store so that a user's password is the declared one, and a note for the diff."""

    values: Mapping[str, str | None] = field(default_factory=dict)
    note: str = ""

    @property
    def is_new(self) -> bool:
        return "password_hash" in self.values


async def compare_passwords(
    document: Document, declaration: Declaration, state: State, passwords: Passwords
) -> Comparisons:
    """By the key of the user name. Raises DeclarationError for unusable passwords."""
    comparisons: dict[str, Comparison] = {}
    line = anyio.CapacityLimiter(AT_ONCE)

    async def compare(number: int, declared: DeclaredUser) -> None:
        key = username_key(declared.username)
        user = state.users.get(key)
        stored = user.password_hash if user else None
        try:
            async with line:
                replacement = await _replacement(passwords, declared, stored)
        except UnusablePassword as error:
            document.add(("users", number, "password"), str(error))
        else:
            comparisons[key] = Comparison(stored, replacement)

    async with anyio.create_task_group() as group:
        for number, declared in enumerate(declaration.users):
            if declared.names("password"):
                group.start_soon(compare, number, declared)
    document.check()
    return comparisons


async def _replacement(
    passwords: Passwords, declared: DeclaredUser, stored: str | None
) -> str | None:
    password = declared.password.get_secret_value()
    if stored is not None and (await passwords.verify(password, stored)).ok:
        return None
    owner = (declared.username, declared.first_name, declared.last_name)
    addresses = (declared.primary_email or "", *declared.alternative_emails)
    return await passwords.hash(password, (*owner, *addresses))


def secret(declared: DeclaredUser, user: User, comparison: Comparison | None) -> Secret:
    """Raises Outdated."""
    if declared.names("password_hash"):
        return _of_hash(declared.password_hash.get_secret_value(), user)
    return _of_password(comparison, user) if comparison else Secret()


def _of_hash(declared: str, user: User) -> Secret:
    """A hash that was declared before may have been upgraded at sign-in since: it stays."""
    if declared == user.declared_password_hash:
        return Secret()
    if declared == user.password_hash:
        return Secret({"declared_password_hash": declared}, "passwordHash noted as declared")
    values = {"password_hash": declared, "declared_password_hash": declared}
    return Secret(values, _note(user))


def _of_password(comparison: Comparison, user: User) -> Secret:
    if comparison.stored != user.password_hash:
        raise Outdated
    if comparison.replacement is None:
        return Secret()
    values = {"password_hash": comparison.replacement, "declared_password_hash": None}
    return Secret(values, _note(user))


def _note(user: User) -> str:
    return "password changed" if user.password_hash else "password set"
