"""The steps for web apps, and for groups with their web apps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from models import Grant, Group, GroupMembership, LegacyKind, WebApp
from portal.legacy.release import GRANTS, GROUPS, WEBAPPS
from portal.legacy.report import Rule
from portal.legacy.source import Row
from portal.legacy.steps import Record, Step, linked
from portal.legacy.values import Adapter, flag, subject
from resolvers.changes import Change, GrantWebApp
from resolvers.rules import membership_error

GRANTED = "grants"


class WebApps(Step[WebApp]):
    model = WebApp
    kind = LegacyKind.WEBAPP
    table = WEBAPPS
    title = "web apps"
    noun = "web app"

    async def run_step(self) -> None:
        await self.prepare()
        rows = await self.run.source.rows(f'SELECT * FROM "{WEBAPPS}" ORDER BY "id"')
        self.run.webapps.update(await self.take([self._record(row) for row in rows]))

    def _record(self, row: Row) -> Record:
        adapter = Adapter(self.run.report, WebApp, subject(self.noun, row["id"], row["name"]))
        values = {
            "name": adapter.line("name", row["name"], f"webapp-{row['id']}"),
            "link_name": adapter.line("link_name", row["link_name"], None),
            "link_url": adapter.link(row["link_url"]),
            "link_show": flag(row["link_show"]),
            "category": adapter.category(row.get("category")),
        }
        return Record(row["id"], adapter, values)


class Groups(Step[Group]):
    model = Group
    kind = LegacyKind.GROUP
    table = GROUPS
    title = "groups"
    noun = "group"

    async def run_step(self) -> None:
        await self.prepare()
        grants: defaultdict[int, set[int]] = defaultdict(set)
        for grant in await self.run.source.rows(f'SELECT * FROM "{GRANTS}"'):
            self.run.report.table(GRANTED).source += 1
            if webapp := self.run.webapps.get(grant["webapplication_id"]):
                grants[grant["portalgroup_id"]].add(webapp.id)
        rows = await self.run.source.rows(f'SELECT * FROM "{GROUPS}" ORDER BY "id"')
        self._webapps = {webapp.id: webapp for webapp in self.run.webapps.values()}
        records = [self._record(row, grants[row["id"]]) for row in rows]
        self.run.groups.update(await self.take(records))

    async def present_links(self, rows: Mapping[int, Group]) -> Mapping[str, dict[int, set[Any]]]:
        return {GRANTED: await linked(Grant, "group_id", "webapp_id", rows)}

    def connect(self, record: Record, row: Group, rows: Mapping[int, Group]) -> Iterator[Change]:
        for webapp_id in sorted(record.links[GRANTED]):
            self.run.report.table(GRANTED).created += 1
            yield GrantWebApp(self._webapps[webapp_id], row)

    def _record(self, row: Row, webapps: set[int]) -> Record:
        adapter = Adapter(self.run.report, Group, subject(self.noun, row["id"], row["name"]))
        can_admin, membership = flag(row["can_admin"]), _membership(row)
        if membership_error(can_admin, membership):
            adapter.note(Rule.GROUP_MAKES_ADMINISTRATORS)
            can_admin = False
        if flag(row.get("auto_add_new")) or flag(row.get("auto_add_approved")):
            adapter.note(Rule.GROUP_RULE_UNKNOWN)
        values = {
            "name": adapter.line("name", row["name"], f"group-{row['id']}"),
            "can_admin": can_admin,
            "membership": membership,
        }
        return Record(row["id"], adapter, values, links={GRANTED: webapps})


def _membership(row: Row) -> GroupMembership:
    if flag(row.get("special_all_accounts")):
        return GroupMembership.ALL_USERS
    if flag(row.get("special_k8s_accounts")):
        return GroupMembership.CLUSTER_USERS
    return GroupMembership.MANUAL
