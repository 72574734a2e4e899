"""The steps of CONTRIBUTING.md lead to a working portal."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

ROOT = Path(__file__).parents[2]
PACKAGES = ("auth", "cluster", "models", "portal", "resolvers", "rest_compat", "schema")
STEP = re.compile(
    r"In\s+`([^`]+)`, (?:before the line\s+`([^`\n]+)`|at the end):\n\n"
    r" *```\w+\n(.*?)\n *```",
    re.DOTALL,
)
RESULT = """
from portal.web.app import build_contract
contract = build_contract()
print(contract.schema.as_str())
for operation in contract.operations:
    print(*(route.path.openapi for route in operation.routes))
"""


def follow(step: tuple[str, str, str], folder: Path) -> None:
    file, line, code = step
    path, code = folder / file, dedent(code)
    text = path.read_text(encoding="utf-8")
    if not line:
        path.write_text(f"{text}\n{code}\n", encoding="utf-8")
        return
    [margin] = re.findall(rf"^( *){re.escape(line)}$", text, flags=re.MULTILINE)
    inserted = indent(code, margin) + ("\n\n" if code.startswith("@") else "\n")
    path.write_text(text.replace(f"{margin}{line}\n", f"{inserted}{margin}{line}\n"))


def test_the_steps_add_a_field_a_route_and_a_permission(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("static"))
    steps = STEP.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(steps) == 6
    for step in steps:
        follow(step, tmp_path)
    result = subprocess.run(
        [sys.executable, "-c", RESULT],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "displayName: String!" in result.stdout
    assert "contact: String @guard(permission: SEE_CONTACTS)" in result.stdout
    assert "/groups/{id}/webapps/" in result.stdout
