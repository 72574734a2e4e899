"""Counts what belongs to users and accounts, and says in a line each what of it stays behind."""

from __future__ import annotations

from collections.abc import Callable

from portal.legacy.release import (
    ACCOUNTS,
    ADDRESSES,
    IDENTITIES,
    MEMBERSHIPS,
    NAMESPACES,
    USERS,
)
from portal.legacy.report import Rule
from portal.legacy.run import Run
from portal.legacy.texts import listed
from portal.legacy.values import flag

TITLES = {
    MEMBERSHIPS: "memberships",
    IDENTITIES: "identities",
    ADDRESSES: "verified addresses",
}


async def count_belongings(run: Run) -> None:
    """Of what users have; without those who are not there, nobody would come upon it."""
    for table, title in TITLES.items():
        if not run.release.has(table):
            continue
        run.table(title).there = await run.count(table)
        lost = await run.count(table, f'"user_id" NOT IN (SELECT "id" FROM "{USERS}")')  # noqa: S608
        _note(run, Rule.DANGLING, title, lost, "of users that are not there")
    await _note_members(run)
    await _note_unverified(run)


async def count_accounts(run: Run, before: set[str], used: set[str]) -> None:
    """The names of accounts that were here before, and of those that users have now."""
    await _count(run, "service accounts", ACCOUNTS, before, used, str)
    await _count(run, "namespaces", NAMESPACES, before, used, _namespace)


async def _count(
    run: Run,
    title: str,
    table: str,
    before: set[str],
    used: set[str],
    part: Callable[[str], str],
) -> None:
    known, needed = set(map(part, before)), set(map(part, used))
    counts = run.table(title)
    counts.there = await run.count(table)
    counts.new, counts.same = len(needed - known), len(needed & known)
    _note(run, Rule.ACCOUNTS_UNUSED, title, counts.there - len(needed))


async def _note_members(run: Run) -> None:
    rows = await run.source.rows(
        f'SELECT "portalgroup_id" AS "group", count(*) AS "number" FROM "{MEMBERSHIPS}"'  # noqa: S608
        f' WHERE "portalgroup_id" IN {listed(run.by_rule)} GROUP BY 1 ORDER BY 1'
    )
    for row in rows:
        _note(run, Rule.MEMBERS_BY_RULE, f"group {row['group']}", row["number"], "memberships")


async def _note_unverified(run: Run) -> None:
    if run.release.has(ADDRESSES):
        rows = await run.source.rows(
            f'SELECT "verified", count(*) AS "number" FROM "{ADDRESSES}" GROUP BY 1'  # noqa: S608
        )
        number = sum(row["number"] for row in rows if not flag(row["verified"]))
        _note(run, Rule.ADDRESS_UNVERIFIED, TITLES[ADDRESSES], number)


def _note(run: Run, rule: Rule, subject: str, number: int, detail: str = "") -> None:
    if number > 0:
        run.report.note(rule, subject, f"{number} {detail}".strip())


def _namespace(qualified_name: str) -> str:
    return qualified_name.partition(":")[0]
