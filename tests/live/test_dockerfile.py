"""No Docker engine is needed to see that the image would work: its own steps run right here."""

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

from tests.live.processes import running

ROOT = Path(__file__).parents[2]
INSTALLED = "/opt/kubeportal"
NPM = shutil.which("npm")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def instructions(keyword: str) -> list[str]:
    return re.findall(rf"^{keyword} +(.*)$", DOCKERFILE, flags=re.MULTILINE)


def build_steps() -> list[tuple[str, str]]:
    """The commands of the stages before the last, each with its folder within the sources."""
    *stages, _ = re.split(r"^FROM .*$", DOCKERFILE, flags=re.MULTILINE)[1:]
    steps = []
    for stage in stages:
        [folder] = re.findall(r"^WORKDIR /src/?(.*)$", stage, flags=re.MULTILINE)
        commands = re.findall(r"^RUN +(.*)$", stage, flags=re.MULTILINE)
        steps += [(folder, command) for command in commands]
    return steps


def sent(folder: Path) -> list[str]:
    """The files of a folder that .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return [name for name in exclude_paths(folder, patterns) if (folder / name).is_file()]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is sent to Docker; after `image`, with what the stages have built among them."""
    folder = tmp_path_factory.mktemp("image") / "src"
    for name in sent(ROOT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def image(sources: Path) -> Path:
    """The programs that the stages install."""
    installed = sources.parent / "installed"
    for folder, step in build_steps():
        program, *arguments = step.replace(INSTALLED, str(installed)).split()
        command = [{"python": sys.executable}.get(program, program), *arguments]
        if program != "npm" or NPM:
            subprocess.run(command, cwd=sources / folder, check=True, capture_output=True)
    return installed / "bin"


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
def test_what_else_lies_around_is_not_sent(name: str, tmp_path: Path) -> None:
    for file in (name, "portal/app.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert sent(tmp_path) == ["portal/app.py"]


def test_everything_that_is_sent_is_known_to_git() -> None:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    assert set(sent(ROOT)) <= set(output.decode().split("\0"))


def test_a_build_leaves_nothing_behind_that_a_later_one_would_pack(
    image: Path, sources: Path
) -> None:
    left = {path.relative_to(sources).parts[0] for path in sources.rglob("*")}
    assert left == {Path(name).parts[0] for name in sent(ROOT)}


def test_the_image_serves_and_its_health_check_says_so(image: Path, tmp_path: Path) -> None:
    *command, _ = json.loads(instructions("CMD")[-1])
    assert command[:2] == ["kubeportal", "serve"]
    [database] = re.findall(r"KUBEPORTAL_DATABASE_URL=(\S+)", DOCKERFILE)
    assert database.startswith("sqlite:///data/")
    url = database.replace("/data/", f"{tmp_path}/")
    program = str(image / "kubeportal")
    with running([program, "serve"], folder=tmp_path, KUBEPORTAL_DATABASE_URL=url) as address:
        [check] = re.findall(r"CMD (\[.*urllib.*\])", DOCKERFILE)
        _, *arguments = json.loads(check.replace("http://127.0.0.1:8000", address))
        healthy = subprocess.run([str(image / "python"), *arguments], env={"PATH": os.defpath})
        assert healthy.returncode == 0
    unhealthy = subprocess.run(
        [str(image / "python"), *arguments], env={"PATH": os.defpath}, capture_output=True
    )
    assert unhealthy.returncode == 1


def test_the_image_holds_everything_that_the_commands_read(image: Path, tmp_path: Path) -> None:
    program = str(image / "kubeportal")
    schema = subprocess.run([program, "schema", "print"], cwd=tmp_path, capture_output=True)
    assert schema.stdout.decode() == (ROOT / "schema.graphql").read_text(encoding="utf-8")
    openapi = subprocess.run([program, "openapi", "print"], cwd=tmp_path, capture_output=True)
    assert "/users/{id}/" in json.loads(openapi.stdout)["paths"]


@pytest.mark.skipif(NPM is None, reason="no npm to build the playground with")
def test_the_image_holds_the_playground(image: Path, sources: Path, tmp_path: Path) -> None:
    [(source, target)] = re.findall(r"^COPY --from=playground /src/(\S+) (\S+)$", DOCKERFILE, re.M)
    built = {path.name for path in (sources / source).rglob("*")}
    script = "from portal.playground import BUILT; print(*(path.name for path in BUILT.rglob('*')))"
    command = [str(image / "python"), "-c", script]
    installed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert source == target
    assert "index.html" in built
    assert set(installed.stdout.split()) == built


def test_the_image_does_not_run_as_root() -> None:
    [user] = instructions("USER")
    assert int(user) >= 10000
