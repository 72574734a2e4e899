"""Documents that the operator trusts are run by their names."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest

from portal.cli.client import DOCUMENTS
from rest_compat.explain import explain
from rest_compat.operations import StoredOperation
from tests.callers import Caller, People
from tests.portal.documents.conftest import APPS, APPS_ID, ME, NAME, NAME_ID
from tests.portal.documents.transports import TRANSPORTS, ask, codes, get

pytestmark = pytest.mark.sockets

every_policy = pytest.mark.parametrize("policy", ["any", "report", "trusted"])
every_transport = pytest.mark.parametrize("transport", TRANSPORTS)


def persisted(digest: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}


ME_DATA = {"viewer": {"username": "Alice"}}
NAME_DATA = {"portal": {"name": "KubePortal"}}
APPS_DATA = {
    "viewer": {"webapps": [{"linkName": "Grafana"}, {"linkName": "Dashboard of team-alice"}]}
}
WAYS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"documentId": "Me"}, ME_DATA),
    ({"documentId": f"sha256:{sha256(ME.encode()).hexdigest()}"}, ME_DATA),
    ({"query": ME}, ME_DATA),
    ({"documentId": NAME_ID}, NAME_DATA),
    ({"documentId": f"sha256:{NAME_ID}"}, NAME_DATA),
    (persisted(NAME_ID), NAME_DATA),
    ({"query": NAME, **persisted(NAME_ID)}, NAME_DATA),
    ({"documentId": APPS_ID}, APPS_DATA),
    (persisted(APPS_ID), APPS_DATA),
    ({"query": APPS}, APPS_DATA),
]


@every_policy
async def test_a_document_has_several_names(alice: Caller) -> None:
    for transport in TRANSPORTS:
        for request, data in WAYS:
            assert await ask(alice, transport, **request) == {"data": data}, (transport, request)


@every_transport
async def test_variables_and_operation_name_are_used(alice: Caller, transport: str) -> None:
    request = {"documentId": "Me", "variables": {"admin": True}, "operationName": "Me"}
    data = {"viewer": {"username": "Alice", "isAdmin": False}}
    assert await ask(alice, transport, **request) == {"data": data}
    answer = await ask(alice, transport, **{**request, "operationName": "Other"})
    assert codes(answer) == ["BAD_USER_INPUT"]


@every_policy
async def test_an_unknown_id_has_a_code(alice: Caller) -> None:
    for transport in TRANSPORTS:
        for name in ("Nobody", f"sha256:{'0' * 64}", "sha256:", "../Me.graphql", "\0"):
            answer = await ask(alice, transport, documentId=name)
            assert codes(answer) == ["PERSISTED_QUERY_NOT_FOUND"], (transport, name)
            assert "data" not in answer


async def test_document_runs_by_get_in_a_browser(alice: Caller) -> None:
    response = await get(alice, {"documentId": "Name"}, Accept="text/html,*/*;q=0.8")
    assert response.json()["errors"]
    response = await get(alice, {"documentId": NAME_ID}, Accept="text/html,*/*;q=0.8")
    assert response.json()["data"] == NAME_DATA


@pytest.mark.parametrize("policy", ["trusted"])
async def test_rest_documents_are_trusted(
    operations: Sequence[StoredOperation], alice: Caller, people: People
) -> None:
    """Each field of theirs has its own rules, as over REST."""
    entries = explain(operations, version="v1.4.0")
    assert {entry["operation"] for entry in entries} == {each.name for each in operations}
    for entry in sorted(entries, key=lambda entry: entry["operation"] == "Logout"):
        for request in ({"documentId": entry["operation"]}, {"query": entry["document"]}):
            answer = await ask(alice, "POST", **request, variables=entry["variables"])
            assert "data" in answer, (entry["operation"], answer)
            assert set(codes(answer)) <= {
                "FORBIDDEN",
                "NOT_FOUND",
                "UNAVAILABLE",
                "UNAUTHENTICATED",
            }


async def test_mutations_by_get_are_refused(alice: Caller) -> None:
    response = await get(alice, {"documentId": "Logout"})
    assert response.status_code == 405
    assert (await ask(alice, "POST", documentId="Me"))["data"] == ME_DATA


@pytest.mark.parametrize("policy", ["trusted"])
async def test_our_own_command_is_trusted(anonymous: Caller, people: People) -> None:
    login, credential = (
        (DOCUMENTS / f"kubeportal-{name}.graphql").read_text() for name in ("login", "credential")
    )
    alice = await anonymous.client.post(
        "/graphql",
        json={"query": login, "variables": {"username": "alice", "password": "correct horse"}},
    )
    token = alice.json()["data"]["login"]["accessToken"]
    caller = Caller(anonymous.client, {"Authorization": f"Bearer {token}"})
    assert codes(await ask(caller, "POST", query=credential)) == ["UNAVAILABLE"]
