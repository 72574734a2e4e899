"""What the image holds and how it starts, without a Docker engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docker.utils import exclude_paths

from portal.web.playground import BUILT
from tests.live.processes import KUBEPORTAL, running

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def instructions(keyword: str) -> list[str]:
    return re.findall(rf"^{keyword} +(.*)$", DOCKERFILE, flags=re.MULTILINE)


def sent(folder: Path) -> list[str]:
    """The files of a folder that .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return [name for name in exclude_paths(folder, patterns) if (folder / name).is_file()]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as the image has it, next to the other packages of this environment."""
    folder = tmp_path_factory.mktemp("image")
    [(source, target)] = re.findall(r"^COPY --from=playground /src/(\S+) (\S+)$", DOCKERFILE, re.M)
    assert source == target
    for name in sent(ROOT):
        (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "src" / name)
    if (ROOT / source).exists():
        shutil.copytree(ROOT / source, folder / "src" / target)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*install, folder / "packages", folder / "src"], check=True)
    return folder / "packages"


@pytest.mark.parametrize(
    "name",
    [
        ".git/config",
        ".mypy_cache/3.13/portal/app.data.json",
        ".venv/bin/kubeportal",
        "build/lib/portal/app.py",
        "demo.sqlite3-lock",
        "kubeconfig",
        "kubeportal.egg-info/PKG-INFO",
        "kubeportal.secret",
        "kubeportal.sqlite3",
        "kubeportal.sqlite3-wal",
        "playground/node_modules/graphql/package.json",
        "portal/__pycache__/app.cpython-313.pyc",
        "portal/web/static/playground/index.html",
        "tests/conftest.py",
    ],
)
def test_other_files_are_not_sent(name: str, tmp_path: Path) -> None:
    for file in (name, "portal/app.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert sent(tmp_path) == ["portal/app.py"]


def test_everything_that_is_sent_is_known_to_git() -> None:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    assert set(sent(ROOT)) <= set(output.decode().split("\0"))


def test_image_serves_and_is_healthy(image: Path, tmp_path: Path) -> None:
    *command, _ = json.loads(instructions("CMD")[-1])
    assert command[:2] == ["kubeportal", "serve"]
    [database] = re.findall(r"KUBEPORTAL_DATABASE_URL=(\S+)", DOCKERFILE)
    assert database.startswith("sqlite:///data/")
    variables = {
        "KUBEPORTAL_DATABASE_URL": database.replace("/data/", f"{tmp_path}/"),
        "PYTHONPATH": str(image),
    }
    with running([KUBEPORTAL, "serve"], folder=tmp_path, **variables) as address:
        [check] = re.findall(r"CMD (\[.*urllib.*\])", DOCKERFILE)
        _, *arguments = json.loads(check.replace("http://127.0.0.1:8000", address))
        assert subprocess.run([sys.executable, *arguments]).returncode == 0
    assert subprocess.run([sys.executable, *arguments], capture_output=True).returncode == 1


def test_image_holds_all_files(image: Path, tmp_path: Path) -> None:
    def output(*arguments: str) -> str:
        variables = {**os.environ, "PYTHONPATH": str(image)}
        command = [KUBEPORTAL, *arguments]
        return subprocess.check_output(command, cwd=tmp_path, env=variables, text=True)

    assert output("schema", "print") == (ROOT / "schema.graphql").read_text(encoding="utf-8")
    assert "/users/{id}/" in json.loads(output("openapi", "print"))["paths"]


@pytest.mark.skipif(not BUILT.exists(), reason="no playground: run make playground")
def test_the_image_holds_the_playground(image: Path) -> None:
    copy = image / BUILT.relative_to(ROOT)
    assert {path.name for path in copy.rglob("*")} == {path.name for path in BUILT.rglob("*")}


def test_the_image_does_not_run_as_root() -> None:
    [user] = instructions("USER")
    assert int(user) >= 10000
