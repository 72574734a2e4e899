"""Every promise in docs/security.md names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
PROMISE = re.compile(r"^\| (\d+) \| ([^|]+) \|([^|]*)\|$", re.MULTILINE)
NOT_APPLICABLE = re.compile(r"^\| (\d+(?:, \d+)+) \| [^|]+ \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/.]+)::(\w+)`")
NUMBERED = re.compile(r"test_sr(\d+)_")

PROMISES = {int(number): TEST.findall(tests) for number, _, tests in PROMISE.findall(PAGE)}


def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_numbers_are_complete() -> None:
    not_applicable = [
        int(number) for row in NOT_APPLICABLE.findall(PAGE) for number in row.split(", ")
    ]
    numbers = sorted([*PROMISES, *not_applicable])
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 40


@pytest.mark.parametrize("number", PROMISES)
def test_promise_names_existing_tests(number: int) -> None:
    tests = PROMISES[number]
    assert tests, f"promise {number} names no test"
    missing = [f"{path}::{name}" for path, name in tests if name not in functions(path)]
    assert missing == []


@pytest.mark.parametrize("number", PROMISES)
def test_numbered_tests_are_in_their_row(number: int) -> None:
    numbered = (NUMBERED.match(name) for _, name in PROMISES[number])
    assert {int(match[1]) for match in numbered if match} <= {number}
