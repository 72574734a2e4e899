"""`make run` works without the playground, which is optional."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_playground_that_npm_cannot_build_is_left_out_with_the_reason(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(
        ROOT / "playground", tmp_path / "playground", ignore=lambda *_: ["node_modules"]
    )
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho 'the registry can not be reached' >&2\nexit 1\n")
    npm.chmod(0o755)
    result = subprocess.run(
        ["make", "optional-playground"],
        cwd=tmp_path,
        env={"PATH": f"{npm.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "the registry can not be reached" in result.stderr
    assert "works without it" in result.stdout
