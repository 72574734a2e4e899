"""Automatic persisted queries: a client sends a document once, then only its hash."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from portal.web.documents import LONGEST_PERSISTED
from tests.callers import Caller
from tests.portal.documents.transports import TRANSPORTS, ask, codes, get, post

pytestmark = pytest.mark.sockets

QUERY = "query Mine { viewer { username } }"
DATA = {"data": {"viewer": {"username": "Alice"}}}
INVALID = "query Mine { nothing }"


def persisted(query: str, **changes: Any) -> dict[str, Any]:
    digest = sha256(query.encode()).hexdigest()
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest, **changes}}}


@pytest.mark.parametrize("policy", ["any", "report"])
async def test_registered_document_is_found_by_hash(alice: Caller) -> None:
    for transport in TRANSPORTS:
        query = QUERY.replace("Mine", transport)
        [unknown] = (await ask(alice, transport, **persisted(query)))["errors"]
        assert unknown["message"] == "PersistedQueryNotFound"
        assert unknown["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
        assert await ask(alice, transport, query=query, **persisted(query)) == DATA
        for other in TRANSPORTS:
            assert await ask(alice, other, **persisted(query)) == DATA
            digest = f"sha256:{sha256(query.encode()).hexdigest()}"
            assert await ask(alice, other, documentId=digest) == DATA


@pytest.mark.parametrize(
    ("accept", "status"),
    [("application/json", 200), ("application/graphql-response+json", 400)],
)
async def test_unknown_hash_status_depends_on_media_type(
    alice: Caller, accept: str, status: int
) -> None:
    for send in (get, post):
        assert (await send(alice, persisted(QUERY), Accept=accept)).status_code == status


async def test_a_document_without_its_hash_is_not_kept(alice: Caller) -> None:
    assert await ask(alice, "POST", query=QUERY) == DATA
    assert codes(await ask(alice, "POST", **persisted(QUERY))) == ["PERSISTED_QUERY_NOT_FOUND"]


async def test_an_invalid_document_is_not_kept(alice: Caller) -> None:
    answer = await ask(alice, "POST", query=INVALID, **persisted(INVALID))
    assert codes(answer) == ["GRAPHQL_VALIDATION_FAILED"]
    assert codes(await ask(alice, "POST", **persisted(INVALID))) == ["PERSISTED_QUERY_NOT_FOUND"]


BAD: dict[str, dict[str, Any]] = {
    "another hash": {"query": QUERY, **persisted(f"{QUERY} ")},
    "the hash in capitals": {
        "query": QUERY,
        **persisted(QUERY, sha256Hash=sha256(QUERY.encode()).hexdigest().upper()),
    },
    "another version": persisted(QUERY, version=2),
    "no version": persisted(QUERY, version=None),
    "no hash": persisted(QUERY, sha256Hash=None),
    "an empty hash": persisted(QUERY, sha256Hash=""),
    "a number": persisted(QUERY, sha256Hash=7),
    "a list": {"extensions": {"persistedQuery": []}},
    "an id and a document": {"documentId": "Me", "query": QUERY},
    "an id and a hash": {"documentId": "Me", **persisted(QUERY)},
    "no document": {"extensions": {}},
}


@pytest.mark.parametrize("name", BAD)
async def test_a_contradiction_is_400(alice: Caller, name: str) -> None:
    for send in (get, post):
        response = await send(alice, BAD[name])
        assert response.status_code == 400
        assert codes(response.json()) == ["BAD_USER_INPUT"]
    assert codes(await ask(alice, "WebSocket", **BAD[name])) == ["BAD_USER_INPUT"]


async def test_an_id_that_is_no_text_is_400(alice: Caller) -> None:
    response = await post(alice, {"documentId": 7})
    assert response.status_code == 400


async def test_a_long_document_is_not_kept(alice: Caller) -> None:
    query = f"{QUERY} #{'x' * LONGEST_PERSISTED}"
    assert await ask(alice, "POST", query=query, **persisted(query)) == DATA
    assert codes(await ask(alice, "POST", **persisted(query))) == ["PERSISTED_QUERY_NOT_FOUND"]
