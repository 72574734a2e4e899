"""Takes over the users, a batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
from portal.legacy.incoming import Incoming, Taken
from portal.legacy.leftovers import TITLES, count_accounts, count_belongings
from portal.legacy.links import Links
from portal.legacy.names import Ids, Names, texts_of
from portal.legacy.release import ADDRESSES, IDENTITIES, MEMBERSHIPS, USERS
from portal.legacy.report import Rule
from portal.legacy.run import Run
from portal.legacy.taking import UPDATE_BATCH, Change, Taking
from portal.legacy.users import GROUPS, SUBJECTS, VERIFIED, incoming_users
from portal.legacy.values import text
from resolvers.google import PROVIDER

BATCH = 1000
ENDS_SESSIONS = frozenset({"is_active", "password_hash"})


class TakingUsers(Taking[User]):
    kind = LegacyKind.USER
    title = "users"
    name = "username"
    links = (
        Links(GROUPS, TITLES[MEMBERSHIPS], Membership, owner="user_id", member="group_id"),
        Links(
            SUBJECTS,
            TITLES[IDENTITIES],
            ExternalIdentity,
            owner="user_id",
            member="subject",
            constants={"provider": PROVIDER},
            exclusive=Rule.IDENTITY_LEFT,
        ),
        Links(
            VERIFIED,
            TITLES[ADDRESSES],
            VerifiedEmail,
            owner="user_id",
            member="address",
            exclusive=Rule.ADDRESS_TAKEN,
        ),
    )

    def __init__(self, run: Run, names: Names, ids: Ids, accounts: set[str]) -> None:
        super().__init__(run, User, names, ids)
        self._accounts_before = accounts
        self._accounts: dict[str, int] = {}
        self._names_here: dict[int, str] = {}
        self._decisions: list[Decision] = []
        self._signed_in: list[User] = []

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

    def present(self, row: User, names: Collection[str]) -> Mapping[str, Any]:
        account = self._names_here.get(row.service_account_id or 0)
        others = super().present(row, set(names) - {"access"})
        return {**others, "access": (row.access_state.value, account)}

    def columns(self, values: dict[str, Any]) -> dict[str, Any]:
        columns = dict(values)
        if "username" in columns:
            columns["username_key"] = username_key(columns["username"])
        if "access" in columns:
            state, account = columns.pop("access")
            columns["access_state"] = AccessState(state)
            columns["service_account_id"] = account and self._accounts[account]
        return columns

    def made(self, one: Incoming, here: Collection[int]) -> User:
        user = super().made(one, here)
        if user.access_state != AccessState.NEW:
            self._decide(user, one)
        return user

    def merged(
        self, one: Incoming, known: LegacyRow, row: User, changes: list[Change[User]]
    ) -> Taken:
        last = one.born["last_login_at"]
        if last and (row.last_login_at is None or row.last_login_at < last):
            row.last_login_at = last
            self._signed_in.append(row)
        return super().merged(one, known, row, changes)

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
        await count_accounts(self.run, self._accounts_before, set(self._accounts))
        await note_decisions(self._decisions, self.memory, self.run.now)

    def _decide(self, user: User, one: Incoming) -> None:
        decision = Decision(user.id, user.access_state, user.service_account_id, one.answered_by)
        self._decisions.append(decision)


async def take_users(run: Run) -> None:
    """Of two whose names are the same in another case, the older one keeps it."""
    keys = await run.source.rows(f'SELECT "username" FROM "{USERS}"')  # noqa: S608
    names = Names(
        username_key,
        NAME_LENGTH,
        taken=await texts_of(User.all(), "username"),
        wanted=[text(row["username"]) for row in keys],
    )
    taking = TakingUsers(run, names, await Ids.of(User, run.source, USERS), await known_accounts())
    await count_belongings(run)
    query = run.release.select(USERS, 'ORDER BY "date_joined", "id"')
    done = 0
    async for rows in run.source.batches(query, BATCH):
        await taking.take(await incoming_users(run, rows))
        done += len(rows)
        run.progress(done, len(keys))
    await taking.finish()


def _name(account: ServiceAccount) -> str:
    """As in `Incoming.values`, which know the default cluster only."""
    return (
        f"{account.cluster}/{account.qualified_name}" if account.cluster else account.qualified_name
    )
