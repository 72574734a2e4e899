"""The changes that make the database as declared, and the lines that show them to people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from models import (
    AccessState,
    Grant,
    Group,
    GroupMembership,
    Membership,
    ServiceAccount,
    User,
    VerifiedEmail,
    WebApp,
    username_key,
)
from portal.declared.format import (
    Declaration,
    DeclaredGroup,
    DeclaredUser,
    DeclaredWebApp,
    suggestion,
    yaml_key,
)
from portal.logs import printable
from resolvers.changes import (
    AddMember,
    Change,
    Create,
    GrantWebApp,
    RemoveMember,
    SetAccess,
    SetPassword,
    UnverifyEmail,
    Update,
    VerifyEmail,
    WithdrawWebApp,
)
from resolvers.checks import rows_among
from resolvers.errors import Conflict, FieldError, Path

R = TypeVar("R", Group, WebApp)
Noun = User | Group | WebApp
Link = AddMember | RemoveMember | GrantWebApp | WithdrawWebApp | VerifyEmail | UnverifyEmail


@dataclass(frozen=True, slots=True)
class NewHash:
    """The hash of a declared password, computed before the transaction begins.

    compared: the stored hash at that time.
    replacement: what to store instead; None when the stored hash is of the declared password.
    declared: the hash as the file gives it, if it does.
    """

    compared: str | None
    replacement: str | None
    declared: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the diff. `sign` is `+`, `~` or `-`; `user` is whose sessions a change may end."""

    sign: str
    text: str
    details: Sequence[str] = ()
    user: User | None = None

    def __str__(self) -> str:
        details = f": {', '.join(self.details)}" if self.details else ""
        return f"{self.sign} {printable(self.text)}{details}"


@dataclass(frozen=True, slots=True)
class State:
    """All groups and web apps of the database, and the users that the file names.

    grants, memberships, verified_emails: the linked names by the id of the group or user.
    """

    groups: dict[str, Group]
    webapps: dict[str, WebApp]
    users: dict[str, User]
    grants: Mapping[int, set[str]]
    memberships: Mapping[int, set[str]]
    verified_emails: Mapping[int, set[str]]

    @classmethod
    async def read(cls, declaration: Declaration) -> State:
        keys = {username_key(user.username) for user in declaration.users}
        users = await rows_among(User.all().select_related("service_account"), "username_key", keys)
        ids = [user.id for user in users]
        members = await rows_among(Membership.all().select_related("group"), "user_id", ids)
        verified = await rows_among(VerifiedEmail.all().select_related("user"), "user_id", ids)
        grants = await Grant.all().select_related("webapp")
        return cls(
            groups={group.name: group for group in await Group.all()},
            webapps={webapp.name: webapp for webapp in await WebApp.all()},
            users={user.username_key: user for user in users},
            grants=_grouped((grant.group_id, grant.webapp.name) for grant in grants),
            memberships=_grouped((member.user_id, member.group.name) for member in members),
            verified_emails=_grouped((each.user.id, each.address) for each in verified),
        )


async def plan(declaration: Declaration, new_hashes: Mapping[str, NewHash]) -> Plan:
    """Reads the database. Raises Conflict for a password that was changed since its comparison."""
    planned = Plan(await State.read(declaration), new_hashes)
    for number, group in enumerate(declaration.groups):
        planned.add_group(group, ("groups", number))
    for number, webapp in enumerate(declaration.webapps):
        planned.add_webapp(webapp, ("webapps", number))
    for number, group in enumerate(declaration.groups):
        planned.add_grants(group, ("groups", number))
    for number, user in enumerate(declaration.users):
        planned.add_user(user, ("users", number))
    return planned


