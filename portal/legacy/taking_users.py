"""Takes over the users, a batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from models import (
    AccessState,
    ExternalIdentity,
    LegacyKind,
    LegacyRow,
    Membership,
    ServiceAccount,
    Session,
    User,
    VerifiedEmail,
    username_key,
)
from models.users import NAME_LENGTH
from portal.legacy.access import Decision, note_decisions
from portal.legacy.accounts import known_accounts, provide
from portal.legacy.exclusive import Exclusive
from portal.legacy.incoming import Incoming, Taken
from portal.legacy.leftovers import TITLES, count_accounts, count_belongings
from portal.legacy.links import Links
from portal.legacy.names import Ids, Names, texts_of
from portal.legacy.release import ADDRESSES, IDENTITIES, MEMBERSHIPS, USERS
from portal.legacy.report import Rule
from portal.legacy.run import Run
from portal.legacy.taking import BATCH, UPDATE_BATCH, Change, Taking
from portal.legacy.users import (
    GROUPS,
    SUBJECTS,
    VERIFIED,
    incoming_users,
    subjects_there,
    username_of,
    verified_there,
)
from resolvers.google import PROVIDER

MEMBERS = Links(GROUPS, TITLES[MEMBERSHIPS], Membership, owner="user_id", member="group_id")
GOOGLE = Links(
    SUBJECTS,
    TITLES[IDENTITIES],
    ExternalIdentity,
    owner="user_id",
    member="subject",
    constants={"provider": PROVIDER},
)
PROVEN = Links(VERIFIED, TITLES[ADDRESSES], VerifiedEmail, owner="user_id", member="address")
ENDS_SESSIONS = frozenset({"is_active", "password_hash"})


class TakingUsers(Taking[User]):
    kind = LegacyKind.USER
    title = "users"
    noun = "user"
    name = "username"
    links = (MEMBERS, GOOGLE, PROVEN)

    def __init__(self, run: Run, names: Names, ids: Ids, accounts: set[str]) -> None:
        super().__init__(run, User, names, ids)
        self._accounts_before = accounts
        self._accounts: dict[str, int] = {}
        self._names_here: dict[int, str] = {}
        self._decisions: list[Decision] = []
        self._signed_in: list[User] = []
        self._exclusive = (
            Exclusive(GOOGLE, Rule.IDENTITY_LEFT, self.memory, partial(subjects_there, run)),
            Exclusive(PROVEN, Rule.ADDRESS_TAKEN, self.memory, partial(verified_there, run)),
        )

    async def prepare(self, batch: Sequence[Incoming]) -> None:
        names = {account for one in batch if (account := one.values["access"][1])}
        self._accounts |= await provide(names - self._accounts.keys())

    async def here(
        self, batch: Sequence[Incoming], remembered: Collection[LegacyRow]
    ) -> dict[int, User]:
        users = await super().here(batch, remembered)
        ids = {user.service_account_id for user in users.values()} - {None}
        accounts = await ServiceAccount.filter(id__in=list(ids))
        self._names_here = {account.id: _name(account) for account in accounts}
        return users

    async def link(self, taken: Sequence[Taken]) -> None:
        for exclusive in self._exclusive:
            await exclusive.settle(taken)
        await super().link(taken)

    def values(self, row: User, names: Collection[str]) -> Mapping[str, Any]:
        """Access that ends is something that the former portal does not know."""
        account = self._names_here.get(row.service_account_id or 0)
        access: tuple[str | None, ...] = (row.access_state.value, account)
        if row.access_expires_at:
            access = (*access, row.access_expires_at.isoformat())
        return {**super().values(row, set(names) - {"access"}), "access": access}

    def present(self, row: User, known: LegacyRow, names: Collection[str]) -> dict[str, str]:
        """A password is the same where only its hash is of a newer kind."""
        return super().present(row, known, names) | {"password_hash": row.password_fingerprint}

    def columns(self, values: dict[str, Any]) -> dict[str, Any]:
        columns = dict(values)
        if "username" in columns:
            columns["username_key"] = username_key(columns["username"])
        if "access" in columns:
            state, account = columns.pop("access")
            columns["access_state"] = AccessState(state)
            columns["service_account_id"] = account and self._accounts[account]
        if "password_hash" in columns:
            columns["declared_password_hash"] = None
        return columns

    def made(self, one: Incoming, here: Collection[int]) -> User:
        user = super().made(one, here)
        if user.access_state != AccessState.NEW:
            self._decide(user, one)
        return user

    def touches(self, one: Incoming, row: User) -> bool:
        """Whether the last sign-in was there."""
        last: datetime | None = one.born["last_login_at"]
        return last is not None and (row.last_login_at is None or row.last_login_at < last)

    def touch(self, one: Incoming, row: User) -> None:
        row.last_login_at = one.born["last_login_at"]
        self._signed_in.append(row)

    async def update(self, changes: Sequence[Change[User]]) -> None:
        await super().update(changes)
        for change in changes:
            if "access" in change.values:
                self._decide(change.row, change.incoming)
        ended = [change.row.id for change in changes if change.values.keys() & ENDS_SESSIONS]
        for start in range(0, len(ended), BATCH):
            await Session.filter(user_id__in=ended[start : start + BATCH]).delete()
        await User.bulk_update(self._signed_in, ["last_login_at"], batch_size=UPDATE_BATCH)
        self._signed_in = []

    async def finish(self) -> None:
        await super().finish()
        self.run.lingering = self.gone
        await count_accounts(self.run, self._accounts_before, set(self._accounts))
        await note_decisions(self._decisions, self.memory, self.run.now)

    def _decide(self, user: User, one: Incoming) -> None:
        decision = Decision(user.id, user.access_state, user.service_account_id, one.answered_by)
        self._decisions.append(decision)


async def take_users(run: Run) -> None:
    """Of two whose names are the same in another case, the older one keeps it."""
    rows = await run.source.rows(f'SELECT "id", "username" FROM "{USERS}"')  # noqa: S608
    wanted = {row["id"]: username_of(row) for row in rows}
    names = Names(
        username_key,
        NAME_LENGTH,
        taken=await texts_of(User.all(), "username"),
        wanted=wanted.values(),
    )
    ids = await Ids.of(LegacyKind.USER, User, run.source, USERS)
    taking = TakingUsers(run, names, ids, await known_accounts())
    await taking.release(wanted)
    await count_belongings(run)
    query = run.release.select(USERS, 'ORDER BY "date_joined", "id"')
    done = 0
    async for rows in run.source.batches(query, BATCH):
        await taking.take(await incoming_users(run, rows))
        done += len(rows)
        run.progress(done, len(wanted))
    await taking.finish()


def _name(account: ServiceAccount) -> str:
    """As in `Incoming.values`, which know the default cluster only."""
    return (
        f"{account.cluster}/{account.qualified_name}" if account.cluster else account.qualified_name
    )
