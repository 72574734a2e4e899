"""Making accounts from the command line."""

from __future__ import annotations

from dataclasses import dataclass

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from auth.passwords import Passwords, UnusablePassword
from models import AuditActor, AuditKind, User
from resolvers.audit import creation, record
from resolvers.users import email_complaint, name_complaint, normalize_email, username_complaint


class AccountError(Exception):
    """The account can't be made; the message says why."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    username: str
    email: str | None = None
    first_name: str = ""
    last_name: str = ""
    superuser: bool = False
    password: str | None = None


async def create_account(account: NewAccount, passwords: Passwords) -> User:
    """Raises AccountError."""
    _check("User name", username_complaint(account.username))
    _check("E-mail", email_complaint(account.email))
    for label, name in (("First name", account.first_name), ("Last name", account.last_name)):
        _check(label, name_complaint(name) if name else None)
    try:
        user = User(
            username=account.username.strip(),
            primary_email=normalize_email(account.email) if account.email else None,
            first_name=account.first_name,
            last_name=account.last_name,
            is_superuser=account.superuser,
            password_hash=await _hash(account, passwords),
        )
        async with in_transaction():
            await user.save()
            await record(AuditActor.OPERATOR, AuditKind.USER_CREATED, user, **creation(user))
    except UnusablePassword as error:
        raise AccountError(f"Password: {error}") from None
    except IntegrityError:
        raise AccountError(
            f"User name: {account.username!r} is taken (upper and lower case are the same)."
        ) from None
    return user


async def _hash(account: NewAccount, passwords: Passwords) -> str | None:
    if not account.password:
        return None
    owner = (account.username, account.email or "", account.first_name, account.last_name)
    return await passwords.hash(account.password, owner)


def _check(label: str, complaint: str | None) -> None:
    if complaint:
        raise AccountError(f"{label}: {complaint}")
