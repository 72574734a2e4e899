"""Who gets which credential, and what is known about it afterwards."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest
import yaml

from cluster.cluster import Clusters
from cluster.connection import ClusterRefused, ClusterUnavailable, PrivilegedAccount
from models import AccessState, CredentialIssue, Database, ServiceAccount, User
from portal.settings import Settings
from tests.callers import ORIGIN, Caller, Clock, People
from tests.issuing import IssuingCluster
from tests.statements import recorded_statements

TOKEN = "{ viewer { serviceAccount { token { value expiresAt } } } }"
KUBECONFIG = "query ($seconds: Int) { viewer { kubeconfig(expiresInSeconds: $seconds) } }"
PLUGIN = "query ($seconds: Int) { viewer { kubeconfig(exec: true, expiresInSeconds: $seconds) } }"
EXEC = """query ($cluster: String, $seconds: Int) {
  viewer { execCredential(cluster: $cluster, expiresInSeconds: $seconds) { value expiresAt } } }"""
ISSUES = """query ($last: Int) { viewer { credentialIssues(last: $last) {
  edges { node { id kind username cluster namespace accountName issuedAt expiresAt
                 address client fingerprint user { username } } } } } }"""
ALL_ISSUES = """query ($search: String) { admin { credentialIssues(search: $search) {
  totalCount edges { node { username kind user { username } } } } } }"""
BY_ADMIN = """query ($id: Int!) { admin { user(databaseId: $id) {
  kubeconfig plugin: kubeconfig(exec: true) execCredential { value }
  credentialIssues { totalCount } serviceAccount { token { value } } } } }"""
NODE = "query ($id: ID!) { node(id: $id) { ... on CredentialIssue { username fingerprint } } }"
HOUR = timedelta(hours=1)


@pytest.fixture
def north(clock: Clock) -> IssuingCluster:
    return IssuingCluster(clock)


@pytest.fixture
def clusters(north: IssuingCluster) -> Clusters:
    return Clusters([north.as_cluster()])


async def issues(caller: Caller, **page: int) -> list[dict[str, Any]]:
    answer = await caller.data(ISSUES, **page)
    return [edge["node"] for edge in answer["viewer"]["credentialIssues"]["edges"]]


async def test_kubeconfig_holds_the_users_token(alice: Caller, north: IssuingCluster) -> None:
    config = yaml.safe_load((await alice.data(KUBECONFIG))["viewer"]["kubeconfig"])
    assert config["clusters"][0]["name"] == "kubeportal"
    assert config["clusters"][0]["cluster"].keys() == {"server", "certificate-authority-data"}
    assert config["contexts"][0]["context"]["namespace"] == "team-alice"
    assert config["current-context"] == "Alice@kubeportal"
    assert config["users"][0]["user"] == {"token": "secret-1-of-alice"}
    assert north.wanted == [HOUR]


async def test_each_way_of_issue_is_recorded(alice: Caller, people: People, clock: Clock) -> None:
    token = (await alice.data(TOKEN))["viewer"]["serviceAccount"]["token"]
    await alice.data(KUBECONFIG)
    await alice.data(EXEC)
    first, *others = await issues(alice)
    agent = alice.client.headers["User-Agent"]
    assert first == {
        "id": first["id"],
        "kind": "TOKEN",
        "username": "Alice",
        "cluster": "north",
        "namespace": "team-alice",
        "accountName": "alice",
        "issuedAt": clock.now.isoformat(),
        "expiresAt": token["expiresAt"],
        "address": "127.0.0.1",
        "client": agent,
        "fingerprint": hashlib.sha256(token["value"].encode()).hexdigest(),
        "user": {"username": "Alice"},
    }
    assert [other["kind"] for other in others] == ["KUBECONFIG", "EXEC"]
    assert {other["fingerprint"] for other in others} == {first["fingerprint"]}


async def test_the_token_of_the_rest_api_is_recorded(alice: Caller, people: People) -> None:
    profile = (await alice.rest("GET", f"/users/{people.alice.id}/")).json()
    assert profile["k8s_token"] == "secret-1-of-alice"
    assert [issue["kind"] for issue in await issues(alice)] == ["TOKEN"]


async def test_repeated_token_is_recorded_once(
    alice: Caller,
) -> None:
    await alice.data(TOKEN)
    with recorded_statements() as statements:
        await alice.data(TOKEN)
    assert [line for line in statements if line.startswith(("INSERT", "UPDATE"))] == []
    await asyncio.gather(*(alice.data(KUBECONFIG) for _ in range(5)))
    assert [issue["kind"] for issue in await issues(alice)] == ["TOKEN", "KUBECONFIG"]


async def test_a_token_without_expiry_is_recorded_once(
    alice: Caller, north: IssuingCluster
) -> None:
    north.expires = False
    for _ in range(2):
        await alice.data(TOKEN)
    [issue] = await issues(alice)
    assert issue["expiresAt"] is None


async def test_new_token_or_session_is_recorded(
    anonymous: Caller, alice: Caller, clock: Clock
) -> None:
    await alice.data(TOKEN)
    await (await anonymous.sign_in("alice", "correct horse")).data(TOKEN)
    clock.advance(minutes=50)
    await alice.data(TOKEN)
    fingerprints = [issue["fingerprint"] for issue in await issues(alice)]
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


async def test_tokens_are_nowhere_in_the_database(
    alice: Caller, people: People, database: Database
) -> None:
    await alice.data(TOKEN)
    await alice.data(KUBECONFIG)
    rows = await database.connection.execute_query_dict("SELECT * FROM credential_issues")
    assert len(rows) == 2
    assert "secret-" not in str(rows)


async def test_unrecorded_token_is_not_issued(
    alice: Caller, people: People, database: Database
) -> None:
    await database.connection.execute_script("DROP TABLE credential_issues")
    for query in (TOKEN, KUBECONFIG, EXEC):
        answer = await alice.graphql(query)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAVAILABLE"]
        assert "secret-" not in str(answer)
    profile = await alice.rest("GET", f"/users/{people.alice.id}/")
    assert (profile.status_code, profile.json()["k8s_token"]) == (200, None)


async def test_credentials_are_for_their_owner(
    admin: Caller, alice: Caller, bob: Caller, anonymous: Caller, people: People
) -> None:
    answer = await admin.graphql(BY_ADMIN, id=people.alice.id)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}
    assert len(answer["errors"]) == 5
    user = answer["data"]["admin"]["user"]
    assert user.pop("serviceAccount") == {"token": None}
    assert set(user.values()) == {None}
    for query in (KUBECONFIG, PLUGIN, EXEC):
        assert await admin.codes(query) == ["FORBIDDEN"]
        assert await bob.codes(query) == ["FORBIDDEN"]
        assert await anonymous.data(query) == {"viewer": None}
    assert await CredentialIssue.all().count() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"access_state": AccessState.NEW},
        {"access_state": AccessState.REQUESTED},
        {"access_state": AccessState.REJECTED},
        {"service_account_id": None},
        {"access_expires_at": "now"},
    ],
    ids=lambda change: "-".join(map(str, next(iter(change.items())))),
)
async def test_credentials_require_approved_access(
    alice: Caller, people: People, clock: Clock, change: dict[str, Any]
) -> None:
    values = {name: clock.now if value == "now" else value for name, value in change.items()}
    await User.filter(id=people.alice.id).update(**values)
    for query in (KUBECONFIG, PLUGIN, EXEC):
        assert await alice.codes(query) == ["FORBIDDEN"]
    assert (await alice.data(TOKEN))["viewer"]["serviceAccount"] is None


@pytest.mark.parametrize("query", [KUBECONFIG, PLUGIN, EXEC], ids=["file", "plugin", "exec"])
async def test_lifetime_outside_limits_is_refused(alice: Caller, query: str) -> None:
    for seconds in (-(2**31), -1, 0, 599, 3601, 2**31 - 1):
        [error] = (await alice.graphql(query, seconds=seconds))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        message = "Ask for 600 to 3600 seconds."
        assert error["extensions"]["fields"] == [{"field": "expiresInSeconds", "message": message}]


async def test_lifetime_is_the_requested_one(alice: Caller, north: IssuingCluster) -> None:
    for query in (KUBECONFIG, EXEC):
        for seconds in (600, 3600):
            await alice.data(query, seconds=seconds)
    assert north.wanted == [timedelta(minutes=10), HOUR]


@pytest.mark.parametrize(("left", "lifetime"), [(3, 10), (10, 10), (29, 20), (59, 50), (600, 60)])
async def test_a_token_does_not_outlive_the_access(
    alice: Caller, people: People, clock: Clock, north: IssuingCluster, left: int, lifetime: int
) -> None:
    end = clock.now + timedelta(minutes=left)
    await User.filter(id=people.alice.id).update(access_expires_at=end)
    await alice.data(TOKEN)
    clock.advance(seconds=30)
    await alice.data(TOKEN)
    assert north.wanted == [timedelta(minutes=lifetime)]


@pytest.mark.parametrize("failure", [ClusterUnavailable("down"), ClusterRefused(404, "gone")])
async def test_cluster_without_token_is_unavailable(
    alice: Caller, north: IssuingCluster, failure: Exception
) -> None:
    north.failure = failure
    for query in (TOKEN, KUBECONFIG, EXEC):
        answer = await alice.graphql(query)
        [error] = answer["errors"]
        assert error["extensions"]["code"] == "UNAVAILABLE"
        assert error["message"] == str(failure)
    assert (await alice.data(PLUGIN))["viewer"]["kubeconfig"]
    assert await issues(alice) == []


async def test_privileged_account_gets_no_token(alice: Caller, north: IssuingCluster) -> None:
    north.failure = PrivilegedAccount("ClusterRoleBinding robots (ClusterRole cluster-admin)")
    for query in (TOKEN, KUBECONFIG, EXEC):
        [error] = (await alice.graphql(query))["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert "ClusterRoleBinding robots (ClusterRole cluster-admin)" in error["message"]
    assert not await CredentialIssue.exists()


async def test_removed_cluster_has_no_credentials(alice: Caller) -> None:
    await ServiceAccount.all().update(cluster="south")
    for query in (KUBECONFIG, PLUGIN, EXEC):
        assert await alice.codes(query) == ["UNAVAILABLE"]


async def test_plugin_kubeconfig_holds_no_secret(alice: Caller) -> None:
    content = (await alice.data(PLUGIN, seconds=900))["viewer"]["kubeconfig"]
    assert "secret-" not in content
    plugin = yaml.safe_load(content)["users"][0]["user"]["exec"]
    assert plugin["command"] == "kubeportal"
    where = ["--server", ORIGIN, "--cluster", "north"]
    assert plugin["args"] == ["credential", *where, "--expires-in-seconds", "900"]
    assert ORIGIN in plugin["installHint"]
    assert await issues(alice) == []


async def test_kubectl_token_is_for_its_cluster(alice: Caller) -> None:
    assert (await alice.data(EXEC, cluster="north"))["viewer"]["execCredential"]["value"]
    assert await alice.codes(EXEC, cluster="south") == ["FORBIDDEN"]
    assert len(await issues(alice)) == 1


async def test_issues_are_visible_to_their_owner(
    alice: Caller, bob: Caller, admin: Caller, people: People
) -> None:
    await alice.data(TOKEN)
    await alice.data(KUBECONFIG)
    account = await ServiceAccount.create(namespace="team-bob", name="robert")
    approved = {"access_state": AccessState.APPROVED, "service_account_id": account.id}
    await User.filter(id=people.bob.id).update(**approved)
    await bob.data(TOKEN)
    assert len(await issues(alice)) == 2
    assert [issue["accountName"] for issue in await issues(bob)] == ["robert"]
    assert [issue["kind"] for issue in await issues(alice, last=1)] == ["KUBECONFIG"]
    assert await issues(admin) == []
    found = (await admin.data(ALL_ISSUES))["admin"]["credentialIssues"]
    assert found["totalCount"] == 3
    assert await alice.codes(ALL_ISSUES) == ["FORBIDDEN"]


@pytest.mark.parametrize(
    ("search", "count"),
    [("ALI", 1), ("team-", 1), ("127.0.0", 1), ("127.1", 0), ("nobody", 0), ("the token", 1)],
)
async def test_administrators_search_the_record(
    alice: Caller, admin: Caller, search: str, count: int
) -> None:
    await alice.data(TOKEN)
    if search == "the token":
        search = hashlib.sha256(b"secret-1-of-alice").hexdigest().upper()
    found = (await admin.data(ALL_ISSUES, search=search))["admin"]["credentialIssues"]
    assert (found["totalCount"], len(found["edges"])) == (count, count)


async def test_issue_node_is_visible_to_its_owner(
    alice: Caller, bob: Caller, admin: Caller, anonymous: Caller
) -> None:
    await alice.data(TOKEN)
    [issue] = await issues(alice)
    expected = {"node": {"username": "Alice", "fingerprint": issue["fingerprint"]}}
    assert await alice.data(NODE, id=issue["id"]) == expected
    assert await admin.data(NODE, id=issue["id"]) == expected
    assert await bob.codes(NODE, id=issue["id"]) == ["NOT_FOUND"]
    assert await anonymous.codes(NODE, id=issue["id"]) == ["UNAUTHENTICATED"]


async def test_the_record_outlives_account_and_session(
    alice: Caller, admin: Caller, people: People
) -> None:
    await alice.data(TOKEN)
    await alice.data("mutation { logout { errors { message } } }")
    await User.filter(id=people.alice.id).delete()
    found = (await admin.data(ALL_ISSUES))["admin"]["credentialIssues"]["edges"]
    assert [edge["node"] for edge in found] == [
        {"username": "Alice", "kind": "TOKEN", "user": None}
    ]


class TestWithoutAddress:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"allowed_urls": ("*",)})

    async def test_missing_external_url_is_reported(self, alice: Caller) -> None:
        [error] = (await alice.graphql(PLUGIN))["errors"]
        assert error["extensions"]["code"] == "UNAVAILABLE"
        assert "KUBEPORTAL_EXTERNAL_URL" in error["message"]
        assert (await alice.data(KUBECONFIG))["viewer"]["kubeconfig"]
