"""Whether documents that the operator does not know are run."""

from __future__ import annotations

import logging
from hashlib import sha256

import pytest
from graphql import get_introspection_query

from tests.callers import Caller
from tests.portal.documents.transports import TRANSPORTS, ask, codes, post

pytestmark = pytest.mark.sockets

OWN = "query Own { viewer { webapps { name } } user(databaseId: 7) { id } }"
SECRET = (
    'mutation SignIn { login(input: {username: "alice", password: "hunter2"}) { accessToken } }'
)
SUBSCRIPTION = "subscription Facts { clusterFacts { podCount } }"
every_transport = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.mark.parametrize("policy", ["trusted"])
@every_transport
async def test_others_are_refused(admin: Caller, transport: str) -> None:
    """Of administrators as well."""
    for query in (OWN, SUBSCRIPTION, "{ __typename portal { name } }", "{ ... { __typename } }"):
        answer = await ask(admin, transport, query=query)
        assert codes(answer) == ["DOCUMENT_NOT_TRUSTED"], query
        assert "data" not in answer


@pytest.mark.parametrize("policy", ["trusted"])
@every_transport
async def test_schema_queries_are_always_allowed(anonymous: Caller, transport: str) -> None:
    assert await ask(anonymous, transport, query="{ __typename }") == {
        "data": {"__typename": "Query"}
    }
    answer = await ask(anonymous, transport, query=get_introspection_query())
    assert answer["data"]["__schema"]


@pytest.mark.parametrize("policy", ["trusted"])
async def test_a_hash_does_not_make_a_document_trusted(alice: Caller) -> None:
    persisted = {"version": 1, "sha256Hash": sha256(OWN.encode()).hexdigest()}
    for request, code in (
        ({"query": OWN}, "DOCUMENT_NOT_TRUSTED"),
        ({}, "PERSISTED_QUERY_NOT_FOUND"),
    ):
        answer = await ask(alice, "POST", **request, extensions={"persistedQuery": persisted})
        assert codes(answer) == [code]


@pytest.mark.parametrize("policy", ["report"])
@every_transport
async def test_untrusted_document_is_logged_once_by_hash(
    alice: Caller, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    query = OWN if transport == "GET" else SECRET
    with caplog.at_level(logging.INFO, "portal.web.documents"):
        for _ in range(2):
            assert "data" in await ask(alice, transport, query=query, variables={"secret": "x1"})
        await ask(alice, transport, documentId="Me")
        await ask(alice, transport, query="{ __typename }")
    [record] = [each for each in caplog.records if each.name == "portal.web.documents"]
    message = record.getMessage()
    assert ("Own" if transport == "GET" else "SignIn") in message
    assert f"sha256:{sha256(query.encode()).hexdigest()}" in message
    assert "python-httpx" in message or "Python" in message
    assert "hunter2" not in caplog.text
    assert "x1" not in message


@pytest.mark.parametrize("policy", ["report"])
async def test_a_page_is_reported_by_its_origin(
    alice: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "portal.web.documents"):
        await post(alice, {"query": OWN}, Origin="https://app.example.org")
    assert "https://app.example.org" in caplog.text
