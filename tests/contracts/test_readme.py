"""What the README and the guides say is true."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from auth.passwords import Passwords
from cluster.cluster import Clusters
from cluster.tokens import ServiceAccountToken
from models import Database
from portal.cli.contract import print_schema
from portal.settings import GOOGLE, GOOGLE_TOKENINFO, PREFIX, Settings, settings_from_environment
from tests.callers import Caller
from tests.declaring import apply_file
from tests.provisioned import Provisioned
from tests.stand_in import clusters_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ROOT / "docs"
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")
GUIDES = ("access", "administration", "audit", "clusters", "rest", "sessions")
PAGES = [*ROOT.glob("*.md"), *DOCS.glob("*.md")]
EXAMPLE = ROOT / "deploy" / "example" / "portal.yaml"
FIELDS = {
    "KUBECONFIG" if name == "kubeconfig" else f"{PREFIX}{name.upper()}": name
    for name in Settings.model_fields
}


def found(pattern: str, text: str = README) -> list[Any]:
    """All matches, of which there are some: else the page has changed and the test has not."""
    matches = re.findall(pattern, text, flags=re.DOTALL | re.MULTILINE)
    assert matches, pattern
    return matches


def blocks(language: str, text: str = README) -> list[str]:
    return found(rf"^```{language}\n(.*?)^```", text)


class Example(Provisioned):
    """A cluster that also issues tokens."""

    async def issue_token(self, *_: str, lifetime: timedelta) -> ServiceAccountToken:
        return ServiceAccountToken("the token", datetime.now(UTC) + lifetime)


@pytest.fixture(params=[False, True], ids=["without a cluster", "with a cluster"])
def has_cluster(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def clusters(has_cluster: bool) -> Clusters:
    return clusters_of(Example()) if has_cluster else Clusters()


@pytest.fixture
async def example(database: Database) -> None:
    await apply_file(EXAMPLE, Passwords(), dry_run=False)


async def test_the_query_has_the_answer(anonymous: Caller, example: None) -> None:
    alice = await anonymous.sign_in("alice", "alice-demo")
    [query], [answer] = blocks("graphql"), blocks("json")
    assert await alice.graphql(query) == json.loads(answer)


@pytest.mark.parametrize(
    "guide", ["access", "administration", "audit", "clusters", "rest", "sessions"]
)
async def test_examples_work_as_they_stand(
    anonymous: Caller, example: None, guide: str, has_cluster: bool
) -> None:
    """Each block is pasted in its order, by the user that its first line names."""
    for block in blocks("gql", (DOCS / f"{guide}.md").read_text(encoding="utf-8")):
        heading = re.match(r"# (\w+)(, with a cluster)?\n", block)
        assert heading, block
        caller = await anonymous.sign_in(heading[1], f"{heading[1]}-demo")
        answer = await caller.graphql(block)
        payloads = (answer["data"] or {}).values()
        failed = "errors" in answer or any((each or {}).get("errors") for each in payloads)
        assert failed == bool(heading[2] and not has_cluster), answer


async def test_the_trusted_document_is_that_of_alice(anonymous: Caller, example: None) -> None:
    alice = await anonymous.sign_in("alice", "alice-demo")
    [body] = blocks("json", (DOCS / "trusted-documents.md").read_text(encoding="utf-8"))
    response = await alice.client.post("/graphql", json=json.loads(body), headers=alice.headers)
    assert {"name": "Developers"} in response.json()["data"]["user"]["body"]


def test_the_subscription_fits_the_schema() -> None:
    schema = build_schema(print_schema())
    for query in found(r'"query": "(subscription [^"]*)"', (DOCS / "clusters.md").read_text()):
        assert validate(schema, parse(query)) == []


async def test_the_call_with_curl_signs_in(anonymous: Caller, example: None) -> None:
    [body] = [text for text in found(r"-d '(.*?)'") if "login" in text]
    response = await anonymous.client.post("/graphql", json=json.loads(body))
    assert response.json()["data"]["login"]["accessToken"]


def defaults() -> dict[str, str]:
    """What the table says about each variable."""
    rows = found(r"^\| (`KUBE[^|]*) \| ([^|]*) \|", CONFIGURATION)
    return {name: default for names, default in rows for name in found(r"`(KUBE\w+)`", names)}


def test_table_lists_every_setting() -> None:
    assert defaults().keys() == FIELDS.keys()


@pytest.mark.parametrize("variable", FIELDS)
def test_the_default_in_the_table_is_the_one(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words stand for a setting that is not made, or for the addresses of Google."""
    said, field = defaults()[variable], FIELDS[variable]
    default = Settings.model_fields[field].default
    if value := re.fullmatch(r"`([^`]*)`", said):
        monkeypatch.setenv(variable, value[1])
        assert getattr(settings_from_environment(), field) == default
    elif said == "Google's":
        assert default in (GOOGLE, GOOGLE_TOKENINFO)
    else:
        assert default in (None, ())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_make_commands_exist() -> None:
    pages = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in found(r"^    make (\w+)", pages):
        assert re.search(rf"^{command}:", makefile, flags=re.MULTILINE), command


def test_container_command_matches_image() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [volume], [port] = found(r"^VOLUME (\S+)", dockerfile), found(r"^EXPOSE (\d+)", dockerfile)
    [run] = found(r"^docker run .*?[^\\]$")
    assert f"-v kubeportal:{volume} -p {port}:{port}" in run
