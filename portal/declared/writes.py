"""Carries out planned changes. Statements are for many rows at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tortoise.expressions import F
from tortoise.models import Model

from models import Group, ServiceAccount, Session, User, WebApp
from portal.declared.changes import Added, Change, Changed, Linked, Unlinked
from portal.declared.state import among, batches

UPDATE_BATCH = 500

IDENTITIES: dict[type[Model], tuple[str, ...]] = {
    Group: ("name",),
    WebApp: ("name",),
    ServiceAccount: ("namespace", "name", "cluster"),
    User: ("username_key",),
}


async def write(changes: Sequence[Change]) -> None:
    """Within a transaction of the caller."""
    added = [change for change in changes if isinstance(change, Added)]
    changed = [change for change in changes if isinstance(change, Changed)]
    for model in IDENTITIES:
        await _add(model, [change for change in added if isinstance(change.row, model)])
    await _change(changed)
    await _remove(change.row for change in changes if isinstance(change, Unlinked))
    await _link(change for change in changes if isinstance(change, Linked))
    await _sign_out(change.signed_out.id for change in changed if change.signed_out)


async def _add(model: type[Model], changes: Sequence[Added]) -> None:
    """The rows get their keys from the database, which tells them only on asking."""
    if not changes:
        return
    for change in changes:
        _assign(change)
    rows = [change.row for change in changes]
    await model.bulk_create(rows)
    identity = IDENTITIES[model]
    stored = await among(model.all(), identity[0], {getattr(row, identity[0]) for row in rows})
    keys = {_identity(row, identity): row.pk for row in stored}
    for row in rows:
        row.pk = keys[_identity(row, identity)]


def _identity(row: Model, fields: Iterable[str]) -> tuple[Any, ...]:
    return tuple(getattr(row, field) for field in fields)


def _assign(change: Added | Changed) -> list[str]:
    """Returns the names of the columns. New service accounts have their keys by now."""
    columns = []
    for name, value in change.values.items():
        if name == "service_account":
            name, value = "service_account_id", value and value.id
        setattr(change.row, name, value)
        columns.append(name)
    return columns


async def _change(changes: Iterable[Changed]) -> None:
    rows: defaultdict[tuple[type[Model], tuple[str, ...]], list[Model]] = defaultdict(list)
    for change in changes:
        rows[type(change.row), tuple(_assign(change))].append(change.row)
    for (model, columns), some in rows.items():
        await model.bulk_update(some, columns, batch_size=UPDATE_BATCH)
        for batch in batches([row.pk for row in some]):
            await model.filter(pk__in=batch).update(version=F("version") + 1)


async def _remove(rows: Iterable[Model]) -> None:
    keys: defaultdict[type[Model], list[int]] = defaultdict(list)
    for row in rows:
        keys[type(row)].append(row.pk)
    for model, some in keys.items():
        for batch in batches(some):
            await model.filter(pk__in=batch).delete()


async def _link(changes: Iterable[Linked]) -> None:
    rows: defaultdict[type[Model], list[Model]] = defaultdict(list)
    for change in changes:
        row = change.build(change.name)
        rows[type(row)].append(row)
    for model, some in rows.items():
        await model.bulk_create(some)


async def _sign_out(user_ids: Iterable[int]) -> None:
    for batch in batches(list(user_ids)):
        await Session.filter(user_id__in=batch).delete()
