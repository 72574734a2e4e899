"""The number of SQL statements of a request: known, and the same for any number of rows."""

from __future__ import annotations

import pytest

from cluster.cluster import Clusters
from cluster.facts import Facts
from models import AccessState, Grant, Group, Membership, ServiceAccount, User, WebApp
from portal.settings import Settings
from tests.callers import Caller, Clock, People
from tests.issuing import IssuingCluster
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


@pytest.fixture
def clusters(clock: Clock) -> Clusters:
    cluster = IssuingCluster(clock)
    cluster.facts = Facts(version="v1.36.0", reachable=True)
    return Clusters([cluster.as_cluster()])


@pytest.mark.database
@pytest.mark.parametrize(
    ("path", "budget"),
    [
        ("/users/{user}/", 1),  # with a token of Kubernetes that is already recorded
        ("/users/{user}/webapps/", 2),
        ("/users/{user}/groups/", 2),
        ("/groups/{group}/", 2),
        ("/webapps/{webapp}/", 2),
        ("/cluster/k8s_version/", 1),
        ("/cluster/portal_version/", 1),
    ],
)
async def test_a_request_keeps_to_its_budget(
    alice: Caller, people: People, path: str, budget: int
) -> None:
    path = path.format(user=people.alice.id, group=people.developers.id, webapp=people.grafana.id)
    assert (await alice.rest("GET", path)).status_code == 200
    with recorded_statements() as statements:
        assert (await alice.rest("GET", path)).status_code == 200
    assert len(statements) == budget, statements


async def test_an_anonymous_request_needs_no_statement(anonymous: Caller) -> None:
    with recorded_statements() as statements:
        assert (await anonymous.rest("GET", "/")).status_code == 200
    assert statements == []


async def test_a_list_needs_a_statement_for_the_caller_and_one_for_each_edge(
    admin: Caller,
) -> None:
    with recorded_statements() as statements:
        await admin.data(
            """{ admin { users(first: 100) {
                 edges { node { groups { name } webapps { linkName } } } } } }"""
        )
    assert len(statements) == 4, statements
