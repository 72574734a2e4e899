"""What the README says is true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from graphql import LoneAnonymousOperationRule, build_schema, parse, specified_rules, validate

from auth.passwords import Passwords
from models import Database
from portal.contract import print_schema
from portal.settings import PREFIX, Settings
from tests.callers import Caller
from tests.declaring import apply_file

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "deploy" / "example" / "portal.yaml"


# a block may show several operations, each to be run by itself
rules = [rule for rule in specified_rules if rule is not LoneAnonymousOperationRule]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
async def example(database: Database) -> None:
    await apply_file(EXAMPLE, Passwords(), dry_run=False)


async def test_the_query_has_the_answer(anonymous: Caller, example: None) -> None:
    alice = await anonymous.sign_in("alice", "alice-demo")
    [query], [answer] = blocks("graphql"), blocks("json")
    assert {"data": await alice.data(query)} == json.loads(answer)


async def test_the_other_documents_fit_the_schema() -> None:
    schema = build_schema(print_schema())
    for document in blocks("gql"):
        assert validate(schema, parse(document), rules) == []
    for query in re.findall(r'"query": "(subscription [^"]*)"', README):
        assert validate(schema, parse(query)) == []


async def test_the_call_with_curl_signs_in(anonymous: Caller, example: None) -> None:
    [body] = [
        text for text in re.findall(r"-d '(.*?)'", README, flags=re.DOTALL) if "login" in text
    ]
    response = await anonymous.client.post("/graphql", json=json.loads(body))
    assert response.json()["data"]["login"]["accessToken"]


def test_every_setting_is_in_the_table_and_no_other() -> None:
    aliases = {"kubeconfig": "KUBECONFIG"}
    settings = {aliases.get(name, f"{PREFIX}{name.upper()}") for name in Settings.model_fields}
    rows = [line for line in README.splitlines() if line.startswith("| `KUBE")]
    named = {name for row in rows for name in re.findall(r"`(KUBE\w+)`", row.split("|")[1])}
    assert named == settings


def test_the_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!http)([^)]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_two_commands_are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in re.findall(r"^    make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{command}:", makefile, flags=re.MULTILINE), command