class Plan:
    """Changes for the write core, and the lines of the diff.

    mistakes: references to a group or web app that neither the file nor the database has.
    """

    def __init__(self, state: State, new_hashes: Mapping[str, NewHash]) -> None:
        self.changes: list[Change] = []
        self.lines: list[Line] = []
        self.mistakes: list[FieldError] = []
        self._state = state
        self._new_hashes = new_hashes
        self._self_filling = {
            group.name
            for group in state.groups.values()
            if group.membership != GroupMembership.MANUAL
        }

    def add_group(self, declared: DeclaredGroup, at: Path) -> None:
        group = self._state.groups.setdefault(declared.name, Group(name=declared.name))
        details = self._columns(group, declared.columns, at)
        self._add_line(f"group {group.name}", group, details)
        if declared.columns.get("membership", group.membership) == GroupMembership.MANUAL:
            self._self_filling.discard(group.name)
        else:
            self._self_filling.add(group.name)

    def add_webapp(self, declared: DeclaredWebApp, at: Path) -> None:
        webapp = self._state.webapps.setdefault(declared.name, WebApp(name=declared.name))
        details = self._columns(webapp, declared.columns, at)
        self._add_line(f"web app {webapp.name}", webapp, details)

    def add_grants(self, declared: DeclaredGroup, at: Path) -> None:
        if not declared.names("webapps"):
            return
        group = self._state.groups[declared.name]
        present = self._state.grants.get(group.pk, set())
        for name in sorted(present.difference(declared.webapps)):
            self._add_link("-", WithdrawWebApp(self._state.webapps[name], group, at=at))
        for place, name in _items((*at, "webapps"), declared.webapps):
            webapp = self._find(name, self._state.webapps, "web app", place)
            if webapp and name not in present:
                self._add_link("+", GrantWebApp(webapp, group, at=place))

    def add_user(self, declared: DeclaredUser, at: Path) -> None:
        key = username_key(declared.username)
        user = self._state.users.get(key) or User(username=declared.username)
        details = [
            *self._columns(user, declared.columns, at),
            *self._password(user, self._new_hashes.get(key), at),
            *self._access(user, declared, (*at, "service_account")),
        ]
        self._add_line(f"user {user.username}", user, details)
        self._add_memberships(user, declared, at)
        self._add_verified_emails(user, declared, at)

    def _add_memberships(self, user: User, declared: DeclaredUser, at: Path) -> None:
        """Rows from before a group filled itself have no effect, and cannot be changed."""
        if not declared.names("groups"):
            return
        present = self._state.memberships.get(user.pk, set()) - self._self_filling
        for name in sorted(present.difference(declared.groups)):
            self._add_link("-", RemoveMember(user, self._state.groups[name], at=(*at, "groups")))
        for place, name in _items((*at, "groups"), declared.groups):
            group = self._find(name, self._state.groups, "group", place)
            if group and name not in present:
                self._add_link("+", AddMember(user, group, at=place))

    def _add_verified_emails(self, user: User, declared: DeclaredUser, at: Path) -> None:
        if not declared.names("verified_emails"):
            return
        present = self._state.verified_emails.get(user.pk, set())
        for address in sorted(present.difference(declared.verified_emails)):
            self._add_link("-", UnverifyEmail(user, address, at=(*at, "verified_emails")))
        for place, address in _items((*at, "verified_emails"), declared.verified_emails):
            if address not in present:
                self._add_link("+", VerifyEmail(user, address, at=place))

    def _columns(self, row: Noun, declared: Mapping[str, Any], at: Path) -> list[str]:
        """Creates the row, or updates it; returns the columns that differ."""
        different = {
            column: value for column, value in declared.items() if getattr(row, column) != value
        }
        if row.pk is None:
            self.changes.append(Create(row.update_from_dict(different), at=at))
            return [f"{yaml_key(column)} {_value(value)}" for column, value in different.items()]
        if different:
            self.changes.append(Update(row, different, at=at))
        return [
            f"{yaml_key(column)} {_value(getattr(row, column))} → {_value(value)}"
            for column, value in different.items()
        ]

    def _password(self, user: User, new: NewHash | None, at: Path) -> list[str]:
        if new is None:
            return []
        if new.compared != user.password_hash:
            raise Conflict(
                f"The password of {printable(user.username)} was changed at the same time;"
                " nothing was changed, run it again."
            )
        if new.replacement is None:
            if new.declared and new.declared != user.declared_password_hash:
                # The next sign-in may upgrade the stored hash, which then differs from the file
                recorded = {"declared_password_hash": new.declared}
                self.changes.append(Update(user, recorded, at=at))
            return []
        if user.pk is None:
            user.password_hash, user.declared_password_hash = new.replacement, new.declared
        else:
            self.changes.append(SetPassword(user, new.replacement, new.declared, at=at))
        return ["password changed" if new.compared else "password set"]

    def _access(self, user: User, declared: DeclaredUser, at: Path) -> list[str]:
        """A service account is approved access that does not expire; none is no access."""
        if not declared.names("service_account"):
            return []
        entry = declared.service_account
        account = ServiceAccount(**entry.model_dump()) if entry else None
        before, after = _shown_access(user), _shown_account(account)
        is_approved = user.access_state == AccessState.APPROVED
        if before == after if account else not is_approved:
            return []
        state = AccessState.APPROVED if account else AccessState.NEW
        self.changes.append(SetAccess(user, state, account, at=at))
        return [f"serviceAccount {after if user.pk is None else f'{before} → {after}'}"]

    def _find(self, name: str, known: Mapping[str, R], kind: str, at: Path) -> R | None:
        row = known.get(name)
        if row is None:
            hint = suggestion(name, known)
            message = f"There is no {kind} {printable(name)}{f': {hint}' if hint else '.'}"
            self.mistakes.append(FieldError(message, at))
        return row

    def _add_line(self, text: str, row: Noun, details: list[str]) -> None:
        if row.pk is None or details:
            sign = "+" if row.pk is None else "~"
            self.lines.append(Line(sign, text, details, row if isinstance(row, User) else None))

    def _add_link(self, sign: str, change: Link) -> None:
        self.changes.append(change)
        self.lines.append(Line(sign, _link(change)))


def _link(change: Link) -> str:
    match change:
        case AddMember(user=user, group=group) | RemoveMember(user=user, group=group):
            return f"membership {user.username} in {group.name}"
        case GrantWebApp(webapp=webapp, group=group) | WithdrawWebApp(webapp=webapp, group=group):
            return f"grant {webapp.name} to {group.name}"
        case VerifyEmail(user=user, address=address) | UnverifyEmail(user=user, address=address):
            return f"verified e-mail {address} of {user.username}"


def _value(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(printable, value))}]"
        case Enum():
            return str(value.value)
        case _:
            return f'"{printable(str(value))}"'


def _shown_access(user: User) -> str:
    if user.access_state != AccessState.APPROVED:
        return "none"
    end = f" until {user.access_expires_at}" if user.access_expires_at else ""
    return f"{_shown_account(user.service_account)}{end}"


def _shown_account(account: ServiceAccount | None) -> str:
    cluster = f" in {account.cluster}" if account and account.cluster else ""
    return printable(f"{account.qualified_name}{cluster}") if account else "none"


def _items(at: Path, names: list[str]) -> Iterator[tuple[Path, str]]:
    """Every name once, with its place."""
    return (((*at, names.index(name)), name) for name in dict.fromkeys(names))


def _grouped(pairs: Iterable[tuple[int, str]]) -> Mapping[int, set[str]]:
    grouped: defaultdict[int, set[str]] = defaultdict(set)
    for row_id, name in pairs:
        grouped[row_id].add(name)
    return grouped
