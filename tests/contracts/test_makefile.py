"""What `make` does to the files of a working copy."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ["demo.sqlite3", "demo.sqlite3-lock", "demo.sqlite3-wal", "demo.secret"]
PORTAL = ["kubeportal.sqlite3", "kubeportal.sqlite3-lock", "kubeportal.secret", "portal.yaml"]


def test_clean_takes_the_demo_away_and_leaves_a_portal_alone(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in (*DEMO, *PORTAL):
        (tmp_path / name).touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, capture_output=True, check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"Makefile", *PORTAL}


@pytest.mark.parametrize("name", DEMO)
def test_git_does_not_see_the_demo(name: str) -> None:
    subprocess.run(["git", "check-ignore", name], cwd=ROOT, capture_output=True, check=True)


def test_the_demo_is_served_and_allowed_on_the_port_of_choice() -> None:
    shown = subprocess.run(
        ["make", "--dry-run", "run", "PORT=8123"], cwd=ROOT, capture_output=True, check=True
    )
    assert b"serve --port 8123" in shown.stdout
