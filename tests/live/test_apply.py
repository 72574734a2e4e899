"""`kubeportal apply` as operators run it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.live.processes import kubeportal

pytestmark = pytest.mark.database

ROOT = "users: [{username: root, superuser: true, password: one fine day}]"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "portal.yaml"
    file.write_text(ROOT)
    return file


def test_a_dry_run_leaves_no_trace(file: Path, tmp_path: Path) -> None:
    outcome = kubeportal("apply", "-f", str(file), "--dry-run", folder=tmp_path)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert "+ user root" in outcome.stdout
    assert "Dry run, nothing was changed" in outcome.stdout
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("text", [None, "users: 1", "users: [{username: a, b: c}]"])
def test_invalid_file_creates_no_database(file: Path, tmp_path: Path, text: str | None) -> None:
    file.write_text(text or "")
    if text is None:
        file.unlink()
    before = list(tmp_path.iterdir())
    for options in ([], ["--dry-run"]):
        outcome = kubeportal("apply", "-f", str(file), *options, folder=tmp_path)
        assert outcome.returncode == 1
        assert "portal.yaml:" in outcome.stderr
    assert list(tmp_path.iterdir()) == before


def test_each_mistake_of_a_file_is_a_line(file: Path, tmp_path: Path) -> None:
    file.write_text("users:\n- {username: a, b: c}\n- {username: d, active: 1}\n")
    outcome = kubeportal("apply", "-f", str(file), folder=tmp_path)
    assert (outcome.returncode, outcome.stdout) == (1, "")
    first, second = outcome.stderr.splitlines()
    assert first.startswith(f"kubeportal: {file}:2: users[0].b: ")
    assert second.startswith(f"kubeportal: {file}:3: users[1].active: ")


def test_dry_run_leaves_outdated_database_alone(file: Path, tmp_path: Path) -> None:
    kubeportal("migrate", folder=tmp_path)
    with closing(sqlite3.connect(tmp_path / "kubeportal.sqlite3")) as connection:
        connection.execute("UPDATE tortoise_migrations SET name = 'old_' || name")
        connection.commit()
    outcome = kubeportal("apply", "-f", str(file), "--dry-run", folder=tmp_path)
    assert outcome.returncode == 1
    assert "run `kubeportal migrate` first" in outcome.stderr


def test_missing_administrator_is_reported(file: Path, tmp_path: Path) -> None:
    file.write_text("users: [{username: bob, password: one fine day}]")
    without = kubeportal("apply", "-f", str(file), folder=tmp_path)
    assert without.returncode == 0
    assert "kubeportal user create" in without.stderr
    file.write_text(ROOT)
    told = kubeportal("apply", "-f", str(file), folder=tmp_path).stderr
    assert "kubeportal user create" not in told


def test_last_administrator_is_kept(file: Path, tmp_path: Path) -> None:
    kubeportal("apply", "-f", str(file), folder=tmp_path)
    file.write_text("users: [{username: root, active: false}]")
    refused = kubeportal("apply", "-f", str(file), folder=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "without an administrator" in refused.stderr
    file.write_text("users: [{username: root, active: true}]")
    again = kubeportal("apply", "-f", str(file), folder=tmp_path)
    assert again.stdout == "Nothing to change.\n"


def test_audit_events_go_to_stderr(file: Path, tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    for arguments in (
        ("apply", "-f", str(file)),
        ("user", "create", "bob", "--password-stdin"),
        ("audit", "prune", "--before", "2026-01-31"),
    ):
        outcome = kubeportal(*arguments, folder=tmp_path, stdin="one fine day")
        assert outcome.returncode == 0, outcome.stderr
        assert "kubeportal.audit" not in outcome.stdout
        for line in outcome.stderr.splitlines():
            event = json.loads(line.partition(" kubeportal.audit ")[2])
            told.append((event["kind"], event["subject"]["name"] if event["subject"] else ""))
    assert told == [
        ("USER_CREATED", "root"),
        ("DECLARATION_APPLIED", ""),
        ("USER_CREATED", "bob"),
        ("AUDIT_PRUNED", ""),
    ]
