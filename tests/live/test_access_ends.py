"""Access really ends, and no door gives away a privileged account: against a real API server."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from kubernetes import client, config
from kubernetes.client import ApiClient, ApiException, CoreV1Api, RbacAuthorizationV1Api

from auth.passwords import Passwords
from cluster.cluster import Clusters, load_clusters
from models import AccessRequest, BindingRemoval, Database, User
from portal.declared.file import DeclarationError
from portal.jobs import AccessEnder
from portal.legacy.command import import_legacy
from portal.legacy.release import recognise
from portal.legacy.source import open_source
from portal.settings import Settings
from resolvers.changes import WriteOptions
from resolvers.privileges import ForeignBindings
from tests.callers import Caller, Clock, People
from tests.cluster.waiting import until
from tests.declaring import apply_file
from tests.portal.legacy.former import (
    ACCOUNTS,
    NAMESPACES,
    USERS,
    change,
    former,
    write_sqlite,
)
from tests.schema.access.calls import APPROVE, REVOKE, asked, done, refusal
from tests.testbed import ClusterTestbed

YEAR = 365 * 24 * 3600
RBAC = "rbac.authorization.k8s.io"
CLOSE = """
mutation ($id: Int!, $version: Int!) { updateUserAsAdmin(
  input: {databaseId: $id, version: $version, isActive: false}) { errors { message } } }
"""
DELETE = """
mutation ($id: Int!, $version: Int!) {
  deleteUser(input: {databaseId: $id, version: $version}) { errors { message } } }
