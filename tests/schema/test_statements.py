"""The number of SQL statements of a query does not depend on the number of rows."""

from __future__ import annotations

import pytest

from models import AccessState, Grant, Group, Membership, ServiceAccount, User, WebApp
from portal.settings import Settings
from tests.callers import Caller, People
from tests.statements import recorded_statements

QUERIES = {
    "viewer": """{ viewer {
        isAdmin
        groups { name webapps { name groups { name } } }
        webapps { name groups { name } } } }""",
    "users": """{ admin { users { totalCount edges { node {
        isAdmin groups { name } webapps { linkName } serviceAccount { name } } } } } }""",
    "groups": """{ admin { groups { edges { node {
        webapps { name }
        members(first: 3) { totalCount edges { node { username isAdmin } } } } } } } }""",
    "webapps": """{ admin { webapps { totalCount edges { node {
        groups { name members { totalCount } } } } } } }""",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With room for lists within lists within lists."""
    return settings.model_copy(update={"graphql_max_cost": 10_000_000})


async def grow(people: People) -> None:
    for number in range(10):
        account = await ServiceAccount.create(namespace=f"team-{number}", name="default")
        user = await User.create(
            username=f"user-{number}",
            access_state=AccessState.APPROVED,
            service_account=account,
        )
        group = await Group.create(name=f"group-{number}")
        webapp = await WebApp.create(name=f"app-{number}", link_show=True)
        await Grant.create(group=group, webapp=webapp)
        for member in (user, people.alice, people.admin):
            await Membership.create(user=member, group=group)


@pytest.mark.parametrize("name", QUERIES)
async def test_statements_do_not_grow_with_rows(admin: Caller, people: People, name: str) -> None:
    with recorded_statements() as few:
        before = await admin.data(QUERIES[name])
    await grow(people)
    with recorded_statements() as many:
        after = await admin.data(QUERIES[name])
    assert len(str(after)) > 2 * len(str(before))
    assert len(many) == len(few), many
