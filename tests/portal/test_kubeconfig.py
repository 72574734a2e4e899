"""`GET /kubeconfig`: the file, as it is downloaded."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
import yaml

from cluster.cluster import Clusters
from cluster.connection import ClusterUnavailable
from models import AccessState, User
from portal.settings import Settings
from tests.callers import ORIGIN, Caller, Clock, People
from tests.issuing import IssuingCluster

ODD_NAMES = [
    'O\'Brien "the boss"',
    "key: value # comment",
    "- [a, {b: *c}] &d !e |",
    "Zoë 😀 ﬃ",
    "1e3",
    "yes",
    "back\\slash\tand\x07bell",
]
WRONG = [
    "expiresInSeconds=599",
    "expiresInSeconds=3601",
    "expiresInSeconds=-700",
    "expiresInSeconds=99999999999999999999",
    "expiresInSeconds=1_000",
    "expiresInSeconds=1h",
    "exec=true&expiresInSeconds=1",
    "exec=yes",
]


@pytest.fixture
def north(clock: Clock) -> IssuingCluster:
    return IssuingCluster(clock)


@pytest.fixture
def clusters(north: IssuingCluster) -> Clusters:
    return Clusters([north.as_cluster()])


async def download(caller: Caller, query: str = "", **headers: str) -> httpx2.Response:
    return await caller.client.get(f"/kubeconfig{query}", headers={**caller.headers, **headers})


async def test_kubeconfig_is_an_uncached_attachment(alice: Caller) -> None:
    response = await download(alice)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/yaml"
    assert response.headers["Content-Disposition"] == 'attachment; filename="config"'
    assert response.headers["Cache-Control"] == "no-store"
    assert yaml.safe_load(response.text)["users"][0]["user"] == {"token": "secret-1-of-alice"}


async def test_it_is_the_file_of_the_graphql_field(alice: Caller) -> None:
    answer = await alice.data("{ viewer { kubeconfig plugin: kubeconfig(exec: true) } }")
    assert (await download(alice)).text == answer["viewer"]["kubeconfig"]
    assert (await download(alice, "?exec=false")).text == answer["viewer"]["kubeconfig"]
    assert (await download(alice, "?exec=true")).text == answer["viewer"]["plugin"]


async def test_download_requires_authentication(
    anonymous: Caller, alice: Caller, bob: Caller, admin: Caller, people: People
) -> None:
    gone = await anonymous.sign_in("alice", "correct horse")
    await gone.data("mutation { logout { errors { message } } }")
    carol = await closed_account(anonymous)
    callers = (anonymous, alice, bob, admin, gone, carol)
    for query in ("", "?exec=true"):
        responses = [await download(caller, query) for caller in callers]
        statuses = [response.status_code for response in responses]
        assert statuses == [401, 200, 403, 403, 401, 401]
        refused = [response for response in responses if response.status_code != 200]
        assert all(response.json()["detail"] for response in refused)
        assert all(response.headers["Cache-Control"] == "no-store" for response in refused)
    assert (await download(anonymous)).headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert (await download(gone)).json()["code"] == "token_not_valid"


async def closed_account(anonymous: Caller) -> Caller:
    carol = User.filter(username="carol")
    await carol.update(is_active=True)
    caller = await anonymous.sign_in("carol", "correct horse")
    await carol.update(is_active=False)
    return caller


async def test_access_that_has_ended_gives_no_file(
    alice: Caller, people: People, clock: Clock
) -> None:
    await User.filter(id=people.alice.id).update(access_expires_at=clock.now)
    assert (await download(alice)).status_code == 403
    await User.filter(id=people.alice.id).update(
        access_expires_at=None, access_state=AccessState.REJECTED
    )
    assert (await download(alice)).status_code == 403


async def test_a_cluster_that_is_down_is_503(alice: Caller, north: IssuingCluster) -> None:
    north.failure = ClusterUnavailable("Cluster 'north' cannot be reached.")
    response = await download(alice)
    assert response.status_code == 503
    assert response.json() == {"detail": "Cluster 'north' cannot be reached."}


async def test_a_wrong_parameter_is_400_and_named(alice: Caller) -> None:
    for query in WRONG:
        response = await download(alice, f"?{query}")
        assert response.status_code == 400, query
        assert response.json().keys() == {query.rpartition("&")[2].partition("=")[0]}


async def test_the_lifetime_is_a_parameter(alice: Caller, north: IssuingCluster) -> None:
    assert (await download(alice, "?expiresInSeconds=900&exec=")).status_code == 200
    assert [lifetime.total_seconds() for lifetime in north.wanted] == [900]


async def test_a_token_in_the_address_does_not_count(anonymous: Caller, alice: Caller) -> None:
    token = alice.headers["Authorization"].removeprefix("Bearer ")
    for name in ("access_token", "token", "authorization", "bearer"):
        assert (await download(anonymous, f"?{name}={token}")).status_code == 401


async def test_allowed_origins_download_kubeconfig(alice: Caller) -> None:
    response = await download(alice, Origin=ORIGIN)
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    refused = await alice.client.get("/kubeconfig", headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    asked = {"Access-Control-Request-Method": "GET", "Origin": ORIGIN}
    asked["Access-Control-Request-Headers"] = "authorization"
    assert (await alice.client.options("/kubeconfig", headers=asked)).status_code == 200
    other = await download(alice, Origin="https://evil.example")
    assert "Access-Control-Allow-Origin" not in other.headers


async def test_it_is_read_only(alice: Caller) -> None:
    response = await alice.client.post("/kubeconfig", headers=alice.headers)
    assert response.status_code == 405
    assert response.json()["detail"]


async def test_odd_user_names_survive(alice: Caller, people: People) -> None:
    for name in ODD_NAMES:
        await User.filter(id=people.alice.id).update(username=name)
        config: dict[str, Any] = yaml.safe_load((await download(alice)).text)
        assert config["users"][0]["name"] == config["current-context"] == f"{name}@kubeportal"
        assert config["contexts"][0]["context"]["user"] == config["users"][0]["name"]


@pytest.mark.parametrize(
    ("branding", "name"),
    [
        ("Our  Big\nPortal ", "our-big-portal"),
        ("Ü: {b} 'c' \"d\" # \x07😀", "ü:-{b}-'c'-\"d\"-#-😀"),
        ("NO", "no"),
        (" \t\udcff", "north"),
    ],
    ids=ascii,
)
class TestBranding:
    @pytest.fixture
    def settings(self, settings: Settings, branding: str) -> Settings:
        return settings.model_copy(update={"branding": branding})

    async def test_the_cluster_is_named_after_the_portal(self, alice: Caller, name: str) -> None:
        config = yaml.safe_load((await download(alice)).text)
        assert config["clusters"][0]["name"] == name
        assert config["contexts"][0]["context"]["cluster"] == name
        assert config["current-context"] == f"Alice@{name}"


class TestAddress:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"external_url": "https://portal.example.org/k8s"})

    async def test_plugin_uses_the_external_address(self, alice: Caller) -> None:
        config = yaml.safe_load((await download(alice, "?exec=true")).text)
        plugin = config["users"][0]["user"]["exec"]
        assert plugin["args"][1:3] == ["--server", "https://portal.example.org/k8s"]
