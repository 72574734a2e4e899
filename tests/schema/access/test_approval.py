"""An approval: the cluster first, the database last."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.connection import ClusterRefused, ClusterUnavailable
from models import AccessState, Membership, ServiceAccount, User
from tests.callers import Caller, Clock, People
from tests.provisioned import Provisioned
from tests.schema.access.calls import APPROVE, ROLES, VIEWER, answer, asked, done, refusal


async def test_approval_creates_namespace_and_account(
    bob: Caller, admin: Caller, people: People, main: Provisioned, clock: Clock
) -> None:
    await asked(bob)
    end = clock.now.replace(year=clock.now.year + 1).isoformat()
    payload = await done(
        admin,
        APPROVE,
        databaseId=people.bob.id,
        namespace="team-bob",
        groups=[people.developers.id, people.developers.id],
        expiresAt=end,
    )
    assert payload["user"] == {
        "accessState": "APPROVED",
        "accessExpiresAt": end,
        "serviceAccount": {"qualifiedName": "team-bob:bob", "cluster": {"name": "main"}},
        "groups": [{"name": "Everyone"}, {"name": "Cluster"}, {"name": "Developers"}],
    }
    assert payload["accessRequest"] == {
        "state": "APPROVED",
        "decidedAt": clock.now.isoformat(),
        "decidedBy": "admin",
        "decisionReason": None,
        "cluster": None,
        "namespace": "team-bob",
        "serviceAccount": "bob",
        "expiresAt": end,
        "endedAt": None,
    }
    assert set(main.namespaces) == {"team-bob"}
    assert main.accounts == {("team-bob", "bob")}
    assert main.bindings == {("team-bob", "bob", role) for role in ROLES}
    assert (await bob.data(VIEWER))["viewer"]["serviceAccount"] == {"qualifiedName": "team-bob:bob"}


async def test_existing_namespace_is_unchanged(
    bob: Caller, admin: Caller, people: People, main: Provisioned
) -> None:
    main.namespaces["shared"] = None
    await asked(bob)
    await done(admin, APPROVE, databaseId=people.bob.id, namespace="shared")
    assert main.accounts == {("shared", "bob")}
    assert main.bindings == set()


async def test_foreign_namespace_gives_no_roles(
    bob: Caller, admin: Caller, people: People, main: Provisioned
) -> None:
    main.namespaces["team-alice"] = "another request"
    await asked(bob)
    await done(admin, APPROVE, databaseId=people.bob.id, namespace="team-alice")
    assert main.bindings == set()


@pytest.mark.parametrize(
    ("username", "given", "account"),
    [
        ("Max.Muster-7", None, "max.muster-7"),
        ("max_muster", None, "default"),
        ("Jürgen", None, "default"),
        ("bob", "robot.bob", "robot.bob"),
    ],
)
async def test_account_is_named_after_its_user(
    bob: Caller, admin: Caller, people: People, username: str, given: str | None, account: str
) -> None:
    await asked(bob)
    people.bob.username, people.bob.username_key = username, username.lower()
    await people.bob.save(update_fields=["username", "username_key"])
    payload = await done(
        admin, APPROVE, databaseId=people.bob.id, namespace="team", serviceAccount=given
    )
    assert payload["user"]["serviceAccount"]["qualifiedName"] == f"team:{account}"


async def test_an_approval_may_be_for_another_cluster(
    bob: Caller, admin: Caller, people: People, main: Provisioned, edge: Provisioned
) -> None:
    await asked(bob)
    payload = await done(admin, APPROVE, databaseId=people.bob.id, namespace="team", cluster="edge")
    assert payload["user"]["serviceAccount"]["cluster"] == {"name": "edge"}
    assert payload["accessRequest"]["cluster"] == "edge"
    assert (edge.accounts, main.accounts) == ({("team", "bob")}, set())


async def test_several_users_may_share_an_account(
    bob: Caller, admin: Caller, people: People
) -> None:
    await asked(bob)
    await done(
        admin,
        APPROVE,
        databaseId=people.bob.id,
        namespace="team-alice",
        serviceAccount="alice",
    )
    assert await ServiceAccount.all().count() == 1


@pytest.mark.parametrize("answer_is_lost", [False, True])
@pytest.mark.parametrize("step", ["namespace", "account", "binding"])
async def test_failed_approval_can_be_retried(
    bob: Caller,
    admin: Caller,
    people: People,
    main: Provisioned,
    step: str,
    answer_is_lost: bool,
) -> None:
    await asked(bob)
    main.failures[step] = ClusterUnavailable("Cluster 'main' does not answer in time.")
    main.lost_answers = answer_is_lost
    terms = {"databaseId": people.bob.id, "namespace": "team", "groups": [people.developers.id]}
    assert await refusal(admin, APPROVE, **terms) == (
        "UNAVAILABLE",
        None,
        "Cluster 'main' does not answer in time.",
    )
    viewer = (await bob.data(VIEWER))["viewer"]
    assert (viewer["accessState"], viewer["serviceAccount"]) == ("REQUESTED", None)
    assert viewer["accessRequest"]["state"] == "OPEN"
    assert not await Membership.filter(user_id=people.bob.id).exists()
    main.failures.clear()
    await done(admin, APPROVE, **terms)
    assert main.bindings == {("team", "bob", role) for role in ROLES}


@pytest.mark.parametrize(
    ("step", "code", "field"),
    [
        ("namespace", "BAD_USER_INPUT", "namespace"),
        ("account", "BAD_USER_INPUT", "serviceAccount"),
        ("binding", "UNAVAILABLE", None),
    ],
)
async def test_cluster_error_message_is_returned(
    bob: Caller,
    admin: Caller,
    people: People,
    main: Provisioned,
    step: str,
    code: str,
    field: str | None,
) -> None:
    await asked(bob)
    main.failures[step] = ClusterRefused(422, "the words of Kubernetes")
    refused = await refusal(admin, APPROVE, databaseId=people.bob.id, namespace="team-a")
    assert refused == (code, field, "the words of Kubernetes")
    assert (await User.get(id=people.bob.id)).access_state is AccessState.REQUESTED


PAST = "2020-01-01T00:00:00+00:00"
BAD_TERMS: list[tuple[dict[str, Any], str, str]] = [
    ({"namespace": "kube-system"}, "namespace", "belong to Kubernetes"),
    ({"namespace": "kube-"}, "namespace", "belong to Kubernetes"),
    ({"serviceAccount": ""}, "serviceAccount", "lower-case"),
    ({"serviceAccount": "Alice"}, "serviceAccount", "lower-case"),
    ({"serviceAccount": "a/b"}, "serviceAccount", "lower-case"),
    ({"serviceAccount": "a" * 254}, "serviceAccount", "253"),
    ({"serviceAccount": "a\n"}, "serviceAccount", "lower-case"),
    ({"cluster": "nowhere"}, "cluster", "no cluster of this name"),
    ({"expiresAt": PAST}, "expiresAt", "passed"),
    ({"groups": [404]}, "groups", "404"),
    ({"groups": list(range(101))}, "groups", "at most 100"),
]


@pytest.mark.parametrize(("terms", "field", "words"), BAD_TERMS, ids=lambda value: str(value)[:40])
async def test_invalid_input_creates_nothing(
    bob: Caller,
    admin: Caller,
    people: People,
    main: Provisioned,
    terms: dict[str, Any],
    field: str,
    words: str,
) -> None:
    await asked(bob)
    given = {"databaseId": people.bob.id, "namespace": "team", **terms}
    code, named, message = await refusal(admin, APPROVE, **given)
    assert (code, named) == ("BAD_USER_INPUT", field)
    assert words in message
    assert main.namespaces == {}


async def test_approval_refuses_automatic_groups(
    bob: Caller, admin: Caller, people: People
) -> None:
    await asked(bob)
    given = {"databaseId": people.bob.id, "namespace": "team", "groups": [people.everyone.id]}
    code, field, message = await refusal(admin, APPROVE, **given)
    assert (code, field) == ("BAD_USER_INPUT", "groups")
    assert message.endswith(f": {people.everyone.id}.")


async def test_all_errors_are_returned_together(bob: Caller, admin: Caller, people: People) -> None:
    await asked(bob)
    payload = await answer(
        admin,
        APPROVE,
        databaseId=people.bob.id,
        namespace="kube-x",
        serviceAccount="?",
        expiresAt=PAST,
    )
    fields = [error["field"] for error in payload["errors"]]
    assert fields == ["namespace", "serviceAccount", "expiresAt"]


async def test_a_closed_account_is_not_approved(
    bob: Caller, admin: Caller, people: People, main: Provisioned
) -> None:
    await asked(bob)
    await User.filter(id=people.bob.id).update(is_active=False)
    code, field, _ = await refusal(admin, APPROVE, databaseId=people.bob.id, namespace="team")
    assert (code, field) == ("BAD_USER_INPUT", "databaseId")
    assert main.namespaces == {}
