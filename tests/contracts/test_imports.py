from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ("administration", "audit", "contract", "groups", "serve", "sessions", "users")
IMPORTS = "\n".join(f"import portal.cli.{name}" for name in COMMANDS)
ROOT = Path(__file__).parents[2]
# What takes megabytes or tenths of a second to import, and is not needed to serve
NOT_FOR_SERVING = {
    "asyncpg",
    "authlib",
    "httpx2",
    "kubernetes.aio.client.api.core_v1_api",
    "kubernetes.aio.client.models.v1_pod",
    "portal.declared",
    "portal.legacy",
    "zxcvbn",
}
# What the server needs and the commands of users do not
FOR_SERVING = {
    "aiohttp",
    "anyio",
    "asyncio",
    "cluster",
    "graphql",
    "kubernetes",
    "models",
    "pydantic",
    "schema",
    "starlette",
    "tortoise",
}


def loaded_by(code: str, *arguments: str) -> set[str]:
    """The names of all modules that the code has imported."""
    program = f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", program, *arguments]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    return set(outcome.stderr.split())


def test_packages_import_as_designed() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout


def test_import_has_no_side_effects() -> None:
    """With an environment that would be refused, and without any warning."""
    command = [sys.executable, "-W", "error", "-c", IMPORTS]
    environment = {**os.environ, "KUBEPORTAL_DATABASE_URL": "nonsense", "KUBECONFIG": "/nowhere"}
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


def test_server_imports_only_what_it_needs() -> None:
    modules = loaded_by("import portal.cli.serve")
    assert {"portal.web.app", "kubernetes.aio.client.api_client"} <= modules
    assert modules & NOT_FOR_SERVING == set()


@pytest.mark.parametrize("arguments", [("--help",), ("credential", "--help")], ids=str)
def test_commands_of_users_do_not_import_the_server(arguments: tuple[str, ...]) -> None:
    modules = loaded_by("from portal.cli.main import main; main()", *arguments)
    assert "portal.cli.main" in modules
    assert modules & (FOR_SERVING | NOT_FOR_SERVING) == set()


def test_completion_of_commands_does_not_import_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_KUBEPORTAL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "kubeportal ")
    monkeypatch.setenv("COMP_CWORD", "1")
    code = "import sys\nsys.argv[0] = 'kubeportal'\nfrom portal.cli.main import main\n"
    modules = loaded_by(f"{code}try: main()\nexcept SystemExit as end: assert end.code == 0\n")
    assert "click.shell_completion" in modules
    assert modules & (FOR_SERVING | NOT_FOR_SERVING) == set()
