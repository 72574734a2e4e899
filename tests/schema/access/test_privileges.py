"""No administrator of the portal becomes one of the cluster by an approval."""

from __future__ import annotations

import pytest

from cluster.connection import ClusterRefused
from models import AccessState, ServiceAccount, User
from portal.settings import Settings
from tests.callers import Caller, People
from tests.provisioned import Provisioned
from tests.schema.access.calls import APPROVE, asked, done, refusal

BINDING = "ClusterRoleBinding prometheus (ClusterRole cluster-admin)"
TOKEN = "{ viewer { serviceAccount { token { value } } } }"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"namespace": "kubeportal"})


async def test_account_with_rights_elsewhere_is_refused(
    bob: Caller, admin: Caller, people: People, main: Provisioned
) -> None:
    main.foreign["monitoring", "prometheus"] = BINDING
    await asked(bob)
    terms = {"databaseId": people.bob.id, "namespace": "monitoring"}
    refused = await refusal(admin, APPROVE, **terms, serviceAccount="prometheus")
    assert refused == (
        "BAD_USER_INPUT",
        "serviceAccount",
        f"This service account has rights outside its namespace: {BINDING}.",
    )
    assert (main.namespaces, main.accounts) == ({}, set())
    assert (await User.get(id=people.bob.id)).access_state is AccessState.REQUESTED
    await done(admin, APPROVE, **terms, serviceAccount="other")


async def test_namespace_of_the_portal_is_refused(
    bob: Caller, admin: Caller, people: People, main: Provisioned
) -> None:
    await asked(bob)
    for account in ("kubeportal", "other"):
        terms = {"namespace": "kubeportal", "serviceAccount": account}
        code, field, message = await refusal(admin, APPROVE, databaseId=people.bob.id, **terms)
        assert (code, field) == ("BAD_USER_INPUT", "namespace")
        assert "namespace of the portal" in message
    assert main.accounts == set()


async def test_cluster_that_hides_its_bindings_approves_nothing(
    bob: Caller, admin: Caller, people: People, main: Provisioned
) -> None:
    main.failures["check"] = ClusterRefused(403, "rolebindings is forbidden")
    await asked(bob)
    refused = await refusal(admin, APPROVE, databaseId=people.bob.id, namespace="team")
    assert refused == ("UNAVAILABLE", None, "rolebindings is forbidden")


async def test_account_in_the_namespace_of_the_portal_gets_no_token(alice: Caller) -> None:
    await ServiceAccount.filter(name="alice").update(namespace="kubeportal")
    assert await alice.codes(TOKEN) == ["FORBIDDEN"]
