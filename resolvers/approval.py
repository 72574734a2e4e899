"""Approves a request for access: the cluster first, the database last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tortoise.transactions import in_transaction

from models import (
    AccessRequest,
    AccessRequestState,
    AccessState,
    AuditKind,
    Group,
    Membership,
    ServiceAccount,
    User,
)
from resolvers.access import latest_of, waiting_request
from resolvers.actor import Actor
from resolvers.audit import about, record
from resolvers.decisions import announced, candidate, conflict
from resolvers.provisioning import Place, provision
from resolvers.services import Services
from resolvers.terms import Terms, check
from resolvers.withdrawal import hold


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
