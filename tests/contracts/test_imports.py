from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

IMPORTS = "import portal.cli.administration, portal.cli.contract, portal.cli.serve"
ROOT = Path(__file__).parents[2]


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
