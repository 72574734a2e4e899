from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from email_validator import EmailNotValidError, validate_email
from pydantic.alias_generators import to_camel
from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from models import AccessState, AuditKind, EffectiveMembership, User, username_key
from models.database import hold
from models.users import COMMENTS_LENGTH, EMAIL_LENGTH, KEY_LENGTH, NAME_LENGTH
from resolvers.actor import Actor
from resolvers.administrators import administrates, administrators, require_administrator
from resolvers.audit import creation, record, record_change
from resolvers.errors import BadUserInput, Complaint, Forbidden, NotFound
from resolvers.pages import MomentOrder, Order, TextOrder, check_search
from resolvers.passwords import hash_new
from resolvers.rules import (
    NULL,
    Form,
    Rule,
    Values,
    line,
    line_complaint,
    required,
    satisfying,
    text,
    too_long,
    unfit,
)
from resolvers.services import Services
from resolvers.sessions import end_sessions
from resolvers.writes import change, delete, found, turn

INTRANET = re.compile(r"[@.](local|localhost|test|home\.arpa)$", re.IGNORECASE)
SOMEWHERE = ".example"


@dataclass(frozen=True, slots=True)
class Given:
    """A value that the caller gave, null included; absent ones are None instead."""

    value: str | None


@dataclass(frozen=True, slots=True)
class UserChanges:
    first_name: Given | None = None
    last_name: Given | None = None
    primary_email: Given | None = None


async def visible_to(actor: Actor) -> QuerySet[User]:
    """Everybody for administrators, else oneself."""
    return User.all() if await actor.is_admin() else User.filter(id=actor.user.id)


async def user(actor: Actor, user_id: int) -> User:
    """Oneself. Raises Forbidden for another one and NotFound for a missing one."""
    if user_id == actor.user.id:
        return actor.user
    if await User.exists(id=user_id):
        raise Forbidden
    raise NotFound


async def any_user(actor: Actor, user_id: int) -> User:
    """For administrators: whoever it is."""
    await actor.require_admin()
    found = await User.get_or_none(id=user_id)
    if found is None:
        raise NotFound
    return found


async def update_user(actor: Actor, user_id: int, changes: UserChanges) -> User:
    """Raises BadUserInput with a complaint per field, and what `user` raises."""
    changed = await user(actor, user_id)
    given = {
        "firstName": changes.first_name,
        "lastName": changes.last_name,
        "primaryEmail": changes.primary_email,
    }
    if not any(given.values()):
        raise BadUserInput(
            Complaint("Nothing to change: give a first name, a last name or a primary e-mail.")
        )
    complaints = [
        complaint
        for field, change in given.items()
        if change is not None and (complaint := _complaint(field, change.value))
    ]
    if complaints:
        raise BadUserInput(*complaints)
    await _apply(actor, changed, changes)
    return changed


async def _apply(actor: Actor, user: User, changes: UserChanges) -> None:
    """Only what changes is written, as others may change the same user at the same time."""
    columns: dict[str, Any] = {}
    if changes.first_name:
        columns["first_name"] = (changes.first_name.value or "").strip()
    if changes.last_name:
        columns["last_name"] = (changes.last_name.value or "").strip()
    async with in_transaction():
        await hold(User.filter(id=user.id))
        await user.refresh_from_db()
        if changes.primary_email:
            columns |= with_primary_email(user, changes.primary_email.value)
        changed = {name: new for name, new in columns.items() if getattr(user, name) != new}
        if changed:
            changed["version"] = user.version + 1
            await user.update_from_dict(changed).save(update_fields=changed)
            fields = sorted(map(to_camel, changed.keys() - {"version"}))
            await record(actor, AuditKind.USER_CHANGED, user, fields=fields)


def with_primary_email(user: User, address: str | None) -> dict[str, Any]:
    """The columns to write; an alternative that becomes the primary address changes places with it.

    Raises EmailNotValidError.
    """
    primary, alternatives = address and normalize_email(address), user.alternative_emails
    if user.primary_email and primary in alternatives:
        gone = (primary, user.primary_email)
        others = [other for other in alternatives if other not in gone]
        alternatives = [*others, user.primary_email]
    return {"primary_email": primary, "alternative_emails": alternatives}


def normalize_email(address: str) -> str:
    """Raises EmailNotValidError.

    An intranet has addresses like `bob@corp.local`. The validator knows only what is delivered
    on the internet, so it is asked about such names as parts of a longer one.
    """
    longer = SOMEWHERE if INTRANET.search(address) else ""
    normalized = validate_email(
        f"{address}{longer}", check_deliverability=False, globally_deliverable=False
    ).normalized
    return normalized.removesuffix(longer)


def _complaint(field: str, value: str | None) -> Complaint | None:
    check = email_complaint if field == "primaryEmail" else name_complaint
    message = check(value)
    return Complaint(message, field) if message else None


def name_complaint(value: str | None) -> str | None:
    return NULL if value is None else line_complaint(value, NAME_LENGTH)


def username_complaint(value: str) -> str | None:
    complaint = name_complaint(value)
    if complaint is None and len(username_key(value)) > KEY_LENGTH:
        return too_long(NAME_LENGTH)
    return complaint


def email_complaint(value: str | None) -> str | None:
    if value is None:
        return None
    if len(value) > EMAIL_LENGTH:
        return too_long(EMAIL_LENGTH)
    try:
        normalize_email(value)
    except EmailNotValidError:
        return "Enter a valid email address."
    return None


class UserOrderField(Enum):
    ID = Order()
    USERNAME = TextOrder("username_key")
    LAST_NAME = TextOrder("last_name")
    CREATED_AT = MomentOrder("created_at")
    LAST_LOGIN_AT = MomentOrder("last_login_at", nullable=True)


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Whom to look for; what is None does not matter."""

    is_active: bool | None = None
    is_admin: bool | None = None
    access_state: AccessState | None = None
    group_id: int | None = None

    def conditions(self, now: datetime) -> Iterator[Q]:
        if self.is_active is not None:
            yield Q(is_active=self.is_active)
        if self.is_admin is not None:
            yield administrators() if self.is_admin else ~administrators()
        if self.access_state is not None:
            yield _in_state(self.access_state, now)
        if self.group_id is not None:
            members = EffectiveMembership.filter(group_id=self.group_id).values("user_id")
            yield Q(id__in=Subquery(members))


def _in_state(state: AccessState, now: datetime) -> Q:
    """As `User.access_state_at` tells it."""
    expired = Q(access_state=AccessState.APPROVED, access_expires_at__lte=now)
    if state == AccessState.NEW:
        return Q(access_state=state) | expired
    if state == AccessState.APPROVED:
        lasting = Q(access_expires_at__isnull=True) | Q(access_expires_at__gt=now)
        return Q(access_state=state) & lasting
    return Q(access_state=state)


async def search(
    actor: Actor, text: str | None, wanted: UserFilter, now: datetime
) -> QuerySet[User]:
    """For administrators: those who are wanted and have the text. Raises BadUserInput."""
    await actor.require_admin()
    check_search(text)
    found = User.filter(*wanted.conditions(now))
    if not text:
        return found
    return found.filter(
        Q(username_key__contains=username_key(text))
        | Q(first_name__icontains=text)
        | Q(last_name__icontains=text)
        | Q(primary_email__icontains=text)
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


async def change_user(
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
