"""`kubeportal audit`: the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import orjson
from tortoise.transactions import in_transaction

from models import AuditActor, AuditEvent, AuditKind, AuditOutcome, AuditSubject
from models.audit import allow_changes, make_append_only
from portal.cli.database import CommandError, find_user, is_terminal, run_on_database
from portal.cli.lists import Row, json_option, limit_option, pages_of, print_list
from portal.settings import Settings
from portal.web.app import utc_now
from resolvers import audit as events
from resolvers.audit import AuditEventFilter, record
from resolvers.pages import DateTimeOrder, Direction

OLDEST_FIRST = DateTimeOrder("happened_at")
COLUMNS = {
    "WHEN": "happenedAt",
    "KIND": "kind",
    "OUTCOME": "outcome",
    "ACTOR": "actor",
    "SUBJECT": "subject",
    "ADDRESS": "address",
}
DAY = click.DateTime(["%Y-%m-%d"])
TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])
FILTERS = (
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        type=click.Choice(AuditKind, case_sensitive=False),
        metavar="KIND",
        help="Only events of this kind, such as SIGN_IN. Repeatable.",
    ),
    click.option(
        "--outcome",
        type=click.Choice(AuditOutcome, case_sensitive=False),
        help="Only events with this outcome.",
    ),
    click.option(
        "--actor-type",
        type=click.Choice(AuditActor, case_sensitive=False),
        help="Only events of this kind of actor.",
    ),
    click.option("--actor", help="Only events whose actor is the user of this name."),
    click.option("--actor-id", type=int, help="The same by id, which finds deleted users too."),
    click.option("--subject", help="Only events whose subject is the user of this name."),
    click.option(
        "--subject-type",
        type=click.Choice(AuditSubject, case_sensitive=False),
        help="Only events with this type of subject.",
    ),
    click.option("--subject-id", type=int, help="With --subject-type: the id of the subject."),
    click.option(
        "--since", type=TIME, help="Only events at or after this time, in UTC by default."
    ),
    click.option("--until", type=TIME, help="Only events before this time, in UTC by default."),
)


def with_filters(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options of a filter."""
    for option in reversed(FILTERS):
        command = option(command)
    return command


@click.group()
def audit() -> None:
    """Read, export and prune the audit log."""


@audit.command("list")
@with_filters
@limit_option
@json_option
def audit_list(limit: int | None, as_json: bool, **filters: Any) -> None:
    """List events, the newest first."""
    _check(**filters)

    async def rows() -> AsyncIterator[Sequence[Row]]:
        query = events.search(await _criteria(**filters))
        async for page in pages_of(query, OLDEST_FIRST.directed(Direction.DESC), limit):
            yield [_row(event) for event in page]

    run_on_database(
        lambda settings: print_list(rows(), COLUMNS, utc_now(), as_json=as_json), read_only=True
    )


@audit.command("export")
@with_filters
def audit_export(**filters: Any) -> None:
    """Print events as lines of JSON, the oldest first."""
    _check(**filters)

    async def export(settings: Settings) -> None:
        query = events.search(await _criteria(**filters))
        async for page in pages_of(query, OLDEST_FIRST):
            for event in page:
                click.echo(orjson.dumps(_row(event)))

    run_on_database(export, read_only=True)


def _row(event: AuditEvent) -> dict[str, Any]:
    return {"databaseId": event.id, **events.as_json(event)}


def _check(
    *,
    actor: str | None,
    actor_id: int | None,
    subject: str | None,
    subject_type: AuditSubject | None,
    subject_id: int | None,
    **others: Any,
) -> None:
    """Raises UsageError for filters that contradict each other."""
    if actor is not None and actor_id is not None:
        raise click.UsageError("Give either --actor or --actor-id.")
    if subject is not None and (subject_type or subject_id is not None):
        raise click.UsageError("Give either --subject, or --subject-type and --subject-id.")
    if subject_id is not None and subject_type is None:
        raise click.UsageError("--subject-id needs --subject-type.")


async def _criteria(
    *,
    actor: str | None,
    actor_id: int | None,
    subject: str | None,
    subject_type: AuditSubject | None,
    subject_id: int | None,
    kinds: Sequence[AuditKind],
    since: datetime | None,
    until: datetime | None,
    **others: Any,
) -> AuditEventFilter:
    """Raises CommandError for the name of a user who does not exist."""
    if actor is not None:
        actor_id = (await find_user(actor)).id
    if subject is not None:
        subject_type, subject_id = AuditSubject.USER, (await find_user(subject)).id
    return AuditEventFilter(
        actor_id=actor_id,
        subject_type=subject_type,
        subject_id=subject_id,
        kinds=kinds or None,
        since=_in_utc(since),
        until=_in_utc(until),
        **others,
    )


def _in_utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time


@audit.command("prune")
@click.option(
    "--before", required=True, type=DAY, help="First day to keep, in UTC, such as 2026-01-31."
)
@click.option("--dry-run", is_flag=True, help="Print what would be deleted, without deleting it.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal.")
def audit_prune(before: datetime, dry_run: bool, yes: bool) -> None:
    """Delete old events. The deletion is an event itself."""
    day = before.replace(tzinfo=UTC)
    if day > utc_now():
        raise CommandError(f"--before: {day:%Y-%m-%d} is in the future.")
    if dry_run or (is_terminal() and not yes):
        summary = run_on_database(lambda settings: _summarize(day), read_only=True)
        if dry_run:
            click.echo(f"Dry run, nothing was changed. It would delete {summary}.")
            return
        click.confirm(f"Delete {summary}?", abort=True)
    count = run_on_database(lambda settings: prune_events(day))
    click.echo(f"deleted {count} events")


async def _summarize(before: datetime) -> str:
    old = events.search(AuditEventFilter(until=before))
    oldest = await old.order_by("happened_at").first()
    since = f", the oldest of {oldest.happened_at:%Y-%m-%d}" if oldest else ""
    return f"{await old.count()} events before {before:%Y-%m-%d}{since}"


async def prune_events(before: datetime) -> int:
    """Delete and count older events, and record that."""
    async with in_transaction() as connection:
        await allow_changes(connection)
        count = await events.search(AuditEventFilter(until=before)).delete()
        await make_append_only(connection)
        await record(
            AuditActor.OPERATOR, AuditKind.AUDIT_PRUNED, before=before.isoformat(), deleted=count
        )
    return count
