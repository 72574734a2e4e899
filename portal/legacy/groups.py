"""Takes over the groups and what their members may use."""

from __future__ import annotations

from collections import defaultdict

from models import Grant, Group, GroupMembership, LegacyKind
from models.groups import GROUP_NAME_LENGTH
from portal.legacy.incoming import Incoming
from portal.legacy.links import Links
from portal.legacy.names import Ids, Names, texts_of
from portal.legacy.release import GRANTS, GROUPS
from portal.legacy.report import Rule
from portal.legacy.run import Run
from portal.legacy.source import Row
from portal.legacy.taking import Taking
from portal.legacy.texts import Texts, subject
from portal.legacy.values import flag

GRANT_LINKS = Links("webapps", "grants", Grant, owner="group_id", member="webapp_id")


class TakingGroups(Taking[Group]):
    kind = LegacyKind.GROUP
    title = "groups"
    noun = "group"
    links = (GRANT_LINKS,)


async def take_groups(run: Run) -> None:
    """Notes in the run what their members need to know."""
    grants = await _grants(run)
    rows = await run.source.rows(run.release.select(GROUPS, 'ORDER BY "id"'))
    incoming = [_incoming(run, row, grants[row["id"]]) for row in rows]
    taking = TakingGroups(
        run,
        Group,
        Names(
            str,
            GROUP_NAME_LENGTH,
            taken=await texts_of(Group.all(), "name"),
            wanted=[one.values["name"] for one in incoming],
        ),
        await Ids.of(LegacyKind.GROUP, Group, run.source, GROUPS),
    )
    await taking.release({one.source_id: one.values["name"] for one in incoming})
    for one in await taking.take(incoming):
        run.group_ids[one.incoming.source_id] = one.target_id
    await taking.finish()
    run.groups_there = {one.source_id for one in incoming}
    run.by_rule = {
        one.source_id for one in incoming if one.values["membership"] != GroupMembership.MANUAL
    }
    run.administrating = {one.source_id for one in incoming if one.values["can_admin"]}


async def _grants(run: Run) -> defaultdict[int, set[int]]:
    """The web apps here, by the group there."""
    rows = await run.source.rows(run.release.select(GRANTS, 'ORDER BY "id"'))
    groups = {row["id"] for row in await run.source.rows(f'SELECT "id" FROM "{GROUPS}"')}  # noqa: S608
    run.table(GRANT_LINKS.title).there = len(rows)
    found: defaultdict[int, set[int]] = defaultdict(set)
    for row in rows:
        group, webapp = row["portalgroup_id"], row["webapplication_id"]
        if webapp not in run.webapps_there or group not in groups:
            detail = f"group {group}, web app {webapp}"
            run.report.note(Rule.DANGLING, f"grant {row['id']}", detail)
        elif webapp in run.webapp_ids:
            found[group].add(run.webapp_ids[webapp])
    return found


def _incoming(run: Run, row: Row, webapps: set[int]) -> Incoming:
    texts = Texts(run.report, subject("group", row["id"], row["name"]))
    values = {
        "name": texts.name("name", row["name"], GROUP_NAME_LENGTH, f"group-{row['id']}"),
        "can_admin": flag(row["can_admin"]),
        "membership": _membership(row),
    }
    if values["can_admin"] and values["membership"] != GroupMembership.MANUAL:
        texts.note(Rule.ADMINISTRATORS_BY_RULE)
    if flag(row.get("auto_add_new")) or flag(row.get("auto_add_approved")):
        texts.note(Rule.MEMBERSHIP_RULE_UNKNOWN, "it keeps its members and takes no new ones")
    return Incoming(row["id"], texts, values, sets={GRANT_LINKS.name: webapps})


def _membership(row: Row) -> GroupMembership:
    if flag(row.get("special_all_accounts")):
        return GroupMembership.ALL_USERS
    if flag(row.get("special_k8s_accounts")):
        return GroupMembership.CLUSTER_USERS
    return GroupMembership.MANUAL
