from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

import cluster.cluster
from resolvers import clusters
from schema.arguments import ClusterName
from schema.clusters import Cluster
from schema.context import Context, PortalInfo
from schema.enums import Permission
from schema.guard import guard


@strawberry.type(description="What can be listened to, over a WebSocket or as server-sent events.")
class Subscription:
    @strawberry.subscription(
        description="The facts of a cluster, for any signed-in user: the current ones at once, then"
        " whenever more than the time of observation has changed. Who listens slowly gets only the"
        " newest. Ends with UNAUTHENTICATED when the session does.",
        directives=guard(Permission.SEE_CLUSTERS),
    )
    def cluster_facts(
        self, info: PortalInfo, name: ClusterName = None
    ) -> AsyncGenerator[Cluster, None]:
        context = info.context
        found = clusters.cluster(context.actor, context.services.clusters, name)
        return _changes(found, context)


async def _changes(
    source: cluster.cluster.Cluster, context: Context
) -> AsyncGenerator[Cluster, None]:
    watch = clusters.watch_facts(context.services, context.actor, source)
    async with aclosing(watch) as changes:
        async for facts in changes:
            yield Cluster.of(source, facts)
