"""Moves users' access from state to state, and writes the history: one request for each time.

`User.access_state` says how it is now; the rows of AccessRequest say how it came to that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from models import (
    AccessRequest,
    AccessRequestState,
    AccessState,
    AuditKind,
    BindingRemoval,
    ServiceAccount,
    User,
)
from resolvers.audit import Entry
from resolvers.changes import EndAccess, ExpireAccess, SetAccess
from resolvers.errors import Conflict

BATCH = 500
LIVING = (AccessRequestState.OPEN, AccessRequestState.APPROVED)
USER_COLUMNS = ("access_state", "service_account_id", "access_expires_at")
REQUEST_COLUMNS = (
    "state",
    "reason",
    "decided_at",
    "decided_by_id",
    "decision_reason",
    "service_account_id",
    "expires_at",
    "ended_at",
    "ended_by_id",
    "end_reason",
    "namespace_is_managed",
)
AccountKey = tuple[str, str, str]
AccessChange = SetAccess | EndAccess | ExpireAccess


class AccessHistory:
    """requests: the request that was touched last, by user id. new_requests: by user id too."""

    def __init__(self, decider: User | None, now: datetime) -> None:
        self.requests: dict[int, AccessRequest] = {}
        self.new_requests: set[int] = set()
        self._decider = decider
        self._now = now
        self._living: defaultdict[int, list[AccessRequest]] = defaultdict(list)
        self._accounts: dict[AccountKey, ServiceAccount] = {}
        self._users: dict[int, User] = {}
        self._touched: dict[UUID, AccessRequest] = {}
        self._ended: list[tuple[AccessRequest, User, int]] = []
        self._events: list[tuple[AuditKind, User, AccessRequest, dict[str, Any]]] = []

    async def write(self, changes: Sequence[AccessChange]) -> list[Entry]:
        """Returns the audit events. Raises Conflict for a state in which a change doesn't apply."""
        await self._read([change.user.id for change in changes])
        self._accounts = await _provide_accounts(
            [c.account for c in changes if isinstance(c, SetAccess) and c.account]
        )
        for change in changes:
            if change.user.access_state_at(self._now) != change.user.access_state:
                self._end(change.user, AccessRequestState.EXPIRED)
            if isinstance(change, SetAccess):
                self._set(change)
            elif isinstance(change, EndAccess) and change.user.access_state == AccessState.APPROVED:
                self._end(change.user, AccessRequestState.REVOKED, change)
        await self._save()
        await self._save_removals()
        return [
            Entry(kind, user, {"request": request.id, **details})
            for kind, user, request, details in self._events
        ]

    def _set(self, change: SetAccess) -> None:
        if change.when is not None and change.user.access_state not in change.when:
            raise Conflict(f"The state of this access is {change.user.access_state.value} already.")
        living = self._living[change.user.id]
        if change.request_id is not None and change.request_id not in {row.id for row in living}:
            raise Conflict("Another request for access is open now.")
        match change.state:
            case AccessState.REQUESTED:
                self._request(change)
            case AccessState.REJECTED:
                request = self._decide(change, AccessRequestState.REJECTED)
                self._move(change.user, AccessState.REJECTED)
                self._event(AuditKind.ACCESS_REJECTED, change.user, request)
            case AccessState.APPROVED:
                self._approve(change)
            case AccessState.NEW if change.user.access_state == AccessState.APPROVED:
                self._end(change.user, AccessRequestState.REVOKED, change)
            case AccessState.NEW:
                self._move(change.user, AccessState.NEW)

    def _request(self, change: SetAccess) -> None:
        request = self._open_request(change.user)
        if change.reason is not None:
            request.reason = change.reason
        self._move(change.user, AccessState.REQUESTED)
        if change.user.id in self.new_requests:
            self._event(AuditKind.ACCESS_REQUESTED, change.user, request)

    def _approve(self, change: SetAccess) -> None:
        user, named = change.user, change.account
        if named is None:
            raise ValueError("approved access needs a service account")
        account = self._accounts[_key(named)]
        if user.access_state == AccessState.APPROVED:
            if (user.service_account_id, user.access_expires_at) == (account.id, change.expires_at):
                return
            self._end(user, AccessRequestState.REVOKED, change)
        request = self._decide(change, AccessRequestState.APPROVED)
        request.service_account_id = account.id
        request.namespace_is_managed = change.namespace_is_managed
        request.expires_at = change.expires_at
        self._move(user, AccessState.APPROVED, account, change.expires_at)
        end = change.expires_at
        self._event(
            AuditKind.ACCESS_APPROVED,
            user,
            request,
            cluster=account.cluster,
            namespace=account.namespace,
            service_account=account.name,
            expires_at=end.isoformat() if end else None,
        )

    def _decide(self, change: SetAccess, state: AccessRequestState) -> AccessRequest:
        request = self._open_request(change.user)
        decider = change.decided_by or self._decider
        request.state = state
        request.decided_at = self._now
        request.decided_by_id = decider.id if decider else None
        request.decision_reason = change.reason or ""
        return request

    def _end(
        self, user: User, state: AccessRequestState, change: SetAccess | EndAccess | None = None
    ) -> None:
        """Without a change access ends by its time, and no administrator has ended it."""
        for request in self._living.pop(user.id, None) or [self._new_request(user)]:
            self._touch(user, request)
            if user.service_account_id is not None:
                self._ended.append((request, user, user.service_account_id))
            request.state = state
            request.ended_at = self._now
            if change:
                request.ended_by_id = self._decider.id if self._decider else None
                request.end_reason = change.reason or ""
        self._move(user, AccessState.NEW)
        self._event(AuditKind(f"ACCESS_{state.value}"), user, self.requests[user.id])

    def _open_request(self, user: User) -> AccessRequest:
        living = self._living[user.id]
        if not living:
            living.append(self._new_request(user))
            self.new_requests.add(user.id)
        self._touch(user, living[-1])
        return living[-1]

    def _new_request(self, user: User) -> AccessRequest:
        return AccessRequest(user_id=user.id, created_at=self._now)

    def _touch(self, user: User, request: AccessRequest) -> None:
        self.requests[user.id] = request
        self._touched[request.key] = request

    def _move(
        self,
        user: User,
        state: AccessState,
        account: ServiceAccount | None = None,
        expires_at: datetime | None = None,
    ) -> None:
        user.access_state = state
        user.service_account = account
        user.access_expires_at = expires_at
        self._users[user.id] = user

    def _event(self, kind: AuditKind, user: User, request: AccessRequest, **details: Any) -> None:
        self._events.append((kind, user, request, details))

    async def _read(self, user_ids: Sequence[int]) -> None:
        for some in _batches(user_ids):
            living = AccessRequest.filter(user_id__in=some, state__in=LIVING)
            for request in await living.order_by("id"):
                self._living[request.user_id].append(request)

    async def _save(self) -> None:
        """Tortoise's bulk_create does not read the ids of new rows: their keys find them."""
        new = [request for request in self._touched.values() if request.pk is None]
        known = [request for request in self._touched.values() if request.pk is not None]
        if known:
            await AccessRequest.bulk_update(known, REQUEST_COLUMNS, batch_size=BATCH)
        await AccessRequest.bulk_create(new, batch_size=BATCH)
        for some in _batches([request.key for request in new]):
            for row in await AccessRequest.filter(key__in=some).only("id", "key"):
                self._touched[row.key].id = row.id
        if self._users:
            await User.bulk_update(self._users.values(), USER_COLUMNS, batch_size=BATCH)

    async def _save_removals(self) -> None:
        """From now on the role bindings of the access that has ended are to be removed."""
        accounts: dict[int, ServiceAccount] = {}
        for some in _batches({account_id for _, _, account_id in self._ended}):
            accounts |= await ServiceAccount.in_bulk(some, "id")
        removals = [
            BindingRemoval(
                key=request.key,
                cluster=accounts[account_id].cluster,
                namespace=accounts[account_id].namespace,
                service_account=accounts[account_id].name,
                user_id=user.id,
                username=user.username,
                created_at=self._now,
            )
            for request, user, account_id in self._ended
        ]
        await BindingRemoval.bulk_create(removals, batch_size=BATCH)


async def _provide_accounts(named: Sequence[ServiceAccount]) -> dict[AccountKey, ServiceAccount]:
    """The rows of these service accounts; missing ones are created."""
    wanted = {_key(account): account for account in named}
    known = await _accounts(wanted)
    missing = [account for key, account in wanted.items() if key not in known]
    if missing:
        await ServiceAccount.bulk_create(missing, batch_size=BATCH)
        known = await _accounts(wanted)
    return known


async def _accounts(keys: Collection[AccountKey]) -> dict[AccountKey, ServiceAccount]:
    found: dict[AccountKey, ServiceAccount] = {}
    for some in _batches({namespace for _, namespace, _ in keys}):
        rows = await ServiceAccount.filter(namespace__in=some)
        found |= {_key(row): row for row in rows if _key(row) in keys}
    return found


def _key(account: ServiceAccount) -> AccountKey:
    return account.cluster, account.namespace, account.name


def _batches(values: Collection[Any]) -> Iterator[list[Any]]:
    ordered = list(values)
    return (ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH))
