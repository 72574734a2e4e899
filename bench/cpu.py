"""The CPU time of a request, next to that of a hand-written handler with the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import click

from bench.client import Client, get, post
from bench.report import Table, show_progress
from bench.sample import PASSWORD, Caller, Sample
from bench.servers import DATABASES, Server, Stage, stage

API = "/api/v1.4.0"
OWN_USER = """query OwnUser {
  viewer {
    firstName lastName username primaryEmail allEmails isAdmin
    serviceAccount { qualifiedName namespace token { value } }
  }
}
"""
USERS = """query Users {
  admin { users(first: 100) { edges { node { groups { name } webapps { linkName } } } } }
}
"""
DOCUMENT_ID = "own-user"
NOTE = (
    "CPU time of the server process (user and system) in milliseconds per request, portal and"
    " reference in turns, over {connections} connections that stay open; the minimum of {rounds}"
    " turns of {requests} requests. The reference (`bench/reference.py`) has the same server, the"
    " same options and the same database."
)


@dataclass(frozen=True, slots=True)
class Row:
    """What is sent to both, and the target for the ratio.

    has_same_answer: whether both have to answer the same.
    share: the part of the requests of a turn that is sent, for those that take long.
    """

    name: str
    portal: bytes
    reference: bytes | None = None
    target: float | None = None
    has_same_answer: bool = False
    share: float = 1


def rows_for(sample: Sample) -> list[Row]:
    """In the order of the table."""
    member, admin = sample.member, sample.admin
    return [*_rest_rows(sample, member), *_graphql_rows(member, admin), *_login_rows(member)]


def _rest_rows(sample: Sample, member: Caller) -> list[Row]:
    user, token = f"/users/{member.id}", member.token
    group, webapp = f"/groups/{sample.group_id}", f"/webapps/{sample.webapp_id}"

    def row(name: str, path: str, reference: str, target: float) -> Row:
        return Row(
            name, get(f"{API}{path}/", token), get(reference, token), target, has_same_answer=True
        )

    return [
        row("REST own user", user, user, 1.6),
        row("REST own groups", f"{user}/groups", f"{user}/groups", 1.6),
        row("REST own web apps", f"{user}/webapps", f"{user}/webapps", 1.6),
        row("REST group", group, group, 1.6),
        row("REST web app", webapp, webapp, 1.6),
        row("REST cluster fact", "/cluster/k8s_version", "/version", 1.3),
        Row("REST bootstrap", get("/api/"), get("/bootstrap"), 2),
    ]


def _graphql_rows(member: Caller, admin: Caller) -> list[Row]:
    reference = get(f"/users/{member.id}", member.token)
    # A trusted document is recognised by its text as well: this one differs
    text = {"query": f"{OWN_USER}\n"}
    by_id = {"documentId": DOCUMENT_ID}
    return [
        Row("GraphQL own user, text", post("/graphql", text, member.token), reference, 2.3),
        Row("GraphQL own user, documentId", post("/graphql", by_id, member.token), reference, 1.8),
        Row(
            "GraphQL 100 users, groups, web apps",
            post("/graphql", {"query": USERS}, admin.token),
            share=0.1,
        ),
    ]


def _login_rows(member: Caller) -> list[Row]:
    credentials = {"username": member.username, "password": PASSWORD}
    query = """mutation ($username: String!, $password: String!) {
      login(input: {username: $username, password: $password}) { accessToken errors { message } }
    }"""
    body = {"query": query, "variables": credentials}
    return [
        Row("REST login", post(f"{API}/login/", credentials), share=0.1),
        Row("GraphQL login", post("/graphql", body), share=0.1),
    ]


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each row is measured."""

    rounds: int
    requests: int
    connections: int = 2


@dataclass(slots=True)
class Meter:
    """One server and the clients of its turns."""

    server: Server
    client: Client
    milliseconds: float = inf

    def measure(self, request: bytes, count: int) -> None:
        """Keeps the minimum."""
        before = self.server.cpu
        sent = self.client.send(request, count)
        self.milliseconds = min(self.milliseconds, 1000 * (self.server.cpu - before) / sent)


def measure_row(row: Row, portal: Server, reference: Server, effort: Effort) -> Sequence[str]:
    """The cells of the table."""
    count = max(1, round(effort.requests * row.share))
    ours = Meter(portal, Client(portal.port, connections=effort.connections))
    theirs = Meter(reference, Client(reference.port, connections=effort.connections))
    with ours.client, theirs.client:
        check(row, ours.client, theirs.client)
        for _ in range(effort.rounds):
            ours.measure(row.portal, count)
            if row.reference:
                theirs.measure(row.reference, count)
    if row.reference is None:
        return row.name, f"{ours.milliseconds:.3f}", "", "", ""
    ratio = ours.milliseconds / theirs.milliseconds
    limit = f"≤ {row.target}" if row.target else ""
    return row.name, f"{ours.milliseconds:.3f}", f"{theirs.milliseconds:.3f}", f"{ratio:.2f}", limit


def check(row: Row, portal: Client, reference: Client) -> None:
    """Raises ClickException for answers that are not comparable."""
    answer = portal.json(row.portal)
    if isinstance(answer, dict) and answer.get("errors"):
        raise click.ClickException(f"{row.name}: {answer}")
    expected = reference.json(row.reference) if row.reference else None
    if row.has_same_answer and answer != expected:
        raise click.ClickException(f"{row.name}: {answer} instead of {expected}")


def measure_database(database: str, only: str, effort: Effort) -> Table:
    note = NOTE.format(**{name: getattr(effort, name) for name in effort.__slots__})
    columns = ("request", "portal", "reference", "ratio", "target")
    table = Table(f"CPU time of requests, {database}", columns, note)
    with stage(database) as its, its.portal(documents(its)) as portal, its.reference() as other:
        for row in rows_for(its.sample):
            if only.lower() in row.name.lower():
                show_progress(f"{database}: {row.name}")
                table.rows.append(measure_row(row, portal, other, effort))
    return table


def documents(its: Stage) -> dict[str, str]:
    """The setting of a folder with the trusted document."""
    folder: Path = its.folder / "documents"
    folder.mkdir()
    (folder / f"{DOCUMENT_ID}.graphql").write_text(OWN_USER, encoding="utf-8")
    return {"KUBEPORTAL_GRAPHQL_DOCUMENTS_PATH": str(folder)}


@click.command(help=__doc__)
@click.option(
    "--database",
    "databases",
    type=click.Choice(DATABASES),
    multiple=True,
    default=DATABASES,
    show_default=True,
)
@click.option("--only", default="", help="A part of the names of the rows to measure.")
@click.option("--rounds", default=10, show_default=True)
@click.option("--requests", default=100, show_default=True, help="Requests in a turn.")
def cpu(databases: Sequence[str], only: str, rounds: int, requests: int) -> None:
    for database in databases:
        click.echo(f"\n{measure_database(database, only, Effort(rounds, requests))}")
