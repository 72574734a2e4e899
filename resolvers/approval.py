"""What an administrator says when approving, and what is wrong with it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from tortoise.transactions import in_transaction

from cluster.cluster import Cluster, Clusters
from cluster.connection import ClusterRefused, ClusterUnavailable
from models import (
    AccessRequest,
    AccessRequestState,
    AccessState,
    AuditKind,
    Group,
    GroupMembership,
    Membership,
    ServiceAccount,
    User,
)
from resolvers.access import announced, candidate, conflict, hold, latest_of, waiting_request
from resolvers.actor import Actor
from resolvers.audit import about, record
from resolvers.clusters import NO_CLUSTER
from resolvers.errors import BadUserInput, Complaint, Unavailable
from resolvers.services import Services

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


logger = logging.getLogger(__name__)
COMMON_ACCOUNT = "default"


@dataclass(frozen=True, slots=True)
class Place:
    """The names of a service account; the empty cluster name means the default cluster."""

    cluster: str
    namespace: str
    account: str

    @classmethod
    def of(cls, terms: Terms, user: User) -> Place:
        own = user.username_key if is_account_name(user.username_key) else COMMON_ACCOUNT
        return cls(terms.cluster or "", terms.namespace, terms.service_account or own)


async def provision(
    clusters: Clusters, place: Place, roles: Sequence[str], *, made_for: str
) -> None:
    """Makes what is missing; may be repeated.

    Only a namespace that is made for this purpose gets the cluster roles: an existing one is
    taken as it is. Raises BadUserInput for an unknown cluster or with the words of the server,
    and Unavailable.
    """
    home = _home(clusters, place.cluster)
    with _explained("namespace"):
        is_ours = await home.ensure_namespace(place.namespace, made_for=made_for)
    with _explained("serviceAccount"):
        await home.ensure_service_account(place.namespace, place.account)
    if is_ours:
        for role in roles:
            with _explained(None):
                await home.ensure_role_binding(place.namespace, place.account, role)


def _home(clusters: Clusters, name: str) -> Cluster:
    if clusters.default is None:
        raise Unavailable(NO_CLUSTER)
    found = clusters.get(name) if name else clusters.default
    if found is None:
        raise BadUserInput(Complaint("There is no cluster of this name.", "cluster"))
    return found


@contextmanager
def _explained(field: str | None) -> Iterator[None]:
    """`field` is what a refusal is about; without one it is the operator's to mend."""
    try:
        yield
    except ClusterUnavailable as outage:
        raise Unavailable(str(outage)) from outage
    except ClusterRefused as refusal:
        if field:
            raise BadUserInput(Complaint(str(refusal), field)) from refusal
        logger.warning("No role for an approved user: %s", refusal)
        raise Unavailable(str(refusal)) from refusal


@dataclass(frozen=True, slots=True)
class Approval:
    """What is granted to whom by whom, and when."""

    user: User
    by: Actor
    at: datetime
    place: Place
    group_ids: tuple[int, ...]
    expires_at: datetime | None


async def approve_access(
    services: Services, actor: Actor, user_id: int, given: Terms
) -> AccessRequest:
    """Makes what is missing in the cluster, then grants it; mails the user.

    A failure of the cluster leaves the request open, and the next attempt completes what was
    begun. The same again by the same administrator changes nothing. Raises what `candidate`
    raises, BadUserInput, Forbidden for a token and a group of administrators, Unavailable, and
    Conflict without an open request or when somebody else is faster; then a namespace that was
    made for it may stay behind, unused.
    """
    user = await candidate(actor, user_id)
    now = services.clock()
    checked = await check(given, user, now)
    if await Group.exists(id__in=checked.group_ids, can_admin=True):
        actor.require_sign_in()
    approval = Approval(
        user=user,
        by=actor,
        at=now,
        place=Place.of(checked, user),
        group_ids=checked.group_ids,
        expires_at=checked.expires_at,
    )
    waiting = await waiting_request(user.id, now)
    if waiting is None:
        return await _repeated(approval)
    await provision(
        services.clusters,
        approval.place,
        services.namespace_cluster_roles,
        made_for=str(waiting.key),
    )
    if not await _grant(approval, waiting):
        return await _repeated(approval)
    return await announced(services, waiting.id)


async def _grant(approval: Approval, request: AccessRequest) -> bool:
    """False when somebody else has decided meanwhile."""
    async with in_transaction():
        if not await hold(approval.user.id, AccessState.REQUESTED, is_active=True):
            return False
        account = await _account(approval.place)
        decided = await AccessRequest.filter(id=request.id, state=AccessRequestState.OPEN).update(
            state=AccessRequestState.APPROVED,
            decided_at=approval.at,
            decided_by_id=approval.by.user.id,
            service_account_id=account.id,
            expires_at=approval.expires_at,
        )
        if not decided:
            return False
        await User.filter(id=approval.user.id).update(
            access_state=AccessState.APPROVED,
            service_account_id=account.id,
            access_expires_at=approval.expires_at,
        )
        await _put_into_groups(approval)
        await _record(approval, request)
    return True


async def _put_into_groups(approval: Approval) -> None:
    user = approval.user
    already = await Membership.filter(user_id=user.id).values_list("group_id", flat=True)
    groups = await Group.filter(id__in=set(approval.group_ids) - set(already))
    memberships = [Membership(user_id=user.id, group_id=group.id) for group in groups]
    await Membership.bulk_create(memberships, ignore_conflicts=True)
    for group in groups:
        await record(approval.by, AuditKind.MEMBER_ADDED, user, group=about(group))


async def _record(approval: Approval, request: AccessRequest) -> None:
    place, end = approval.place, approval.expires_at
    await record(
        approval.by,
        AuditKind.ACCESS_APPROVED,
        approval.user,
        request=request.id,
        cluster=place.cluster,
        namespace=place.namespace,
        service_account=place.account,
        expires_at=end.isoformat() if end else None,
    )


async def _account(place: Place) -> ServiceAccount:
    account = ServiceAccount(cluster=place.cluster, namespace=place.namespace, name=place.account)
    await ServiceAccount.bulk_create([account], ignore_conflicts=True)
    return await ServiceAccount.get(
        cluster=place.cluster, namespace=place.namespace, name=place.account
    )


async def _repeated(approval: Approval) -> AccessRequest:
    """The request, if this very approval is in force already; raises Conflict otherwise."""
    latest = await latest_of(approval.user.id)
    if latest is None or not await _is_in_force(approval, latest):
        raise conflict(approval.user, latest)
    return latest


async def _is_in_force(approval: Approval, latest: AccessRequest) -> bool:
    account = latest.service_account
    groups = Membership.filter(user_id=approval.user.id, group_id__in=approval.group_ids)
    return (
        latest.state == AccessRequestState.APPROVED
        and latest.decided_by_id == approval.by.user.id
        and latest.expires_at == approval.expires_at
        and account is not None
        and (account.cluster, account.namespace, account.name)
        == (approval.place.cluster, approval.place.namespace, approval.place.account)
        and await groups.count() == len(approval.group_ids)
    )
