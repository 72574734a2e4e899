"""The page about security promises nothing that no test holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "security.md"
ROW = re.compile(r"^\| (\d+(?:, \d+)*) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/.]+)::(\w+)`")
REQUIREMENTS = range(1, 41)


def rows() -> dict[int, str]:
    """What is said about each requirement."""
    found: dict[int, str] = {}
    for numbers, text in ROW.findall(PAGE.read_text()):
        for number in map(int, numbers.split(", ")):
            assert number not in found, number
            found[number] = text
    return found


def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_each_requirement_is_promised_or_does_not_apply() -> None:
    said = rows()
    assert sorted(said) == list(REQUIREMENTS)
    without_test = {number for number, text in said.items() if not TEST.search(text)}
    assert without_test == {13, 14}


def test_each_promise_names_tests_that_exist() -> None:
    named = TEST.findall(PAGE.read_text())
    assert len(named) > len(REQUIREMENTS)
    missing = [f"{path}::{name}" for path, name in named if name not in functions(path)]
    assert missing == []


def test_a_test_that_bears_a_number_is_about_that_requirement() -> None:
    wrong = [
        name
        for number, text in rows().items()
        for _, name in TEST.findall(text)
        if (borne := re.match(r"test_sr(\d+)_", name)) and int(borne[1]) != number
    ]
    assert wrong == []
