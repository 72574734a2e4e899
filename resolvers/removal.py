"""Removes role bindings from the cluster after access has ended.

The write core adds a row of BindingRemoval in the transaction that ends access, so that no failure
of a cluster or of the portal loses it. Several replicas may process a row at once: the one that
deletes it reports the result.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.transactions import in_transaction

from cluster.bindings import Removal
from cluster.cluster import Clusters
from cluster.connection import ClusterError, ClusterUnavailable
from models import AccessRequest, AuditActor, AuditKind, BindingRemoval, User
from models.database import DatabaseBusy, acquire_write_lock
from resolvers import audit

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=3)


async def remove_bindings(clusters: Clusters, now: datetime) -> set[str]:
    """Processes all pending rows, and returns the problems that keep the others pending."""
    problems: set[str] = set()
    failed: set[str] = set()
    for row in await BindingRemoval.all().order_by("id"):
        if row.cluster in failed:
            continue
        try:
            await _remove(clusters, row, now)
        except ClusterError as error:
            problems.add(str(error))
            # Others of its rows would wait for the same timeout.
            if isinstance(error, ClusterUnavailable):
                failed.add(row.cluster)
    return problems


async def try_to_remove_bindings(clusters: Clusters, key: UUID, now: datetime) -> None:
    """Processes the row of one approval; a failure leaves it pending."""
    row = await BindingRemoval.get_or_none(key=key)
    try:
        if row:
            await _remove(clusters, row, now, PATIENCE)
    except (ClusterError, DatabaseBusy) as error:
        logger.warning("Role bindings are not removed yet: %s", error)


async def _remove(
    clusters: Clusters, row: BindingRemoval, now: datetime, patience: timedelta | None = None
) -> None:
    cluster = clusters.get(row.cluster) if row.cluster else clusters.default
    if cluster is None:
        name = f"Cluster {row.cluster!r}" if row.cluster else "The default cluster"
        raise ClusterUnavailable(f"{name} is not configured.")
    try:
        # The database is left out: a cancelled transaction of Tortoise stays open.
        async with asyncio.timeout(patience.total_seconds() if patience else None):
            result = await cluster.remove_role_bindings(
                str(row.key), row.namespace, row.service_account
            )
    except TimeoutError as error:
        raise ClusterUnavailable(f"Cluster {cluster.name!r} does not answer in time.") from error
    await _finish(row, result, now)


async def _finish(row: BindingRemoval, result: Removal, now: datetime) -> None:
    remaining = list(result.remaining)
    async with in_transaction() as connection:
        await acquire_write_lock(connection)
        if not await BindingRemoval.filter(id=row.id).delete():
            return
        await AccessRequest.filter(key=row.key).update(
            bindings_removed_at=now, remaining_bindings=remaining
        )
        await audit.record(
            AuditActor.NOBODY,
            AuditKind.BINDINGS_REMOVED,
            User(id=row.user_id, username=row.username),
            cluster=row.cluster,
            namespace=row.namespace,
            service_account=row.service_account,
            removed=result.removed,
            remaining=remaining,
        )
