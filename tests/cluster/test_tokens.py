import asyncio
import base64
import json
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from cluster.cluster import Cluster
from cluster.connection import ClusterRefused, ClusterUnavailable
from tests.cluster.conftest import OpenCluster
from tests.cluster.legacy import NO_TOKEN_REQUEST, put_account, put_token_secret
from tests.cluster.proxy import Proxy
from tests.cluster.waiting import until
from tests.testbed import ClusterTestbed

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def alice(testbed: ClusterTestbed) -> tuple[str, str]:
    testbed.seed()
    return "team-alice", "alice"


@pytest.fixture
async def cluster(testbed: ClusterTestbed, open_cluster: OpenCluster) -> Cluster:
    return await open_cluster(testbed.kubeconfig)


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * 3))
    return decoded


def owner(admin: client.ApiClient, token: str) -> str:
    review = client.AuthenticationV1Api(admin).create_token_review(
        client.V1TokenReview(spec=client.V1TokenReviewSpec(token=token))
    )
    assert review.status is not None
    assert review.status.user is not None, review.status.error
    assert review.status.authenticated
    return str(review.status.user.username)


async def test_token_authenticates_as_its_account(
    cluster: Cluster, alice: tuple[str, str], admin: client.ApiClient
) -> None:
    token = await cluster.issue_token(*alice, lifetime=HOUR)
    assert owner(admin, token.value) == "system:serviceaccount:team-alice:alice"


@pytest.mark.parametrize("lifetime", [timedelta(minutes=30), timedelta(hours=2)])
async def test_expiry_is_the_servers(
    cluster: Cluster, alice: tuple[str, str], lifetime: timedelta
) -> None:
    token = await cluster.issue_token(*alice, lifetime=lifetime)
    assert token.expires_at == datetime.fromtimestamp(claims(token.value)["exp"], UTC)
    assert abs(token.expires_at - datetime.now(UTC) - lifetime) < timedelta(seconds=5)


async def test_minimum_lifetime_is_ten_minutes(cluster: Cluster, alice: tuple[str, str]) -> None:
    token = await cluster.issue_token(*alice, lifetime=timedelta(seconds=1))
    assert token.expires_at is not None
    life = token.expires_at - datetime.now(UTC)
    assert timedelta(minutes=9, seconds=55) < life < timedelta(minutes=10, seconds=5)


async def test_shortened_lifetime_is_reported(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster, alice: tuple[str, str]
) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)

    def shorten(body: bytes) -> bytes:
        answer = json.loads(body)
        if "status" not in answer:  # a list of bindings
            return body
        answer["status"]["expirationTimestamp"] = soon.strftime("%Y-%m-%dT%H:%M:%SZ")
        return json.dumps(answer).encode()

    proxy.rewrite(shorten)
    cluster = await open_cluster(proxy_kubeconfig)
    assert (await cluster.issue_token(*alice, lifetime=HOUR)).expires_at == soon


