"""A portal whose operator keeps documents of clients."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha1, sha256
from pathlib import Path

import pytest

from portal.settings import Settings
from portal.web.app import Contract
from portal.web.documents import Policy
from rest_compat.operations import StoredOperation
from tests.callers import Caller, People

ME = "query Me($admin: Boolean! = false) { viewer { username isAdmin @include(if: $admin) } }\n"
NAME = "query Name { portal { name } }"
APPS = "query Apps {\n  viewer {\n    webapps {\n      linkName\n    }\n  }\n}"
NAME_ID = sha256(NAME.encode()).hexdigest()
APPS_ID = sha1(APPS.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture(scope="session")
def operations(contract: Contract) -> Sequence[StoredOperation]:
    return contract.operations


@pytest.fixture
def policy() -> Policy:
    return "any"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A document as a file, a manifest of Apollo's, and one of GraphQL Code Generator's."""
    folder = tmp_path / "documents"
    folder.mkdir()
    operation = {"id": NAME_ID, "name": "Name", "type": "query", "body": NAME}
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1}
    (folder / "Me.graphql").write_text(ME)
    (folder / "apollo.json").write_text(json.dumps({**manifest, "operations": [operation]}))
    (folder / "persisted-documents.json").write_text(json.dumps({APPS_ID: APPS}))
    (folder / "notes.txt").write_text("Whatever else is there does not matter.")
    return folder


@pytest.fixture
def settings(settings: Settings, policy: Policy, folder: Path) -> Settings:
    own = {"graphql_documents": policy, "graphql_documents_path": folder}
    return settings.model_copy(update=own)


@pytest.fixture
async def alice(anonymous: Caller, people: People) -> Caller:
    return await signed_in(anonymous, "alice")


@pytest.fixture
async def admin(anonymous: Caller, people: People) -> Caller:
    return await signed_in(anonymous, "admin")


async def signed_in(anonymous: Caller, username: str) -> Caller:
    """Over REST, which no policy for documents restricts."""
    credentials = {"username": username, "password": "correct horse"}
    response = await anonymous.rest("POST", "/login/", json=credentials)
    token = response.json()["access_token"]
    return Caller(anonymous.client, {"Authorization": f"Bearer {token}"})
