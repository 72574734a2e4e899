from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from models import AccessState, User, username_key
from models.lists import count
from models.search import containing
from resolvers import groups
from resolvers.actor import Actor
from resolvers.administrators import administrators
from resolvers.changes import Create, Update
from resolvers.errors import BadUserInput, FieldError, Forbidden, NotFound
from resolvers.pages import DateTimeOrder, Order, TextOrder, check_search, find
from resolvers.passwords import hash_new
from resolvers.rules import BLANK, collecting_errors
from resolvers.services import Services
from resolvers.writes import writing


def visible_to(actor: Actor) -> QuerySet[User]:
    """All users for administrators, else oneself."""
    return User.all() if actor.is_admin else User.filter(id=actor.user.id)


async def user(actor: Actor, user_id: int) -> User:
    """Oneself. Raises Forbidden for another one and NotFound for a missing one."""
    if user_id == actor.user.id:
        return actor.user
    if await User.exists(id=user_id):
        raise Forbidden
    raise NotFound


async def update_user(
    services: Services, actor: Actor, user_id: int, values: Mapping[str, Any]
) -> User:
    """Changes oneself: first_name, last_name, primary_email.

    Raises BadUserInput with an error per field, and what `user` raises.
    """
    await user(actor, user_id)
    if not values:
        raise BadUserInput(
            FieldError("Nothing to change: give a first name, a last name or a primary e-mail.")
        )
    async with writing(actor, services.write_options()) as writer:
        changed = await find(User, user_id)
        await writer.write([Update(changed, values)], _blank_names(values))
    return changed


def _blank_names(values: Mapping[str, Any]) -> list[FieldError]:
    """Users can't empty their names, as administrators can: the REST API refuses it."""
    return [
        FieldError(BLANK, (column,))
        for column in ("first_name", "last_name")
        if (name := values.get(column)) is not None and not name.strip()
    ]


async def create_user(
    services: Services, actor: Actor, values: Mapping[str, Any], password: str | None
) -> User:
    """Without a password, the user signs in with an identity provider.

    Raises Forbidden for a token that would create a superuser, BadUserInput with all errors, and
    Unavailable when the queue of passwords to hash is full.
    """
    row, errors = User(**values), []
    if password is not None:
        with collecting_errors() as errors:
            row.password_hash = await hash_new(services.passwords, password, row, field="password")
    async with writing(actor, services.write_options()) as writer:
        await writer.write([Create(row)], errors)
    return await User.get(id=row.id)


async def user_count(actor: Actor) -> int:
    """The number of accounts, as `lists.count` returns it. Raises Unauthenticated."""
    return await count(User.all()) if actor.user else 0


class UserOrderField(Enum):
    ID = Order()
    USERNAME = TextOrder("username_key")
    LAST_NAME = TextOrder("last_name")
    CREATED_AT = DateTimeOrder("created_at")
    LAST_LOGIN_AT = DateTimeOrder("last_login_at", nullable=True)


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Conditions for users; None is no condition."""

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


def _in_state(state: AccessState, now: datetime) -> Q:
    """The condition that `User.access_state_at` evaluates for a row."""
    expired = Q(access_state=AccessState.APPROVED, access_expires_at__lte=now)
    if state == AccessState.NEW:
        return Q(access_state=state) | expired
    if state == AccessState.APPROVED:
        lasting = Q(access_expires_at__isnull=True) | Q(access_expires_at__gt=now)
        return Q(access_state=state) & lasting
    return Q(access_state=state)


async def search(text: str | None, criteria: UserFilter, now: datetime) -> QuerySet[User]:
    """The users that meet the conditions and contain the text. Raises BadUserInput."""
    check_search(text)
    group_id = criteria.group_id
    within = User.all() if group_id is None else await groups.members(group_id)
    found = within.filter(*criteria.conditions(now))
    if not text:
        return found
    return found.filter(containing("users", text) | Q(username_key__icontains=username_key(text)))
