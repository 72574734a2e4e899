"""Puts a cluster together around a connection."""

from collections.abc import Callable
from datetime import datetime, timedelta

from cluster.cluster import Cluster
from cluster.connection import Caller, Connection
from cluster.observer import Observer
from cluster.provisioning import Provisioner
from cluster.token_issuer import TokenIssuer


def assemble(
    connection: Connection,
    *,
    api_server_external: str | None,
    facts_interval: timedelta,
    token_timeout: timedelta,
    request_timeout: timedelta,
    clock: Callable[[], datetime],
) -> Cluster:
    """`token_timeout` limits all calls for one token, `request_timeout` every other call."""
    # A call that hangs must not use up the time in which recovery is to be noticed.
    patience = min(facts_interval, request_timeout)
    return Cluster(
        connection,
        observer=Observer(Caller(connection, seconds=patience.total_seconds())),
        issuer=TokenIssuer(connection, timeout=token_timeout.total_seconds()),
        provisioner=Provisioner(Caller(connection, seconds=request_timeout.total_seconds())),
        facts_interval=facts_interval,
        clock=clock,
        api_server_external=api_server_external,
    )
