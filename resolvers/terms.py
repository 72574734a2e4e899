"""What an administrator says when approving, and what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from models import Group, GroupMembership, User
from resolvers.errors import BadUserInput, Complaint

MAXIMUM_GROUPS = 100
SYSTEM_PREFIX = "kube-"
# The rule of Kubernetes: checked here, as a refusal after the namespace was made would be late
ACCOUNT_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Without a cluster, the default one; without an account, one named after the user."""

    namespace: str
    service_account: str | None = None
    cluster: str | None = None
    group_ids: tuple[int, ...] = ()
    expires_at: datetime | None = None


async def check(given: Terms, user: User, now: datetime) -> Terms:
    """The same with each group once. Raises BadUserInput."""
    checked = replace(given, group_ids=tuple(dict.fromkeys(given.group_ids)))
    complaints = {
        "databaseId": None if user.is_active else "This account is closed.",
        "namespace": _namespace_complaint(given.namespace),
        "serviceAccount": _account_complaint(given.service_account),
        "expiresAt": _expiry_complaint(given.expires_at, now),
        "groups": await _groups_complaint(checked.group_ids),
    }
    found = [Complaint(message, field) for field, message in complaints.items() if message]
    if found:
        raise BadUserInput(*found)
    return checked


def is_account_name(name: str) -> bool:
    return ACCOUNT_NAME.fullmatch(name) is not None


def _namespace_complaint(namespace: str) -> str | None:
    if namespace.startswith(SYSTEM_PREFIX):
        return f"Namespaces that begin with {SYSTEM_PREFIX} belong to Kubernetes itself."
    return None


def _account_complaint(name: str | None) -> str | None:
    if name is None or is_account_name(name):
        return None
    return (
        "The name of a service account has at most 253 lower-case letters, digits, '-' and '.',"
        " and each of its parts begins and ends with a letter or digit."
    )


def _expiry_complaint(moment: datetime | None, now: datetime) -> str | None:
    return "This moment has passed." if moment and moment <= now else None


async def _groups_complaint(ids: tuple[int, ...]) -> str | None:
    if len(ids) > MAXIMUM_GROUPS:
        return f"Give at most {MAXIMUM_GROUPS} groups."
    by_hand = Group.filter(id__in=ids, membership=GroupMembership.MANUAL)
    unfit = set(ids) - set(await by_hand.values_list("id", flat=True)) if ids else set()
    if unfit:
        names = ", ".join(map(str, sorted(unfit)))
        return f"No groups into which administrators put users: {names}."
    return None
