"""Role bindings are removed from the cluster after access has ended, however it ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from cluster.cluster import Clusters
from cluster.connection import ClusterUnavailable
from models import (
    AccessRequest,
    AccessState,
    AuditActor,
    AuditEvent,
    AuditKind,
    BindingRemoval,
    ServiceAccount,
    User,
)
from resolvers.access import expire_access
from resolvers.changes import Change, Delete, SetAccess, Update, WriteOptions
from resolvers.removal import remove_bindings
from resolvers.writes import commit
from tests.callers import Caller, Clock, People
from tests.provisioned import Provisioned
from tests.schema.access.calls import APPROVE, REVOKE, ROLES, VIEWER, asked, done

pytestmark = pytest.mark.database

End = Callable[[Clock], Awaitable[object]]
DOWN = ClusterUnavailable("Cluster 'main' cannot be reached.")
REMOVAL = """
{ viewer { accessRequest { namespaceIsManaged bindingsRemovedAt remainingBindings } } }
"""


async def approved(bob: Caller, admin: Caller, people: People, **values: Any) -> None:
    await asked(bob)
    await done(admin, APPROVE, databaseId=people.bob.id, **{"namespace": "team", **values})


async def committed(clock: Clock, change: Callable[[User], Change]) -> None:
    options = WriteOptions(now=clock(), google=False)
    user = await User.get(username="bob")
    await commit(AuditActor.OPERATOR, [change(user)], options)


async def expiry(clock: Clock) -> None:
    clock.advance(hours=2)
    await expire_access(clock())


def declared(namespace: str | None) -> Callable[[User], Change]:
    def change(user: User) -> Change:
        if namespace is None:
            return SetAccess(user, AccessState.NEW)
        account = ServiceAccount(namespace=namespace, name="bob")
        return SetAccess(user, AccessState.APPROVED, account)

    return change


ENDS: dict[str, End] = {
    "expiry": expiry,
    "closed": lambda clock: committed(clock, lambda user: Update(user, {"is_active": False})),
    "deleted": lambda clock: committed(clock, Delete),
    "undeclared": lambda clock: committed(clock, declared(None)),
    "declared elsewhere": lambda clock: committed(clock, declared("other")),
}


@pytest.mark.parametrize("end", ENDS)
async def test_end_of_access_removes_bindings(
    bob: Caller,
    admin: Caller,
    people: People,
    clock: Clock,
    clusters: Clusters,
    main: Provisioned,
    end: str,
) -> None:
    expires_at = (clock() + timedelta(hours=1)).isoformat()
    await approved(bob, admin, people, expiresAt=expires_at)
    assert main.bindings
    await ENDS[end](clock)
    assert await remove_bindings(clusters, clock()) == set()
    assert main.bindings == set()
    assert (main.accounts, set(main.namespaces)) == ({("team", "bob")}, {"team"})
    assert not await BindingRemoval.exists()
    event = await AuditEvent.get(kind=AuditKind.BINDINGS_REMOVED)
    assert (event.subject_id, event.subject_name) == (people.bob.id, "bob")
    assert event.details == {
        "cluster": "",
        "namespace": "team",
        "serviceAccount": "bob",
        "removed": len(ROLES),
        "remaining": [],
    }


async def test_revocation_reports_remaining_bindings(
    bob: Caller, admin: Caller, people: People, clock: Clock, main: Provisioned
) -> None:
    await approved(bob, admin, people)
    main.others = ["RoleBinding team/extra (ClusterRole view)"]
    request = (await done(admin, REVOKE, databaseId=people.bob.id))["accessRequest"]
    assert main.bindings == set()
    assert request["bindingsRemovedAt"] == clock.now.isoformat()
    assert request["remainingBindings"] == main.others


async def test_failing_cluster_is_retried(
    bob: Caller,
    admin: Caller,
    people: People,
    clock: Clock,
    clusters: Clusters,
    main: Provisioned,
) -> None:
    await approved(bob, admin, people)
    main.failures["removal"] = DOWN
    payload = await done(admin, REVOKE, databaseId=people.bob.id)
    assert payload["user"]["accessState"] == "NEW"
    assert payload["accessRequest"]["bindingsRemovedAt"] is None
    assert await remove_bindings(clusters, clock()) == {str(DOWN)}
    main.failures.clear()
    clock.advance(minutes=5)
    assert await remove_bindings(clusters, clock()) == set()
    request = (await bob.data(REMOVAL))["viewer"]["accessRequest"]
    assert request == {
        "namespaceIsManaged": True,
        "bindingsRemovedAt": clock.now.isoformat(),
        "remainingBindings": [],
    }


async def test_missing_cluster_keeps_the_removal(
    bob: Caller, admin: Caller, people: People, clock: Clock, clusters: Clusters
) -> None:
    await approved(bob, admin, people)
    await committed(clock, declared(None))
    problems = {"The default cluster is not configured."}
    assert await remove_bindings(Clusters(), clock()) == problems
    assert await remove_bindings(clusters, clock()) == set()


async def test_failing_cluster_delays_no_other(
    bob: Caller,
    admin: Caller,
    people: People,
    clock: Clock,
    clusters: Clusters,
    main: Provisioned,
    edge: Provisioned,
) -> None:
    await done(admin, REVOKE, databaseId=people.alice.id)
    await approved(bob, admin, people, cluster="edge")
    await committed(clock, declared(None))
    main.failures["removal"] = DOWN
    await remove_bindings(clusters, clock())
    assert edge.bindings == set()


async def test_returning_user_gets_roles_in_their_namespace(
    bob: Caller, admin: Caller, people: People, main: Provisioned
) -> None:
    await approved(bob, admin, people)
    await done(admin, REVOKE, databaseId=people.bob.id)
    await approved(bob, admin, people)
    assert main.bindings == {("team", "bob", role) for role in ROLES}
    keys = {str(key) for key in await AccessRequest.all().values_list("key", flat=True)}
    assert len(keys) == 2
    assert set(main.keys.values()) < keys


async def test_existing_namespace_is_not_managed(
    bob: Caller, admin: Caller, people: People, main: Provisioned
) -> None:
    main.namespaces["team"] = None
    await approved(bob, admin, people)
    request = (await bob.data(REMOVAL))["viewer"]["accessRequest"]
    assert request["namespaceIsManaged"] is False


async def test_reopened_account_has_no_access(
    bob: Caller, admin: Caller, people: People, clock: Clock
) -> None:
    await approved(bob, admin, people)
    await committed(clock, lambda user: Update(user, {"is_active": False}))
    await committed(clock, lambda user: Update(user, {"is_active": True}))
    bob = await bob.sign_in("bob", "correct horse")
    viewer = (await bob.data(VIEWER))["viewer"]
    assert (viewer["accessState"], viewer["serviceAccount"]) == ("NEW", None)
    assert viewer["accessRequest"]["endReason"] == "The account was closed."


async def test_closing_leaves_an_open_request(bob: Caller, people: People, clock: Clock) -> None:
    await asked(bob)
    await committed(clock, lambda user: Update(user, {"is_active": False}))
    assert (await User.get(id=people.bob.id)).access_state is AccessState.REQUESTED
    assert not await BindingRemoval.exists()
