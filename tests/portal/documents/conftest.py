"""A portal whose operator keeps documents of clients."""

from __future__ import annotations

import json
from hashlib import sha1, sha256
from pathlib import Path

import pytest
from starlette.applications import Starlette

from cluster.cluster import Clusters
from portal.settings import Settings
from portal.web.app import REST_DOCUMENTS, create_app
from portal.web.documents import Policy
from rest_compat.operations import StoredOperation, load
from schema.executor import Executor
from schema.root import build_schema
from tests.callers import Caller, Clock, People

ME = "query Me($admin: Boolean! = false) { viewer { username isAdmin @include(if: $admin) } }\n"
NAME = "query Name { portal { name } }"
APPS = "query Apps {\n  viewer {\n    webapps {\n      linkName\n    }\n  }\n}"
NAME_ID = sha256(NAME.encode()).hexdigest()
APPS_ID = sha1(APPS.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
def database_kind() -> str:
    """Nothing here depends on the kind of database."""
    return "sqlite"


@pytest.fixture(scope="session")
def operations() -> list[StoredOperation]:
    return load(REST_DOCUMENTS, Executor(build_schema()).graphql_schema)


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
def app(
    settings: Settings,
    database: object,
    clock: Clock,
    clusters: Clusters,
    policy: Policy,
    folder: Path,
) -> Starlette:
    own = {"graphql_documents": policy, "graphql_documents_path": folder}
    return create_app(settings.model_copy(update=own), clock=clock, clusters=clusters)


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
