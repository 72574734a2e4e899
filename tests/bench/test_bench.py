"""The benchmarks run. Their numbers are not tested."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from math import inf
from pathlib import Path

import click
import pytest

from bench.cpu import Effort, measure_cpu
from bench.facts import measure_facts
from bench.limits import DOCUMENTS, measure_limits
from bench.processes import measure_processes
from bench.report import Table, publish
from bench.rows import rows_for
from bench.servers import Server, Stage, stage
from bench.subscribers import TRANSPORTS, measure_subscribers


@pytest.fixture(scope="module")
def its() -> Iterator[Stage]:
    with stage("sqlite") as its:
        yield its


@pytest.fixture(scope="module")
def portal(its: Stage) -> Iterator[Server]:
    with its.portal(KUBEPORTAL_FACTS_INTERVAL="1s") as portal:
        yield portal


def test_reference_answers_like_the_portal(its: Stage, portal: Server) -> None:
    with its.reference() as reference:
        table = measure_cpu(its, portal, reference, Effort(rounds=1, requests=2))
    assert [cells[0] for cells in table.rows] == [row.name for row in rows_for(its.sample)]


def test_subscribers_get_a_change(its: Stage, portal: Server) -> None:
    table = measure_subscribers(its, portal, count=2, rounds=1)
    assert [cells[0] for cells in table.rows] == list(TRANSPORTS)


def test_commands_run(its: Stage, portal: Server) -> None:
    table = measure_processes(its, portal, (1.0, 1.0), rounds=1, requests=20)
    assert [cells[0] for cells in table.rows][-2:] == ["kubeportal --help", "kubeportal credential"]


def test_facts_are_observed() -> None:
    assert len(measure_facts(rounds=1, limit=inf).rows) == 2


def test_expensive_documents_are_executed() -> None:
    table = asyncio.run(measure_limits(size=2, rounds=1, limit=inf, hostile_limit=inf))
    assert [cells[0] for cells in table.rows][: len(DOCUMENTS)] == list(DOCUMENTS)


def test_results_are_written_even_above_a_limit(tmp_path: Path) -> None:
    table = Table("Costs", "In seconds.", ("what", "cost", "limit"))
    table.add_limited("fast", "1", value=1, limit=2)
    table.add_limited("slow", "3", value=3, limit=2)
    with pytest.raises(click.ClickException, match=r"Costs: slow$"):
        publish([table], tmp_path / "results.md")
    assert "| slow |    3 |   ≤ 2 |" in (tmp_path / "results.md").read_text()
