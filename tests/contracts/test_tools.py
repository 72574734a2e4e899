"""The tools of others judge the schema and the running server; `make tools` installs them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from anyio import fail_after, run_process

from tests.callers import Caller, People

pytestmark = pytest.mark.sockets

ROOT = Path(__file__).parents[2]
TOOLING = ROOT / "tests" / "tooling"
NODE = TOOLING / "node_modules" / ".bin"
PYTHON = TOOLING / ".venv" / "bin"
PATIENCE_SECONDS = 100
MYPY = Path(sys.executable).with_name("mypy")

with_node = pytest.mark.skipif(
    not (NODE.parent / ".installed").exists() or not shutil.which("node"),
    reason="no tools of npm: install Node.js and run `make tools`",
)
with_python = pytest.mark.skipif(
    not (PYTHON.parent / ".installed").exists(), reason="no client generator: run `make tools`"
)


@pytest.fixture
def database_kind() -> str:
    """What the tools see is the same on every kind."""
    return "sqlite"


@pytest.fixture
def address(anonymous: Caller, people: People) -> str:
    return str(anonymous.client.base_url).rstrip("/")


async def run(
    *command: str | Path, cwd: Path = TOOLING, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """While it runs, the server of this process answers."""
    environment = {**os.environ, "NO_COLOR": "1", **variables}
    with fail_after(PATIENCE_SECONDS):
        return await run_process(list(map(str, command)), cwd=cwd, env=environment, check=False)


async def output(*command: str | Path, cwd: Path = TOOLING, **variables: str) -> str:
    """What a successful command prints."""
    done = await run(*command, cwd=cwd, **variables)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout.decode()


@with_node
async def test_graphql_over_http_audits_pass(address: str) -> None:
    outcomes = json.loads(await output("node", "audits.mjs", f"{address}/graphql"))
    assert [outcome for outcome in outcomes if outcome["status"] != "ok"] == []
    assert len(outcomes) == 61


@with_node
async def test_schema_passes_schema_linter() -> None:
    await output(NODE / "graphql-schema-linter", ROOT / "schema.graphql")


@with_node
async def test_schema_passes_graphql_eslint() -> None:
    config = ("--config", TOOLING / "eslint.config.mjs")
    exceptions = ("--suppressions-location", TOOLING / "eslint-suppressions.json")
    await output(NODE / "eslint", *config, *exceptions, "schema.graphql", cwd=ROOT)


@with_node
async def test_the_linters_find_mistakes(tmp_path: Path) -> None:
    """So that silence means something."""
    sdl = (ROOT / "schema.graphql").read_text(encoding="utf-8")
    mistaken = re.sub(r"(?<=\n)type Query \{", "type Query {\n  get_zoo: String", sdl)
    (tmp_path / "schema.graphql").write_text(mistaken, encoding="utf-8")
    config = ("--config", TOOLING / "eslint.config.mjs")
    for command in ([NODE / "graphql-schema-linter"], [NODE / "eslint", *config]):
        found = await run(*command, "schema.graphql", cwd=tmp_path)
        assert found.returncode == 1
        assert b"get_zoo" in found.stdout


# The same program in both languages
REPORT: dict[str, Any] = {
    "errors": [
        {
            "code": "INVALID_CREDENTIALS",
            "message": "Unable to log in with provided credentials.",
            "field": None,
        }
    ],
    "viewer": {
        "username": "admin",
        "isAdmin": True,
        "accessState": "NEW",
        "groups": [
            {"name": "Everyone", "membership": "ALL_USERS"},
            {"name": "Operators", "membership": "MANUAL"},
        ],
    },
    "pages": [["Alice", "bob"], ["carol", "admin"]],
}


@with_node
async def test_typescript_client_compiles_and_works(address: str) -> None:
    version = (await output("node", "--version")).strip()
    if int(version.removeprefix("v").partition(".")[0]) < 20:
        pytest.skip(f"GraphQL Code Generator needs Node.js 20 or newer, here is {version}")
    generated = TOOLING / "typescript" / "generated"
    shutil.rmtree(generated, ignore_errors=True)
    await output(NODE / "graphql-codegen", "--config", "codegen.mjs", KUBEPORTAL_URL=address)
    await output(NODE / "tsc", "--project", "typescript")
    client = generated / "javascript" / "client.js"
    assert json.loads(await output("node", client, address, "admin", "correct horse")) == REPORT


@with_python
async def test_python_client_fits_its_types_and_works(address: str, tmp_path: Path) -> None:
    folder = shutil.copytree(TOOLING / "python-client", tmp_path / "client")
    config = folder / "ariadne-codegen.toml"
    config.write_text(config.read_text().replace("http://127.0.0.1:8000", address))
    await output(PYTHON / "ariadne-codegen", "--config", config, cwd=folder)
    types = ("--strict", "--python-executable", PYTHON / "python")
    await output(MYPY, *types, "client.py", cwd=folder)
    client = (PYTHON / "python", "client.py", f"{address}/graphql", "admin", "correct horse")
    assert json.loads(await output(*client, cwd=folder)) == REPORT


def test_package_lists_name_no_host() -> None:
    """The installing user chooses the index."""
    lock = json.loads((TOOLING / "package-lock.json").read_text(encoding="utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
