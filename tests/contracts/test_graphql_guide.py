"""What docs/graphql.md shows is what happens."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from strawberry.utils.str_converters import to_camel_case

from auth.passwords import Passwords
from cluster.cluster import Clusters
from models import Database
from resolvers.pages import MAXIMUM_PAGE
from schema.limits import SUBJECTS, Limits
from tests.callers import Caller
from tests.contracts.guide import Example, examples, exchanges, fits, message
from tests.declaring import apply_file
from tests.live.processes import kubeportal
from tests.sockets import opened
from tests.stand_in import StandIn, clusters_of

pytestmark = pytest.mark.sockets

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "graphql.md"
TOKEN = "$TOKEN"


@pytest.fixture
def database_kind() -> str:
    """What clients see is the same on every kind."""
    return "sqlite"


@pytest.fixture
def clusters() -> Clusters:
    return clusters_of(StandIn())


@pytest.fixture
async def reader(anonymous: Caller, database: Database) -> Caller:
    """A reader who tries one example after the other."""
    await apply_file(ROOT / "deploy" / "example" / "portal.yaml", Passwords(), dry_run=False)
    return anonymous


async def test_every_example_has_the_shown_response(reader: Caller) -> None:
    number = 0
    for asked, answered in exchanges(PAGE):
        number += 1
        if answered is None:
            await converse(reader, asked)
        elif asked.language == "graphql":
            await ask(reader, asked, answered)
        else:
            await send(reader, asked, answered)
    assert number > 10


async def ask(reader: Caller, asked: Example, answered: Example) -> None:
    """A document without a caller is sent by the user who signed in last."""
    answer = await reader.graphql(asked.text)
    check(answered, answered.text, answer)
    token = ((answer.get("data") or {}).get("login") or {}).get("accessToken")
    if token:
        reader.headers["Authorization"] = f"Bearer {token}"


async def send(reader: Caller, asked: Example, answered: Example) -> None:
    request, expected = message(asked.text), message(answered.text)
    method, address, _ = request.start.split()
    stream = reader.client.stream(
        method,
        address,
        headers={name: signed(reader, value) for name, value in request.headers.items()},
        content=request.body,
    )
    async with stream as response:
        status = f"HTTP/1.1 {response.status_code} {response.reason_phrase}"
        headers = {name: response.headers[name] for name in expected.headers}
        assert (status, headers) == (expected.start, expected.headers), answered.line
        if response.headers["content-type"].startswith("text/event-stream"):
            lines = response.aiter_lines()
            for line in expected.body.splitlines():
                assert await anext(lines) == line, answered.line
        else:
            check(answered, expected.body, json.loads(await response.aread()))


async def converse(reader: Caller, conversation: Example) -> None:
    """Lines with > are sent, lines with < come back."""
    async with opened(reader) as socket, asyncio.timeout(30):
        for line in conversation.text.splitlines():
            direction, text = line.split(" ", 1)
            shown = json.loads(signed(reader, text))
            if direction == ">":
                await socket.send(**shown)
            else:
                assert fits(shown, await socket.receive()), f"{PAGE.name}:{conversation.line}"


def check(answered: Example, text: str, answer: dict[str, Any]) -> None:
    """`extensions`, which come with every answer, are shown where they are the subject."""
    shown = json.loads(text)
    told = {name: value for name, value in answer.items() if name in shown or name != "extensions"}
    assert fits(shown, told), f"{PAGE.name}:{answered.line}: {json.dumps(answer)}"


def signed(reader: Caller, text: str) -> str:
    bearer = reader.headers.get("Authorization", "")
    return text.replace(f"Bearer {TOKEN}", bearer)


def test_the_limits_are_those_of_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE)
    limits = {to_camel_case(name): value for name, value in asdict(Limits()).items()}
    assert {name: int(maximum) for name, maximum in rows} == {
        name: value for name, value in limits.items() if name in SUBJECTS
    }
    assert f"an operation {Limits().time.seconds} seconds" in page
    assert f"a page up to {MAXIMUM_PAGE} items" in page


def test_the_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", PAGE.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (PAGE.parent / target).exists()] == []


@pytest.mark.parametrize(
    ("language", "file"), [("js", "codegen.mjs"), ("toml", "python-client/ariadne-codegen.toml")]
)
def test_generator_configuration_is_tested(language: str, file: str) -> None:
    shown = [example.text for example in examples(PAGE) if example.language == language]
    assert shown == [(ROOT / "tests" / "tooling" / file).read_text(encoding="utf-8")]


def test_command_checks_schema_and_documents(tmp_path: Path) -> None:
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    shutil.copytree(ROOT / "tests" / "tooling" / "python-client", tmp_path / "src")
    [shown] = [example.text for example in examples(PAGE) if example.language == "sh"]
    _, *arguments = shlex.split(shown)
    outcome = kubeportal(*arguments, folder=tmp_path)
    assert (outcome.returncode, outcome.stderr) == (0, "")
