"""Access and accounts that do not fit."""

from __future__ import annotations

from models import (
    AccessRequest,
    AccessState,
    User,
)
from portal.legacy.report import Rule
from tests.portal.legacy.cases import Case
from tests.portal.legacy.edits import both, change
from tests.portal.legacy.former import (
    ACCOUNTS,
    NAMESPACES,
    USERS,
)
from tests.portal.legacy.state import value


async def access_of_bob() -> tuple[AccessState, int | None]:
    bob = await User.get(id=3)
    return bob.access_state, bob.service_account_id


async def decider_of_alice() -> int | None:
    return (await AccessRequest.get(user_id=2)).decided_by_id


async def users_of_the_account() -> set[str]:
    account = await value(User, 2, "service_account_id")
    return {user.username async for user in User.filter(service_account_id=account)}


ACCESS: dict[str, Case] = {
    "an account of two users": Case(
        change(USERS, 3, state="approved", service_account_id=1),
        Rule.ACCOUNT_SHARED,
        "default:default",
        users_of_the_account,
        {"alice", "bob"},
    ),
    "approved without an account": Case(
        change(USERS, 3, state="approved"),
        Rule.ACCESS_WITHOUT_ACCOUNT,
        "user 3 (bob)",
        access_of_bob,
        (AccessState.NEW, None),
    ),
    "an account without approval": Case(
        change(USERS, 3, state="rejected", service_account_id=2),
        Rule.ACCOUNT_WITHOUT_ACCESS,
        "user 3 (bob)",
        access_of_bob,
        (AccessState.REJECTED, None),
    ),
    "an account that Kubernetes can't have": Case(
        both(
            change(NAMESPACES, 2, name="Moni_toring"),
            change(USERS, 3, state="approved", service_account_id=2),
        ),
        Rule.ACCOUNT_UNFIT,
        "user 3 (bob)",
        access_of_bob,
        (AccessState.NEW, None),
    ),
    "an account that is not there": Case(
        change(USERS, 3, state="approved", service_account_id=404),
        Rule.DANGLING,
        "user 3 (bob)",
        access_of_bob,
        (AccessState.NEW, None),
    ),
    "an account in no namespace": Case(
        both(
            change(ACCOUNTS, 2, namespace_id=404),
            change(USERS, 3, state="approved", service_account_id=2),
        ),
        Rule.DANGLING,
        "user 3 (bob)",
        access_of_bob,
        (AccessState.NEW, None),
    ),
    "who decided is not there": Case(
        change(USERS, 2, answered_by_id=404),
        Rule.DANGLING,
        "user 2 (alice)",
        decider_of_alice,
        None,
    ),
    "accounts of nobody": Case(
        lambda rows: None,
        Rule.ACCOUNTS_UNUSED,
        "service accounts",
        lambda: value(User, 3, "service_account_id"),
        None,
    ),
}
