"""The step for users: their columns, memberships, proofs of identity and access."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from auth.google import MAXIMUM_SUBJECT_LENGTH
from auth.passwords import Passwords
from models import (
    AccessState,
    ExternalIdentity,
    GroupMembership,
    LegacyKind,
    Membership,
    ServiceAccount,
    User,
    VerifiedEmail,
    username_key,
)
from models.users import HASH_LENGTH
from portal.legacy.release import (
    ACCOUNTS,
    ADDRESSES,
    IDENTITIES,
    MEMBERSHIPS,
    NAMESPACES,
    STATES,
    USERS,
)
from portal.legacy.report import Rule
from portal.legacy.source import Row
from portal.legacy.steps import Record, Run, Step, linked
from portal.legacy.values import LINE_BREAKS, Adapter, flag, id_list, subject, text
from resolvers.changes import AddIdentity, AddMember, Change, SetAccess, VerifyEmail
from resolvers.google import PROVIDER

BATCH = 1000
AGE = '"date_joined", "id"'
UNUSABLE = "!"  # Django's mark of an account without a password
MEMBER, IDENTITY, ADDRESS, ACCOUNT = (
    "memberships",
    "identities",
    "verified addresses",
    "service accounts",
)
ACCESS = "access"
REASON = "Imported from the former portal, which did not record when this was decided."

Progress: TypeAlias = Callable[[int, int], None]
ByUser: TypeAlias = Mapping[int, Sequence[Row]]


class Users(Step[User]):
    """locked_out: the names of new users who can't sign in.

    accounts: the service accounts of imported users, and the first user of each.
    """

    model = User
    kind = LegacyKind.USER
    table = USERS
    title = "users"
    noun = "user"
    name = "username"

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.locked_out: list[str] = []
        self.accounts: dict[str, str] = {}
        self._groups = {group.id: group for group in run.groups.values()}
        self._skipped_memberships: Counter[int] = Counter()
        self._deciders: Mapping[int, User] = {}
        self._taken_proofs: dict[str, set[str]] = {}
        self._passwords = Passwords()

    @staticmethod
    def name_key(name: str) -> str:
        return username_key(name)

    async def run_step(self, progress: Progress) -> None:
        total = await self.prepare()
        addresses: list[Any] = await VerifiedEmail.all().values_list("address", flat=True)
        identities = ExternalIdentity.filter(provider=PROVIDER)
        subjects: list[Any] = await identities.values_list("subject", flat=True)
        self._taken_proofs = {ADDRESS: set(addresses), IDENTITY: set(subjects)}
        [row] = await self.run.source.rows(f'SELECT count(*) AS "number" FROM "{ACCOUNTS}"')
        self.run.report.table(ACCOUNT).source = row["number"]
        query = f'SELECT * FROM "{USERS}" ORDER BY {self._order()}'
        async for rows in self.run.source.batches(query, BATCH):
            await self.take(await self._records(rows))
            progress(self.counts.source, total)
        for source_id, number in sorted(self._skipped_memberships.items()):
            label = subject("group", source_id, self.run.groups[source_id].name)
            self.run.report.note(Rule.GROUP_FILLS_ITSELF, label, f"{number} memberships")

    def _order(self) -> str:
        """Of two equal names the older user keeps it.

        Users who have decided about access come first, as the history of access refers to them.
        """
        if not self.run.release.has(USERS, "answered_by_id"):
            return AGE
        deciders = f'SELECT "answered_by_id" FROM "{USERS}" WHERE "answered_by_id" IS NOT NULL'
        return f'"id" NOT IN ({deciders}), {AGE}'

    # From the source

    async def _records(self, rows: Sequence[Row]) -> list[Record]:
        ids = [row["id"] for row in rows]
        deciders = {self.known.get(row.get("answered_by_id") or 0, 0) for row in rows}
        self._deciders = await User.in_bulk(deciders, "id")
        accounts = await self._account_rows(rows)
        memberships = await self._by_user(MEMBERSHIPS, '"portalgroup_id"', ids)
        identities = await self._by_user(IDENTITIES, '"provider", "uid"', ids)
        addresses = await self._by_user(ADDRESSES, '"email", "verified"', ids)
        records = []
        for row in rows:
            key = row["id"]
            adapter = Adapter(self.run.report, User, subject(self.noun, key, row["username"]))
            record = Record(
                source_id=key,
                adapter=adapter,
                values=_columns(row, adapter)
                | {ACCESS: self._access(row, accounts.get(row["service_account_id"]), adapter)},
                initial=self._initial_columns(row, adapter),
                links={
                    MEMBER: self._memberships(row, memberships[key], adapter),
                    IDENTITY: self._identities(identities[key], adapter),
                    ADDRESS: self._addresses(addresses[key], adapter),
                },
                decider=row.get("answered_by_id"),
            )
            records.append(record)
        return records

    async def _account_rows(self, rows: Iterable[Row]) -> Mapping[int, Row]:
        ids = {row["service_account_id"] for row in rows} - {None}
        accounts = await self.run.source.rows(
            f'SELECT a."id", a."name", n."name" AS "namespace" FROM "{ACCOUNTS}" a'
            f' JOIN "{NAMESPACES}" n ON n."id" = a."namespace_id" WHERE a."id" IN {id_list(ids)}'
        )
        return {account["id"]: account for account in accounts}

    async def _by_user(self, table: str, columns: str, ids: Iterable[int]) -> ByUser:
        found: defaultdict[int, list[Row]] = defaultdict(list)
        if self.run.release.has(table):
            query = f'SELECT "user_id", {columns} FROM "{table}" WHERE "user_id" IN {id_list(ids)}'
            for row in await self.run.source.rows(query):
                found[row["user_id"]].append(row)
        return found

    def _initial_columns(self, row: Row, adapter: Adapter) -> dict[str, Any]:
        joined = adapter.timestamp("date_joined", row["date_joined"])
        return {
            "password_hash": self._password(row, adapter),
            "created_at": joined or self.run.writer.options.now,
            "last_login_at": adapter.timestamp("last_login", row["last_login"]),
        }

    def _password(self, row: Row, adapter: Adapter) -> str | None:
        stored = text(row["password"])
        if not stored or stored.startswith(UNUSABLE):
            return None
        if len(stored) > HASH_LENGTH or not self._passwords.knows(stored):
            adapter.note(Rule.PASSWORD_UNKNOWN)
            return None
        return stored

    def _memberships(self, row: Row, rows: Sequence[Row], adapter: Adapter) -> set[int]:
        """The ids of groups in the portal, without those that fill themselves."""
        self.run.report.table(MEMBER).source += len(rows)
        found: set[int] = set()
        is_administrator = flag(row["is_superuser"])
        for source_id in (each["portalgroup_id"] for each in rows):
            group = self.run.groups.get(source_id)
            if group is None:
                continue
            is_administrator = is_administrator or group.can_admin
            if group.membership == GroupMembership.MANUAL:
                found.add(group.id)
            else:
                self._skipped_memberships[source_id] += 1
        if flag(row["is_staff"]) and not is_administrator:
            adapter.note(Rule.STAFF_NOT_ADMINISTRATOR)
        return found

    def _identities(self, rows: Sequence[Row], adapter: Adapter) -> set[str]:
        self.run.report.table(IDENTITY).source += len(rows)
        found: set[str] = set()
        for provider, given in ((text(row["provider"]), text(row["uid"])) for row in rows):
            fits = 0 < len(given) <= MAXIMUM_SUBJECT_LENGTH and given.isprintable()
            if provider == PROVIDER and fits:
                found.add(given)
            else:
                adapter.note(Rule.IDENTITY_UNUSABLE, provider)
        return found

    def _addresses(self, rows: Sequence[Row], adapter: Adapter) -> set[str]:
        verified = [row["email"] for row in rows if flag(row["verified"])]
        self.run.report.table(ADDRESS).source += len(verified)
        return {address.lower() for email in verified if (address := adapter.email(email))}

    def _access(
        self, row: Row, account_row: Row | None, adapter: Adapter
    ) -> tuple[AccessState, str | None]:
        """The state and the qualified name of the service account, which only approval has."""
        state = AccessState(STATES[text(row["state"])])
        if account_row is None:
            if state != AccessState.APPROVED:
                return state, None
            adapter.note(Rule.ACCESS_WITHOUT_ACCOUNT)
            return AccessState.NEW, None
        account = adapter.account(
            text(account_row["namespace"]), text(account_row["name"]), self.run.writer.options
        )
        if account is None:
            return AccessState.NEW if state == AccessState.APPROVED else state, None
        if state != AccessState.APPROVED:
            adapter.note(Rule.ACCOUNT_WITHOUT_ACCESS, account.qualified_name)
            return state, None
        if not flag(row["is_active"]):
            adapter.note(Rule.ACCESS_OF_CLOSED_ACCOUNT, account.qualified_name)
            return AccessState.NEW, None
        self._count_account(account.qualified_name, row["id"], adapter)
        return state, account.qualified_name

    def _count_account(self, account: str, source_id: int, adapter: Adapter) -> None:
        first_user = self.accounts.setdefault(account, adapter.subject)
        counts = self.run.report.table(ACCOUNT)
        if first_user != adapter.subject:
            adapter.note(Rule.ACCOUNT_SHARED, f"{account}, also of {first_user}")
        elif source_id in self.known:
            counts.known += 1
        else:
            counts.created += 1

    # To the portal

    async def present_rows(self, ids: Iterable[int]) -> list[User]:
        return await User.filter(id__in=list(ids)).select_related("service_account")

    async def present_links(self, rows: Mapping[int, User]) -> Mapping[str, dict[int, set[Any]]]:
        return {
            MEMBER: await linked(Membership, "user_id", "group_id", rows),
            IDENTITY: await linked(ExternalIdentity, "user_id", "subject", rows),
            ADDRESS: await linked(VerifiedEmail, "user_id", "address", rows),
        }

    def present_values(self, row: User, columns: Collection[str]) -> dict[str, Any]:
        account = row.service_account
        access = (row.access_state, account.qualified_name if account else None)
        return super().present_values(row, set(columns) - {ACCESS}) | {ACCESS: access}

    def columns(self, record: Record) -> dict[str, Any]:
        columns = super().columns(record)
        del columns[ACCESS]
        return columns

    def connect(self, record: Record, row: User, rows: Mapping[int, User]) -> Iterator[Change]:
        at = (record.adapter.subject,)
        groups = [self._groups[group_id] for group_id in sorted(record.links[MEMBER])]
        self.run.report.table(MEMBER).created += len(groups)
        identities = self._unused_proofs(IDENTITY, record, Rule.IDENTITY_UNUSABLE)
        addresses = self._unused_proofs(ADDRESS, record, Rule.ADDRESS_TAKEN)
        yield from (AddMember(row, group, at=at) for group in groups)
        yield from (AddIdentity(row, PROVIDER, each, at=at) for each in identities)
        yield from (VerifyEmail(row, each, at=at) for each in addresses)
        uses_google = self.run.writer.options.google and (identities or addresses)
        if row.is_active and not row.password_hash and not uses_google:
            self.locked_out.append(row.username)
        state, account = record.values[ACCESS]
        if state != AccessState.NEW:
            yield SetAccess(
                row,
                state,
                _account(account),
                reason=None if state == AccessState.REQUESTED else REASON,
                decided_by=self._decider(record, rows),
                at=at,
            )

    def _decider(self, record: Record, rows: Mapping[int, User]) -> User | None:
        if record.decider is None:
            return None
        return rows.get(record.decider) or self._deciders.get(self.known.get(record.decider, 0))

    def _unused_proofs(self, title: str, record: Record, rule: Rule) -> list[str]:
        """What no other user has. The first user in the order of the import keeps it."""
        taken, unused = self._taken_proofs[title], []
        for proof in sorted(record.links[title]):
            if proof in taken:
                record.adapter.note(rule, proof)
            else:
                unused.append(proof)
        taken.update(unused)
        self.run.report.table(title).created += len(unused)
        return unused


def _columns(row: Row, adapter: Adapter) -> dict[str, Any]:
    return {
        "username": adapter.line("username", row["username"], f"user-{row['id']}"),
        "first_name": adapter.line("first_name", row["first_name"]),
        "last_name": adapter.line("last_name", row["last_name"]),
        "primary_email": adapter.email(row["email"]),
        "alternative_emails": adapter.emails(row.get("alt_mails")),
        "comments": adapter.line("comments", row.get("comments"), kept=LINE_BREAKS) or None,
        "is_superuser": flag(row["is_superuser"]),
        "is_active": flag(row["is_active"]),
    }


def _account(qualified_name: str | None) -> ServiceAccount | None:
    if qualified_name is None:
        return None
    namespace, _, name = qualified_name.partition(":")
    return ServiceAccount(namespace=namespace, name=name)
