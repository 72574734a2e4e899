"""The rules of a set of changes: all errors are collected before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tortoise.models import Model
from tortoise.queryset import QuerySet

from models import (
    Group,
    GroupMembership,
    User,
    VerifiedEmail,
    WebApp,
    username_key,
)
from resolvers.changes import (
    AddMember,
    Change,
    Create,
    Delete,
    Noun,
    RemoveMember,
    SetAccess,
    UnverifyEmail,
    Update,
    VerifyEmail,
    WriteOptions,
)
from resolvers.errors import (
    BadUserInput,
    FieldError,
    Path,
)
from resolvers.rules import (
    RULES,
    account_errors,
    check_values,
    membership_error,
)

BATCH = 500  # SQLite takes at most 32,766 variables in a statement
LAST_ADMINISTRATOR = "This would leave the portal without an administrator who can sign in."
CLOSED = "This account is closed."
SELF_FILLING = "This group fills itself."
VERIFIED_BY_OTHER = "This is a verified address of another user."
TAKEN: Mapping[type[Model], str] = {
    User: "This user name is taken; upper and lower case are the same.",
    Group: "There is a group of this name.",
    WebApp: "There is a web app of this name.",
}
NAMES: Mapping[type[Model], str] = {User: "username", Group: "name", WebApp: "name"}
KEYS: Mapping[type[Model], str] = {User: "username_key", Group: "name", WebApp: "name"}

M = TypeVar("M", bound=Model)
N = TypeVar("N", User, Group, WebApp)
C = TypeVar("C", bound=Change)


@dataclass(frozen=True, slots=True)
class Differences:
    """The columns in which an update changes its row, with the values before and after."""

    change: Update
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class ChangeSet:
    """Changes that are cleaned in place and checked, against each other and the database.

    updates: those changes of columns that make a difference.
    """

    def __init__(self, changes: Sequence[Change], options: WriteOptions) -> None:
        self.options = options
        self.changes = changes
        self.updates: list[Differences] = []
        self._errors: list[FieldError] = []
        self._named: list[Create | Update] = []

    def of(self, kind: type[C]) -> list[C]:
        return [change for change in self.changes if isinstance(change, kind)]

    async def check(self, errors: Sequence[FieldError]) -> None:
        """Raises BadUserInput with all errors, those of the caller last."""
        for created in self.of(Create):
            self._clean_created(created)
        for update in self.of(Update):
            self._clean_update(update)
        for model in (User, Group, WebApp):
            await self._check_names(model)
        self._check_groups()
        for access in self.of(SetAccess):
            self._check_access(access)
        await self._check_proofs()
        if found := (*self._errors, *errors):
            raise BadUserInput(*found)

    def _clean_created(self, change: Create) -> None:
        row = change.row
        values = {column: getattr(row, column) for column in RULES[type(row)]}
        cleaned, errors = check_values(type(row), values, change.at)
        assign(row, cleaned)
        self._errors += errors
        if NAMES[type(row)] in cleaned:
            self._named.append(change)

    def _clean_update(self, change: Update) -> None:
        row = change.row
        values, errors = check_values(type(row), change.values, change.at)
        if isinstance(row, User):
            values = _with_swapped_email(row, values)
        after = {name: value for name, value in values.items() if getattr(row, name) != value}
        before = {name: getattr(row, name) for name in after}
        assign(row, after)
        self._errors += errors
        if after:
            self.updates.append(Differences(change, before, after))
        if NAMES[type(row)] in after:
            self._named.append(change)

    def _refuse(self, message: str, *path: str | int) -> None:
        self._errors.append(FieldError(message, path))

    async def _check_names(self, model: type[Noun]) -> None:
        """Names are unique, also within the set."""
        named = [change for change in self._named if isinstance(change.row, model)]
        keys = {name_key(change.row) for change in named}
        holders = {
            name_key(row): row.pk for row in await rows_among(all_rows(model), KEYS[model], keys)
        }
        for change in named:
            identity = change.row.pk or id(change.row)
            if holders.setdefault(name_key(change.row), identity) != identity:
                self._refuse(TAKEN[model], *change.at, NAMES[model])

    def _check_groups(self) -> None:
        changes: list[Create | Update] = [*self.of(Create)]
        changes += [each.change for each in self.updates]
        for change in changes:
            if isinstance(change.row, Group):
                error = membership_error(change.row.can_admin, change.row.membership)
                if error:
                    self._refuse(error, *change.at, "can_admin")
        links: list[AddMember | RemoveMember] = [*self.of(AddMember), *self.of(RemoveMember)]
        for link in links:
            if link.group.membership != GroupMembership.MANUAL:
                self._refuse(SELF_FILLING, *link.at)

    def _check_access(self, change: SetAccess) -> None:
        if change.account is None:
            return
        if not change.user.is_active:
            self._refuse(CLOSED, *change.at)
        for error in account_errors(change.account, self.options):
            self._errors.append(error.below(change.at))

    async def _check_proofs(self) -> None:
        """An address or identity proves one user only; the same set may take it from another."""
        freed = {(each.user.pk, each.address) for each in self.of(UnverifyEmail)}
        verified = self.of(VerifyEmail)
        rows = await rows_among(VerifiedEmail.all(), "address", {each.address for each in verified})
        owners = {
            row.address: row.user_id for row in rows if (row.user_id, row.address) not in freed
        }
        for each in verified:
            identity = each.user.pk or id(each.user)
            if owners.setdefault(each.address, identity) != identity:
                self._refuse(VERIFIED_BY_OTHER, *each.at)

    @property
    def appoints_administrators(self) -> bool:
        return (
            any(_appoints(each.row, RULES[type(each.row)]) for each in self.of(Create))
            or any(_appoints(each.change.row, each.after) for each in self.updates)
            or any(each.group.can_admin for each in self.of(AddMember))
        )

    def dismissals(self) -> Iterator[Path]:
        """The paths of changes that may take an administrator away."""
        for each in self.updates:
            for column in ("is_active", "is_superuser", "can_admin"):
                if each.after.get(column) is False:
                    yield (*each.change.at, column)
        yield from (change.at for change in [*self.of(RemoveMember), *self.of(Delete)])


async def rows_among(query: QuerySet[M], column: str, values: Collection[Any]) -> list[M]:
    """The rows whose column has one of the values, read in batches."""
    rows: list[M] = []
    for some in batches(values):
        rows += await query.filter(**{f"{column}__in": some})
    return rows


def batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    ordered = list(values)
    return (ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH))


def all_rows(model: type[Noun]) -> QuerySet[Any]:
    return model.all()


def assign(row: Model, values: Mapping[str, Any]) -> None:
    for column, value in values.items():
        setattr(row, column, value)
    if isinstance(row, User) and "username" in values:
        row.username_key = username_key(row.username)


def _with_swapped_email(user: User, values: dict[str, Any]) -> dict[str, Any]:
    """An alternative address that becomes the primary one changes places with it."""
    primary, alternatives = values.get("primary_email"), user.alternative_emails
    if primary not in alternatives or not user.primary_email or "alternative_emails" in values:
        return values
    others = [other for other in alternatives if other not in (primary, user.primary_email)]
    return values | {"alternative_emails": [*others, user.primary_email]}


def name_key(row: Any) -> str:
    key: str = getattr(row, KEYS[type(row)])
    return key


def _appoints(row: Noun, columns: Collection[str]) -> bool:
    """Whether the columns appoint an administrator."""
    return any(
        column in columns and getattr(row, column) for column in ("is_superuser", "can_admin")
    )
