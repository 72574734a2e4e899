"""A user there in the words of the models here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from auth.google import MAXIMUM_SUBJECT_LENGTH
from models.users import COMMENTS_LENGTH, HASH_LENGTH, KEY_LENGTH, NAME_LENGTH, username_key
from portal.legacy.access import access_of
from portal.legacy.accounts import ForeignAccount, foreign_accounts
from portal.legacy.incoming import Incoming
from portal.legacy.release import ADDRESSES, IDENTITIES, MEMBERSHIPS, USERS
from portal.legacy.report import Rule
from portal.legacy.run import Run
from portal.legacy.source import Row
from portal.legacy.texts import Texts, fit_address, fit_line, listed, shortened, subject
from portal.legacy.values import BROKEN, flag, number, text
from resolvers.google import PROVIDER

UNUSABLE = "!"
ROOM_FOR_SUFFIX = 10
GROUPS, SUBJECTS, VERIFIED = "groups", "subjects", "verified"

ByUser = Mapping[int, list[Row]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What belongs to a batch of users; `people` are those ids of deciders that are there."""

    people: set[int]
    accounts: Mapping[int, ForeignAccount]
    memberships: ByUser
    identities: ByUser
    addresses: ByUser


async def incoming_users(run: Run, rows: Sequence[Row]) -> list[Incoming]:
    around = await _surroundings(run, rows)
    return [_incoming(run, row, around) for row in rows]


async def _surroundings(run: Run, rows: Sequence[Row]) -> Surroundings:
    ids = [row["id"] for row in rows]
    accounts = {number(row["service_account_id"]) for row in rows} - {None}
    return Surroundings(
        people=await _people(run, {number(row.get("answered_by_id")) for row in rows}),
        accounts=await foreign_accounts(run, [key for key in accounts if key is not None]),
        memberships=await _by_user(run, MEMBERSHIPS, "portalgroup_id", ids),
        identities=await _by_user(run, IDENTITIES, 'provider", "uid', ids),
        addresses=await _by_user(run, ADDRESSES, 'email", "verified', ids),
    )


async def _people(run: Run, ids: Iterable[int | None]) -> set[int]:
    wanted = listed(key for key in ids if key is not None)
    rows = await run.source.rows(f'SELECT "id" FROM "{USERS}" WHERE "id" IN {wanted}')  # noqa: S608
    return {row["id"] for row in rows}


async def _by_user(run: Run, table: str, columns: str, ids: Iterable[int]) -> ByUser:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    if run.release.has(table):
        query = f'SELECT "user_id", "{columns}" FROM "{table}" WHERE "user_id" IN {listed(ids)}'  # noqa: S608
        for row in await run.source.rows(query):
            found[row["user_id"]].append(row)
    return found


def _incoming(run: Run, row: Row, around: Surroundings) -> Incoming:
    key = row["id"]
    texts = Texts(run.report, subject("user", key, row["username"]))
    groups = {number(one["portalgroup_id"]) for one in around.memberships.get(key, ())}
    _check_staff(run, row, groups, texts)
    joined = _joined(row, texts)
    return Incoming(
        source_id=key,
        texts=texts,
        values={
            "username": _username(row, texts),
            "first_name": texts.line("first_name", row["first_name"], NAME_LENGTH),
            "last_name": texts.line("last_name", row["last_name"], NAME_LENGTH),
            "primary_email": texts.address(row["email"]),
            "alternative_emails": texts.addresses(row.get("alt_mails")),
            "comments": texts.paragraph("comments", row.get("comments"), COMMENTS_LENGTH),
            "password_hash": _password(run, row, texts),
            "is_superuser": flag(row["is_superuser"]),
            "is_active": flag(row["is_active"]),
            "access": access_of(row, around.accounts, texts),
        },
        born={
            "created_at": joined or run.now,
            "last_login_at": texts.moment("last_login", row["last_login"]),
        },
        sets={
            GROUPS: _groups(run, groups, texts),
            SUBJECTS: _subjects(around.identities.get(key, ()), texts),
            VERIFIED: _verified(around.addresses.get(key, ()), texts),
        },
        mark=joined.isoformat() if joined else text(row["date_joined"]),
        answered_by=_decider(row, around.people, texts),
    )


def _check_staff(run: Run, row: Row, groups: set[int | None], texts: Texts) -> None:
    is_staff = flag(row["is_staff"]) and not flag(row["is_superuser"])
    if is_staff and not groups & run.administrating:
        texts.note(Rule.STAFF_WITHOUT_GROUP)


def _decider(row: Row, people: set[int], texts: Texts) -> int | None:
    key = number(row.get("answered_by_id"))
    if key is None or key in people:
        return key
    texts.note(Rule.DANGLING, f"decided by user {key}")
    return None


def username_of(row: Row) -> str:
    """The one that a user wants; short enough for a suffix."""
    name = fit_line(row["username"], NAME_LENGTH)
    while len(username_key(name)) > KEY_LENGTH - ROOM_FOR_SUFFIX:
        name = name[:-1]
    return name if name.strip() else f"user-{row['id']}"


def _username(row: Row, texts: Texts) -> str:
    given, name = text(row["username"]), username_of(row)
    if name != given or BROKEN in given:
        texts.note(Rule.TEXT_ADAPTED, f"username: now {shortened(name)}")
    return name


def _joined(row: Row, texts: Texts) -> datetime | None:
    """Nobody has joined at no time: an empty date is none."""
    if row["date_joined"] in (None, ""):
        texts.note(Rule.DATE_UNFIT, "date_joined")
        return None
    return texts.moment("date_joined", row["date_joined"])


def _password(run: Run, row: Row, texts: Texts) -> str | None:
    stored = text(row["password"])
    if not stored or stored.startswith(UNUSABLE):
        return None
    if len(stored) > HASH_LENGTH or not run.passwords.knows(stored):
        texts.note(Rule.PASSWORD_UNKNOWN)
        return None
    return stored


def _groups(run: Run, groups: set[int | None], texts: Texts) -> set[int]:
    """Those that do not fill themselves."""
    for missing in groups - run.groups_there:
        texts.note(Rule.DANGLING, f"membership in group {missing}")
    return {here for there, here in run.group_ids.items() if there in groups - run.by_rule}


def _subjects(rows: Iterable[Row], texts: Texts) -> set[str]:
    found = set()
    for row in rows:
        if given := _subject(row):
            found.add(given)
        else:
            texts.note(Rule.IDENTITY_LEFT, f"of {text(row['provider'])}")
    return found


def _subject(row: Row) -> str | None:
    given = text(row["uid"])
    fits = 0 < len(given) <= MAXIMUM_SUBJECT_LENGTH and given.isprintable()
    return given if fits and text(row["provider"]) == PROVIDER else None


def _verified(rows: Iterable[Row], texts: Texts) -> set[str]:
    addresses = (texts.address(row["email"]) for row in rows if flag(row["verified"]))
    return {address.lower() for address in addresses if address}


async def subjects_there(run: Run, ids: Iterable[int]) -> Mapping[int, set[str]]:
    """The identities that users have there now, by their ids there."""
    rows = await _by_user(run, IDENTITIES, 'provider", "uid', ids)
    return {key: {given for row in few if (given := _subject(row))} for key, few in rows.items()}


async def verified_there(run: Run, ids: Iterable[int]) -> Mapping[int, set[str]]:
    """The same of verified addresses."""
    rows = await _by_user(run, ADDRESSES, 'email", "verified', ids)
    return {
        key: {
            address.lower()
            for row in few
            if flag(row["verified"]) and (address := fit_address(row["email"]))
        }
        for key, few in rows.items()
    }
