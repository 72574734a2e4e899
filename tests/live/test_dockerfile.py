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

from tests.live.processes import running

ROOT = Path(__file__).parents[2]
INSTALLED = "/opt/kubeportal"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def instructions(keyword: str) -> list[str]:
    return re.findall(rf"^{keyword} +(.*)$", DOCKERFILE, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs that the build stage installs, from the files that git knows."""
    folder = tmp_path_factory.mktemp("image")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    for name in output.decode().rstrip("\0").split("\0"):
        if (ROOT / name).exists():
            (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "src" / name)
    for step in instructions("RUN"):
        if INSTALLED in step:
            command = step.replace(INSTALLED, str(folder / "installed")).split()
            command[0] = {"python": sys.executable}.get(command[0], command[0])
            subprocess.run(command, cwd=folder / "src", check=True, capture_output=True)
    return folder / "installed" / "bin"


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


def test_the_image_does_not_run_as_root() -> None:
    [user] = instructions("USER")
    assert int(user) >= 10000
