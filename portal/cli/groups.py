"""`kubeportal group`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import click

from models import AuditActor, Group, GroupMembership
from portal.cli.database import CommandError, run_on_database
from portal.cli.lists import Row, json_option, limit_option, pages_of, print_list
from portal.logs import printable
from portal.web.app import utc_now
from resolvers import groups
from resolvers.groups import GroupFilter, GroupOrderField
from resolvers.pages import Direction

COLUMNS = {
    "ID": "databaseId",
    "GROUP": "name",
    "ADMIN": "canAdmin",
    "MEMBERSHIP": "membership",
    "MEMBERS": "memberCount",
}


@click.group()
def group() -> None:
    """List groups. `kubeportal apply` changes them."""


@group.command("list")
@click.option("--search", help="Only groups with this text in their name.")
@click.option(
    "--can-admin/--no-admin",
    default=None,
    help="Only groups whose members are administrators or are not.",
)
@click.option(
    "--membership",
    type=click.Choice(GroupMembership, case_sensitive=False),
    help="Only groups with this kind of membership.",
)
@click.option(
    "--order-by",
    type=click.Choice(GroupOrderField, case_sensitive=False),
    default=GroupOrderField.ID,
    show_default=True,
)
@click.option("--descending", is_flag=True, help="Reverse the order.")
@limit_option
@json_option
def group_list(
    search: str | None,
    can_admin: bool | None,
    membership: GroupMembership | None,
    order_by: GroupOrderField,
    descending: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """List groups."""
    order = order_by.value.directed(Direction.DESC if descending else Direction.ASC)

    async def rows() -> AsyncIterator[Sequence[Row]]:
        query = groups.search(search, GroupFilter(can_admin, membership))
        async for page in pages_of(query, order, limit):
            counts = await groups.counts(AuditActor.OPERATOR, [row.id for row in page])
            yield [_row(row, count) for row, count in zip(page, counts, strict=True)]

    run_on_database(
        lambda settings: print_list(rows(), COLUMNS, utc_now(), as_json=as_json), read_only=True
    )


def _row(group: Group, member_count: int) -> Row:
    return {
        "databaseId": group.id,
        "name": group.name,
        "canAdmin": group.can_admin,
        "membership": group.membership,
        "memberCount": member_count,
    }


async def find_group(name: str) -> Group:
    """The group of that name. Raises CommandError."""
    group = await Group.get_or_none(name=name)
    if group is None:
        raise CommandError(f"There is no group {printable(name)}.")
    return group
