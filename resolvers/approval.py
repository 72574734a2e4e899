"""Approves a request for access: the cluster first, the database last."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from cluster.cluster import Cluster, Clusters
from cluster.connection import ClusterRefused, ClusterUnavailable
from models import (
    AccessRequest,
    AccessRequestState,
    AccessState,
    Group,
    GroupMembership,
    Membership,
    ServiceAccount,
    User,
)
from resolvers.access import candidate, conflict, decide, latest_of
from resolvers.actor import Actor
from resolvers.changes import AddMember, Change, SetAccess, WriteOptions
from resolvers.checks import CLOSED
from resolvers.clusters import NO_CLUSTER
from resolvers.errors import BadUserInput, Conflict, FieldError, Unavailable
from resolvers.pages import find
from resolvers.privileges import privilege_error
from resolvers.rules import namespace_error, subdomain_error
from resolvers.services import Services
from resolvers.writes import writing

logger = logging.getLogger(__name__)

MAXIMUM_GROUPS = 100
DEFAULT_ACCOUNT = "default"


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """What an approval grants. Without a cluster, the default one; without a service account, one
    that is named after the user.
    """

    namespace: str
    service_account: str | None = None
    cluster: str | None = None
    group_ids: Sequence[int] = ()
    expires_at: datetime | None = None

    def account_of(self, user: User) -> ServiceAccount:
        """The service account, not saved."""
        own = DEFAULT_ACCOUNT if subdomain_error(user.username_key) else user.username_key
        return ServiceAccount(
            cluster=self.cluster or "",
            namespace=self.namespace,
            name=self.service_account or own,
        )


async def approve_access(
    services: Services, actor: Actor, user_id: int, policy: AccessPolicy
) -> AccessRequest:
    """Creates what is missing in the cluster, then grants access, and mails the user.

    A failure of the cluster leaves the request open, and the next attempt completes it. Repeated by
    the same administrator it changes nothing. Raises what `candidate` raises, BadUserInput,
    Forbidden for a token and a group of administrators, Unavailable, and Conflict without an open
    request or after the decision of another administrator; then a namespace that was created for
    it may be left unused.
    """
    user = await candidate(actor, user_id)
    groups = await _check(policy, user, services.write_options())
    if any(group.can_admin for group in groups):
        actor.require_sign_in()
    account = policy.account_of(user)
    request = await _waiting_request(services, actor, user_id)
    approved = None
    if request is not None:
        roles = services.namespace_cluster_roles
        is_managed = await provision(services.clusters, account, roles, request)
        approved = await decide(
            services,
            actor,
            user_id,
            lambda row: _changes(row, request.id, account, is_managed, groups, policy.expires_at),
        )
    if approved is not None:
        return approved
    latest = await latest_of(user_id)
    if latest is None or not await _is_same(latest, actor, account, groups, policy.expires_at):
        raise conflict(user, latest)
    return latest


def _changes(
    user: User,
    request_id: int,
    account: ServiceAccount,
    namespace_is_managed: bool,
    groups: Sequence[Group],
    expires_at: datetime | None,
) -> list[Change]:
    access = SetAccess(
        user,
        AccessState.APPROVED,
        account=account,
        namespace_is_managed=namespace_is_managed,
        expires_at=expires_at,
        when=(AccessState.REQUESTED,),
        request_id=request_id,
    )
    return [access, *(AddMember(user, group) for group in groups)]


async def _waiting_request(services: Services, actor: Actor, user_id: int) -> AccessRequest | None:
    """The open request of a user who waits for a decision; None for any other user.

    The import may leave such a user without a request: then it is created.
    """
    try:
        async with writing(actor, services.write_options()) as writer:
            user = await find(User, user_id)
            states = (AccessState.REQUESTED,)
            await writer.write([SetAccess(user, AccessState.REQUESTED, when=states)])
    except Conflict:
        return None
    return writer.requests[user_id]


async def _check(policy: AccessPolicy, user: User, options: WriteOptions) -> list[Group]:
    """Checks everything before the cluster is touched, and returns the groups."""
    ids = tuple(dict.fromkeys(policy.group_ids))
    groups = await Group.filter(id__in=ids[:MAXIMUM_GROUPS], membership=GroupMembership.MANUAL)
    expired = policy.expires_at is not None and policy.expires_at <= options.now
    account = policy.service_account
    found = {
        "database_id": None if user.is_active else CLOSED,
        "namespace": namespace_error(policy.namespace, options),
        "service_account": None if account is None else subdomain_error(account),
        "expires_at": "This time has passed." if expired else None,
        "groups": _groups_error(ids, groups),
    }
    errors = [FieldError(message, (column,)) for column, message in found.items() if message]
    if errors:
        raise BadUserInput(*errors)
    return groups


def _groups_error(ids: Sequence[int], groups: Sequence[Group]) -> str | None:
    if len(ids) > MAXIMUM_GROUPS:
        return f"Give at most {MAXIMUM_GROUPS} groups."
    other = set(ids) - {group.id for group in groups}
    if other:
        return (
            f"No groups into which administrators put users: {', '.join(map(str, sorted(other)))}."
        )
    return None


async def _is_same(
    latest: AccessRequest,
    actor: Actor,
    account: ServiceAccount,
    groups: Sequence[Group],
    expires_at: datetime | None,
) -> bool:
    """Whether this very approval is in force already."""
    granted = latest.service_account
    ids = [group.id for group in groups]
    memberships = Membership.filter(user_id=latest.user_id, group_id__in=ids)
    return (
        latest.state == AccessRequestState.APPROVED
        and latest.decided_by_id == actor.user.id
        and latest.expires_at == expires_at
        and granted is not None
        and (granted.cluster, granted.qualified_name) == (account.cluster, account.qualified_name)
        and await memberships.count() == len(ids)
    )


async def provision(
    clusters: Clusters, account: ServiceAccount, roles: Sequence[str], request: AccessRequest
) -> bool:
    """Creates the namespace, the service account and role bindings where they are missing.

    Only a namespace that is created for this user, now or for an earlier request, gets the cluster
    roles: any other one is taken unchanged. Returns whether it is created for the user. Raises
    BadUserInput for an unknown cluster, for an account with rights outside its namespace, or with
    the message of the server, and Unavailable.
    """
    cluster = _cluster(clusters, account.cluster)
    with _translated_errors(None):
        binding = await cluster.foreign_binding(account.namespace, account.name)
    if binding:
        raise BadUserInput(FieldError(privilege_error(binding), ("service_account",)))
    key = str(request.key)
    keys = await AccessRequest.filter(user_id=request.user_id).values_list("key", flat=True)
    with _translated_errors("namespace"):
        is_ours = await cluster.ensure_namespace(
            account.namespace, made_for=key, ours=frozenset(map(str, keys))
        )
    with _translated_errors("service_account"):
        await cluster.ensure_service_account(account.namespace, account.name)
    if is_ours:
        for role in roles:
            with _translated_errors(None):
                await cluster.ensure_role_binding(account.namespace, account.name, role, key=key)
    return is_ours


def _cluster(clusters: Clusters, name: str) -> Cluster:
    if clusters.default is None:
        raise Unavailable(NO_CLUSTER)
    found = clusters.get(name) if name else clusters.default
    if found is None:
        raise BadUserInput(FieldError("There is no cluster of this name.", ("cluster",)))
    return found


@contextmanager
def _translated_errors(column: str | None) -> Iterator[None]:
    """An error response about a value is the administrator's to correct, else the operator's."""
    try:
        yield
    except ClusterUnavailable as outage:
        raise Unavailable(str(outage)) from outage
    except ClusterRefused as refusal:
        if column:
            raise BadUserInput(FieldError(str(refusal), (column,))) from refusal
        logger.warning("No role for an approved user: %s", refusal)
        raise Unavailable(str(refusal)) from refusal
