"""The write core: every door commits changes here, and nothing else writes these tables.

GraphQL mutations, `apply`, the import, the command line and a first sign-in with Google only
produce changes. One transaction checks the rules, writes in bulk, ends sessions, writes the history
of access and records the audit events.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from tortoise.models import Model
from tortoise.transactions import in_transaction

from models import (
    AccessRequest,
    AuditActor,
    AuditKind,
    ExternalIdentity,
    Grant,
    Group,
    Membership,
    Session,
    User,
    VerifiedEmail,
    WebApp,
)
from models.database import DatabaseBusy, acquire_write_lock, lock_rows
from resolvers.access_history import AccessHistory
from resolvers.actor import Actor
from resolvers.administrators import has_administrator
from resolvers.audit import Entry, about, changes_between, creation, record, record_all
from resolvers.changes import (
    AddIdentity,
    AddMember,
    Change,
    Create,
    Delete,
    EndAccess,
    EndSessions,
    ExpireAccess,
    GrantWebApp,
    Noun,
    RemoveMember,
    SetAccess,
    SetPassword,
    UnverifyEmail,
    Update,
    VerifyEmail,
    WithdrawWebApp,
    WriteOptions,
)
from resolvers.checks import (
    BATCH,
    KEYS,
    LAST_ADMINISTRATOR,
    ChangeSet,
    all_rows,
    assign,
    batches,
    name_key,
    rows_among,
)
from resolvers.errors import (
    BadUserInput,
    Conflict,
    FieldError,
    Path,
    TooBusy,
)
from resolvers.pages import find

ACCOUNT_CLOSED = "The account was closed."
ACCOUNT_DELETED = "The account was deleted."
LINKS: Mapping[type[Change], AuditKind] = {
    AddMember: AuditKind.MEMBER_ADDED,
    RemoveMember: AuditKind.MEMBER_REMOVED,
    GrantWebApp: AuditKind.WEBAPP_GRANTED,
    WithdrawWebApp: AuditKind.WEBAPP_WITHDRAWN,
}

M = TypeVar("M", bound=Model)
N = TypeVar("N", User, Group, WebApp)
C = TypeVar("C", bound=Change)


async def commit(
    by: Actor | AuditActor, changes: Sequence[Change], options: WriteOptions
) -> Writer:
    """Writes the changes in one transaction. Raises what `writing` and `Writer.write` raise."""
    async with writing(by, options) as writer:
        await writer.write(changes)
    return writer


@asynccontextmanager
async def writing(by: Actor | AuditActor, options: WriteOptions) -> AsyncIterator[Writer]:
    """One transaction for any number of steps, one writer after the other.

    One lock for all writers lets a rule look at rows that the change does not write: two changes
    at once can't each rely on the administrator whom the other one takes away. Raises TooBusy when
    SQLite is locked for too long, and BadUserInput when no administrator who can sign in is left.
    """
    try:
        async with in_transaction() as connection:
            await acquire_write_lock(connection)
            writer = Writer(by, options)
            had_administrator = await has_administrator(google=options.google)
            yield writer
            writer.has_administrator = await has_administrator(google=options.google)
            if had_administrator and not writer.has_administrator:
                raise BadUserInput(FieldError(LAST_ADMINISTRATOR, writer.last_administrator))
            if options.dry_run:
                await connection.rollback()
    except DatabaseBusy:
        raise TooBusy from None


class Writer:
    """Writes changes within the transaction of `writing`.

    ended_sessions: the number of ended sessions and tokens, by user id.
    requests: the request for access that a change has touched, by user id.
    new_requests: the users whose request was created.
    has_administrator: after the block, whether an active administrator can sign in.
    last_administrator: the path of the change that may have taken away the last one.
    """

    def __init__(self, by: Actor | AuditActor, options: WriteOptions) -> None:
        self.by = by
        self.options = options
        self.ended_sessions: defaultdict[int, int] = defaultdict(int)
        self.requests: dict[int, AccessRequest] = {}
        self.new_requests: set[int] = set()
        self.has_administrator = False
        self.last_administrator: Path = ()

    async def write(self, changes: Sequence[Change], errors: Sequence[FieldError] = ()) -> None:
        """Created rows have their ids afterwards. The caller's `errors` are raised with the others.

        Raises BadUserInput with the errors of all changes, Conflict, and Forbidden for a personal
        access token that would make an administrator.
        """
        checked = ChangeSet(changes, self.options)
        await checked.check(errors)
        # A stolen personal access token would outgrow its scopes
        if checked.appoints_administrators and isinstance(self.by, Actor):
            self.by.require_sign_in()
        for path in checked.dismissals():
            self.last_administrator = path
        step = _Statements(self, checked)
        await step.carry_out()
        if not self.options.dry_run:
            await record_all(self.by, step.events)

    async def record(self, kind: AuditKind, subject: Noun | None = None, **details: Any) -> None:
        """Records an event in addition to those of the changes."""
        if not self.options.dry_run:
            await record(self.by, kind, subject, **details)


class _Statements:
    """Writes a checked set of changes, in few statements for any number of them."""

    def __init__(self, writer: Writer, checked: ChangeSet) -> None:
        self.writer = writer
        self.options = writer.options
        self.checked = checked
        self.of = checked.of
        self.events: list[Entry] = []

    async def carry_out(self) -> None:
        """A sign-in at the same time locks the row of its user. Users are written before their
        sessions end, so that it either comes first and its session ends too, or fails.
        """
        for model in (Group, WebApp, User):
            await self._create(model, [c for c in self.of(Create) if isinstance(c.row, model)])
        await self._update()
        await self._link(Membership, "user", self.of(RemoveMember), self.of(AddMember))
        await self._link(Grant, "webapp", self.of(WithdrawWebApp), self.of(GrantWebApp))
        await self._prove()
        await self._set_passwords()
        await self._set_access()
        await self._end_sessions()
        await self._delete()

    async def _create(self, model: type[Noun], changes: Sequence[Create]) -> None:
        """Tortoise's bulk_create leaves the ids to the database and does not read them."""
        rows: list[Any] = [change.row for change in changes]
        await model.bulk_create(rows, batch_size=BATCH)
        new = [row for row in rows if row.pk is None]
        stored = await rows_among(all_rows(model), KEYS[model], {name_key(row) for row in new})
        ids = {name_key(row): row.pk for row in stored}
        for row in new:
            row.pk = ids[name_key(row)]
        for change in changes:
            change.row._saved_in_db = True
            details = {**creation(change.row), **change.details}
            self.events.append(Entry(_kind(change.row, "CREATED"), change.row, details))

    async def _update(self) -> None:
        """In one statement for all rows that change in the same columns."""
        same: defaultdict[tuple[type[Model], tuple[str, ...]], list[Any]] = defaultdict(list)
        for each in self.checked.updates:
            row = each.change.row
            row.version += 1
            columns = {*each.after, "version"}
            if "username" in each.after:
                columns.add("username_key")
            same[type(row), tuple(sorted(columns))].append(row)
            details = changes_between(each.before, each.after)
            self.events.append(Entry(_kind(row, "CHANGED"), row, details))
        for (model, changed), rows in same.items():
            await model.bulk_update(rows, changed, batch_size=BATCH)

    async def _link(
        self,
        model: type[Model],
        end: str,
        removed: Sequence[Any],
        added: Sequence[Any],
    ) -> None:
        """Rows between `end`, a user or a web app, and a group."""
        ends = {getattr(each, end).pk for each in (*removed, *added)}
        rows: list[Any] = await rows_among(model.all(), f"{end}_id", ends)
        known = {(getattr(row, f"{end}_id"), row.group_id): row.pk for row in rows}
        gone: list[int] = []
        for each in removed:
            if row_id := known.pop((getattr(each, end).pk, each.group.pk), None):
                gone.append(row_id)
                self._record_link(each, getattr(each, end))
        new: list[Model] = []
        for each in added:
            pair = (getattr(each, end).pk, each.group.pk)
            if pair not in known:
                known[pair] = 0
                new.append(model(**{f"{end}_id": pair[0], "group_id": pair[1]}))
                self._record_link(each, getattr(each, end))
        await _delete_ids(model, gone)
        await model.bulk_create(new, batch_size=BATCH)

    def _record_link(self, change: Any, subject: Noun) -> None:
        details = {"group": about(change.group)}
        self.events.append(Entry(LINKS[type(change)], subject, details))

    async def _prove(self) -> None:
        for gone in self.of(UnverifyEmail):
            await VerifiedEmail.filter(user_id=gone.user.pk, address=gone.address).delete()
            self._record_proof(gone, "removed")
        verified = self.of(VerifyEmail)
        known = await rows_among(VerifiedEmail.all(), "address", {v.address for v in verified})
        taken = {row.address for row in known}
        new = [each for each in verified if each.address not in taken]
        await VerifiedEmail.bulk_create(
            [VerifiedEmail(user_id=each.user.pk, address=each.address) for each in new],
            batch_size=BATCH,
        )
        for each in new:
            self._record_proof(each, "added")
        await ExternalIdentity.bulk_create(
            [
                ExternalIdentity(user_id=i.user.pk, provider=i.provider, subject=i.subject)
                for i in self.of(AddIdentity)
            ],
            batch_size=BATCH,
            ignore_conflicts=True,  # an identity stays with its first user
        )

    def _record_proof(self, change: VerifyEmail | UnverifyEmail, what: str) -> None:
        """The addresses of a new user are part of the creation."""
        if any(each.row is change.user for each in self.of(Create)):
            return
        details = {"fields": ["verifiedEmails"], "verified_email": {what: change.address}}
        self.events.append(Entry(AuditKind.USER_CHANGED, change.user, details))

    async def _set_passwords(self) -> None:
        for each in self.of(SetPassword):
            stored = User.filter(id=each.user.pk)
            if each.verified_hash is not None:
                stored = stored.filter(password_hash=each.verified_hash)
            columns = {
                "password_hash": each.password_hash,
                "declared_password_hash": each.declared_hash,
            }
            if not await stored.update(**columns):
                raise Conflict("The password was changed at the same time; sign in again.")
            assign(each.user, columns)
            self.events.append(Entry(each.kind, each.user))

    async def _set_access(self) -> None:
        changes: list[SetAccess | ExpireAccess | EndAccess] = [
            *self.of(SetAccess),
            *self.of(ExpireAccess),
            *self._ended_access(),
        ]
        if not changes:
            return
        writer = self.writer
        decider = writer.by.user_or_none if isinstance(writer.by, Actor) else None
        history = AccessHistory(decider, self.options.now)
        self.events += await history.write(changes)
        writer.requests |= history.requests
        writer.new_requests |= history.new_requests

    def _ended_access(self) -> Iterator[EndAccess]:
        """A closed or deleted account keeps no rights in the cluster."""
        for update in self.checked.updates:
            row = update.change.row
            if isinstance(row, User) and update.after.get("is_active") is False:
                yield EndAccess(row, ACCOUNT_CLOSED)
        for change in self.of(Delete):
            if isinstance(change.row, User):
                yield EndAccess(change.row, ACCOUNT_DELETED)

    async def _end_sessions(self) -> None:
        """Closing and reopening an account ends its sessions, and so does a new password."""
        kept: dict[int, UUID | None] = {}
        users: dict[int, User] = {}
        moved = (each.change.row for each in self.checked.updates if "is_active" in each.after)
        for user in moved:
            if isinstance(user, User):
                users[user.pk], kept[user.pk] = user, None
        changes: list[SetPassword | EndSessions] = [*self.of(SetPassword), *self.of(EndSessions)]
        for change in changes:
            users[change.user.pk], kept[change.user.pk] = change.user, change.keep_session
        for some in batches(users):
            await lock_rows(User.filter(id__in=some))
        sessions = await rows_among(Session.all().only("id", "user_id"), "user_id", users)
        ended = [row for row in sessions if row.id != kept[row.user_id]]
        await _delete_ids(Session, [row.id for row in ended])
        for user_id, count in Counter(row.user_id for row in ended).items():
            self.writer.ended_sessions[user_id] += count
            entry = Entry(AuditKind.SESSION_ENDED, users[user_id], {"count": count})
            self.events.append(entry)

    async def _delete(self) -> None:
        for change in self.of(Delete):
            row = change.row
            await type(row).filter(id=row.pk).delete()
            details = {
                name: getattr(row, name)
                for name in ("is_superuser", "can_admin")
                if hasattr(row, name)
            }
            self.events.append(Entry(_kind(row, "DELETED"), row, details))


async def change_row(
    actor: Actor,
    model: type[N],
    row_id: int,
    version: int,
    values: Mapping[str, Any],
    options: WriteOptions,
) -> N:
    """Changes a row that has that version. Raises what `find` and `commit` raise, and BadUserInput
    without values.
    """
    if not values:
        raise BadUserInput(FieldError("Nothing to change: give at least one field."))
    async with writing(actor, options) as writer:
        row = await find(model, row_id, version)
        await writer.write([Update(row, values)])
    return row


async def delete_row(
    actor: Actor, model: type[N], row_id: int, version: int, options: WriteOptions
) -> None:
    """Deletes a row that has that version. Raises what `find` and `commit` raise."""
    async with writing(actor, options) as writer:
        row = await find(model, row_id, version)
        await writer.write([Delete(row, at=("database_id",))])


async def _delete_ids(model: type[Model], ids: Collection[Any]) -> None:
    for some in batches(ids):
        await model.filter(id__in=some).delete()


def _kind(row: Noun, happened: str) -> AuditKind:
    return AuditKind(f"{type(row).__name__.upper()}_{happened}")