"""
TOKEN = "{ viewer { execCredential { value } } }"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"namespace_clusterroles": ("edit",)})


@pytest.fixture
async def clusters(testbed: ClusterTestbed, clock: Clock) -> Clusters:
    return await load_clusters(kubeconfig=str(testbed.kubeconfig), environ={}, clock=clock)


@pytest.fixture
def witness(testbed: ClusterTestbed) -> Iterator[ApiClient]:
    """The administrator of the cluster."""
    settings = client.Configuration()
    config.load_kube_config(str(testbed.kubeconfig), client_configuration=settings)
    with ApiClient(settings) as api:
        yield api


@pytest.fixture
def namespace(witness: ApiClient) -> Iterator[str]:
    name = f"team-{secrets.token_hex(4)}"
    yield name
    with suppress(ApiException):
        CoreV1Api(witness).delete_namespace(name)


@pytest.fixture
def make_administrator(witness: ApiClient, namespace: str) -> Iterator[Callable[[str], None]]:
    """Gives a service account in the namespace all rights in the cluster."""
    rbac = RbacAuthorizationV1Api(witness)

    def bind(account: str) -> None:
        rbac.create_cluster_role_binding(
            client.V1ClusterRoleBinding(
                metadata=client.V1ObjectMeta(name=namespace),
                role_ref=client.V1RoleRef(api_group=RBAC, kind="ClusterRole", name="cluster-admin"),
                subjects=[
                    client.RbacV1Subject(kind="ServiceAccount", name=account, namespace=namespace)
                ],
            )
        )

    yield bind
    with suppress(ApiException):
        rbac.delete_cluster_role_binding(namespace)


@pytest.fixture
async def ender(database: Database, clock: Clock, clusters: Clusters) -> AsyncIterator[AccessEnder]:
    ender = AccessEnder(database, clock, clusters, interval=timedelta(seconds=0.2))
    yield ender
    await ender.close()


def self_made_tokens(witness: ApiClient, namespace: str) -> list[str]:
    """A token for a year and the one of a secret, as a user with `edit` makes them."""
    core = CoreV1Api(witness)
    request = client.AuthenticationV1TokenRequest(
        spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=YEAR)
    )
    long_lived = core.create_namespaced_service_account_token("bob", namespace, request)
    assert long_lived.status is not None
    assert long_lived.status.token is not None
    annotations = {"kubernetes.io/service-account.name": "bob"}
    core.create_namespaced_secret(
        namespace,
        client.V1Secret(
            metadata=client.V1ObjectMeta(name="token", annotations=annotations),
            type="kubernetes.io/service-account-token",
        ),
    )
    stored = None
    while not stored:  # the controller manager fills it
        stored = (core.read_namespaced_secret("token", namespace).data or {}).get("token")
    return [long_lived.status.token, base64.b64decode(stored).decode()]


def lists_pods(witness: ApiClient, namespace: str, token: str) -> bool:
    settings = client.Configuration()
    settings.host = witness.configuration.host
    settings.ssl_ca_cert = witness.configuration.ssl_ca_cert
    settings.api_key = {"authorization": f"Bearer {token}"}
    with ApiClient(settings) as api:
        try:
            CoreV1Api(api).list_namespaced_pod(namespace)
        except ApiException as error:
            if error.status != 403:
                raise
            return False
    return True


def is_refused(witness: ApiClient, namespace: str, token: str) -> bool:
    return not lists_pods(witness, namespace, token)


async def revoke(admin: Caller, bob: User, clock: Clock) -> None:
    await done(admin, REVOKE, databaseId=bob.id)


async def expire(admin: Caller, bob: User, clock: Clock) -> None:
    clock.advance(hours=2)


async def close(admin: Caller, bob: User, clock: Clock) -> None:
    await admin.data(CLOSE, id=bob.id, version=bob.version)


async def delete(admin: Caller, bob: User, clock: Clock) -> None:
    await admin.data(DELETE, id=bob.id, version=bob.version)


End = Callable[[Caller, User, Clock], Awaitable[None]]


@pytest.mark.parametrize("outage", [False, True], ids=["", "outage"])
@pytest.mark.parametrize("end", [revoke, expire, close, delete], ids=lambda end: end.__name__)
async def test_self_made_tokens_lose_their_rights(
    bob: Caller,
    admin: Caller,
    people: People,
    clock: Clock,
    witness: ApiClient,
    testbed: ClusterTestbed,
    ender: AccessEnder,
    namespace: str,
    end: End,
    outage: bool,
) -> None:
    await asked(bob)
    expires_at = (clock() + timedelta(hours=1)).isoformat()
    terms = {"namespace": namespace, "expiresAt": expires_at}
    await done(admin, APPROVE, databaseId=people.bob.id, **terms)
    tokens = self_made_tokens(witness, namespace)
    for token in tokens:
        await until(partial(lists_pods, witness, namespace, token), seconds=10)
    user = await User.get(id=people.bob.id)
    if outage:
        testbed.stop()
        try:
            await end(admin, user, clock)
            await ender.run()
            assert await BindingRemoval.exists()
        finally:
            testbed.start()
    else:
        await end(admin, user, clock)
    ender.start()
    for token in tokens:
        await until(partial(is_refused, witness, namespace, token), seconds=30)
    core = CoreV1Api(witness)
    assert core.read_namespaced_service_account("bob", namespace)
    assert core.read_namespaced_secret("token", namespace)
    assert RbacAuthorizationV1Api(witness).list_namespaced_role_binding(namespace).items == []


async def test_bindings_of_others_remain_and_are_reported(
    bob: Caller, admin: Caller, people: People, witness: ApiClient, namespace: str
) -> None:
    CoreV1Api(witness).create_namespace(
        client.V1Namespace(metadata=client.V1ObjectMeta(name=namespace))
    )
    RbacAuthorizationV1Api(witness).create_namespaced_role_binding(
        namespace,
        client.V1RoleBinding(
            metadata=client.V1ObjectMeta(name="of-the-operator"),
            role_ref=client.V1RoleRef(api_group=RBAC, kind="ClusterRole", name="view"),
            subjects=[client.RbacV1Subject(kind="ServiceAccount", name="bob", namespace=namespace)],
        ),
    )
    await asked(bob)
    await done(admin, APPROVE, databaseId=people.bob.id, namespace=namespace)
    request = (await done(admin, REVOKE, databaseId=people.bob.id))["accessRequest"]
    name = f"RoleBinding {namespace}/of-the-operator (ClusterRole view)"
    assert request["remainingBindings"] == [name]
    assert (await AccessRequest.get()).namespace_is_managed is False


async def test_privileged_account_is_refused_through_every_door(
    bob: Caller,
    admin: Caller,
    people: People,
    clusters: Clusters,
    make_administrator: Callable[[str], None],
    namespace: str,
    clock: Clock,
    tmp_path: Path,
) -> None:
    make_administrator("robot")
    binding = f"ClusterRoleBinding {namespace} (ClusterRole cluster-admin)"
    await asked(bob)
    terms = {"databaseId": people.bob.id, "namespace": namespace, "serviceAccount": "robot"}
    code, field, message = await refusal(admin, APPROVE, **terms)
    assert (code, field) == ("BAD_USER_INPUT", "serviceAccount")
    assert binding in message
    bindings = await ForeignBindings.read(clusters)
    file = tmp_path / "portal.yaml"
    account = f"{{namespace: {namespace}, name: robot}}"
    file.write_text(f"users: [{{username: mallory, serviceAccount: {account}}}]")
    with pytest.raises(DeclarationError, match=r"users\[0\]\.serviceAccount: .*cluster-admin"):
        await apply_file(file, Passwords(), dry_run=False, foreign_bindings=bindings)
    rows = former()
    change(NAMESPACES, 2, name=namespace)(rows)
    change(ACCOUNTS, 2, name="robot")(rows)
    change(USERS, 3, state="approved", service_account_id=2)(rows)
    options = WriteOptions(now=clock(), google=False, foreign_bindings=bindings)
    async with open_source(str(write_sqlite(tmp_path / "former.sqlite3", rows))) as source:
        release = await recognise(source)
        report = await import_legacy(source, release, options, lambda done, total: None)
    assert any(binding in remark.detail for remark in report.remarks)
    assert not await User.filter(service_account__namespace=namespace).exists()


async def test_account_that_becomes_privileged_gets_no_more_tokens(
    bob: Caller,
    admin: Caller,
    people: People,
    clock: Clock,
    make_administrator: Callable[[str], None],
    namespace: str,
) -> None:
    await asked(bob)
    await done(admin, APPROVE, databaseId=people.bob.id, namespace=namespace)
    assert (await bob.data(TOKEN))["viewer"]["execCredential"]["value"]
    make_administrator("bob")
    clock.advance(hours=1)
    [error] = (await bob.graphql(TOKEN))["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert f"ClusterRoleBinding {namespace} (ClusterRole cluster-admin)" in error["message"]
