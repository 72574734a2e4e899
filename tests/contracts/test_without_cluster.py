"""A test run without a cluster says what it has left out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEST = "def test_one(testbed): ...\n\ndef test_other(testbed): ...\n"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder beside which there is no test cluster."""
    (tmp_path / "project" / "tests").mkdir(parents=True)
    (tmp_path / "project" / "tests" / "__init__.py").touch()
    shutil.copy(ROOT / "tests" / "testbed.py", tmp_path / "project" / "tests")
    (tmp_path / "project" / "test_it.py").write_text(TEST)
    return tmp_path / "project"


def run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "tests.testbed", "test_it.py"]
    environment = {"PATH": os.defpath, "HOME": str(folder), **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_end_of_the_run_says_how_many_tests_were_skipped(elsewhere: Path) -> None:
    outcome = run(elsewhere)
    assert outcome.returncode == 0
    assert (
        "2 tests need a Kubernetes API server and were skipped:"
        " set KUBEPORTAL_TEST_KUBECONFIG to the kubeconfig of one"
    ) in outcome.stdout


def test_where_a_cluster_is_required_its_absence_is_a_failure(elsewhere: Path) -> None:
    outcome = run(elsewhere, KUBEPORTAL_TEST_CLUSTER="required")
    assert outcome.returncode == 1
    assert "no Kubernetes API server: set KUBEPORTAL_TEST_KUBECONFIG" in outcome.stdout
