"""What the README says is true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from auth.passwords import Passwords
from cluster.cluster import Clusters
from models import Database
from portal.cli.contract import print_schema
from portal.settings import GOOGLE, GOOGLE_TOKENINFO, PREFIX, Settings, settings_from_environment
from tests.callers import Caller
from tests.declaring import apply_file
from tests.provisioned import Provisioned
from tests.stand_in import clusters_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
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


def blocks(language: str) -> list[str]:
    return found(rf"^```{language}\n(.*?)^```")


def operations() -> Iterator[tuple[str | None, str]]:
    """One after the other, with the user of whom a comment before it says that he runs it."""
    for block in blocks("gql"):
        for operation in re.split(r"\n\n(?=\S)", block):
            comment = re.match(r"# (\w+)\n", operation)
            yield comment and comment[1], operation


@pytest.fixture
def clusters() -> Clusters:
    return clusters_of(Provisioned())


@pytest.fixture
async def example(database: Database) -> None:
    await apply_file(EXAMPLE, Passwords(), dry_run=False)


async def test_the_query_has_the_answer(anonymous: Caller, example: None) -> None:
    alice = await anonymous.sign_in("alice", "alice-demo")
    [query], [answer] = blocks("graphql"), blocks("json")
    assert {"data": await alice.data(query)} == json.loads(answer)


async def test_documents_work_in_order(anonymous: Caller, example: None) -> None:
    people = {name: await anonymous.sign_in(name, f"{name}-demo") for name in ("alice", "carol")}
    caller = people["alice"]
    for name, operation in operations():
        caller = people[name] if name else caller
        for payload in (await caller.data(operation)).values():
            assert not payload.get("errors"), operation


def test_the_subscription_fits_the_schema() -> None:
    schema = build_schema(print_schema())
    for query in found(r'"query": "(subscription [^"]*)"'):
        assert validate(schema, parse(query)) == []


async def test_the_call_with_curl_signs_in(anonymous: Caller, example: None) -> None:
    [body] = [text for text in found(r"-d '(.*?)'") if "login" in text]
    response = await anonymous.client.post("/graphql", json=json.loads(body))
    assert response.json()["data"]["login"]["accessToken"]


def defaults() -> dict[str, str]:
    """What the table says about each variable."""
    rows = found(r"^\| (`KUBE[^|]*) \| ([^|]*) \|")
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


def test_the_links_lead_somewhere() -> None:
    targets = found(r"\]\((?!http)([^)]+)\)")
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_make_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in found(r"^    make (\w+)"):
        assert re.search(rf"^{command}:", makefile, flags=re.MULTILINE), command


def test_container_command_matches_image() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [volume], [port] = found(r"^VOLUME (\S+)", dockerfile), found(r"^EXPOSE (\d+)", dockerfile)
    [run] = found(r"^docker run .*?[^\\]$")
    assert f"-v kubeportal:{volume} -p {port}:{port}" in run