async def test_one_token_per_account_and_lifetime(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster, alice: tuple[str, str]
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    tokens = await asyncio.gather(
        *(cluster.issue_token(*alice, lifetime=HOUR) for _ in range(10)),
        *(cluster.issue_token(*alice, lifetime=2 * HOUR) for _ in range(10)),
    )
    again = await cluster.issue_token(*alice, lifetime=HOUR)
    assert len(set(tokens)) == 2
    assert again == tokens[0]
    assert len([passage for passage in proxy.passages if passage.method == "POST"]) == 2


@pytest.mark.parametrize(
    "account",
    [("team-alice", "nobody"), ("no-such-namespace", "alice"), ("Team Alice", "alice")],
)
async def test_an_unknown_account_is_refused_in_words(
    cluster: Cluster, alice: tuple[str, str], account: tuple[str, str]
) -> None:
    with pytest.raises(ClusterRefused, match="not found") as refusal:
        await cluster.issue_token(*account, lifetime=HOUR)
    assert refusal.value.status == 404


@pytest.mark.parametrize("name", ["", ".", "..", "../../../secrets", "a/b", "%2e%2e", "a%2fb"])
async def test_name_cannot_change_the_path(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster, name: str
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    for account in (name, "alice"), ("team-alice", name):
        with pytest.raises(ClusterRefused) as refusal:
            await cluster.issue_token(*account, lifetime=HOUR)
        assert refusal.value.status == 422
    assert proxy.passages == []


async def test_a_token_never_shows_in_its_representation(
    cluster: Cluster, alice: tuple[str, str]
) -> None:
    token = await cluster.issue_token(*alice, lifetime=HOUR)
    assert token.value not in repr(token) + str(token)


async def test_a_valid_token_bridges_an_outage(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster, alice: tuple[str, str]
) -> None:
    now = datetime.now(UTC)
    shift = timedelta(0)
    cluster = await open_cluster(proxy_kubeconfig, clock=lambda: now + shift)
    await cluster.start()
    token = await cluster.issue_token(*alice, lifetime=HOUR)
    proxy.answer(500)
    await until(lambda: not cluster.facts.reachable)
    shift = timedelta(minutes=55)
    assert await cluster.issue_token(*alice, lifetime=HOUR) == token
    shift = timedelta(minutes=65)
    with pytest.raises(ClusterUnavailable):
        await cluster.issue_token(*alice, lifetime=HOUR)


async def test_recreated_account_gets_a_new_token(
    cluster: Cluster, alice: tuple[str, str], admin: client.ApiClient, fresh_name: str
) -> None:
    await cluster.ensure_service_account("team-alice", fresh_name)
    old = await cluster.issue_token("team-alice", fresh_name, lifetime=HOUR)
    client.CoreV1Api(admin).delete_namespaced_service_account(fresh_name, "team-alice")
    await cluster.ensure_service_account("team-alice", fresh_name)
    new = await cluster.issue_token("team-alice", fresh_name, lifetime=HOUR)
    assert new != old
    assert owner(admin, new.value).endswith(fresh_name)


async def test_token_from_secret(
    proxy: Proxy,
    proxy_kubeconfig: Path,
    open_cluster: OpenCluster,
    alice: tuple[str, str],
    admin: client.ApiClient,
    fresh_name: str,
) -> None:
    others = f"{fresh_name}-other", f"{fresh_name}-alice"
    forged = client.V1Secret(
        metadata=client.V1ObjectMeta(
            name=others[0], annotations={"kubernetes.io/service-account.name": fresh_name}
        ),
        string_data={"token": "forged"},
    )
    client.CoreV1Api(admin).create_namespaced_secret("team-alice", forged)
    put_token_secret(admin, "team-alice", "alice", others[1])
    await put_account(admin, "team-alice", fresh_name, *others)
    proxy.answer(404, NO_TOKEN_REQUEST, where="/token")
    cluster = await open_cluster(proxy_kubeconfig)
    token = await cluster.issue_token("team-alice", fresh_name, lifetime=HOUR)
    assert owner(admin, token.value) == f"system:serviceaccount:team-alice:{fresh_name}"
    assert token.expires_at is None


async def test_calls_for_one_token_share_one_timeout(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster, alice: tuple[str, str]
) -> None:
    proxy.answer(404, NO_TOKEN_REQUEST, where="/token")
    proxy.delay(0.5)
    cluster = await open_cluster(proxy_kubeconfig)
    with pytest.raises(ClusterUnavailable, match="in time"):
        await cluster.issue_token(*alice, lifetime=HOUR)
    assert not [passage for passage in proxy.passages if "/secrets/" in passage.path]


async def test_token_from_secret_of_unknown_account(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster, alice: tuple[str, str]
) -> None:
    proxy.answer(404, NO_TOKEN_REQUEST, where="/token")
    cluster = await open_cluster(proxy_kubeconfig)
    with pytest.raises(ClusterRefused, match='"nobody" not found'):
        await cluster.issue_token("team-alice", "nobody", lifetime=HOUR)


async def test_account_without_secret(
    proxy: Proxy,
    proxy_kubeconfig: Path,
    open_cluster: OpenCluster,
    alice: tuple[str, str],
) -> None:
    def forget_secrets(body: bytes) -> bytes:
        return json.dumps(json.loads(body) | {"secrets": None}).encode()

    proxy.answer(404, NO_TOKEN_REQUEST, where="/token")
    proxy.rewrite(forget_secrets)
    cluster = await open_cluster(proxy_kubeconfig)
    with pytest.raises(ClusterRefused, match="has no token"):
        await cluster.issue_token(*alice, lifetime=HOUR)


@pytest.mark.parametrize("answer", ["{}", '{"status": {}}', '{"status": {"token": "x"}}', "[]"])
async def test_malformed_token_response(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster, answer: str
) -> None:
    proxy.answer(200, answer)
    cluster = await open_cluster(proxy_kubeconfig)
    with pytest.raises(ClusterUnavailable, match="cannot be read"):
        await cluster.issue_token("team-alice", "alice", lifetime=HOUR)


async def test_malformed_token_response_is_not_in_the_traceback(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    proxy.answer(200, '{"status": {"token": "s3cr3t", "expirationTimestamp": "s3cr3t"}}')
    cluster = await open_cluster(proxy_kubeconfig)
    with pytest.raises(ClusterUnavailable) as error:
        await cluster.issue_token("team-alice", "alice", lifetime=HOUR)
    assert "s3cr3t" not in "".join(traceback.format_exception(error.value))
