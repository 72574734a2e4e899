"""What the audit log says about an applied declaration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models import AccessState, AuditActor, AuditKind, Group, ServiceAccount, User, WebApp
from portal.declared.changes import Added, Change, Changed, Linked, Unlinked
from portal.declared.ledger import SECRETS
from resolvers.audit import Entry, about, changes_between, creation, record, record_all


async def record_changes(changes: Sequence[Change]) -> None:
    """An event for everything that was done to somebody or something, as if it had been done by
    hand, and one with the numbers; none where nothing changed.
    """
    if not changes:
        return
    await record_all(AuditActor.OPERATOR, [entry for each in changes for entry in _entries(each)])
    counts = Counter(change.sign for change in changes)
    await record(
        AuditActor.OPERATOR,
        AuditKind.DECLARATION_APPLIED,
        added=counts["+"],
        changed=counts["~"],
        removed=counts["-"],
    )


def _entries(change: Change) -> Iterator[Entry]:
    if isinstance(change, Added):
        yield from _of_added(change)
    elif isinstance(change, Changed):
        yield from _of_changed(change)
    elif isinstance(change, Linked | Unlinked):
        yield _of_link(change)


def _of_added(change: Added) -> Iterator[Entry]:
    """A service account is told with the users that get it."""
    row = change.row
    if isinstance(row, User | Group | WebApp):
        yield Entry(_kind(row, "CREATED"), row, creation(row))
    if isinstance(row, User):
        yield from _of_access(row, {"access_state": AccessState.NEW}, change.values)


def _of_changed(change: Changed) -> Iterator[Entry]:
    row = change.row
    if not isinstance(row, User | Group | WebApp):
        return
    has_password = "password_hash" in change.values
    secret = SECRETS if has_password else ()
    after = {column: value for column, value in change.values.items() if column not in secret}
    if after:
        yield Entry(_kind(row, "CHANGED"), row, changes_between(change.before, after))
    if has_password:
        yield Entry(AuditKind.PASSWORD_SET, row)
    if isinstance(row, User):
        yield from _of_access(row, change.before, change.values)
    if change.sessions:
        yield Entry(AuditKind.SESSION_ENDED, row, {"count": change.sessions})


def _of_access(user: User, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Entry]:
    account = after.get("service_account")
    if isinstance(account, ServiceAccount):
        place = {"cluster": account.cluster, "namespace": account.namespace}
        yield Entry(AuditKind.ACCESS_APPROVED, user, {**place, "service_account": account.name})
    elif before.get("access_state") == AccessState.APPROVED and "access_state" in after:
        yield Entry(AuditKind.ACCESS_REVOKED, user)


def _of_link(change: Linked | Unlinked) -> Entry:
    subject, other = change.ends.subject, change.ends.other
    is_new = isinstance(change, Linked)
    if isinstance(other, str):
        address = {"added" if is_new else "removed": other}
        details = {"fields": ["verifiedEmails"], "verified_email": address}
        return Entry(AuditKind.USER_CHANGED, subject, details)
    if isinstance(subject, User):
        kind = AuditKind.MEMBER_ADDED if is_new else AuditKind.MEMBER_REMOVED
    else:
        kind = AuditKind.WEBAPP_GRANTED if is_new else AuditKind.WEBAPP_WITHDRAWN
    return Entry(kind, subject, {"group": about(other)})


def _kind(row: User | Group | WebApp, happened: str) -> AuditKind:
    return AuditKind(f"{type(row).__name__.upper()}_{happened}")
