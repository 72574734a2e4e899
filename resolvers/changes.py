"""Everything that can be changed, as data: what the doors produce and the write core commits.

Rows have been read within the transaction that writes them, or are created by the same set.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from models import AccessState, AuditKind, Group, ServiceAccount, User, WebApp
from resolvers.errors import Path
from resolvers.privileges import ForeignBindings

Noun: TypeAlias = User | Group | WebApp


@dataclass(frozen=True, slots=True)
class Change:
    """`at` leads to the change in the caller's input: the paths of its errors begin with it."""

    at: Path = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Create(Change):
    """`row` has not been saved; it may have an id. Its values are cleaned in place.

    details: what the audit event says in addition.
    """

    row: Noun
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Update(Change):
    """`values` are by column; those that the row has already are not written.

    Closing an account ends its sessions and its access.
    """

    row: Noun
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delete(Change):
    """The database deletes what refers to the row; the access of a user ends first."""

    row: Noun


@dataclass(frozen=True, slots=True)
class AddMember(Change):
    user: User
    group: Group


@dataclass(frozen=True, slots=True)
class RemoveMember(Change):
    user: User
    group: Group


@dataclass(frozen=True, slots=True)
class GrantWebApp(Change):
    webapp: WebApp
    group: Group


@dataclass(frozen=True, slots=True)
class WithdrawWebApp(Change):
    webapp: WebApp
    group: Group


@dataclass(frozen=True, slots=True)
class VerifyEmail(Change):
    """The address, in lower case, is proven to belong to the user."""

    user: User
    address: str


@dataclass(frozen=True, slots=True)
class UnverifyEmail(Change):
    user: User
    address: str


@dataclass(frozen=True, slots=True)
class AddIdentity(Change):
    """The user may sign in as `subject` of the identity provider."""

    user: User
    provider: str
    subject: str


@dataclass(frozen=True, slots=True)
class SetPassword(Change):
    """Ends all sessions and tokens of the user but `keep_session`.

    With `verified_hash`, Conflict is raised when another hash has been stored since.
    """

    user: User
    password_hash: str
    declared_hash: str | None = None
    keep_session: UUID | None = None
    verified_hash: str | None = None
    kind: AuditKind = AuditKind.PASSWORD_SET


@dataclass(frozen=True, slots=True)
class EndSessions(Change):
    """Ends all sessions and tokens of the user but `keep_session`."""

    user: User
    keep_session: UUID | None = None


@dataclass(frozen=True, slots=True)
class SetAccess(Change):
    """Moves the user's access to a state and writes its history.

    account: an unsaved row that names the service account of approved access.
    namespace_is_managed: whether the namespace was created for the user.
    reason: None keeps the reason of an open request.
    when: the states in which the change applies; in any other one Conflict is raised.
    request_id: the request that must still be the open one; Conflict is raised otherwise.
    decided_by: the administrator who decided, where that is not the actor.
    """

    user: User
    state: AccessState
    account: ServiceAccount | None = None
    namespace_is_managed: bool = False
    expires_at: datetime | None = None
    reason: str | None = None
    when: Collection[AccessState] | None = None
    request_id: int | None = None
    decided_by: User | None = None


@dataclass(frozen=True, slots=True)
class EndAccess(Change):
    """Ends approved access; other states remain."""

    user: User
    reason: str


@dataclass(frozen=True, slots=True)
class ExpireAccess(Change):
    """Records that the time of the user's access is over; nothing happens before that time."""

    user: User


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """google: whether people may sign in with Google, and so an administrator without a password.

    portal_namespace: the namespace of the portal, whose service accounts no user may get.
    system_namespaces: whether `kube-*` namespaces may be named.
    foreign_bindings: what service accounts have elsewhere, where it was read before.
    dry_run: everything is checked, and nothing is kept or recorded.
    """

    now: datetime
    google: bool
    portal_namespace: str | None = None
    system_namespaces: bool = False
    foreign_bindings: ForeignBindings = field(default_factory=ForeignBindings)
    dry_run: bool = False
