from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models import AuditKind, User, username_key
from models.users import COMMENTS_LENGTH, NAME_LENGTH
from resolvers.actor import Actor
from resolvers.administrators import administrates
from resolvers.audit import creation, record, record_change
from resolvers.errors import BadUserInput, Complaint
from resolvers.management.administrators import require_administrator
from resolvers.management.forms import (
    Form,
    Rule,
    Values,
    line,
    required,
    satisfying,
    text,
    unfit,
)
from resolvers.management.turns import turn
from resolvers.management.versions import change, delete, found
from resolvers.passwords import hash_new
from resolvers.services import Services
from resolvers.session_ends import end_sessions
from resolvers.texts import NULL
from resolvers.users import (
    email_complaint,
    normalize_email,
    username_complaint,
    with_primary_email,
)

MAXIMUM_ALTERNATIVES = 20
TAKEN = Complaint("This user name is taken; upper and lower case are the same.", "username")


def _email(value: str | None) -> str | None:
    if message := email_complaint(value):
        raise unfit(message)
    return value and normalize_email(value)


def _emails(values: list[str] | None) -> list[str]:
    if values is None:
        raise unfit(NULL)
    if len(values) > MAXIMUM_ALTERNATIVES:
        raise unfit(f"Give at most {MAXIMUM_ALTERNATIVES} addresses.")
    complaints = [
        Complaint(message, f".{number}")
        for number, value in enumerate(values)
        if (message := email_complaint(value))
    ]
    if complaints:
        raise BadUserInput(*complaints)
    return list(dict.fromkeys(map(normalize_email, values)))


RULES: Mapping[str, Rule] = {
    "username": satisfying(username_complaint, line(NAME_LENGTH)),
    "first_name": line(NAME_LENGTH, blank=True),
    "last_name": line(NAME_LENGTH, blank=True),
    "primary_email": _email,
    "alternative_emails": _emails,
    "is_superuser": required,
    "is_active": required,
    "comments": text(COMMENTS_LENGTH),
}


async def create_user(
    services: Services, actor: Actor, given: Values, password: str | None
) -> User:
    """Without a password, the user signs in with Google or not at all.

    Raises Unauthenticated, Forbidden, also for a token and a superuser, BadUserInput with all
    complaints, and Unavailable when too many passwords are being hashed.
    """
    await actor.require_admin()
    form = Form(given, RULES)
    await _check_username(form)
    user = User(**{"username": "", **form.clean})
    if password is not None:
        with form.noting():
            user.password_hash = await hash_new(services, password, user, field="password")
    form.done()
    if user.is_superuser:
        actor.require_sign_in()
    async with turn(TAKEN):
        await user.save()
        await record(actor, AuditKind.USER_CREATED, user, **creation(user))
    return user


async def update_user(
    services: Services, actor: Actor, user_id: int, version: int, given: Values
) -> User:
    """Ends the user's sessions when the account is closed or opened.

    Raises Unauthenticated, Forbidden, also for a token that would make a superuser, NotFound,
    Outdated, and BadUserInput with all complaints, or for the last administrator.
    """
    await actor.require_admin()
    form = Form(given, RULES)
    async with turn(TAKEN):
        user = await found(User, user_id, version)
        await _check_username(form, user.id)
        changed = await change(user, _columns(user, form.done()))
        if changed.is_superuser and not user.is_superuser:
            actor.require_sign_in()
        if user.is_active and not changed.is_active and await administrates(user):
            await require_administrator(services, "isActive")
        if user.is_superuser and not changed.is_superuser:
            await require_administrator(services, "isSuperuser")
        await record_change(actor, AuditKind.USER_CHANGED, user, changed, form.clean)
        if user.is_active != changed.is_active:
            await end_sessions(actor, user)
    return changed


async def delete_user(services: Services, actor: Actor, user_id: int, version: int) -> None:
    """With the user go sessions, identities, memberships and requests for access.

    The record of credentials stays, and so does everything in the cluster. Raises
    Unauthenticated, Forbidden, NotFound, Outdated, and BadUserInput for the last administrator.
    """
    await actor.require_admin()
    async with turn():
        user = await found(User, user_id, version)
        is_administrator = await administrates(user)
        await delete(user)
        if is_administrator:
            await require_administrator(services, "databaseId")
        await record(actor, AuditKind.USER_DELETED, user, is_superuser=user.is_superuser)


def _columns(user: User, clean: dict[str, Any]) -> dict[str, Any]:
    columns = dict(clean)
    if "username" in clean:
        columns["username_key"] = username_key(clean["username"])
    if "primary_email" in clean and "alternative_emails" not in clean:
        columns |= with_primary_email(user, clean["primary_email"])
    return columns


async def _check_username(form: Form, user_id: int | None = None) -> None:
    username = form.clean.get("username")
    if username is None:
        return
    holder = await User.by_username(username)
    if holder is not None and holder.id != user_id:
        form.add(TAKEN)
