"""The CPU time and peak memory of a large import from the former portal, and of a repetition."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import click

from bench.report import Table, show_progress
from bench.servers import DATABASES, empty_database
from portal.legacy import run_import
from resolvers.changes import WriteOptions

HASH = "pbkdf2_sha256$150000$yNteGoLEF5rg$5B5k1+cGA8ip44Ng1EXg1YbJW61Kxay187YwD1aLaFA="
GROUPS = 50
SCHEMA = """
    CREATE TABLE kubeportal_kubernetesnamespace (id integer PRIMARY KEY, name, uid, visible);
    CREATE TABLE kubeportal_kubernetesserviceaccount
        (id integer PRIMARY KEY, name, uid, namespace_id);
    CREATE TABLE kubeportal_webapplication
        (id integer PRIMARY KEY, name, link_name, link_url, link_show);
    CREATE TABLE kubeportal_portalgroup
        (id integer PRIMARY KEY, name, can_admin, special_all_accounts, special_k8s_accounts);
    CREATE TABLE kubeportal_portalgroup_can_web_applications
        (id integer PRIMARY KEY, portalgroup_id, webapplication_id);
    CREATE TABLE kubeportal_user
        (id integer PRIMARY KEY, username, password, first_name, last_name, email, alt_mails,
         comments, is_superuser, is_staff, is_active, date_joined, last_login, state,
         answered_by_id, service_account_id);
    CREATE TABLE kubeportal_user_portal_groups
        (id integer PRIMARY KEY, user_id, portalgroup_id);
    CREATE INDEX members ON kubeportal_user_portal_groups (user_id);
"""

NOTE = "An import of {users:,} users into {database}."


@dataclass(frozen=True, slots=True)
class Cost:
    cpu_seconds: float
    peak_mebibytes: float


def measure_legacy(users: int, limit: Cost, database: str = "sqlite") -> Table:
    columns = ("import", "cost", "limit")
    table = Table("Import", NOTE.format(users=users, database=database), columns)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_source(folder / "former.sqlite3", users)
        with empty_database(database, folder) as url:
            for run in ("first", "second"):
                show_progress(f"{run} import")
                cost = measure(folder / "former.sqlite3", url)
                _add(table, f"{run}, CPU s", cost.cpu_seconds, limit.cpu_seconds)
                _add(table, f"{run}, peak MiB", cost.peak_mebibytes, limit.peak_mebibytes)
    return table


def _add(table: Table, name: str, value: float, limit: float) -> None:
    table.add_limited(name, f"{value:.1f}", value=value, limit=limit)


def make_source(file: Path, users: int) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(SCHEMA)
        for table, rows in tables(users).items():
            marks = ",".join("?" for _ in rows[0])
            connection.executemany(f"INSERT INTO kubeportal_{table} VALUES ({marks})", rows)  # noqa: S608
        connection.commit()


def tables(users: int) -> dict[str, list[tuple[object, ...]]]:
    numbers = range(1, users + 1)
    groups = range(1, GROUPS + 1)
    names: list[tuple[object, ...]] = [(n, f"team-{n}", "uid", True) for n in numbers]
    members = [(n, n % GROUPS + 1) for n in numbers] + [(n, n % 7 + 3) for n in numbers]
    return {
        "kubernetesnamespace": names,
        "kubernetesserviceaccount": [(n, "default", "uid", n) for n in numbers],
        "webapplication": [(n, f"App {n}", "App", f"https://a{n}.example.org/", 1) for n in groups],
        "portalgroup": [(n, f"Group {n}", n == 3, n == 1, n == 2) for n in groups],
        "portalgroup_can_web_applications": [(n, n, n) for n in groups],
        "user": list(people(users)),
        "user_portal_groups": [(key, *pair) for key, pair in enumerate(sorted(set(members)), 1)],
    }


def people(users: int) -> Iterator[tuple[object, ...]]:
    for number in range(1, users + 1):
        approved = number % 2 == 0
        yield (
            number,
            f"user{number}",
            HASH,
            "Given",
            "Family",
            f"user{number}@example.org",
            f"u{number}@alt.example.org",
            "a comment",
            number == 1,
            0,
            1,
            f"2020-01-01 00:{number // 60 % 60:02}:{number % 60:02}.{number:06}",
            None,
            "approved" if approved else "not requested",
            1 if approved else None,
            number if approved else None,
        )


def measure(source: Path, target: str) -> Cost:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(
        target=run, args=(source, target, sender)
    )
    process.start()
    sender.close()
    cost: Cost = receiver.recv()
    process.join()
    return cost


def run(source: Path, target: str, sender: Connection) -> None:
    cpu = time.process_time()
    options = WriteOptions(now=datetime.now(UTC), google=False)
    asyncio.run(run_import(target, str(source), options))
    sender.send(Cost(time.process_time() - cpu, peak_mebibytes()))


def peak_mebibytes() -> float:
    """Of this process. `getrusage` includes the process that has started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [kibibytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", status, flags=re.MULTILINE)
    return int(kibibytes) / 1024


@click.command(help=__doc__)
@click.option("--users", default=10_000, show_default=True)
@click.option("--database", type=click.Choice(DATABASES), default="sqlite", show_default=True)
@click.option("--seconds", default=20.0, show_default=True, help="Limit of the CPU time of a run.")
@click.option("--mebibytes", default=300.0, show_default=True, help="Limit of the memory of a run.")
def legacy(users: int, database: str, seconds: float, mebibytes: float) -> Iterator[Table]:
    yield measure_legacy(users, Cost(seconds, mebibytes), database)
