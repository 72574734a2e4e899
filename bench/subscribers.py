"""How fast many subscribers of the facts of a cluster get a change, and who waits meanwhile."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from statistics import median
from typing import NamedTuple

import click

from bench.client import HEAD_END, Client, Request
from bench.report import Table, show_progress
from bench.servers import Server, Stage, stage

STREAMS_OF_A_USER = 20
OPENED_AT_ONCE = 50
IDLE_SECONDS = 2
PROBE_PAUSE_SECONDS = 0.002
TIMEOUT_SECONDS = 60
QUERY = "subscription { clusterFacts { podCount } }"
NOTE = (
    f"{{subscribers}} connections, {STREAMS_OF_A_USER} of each user, to one worker. *change*:"
    " milliseconds from the API server's answer with a changed fact until the last subscriber has"
    " got the change. *CPU*: of the server process for it, in milliseconds. *idle* and *busy*: the"
    " longest latency of `GET /healthz` in milliseconds, without a change and meanwhile. *MiB*: of"
    " the server process. Medians of"
    " {rounds} changes."
)


class Stream(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


async def open_event_stream(port: int, token: str) -> Stream:
    """Server-sent events."""
    stream = Stream(*await asyncio.open_connection("127.0.0.1", port))
    body = {"query": QUERY}
    request = Request("POST", "/graphql", token, body, accept="text/event-stream")
    stream.writer.write(request.encode())
    return stream


async def open_web_socket(port: int, token: str) -> Stream:
    """The protocol `graphql-transport-ws`."""
    stream = Stream(*await asyncio.open_connection("127.0.0.1", port))
    lines = (
        "GET /graphql HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
        f"Authorization: Bearer {token}",
    )
    stream.writer.write("\r\n".join([*lines, "", ""]).encode())
    await stream.reader.readuntil(HEAD_END)
    stream.writer.write(_frame(b'{"type":"connection_init"}'))
    await stream.reader.readuntil(b'connection_ack"}')
    message = f'{{"id":"1","type":"subscribe","payload":{{"query":"{QUERY}"}}}}'
    stream.writer.write(_frame(message.encode()))
    return stream


def _frame(text: bytes) -> bytes:
    """A short text message, masked with zeros (RFC 6455, section 5.2)."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text


TRANSPORTS: dict[str, Callable[[int, str], Awaitable[Stream]]] = {
    "server-sent events": open_event_stream,
    "WebSocket": open_web_socket,
}


class Latency(NamedTuple):
    """Of a request that was sent at that time, a value of `time.perf_counter()`."""

    started: float
    seconds: float


class Probe:
    """Requests in a process of its own, as the subscribers keep this one busy."""

    def __init__(self, port: int) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._ours, theirs = spawning.Pipe()
        self._process = spawning.Process(target=run_probe, args=(port, theirs), daemon=True)
        self._process.start()
        self.collect()

    def collect(self) -> list[Latency]:
        """The latencies since the last call."""
        self._ours.send(None)
        latencies: list[Latency] = self._ours.recv()
        return latencies

    def close(self) -> None:
        self._process.kill()
        self._process.join()


def run_probe(port: int, connection: Connection) -> None:
    request = Request("GET", "/healthz").encode()
    with Client(port) as client:
        while True:
            latencies: list[Latency] = []
            while not connection.poll(PROBE_PAUSE_SECONDS):
                started = time.perf_counter()
                client.send([request], 1)
                latencies.append(Latency(started, time.perf_counter() - started))
            connection.recv()
            connection.send(latencies)


def measure_subscribers(its: Stage, portal: Server, count: int, rounds: int) -> Table:
    columns = ("transport", "change", "CPU", "idle", "busy", "MiB")
    table = Table("Subscribers", NOTE.format(subscribers=count, rounds=rounds), columns)
    with closing(Probe(portal.port)) as probe:
        for name in TRANSPORTS:
            show_progress(f"{count} subscribers, {name}")
            table.add(name, *asyncio.run(_measure(its, portal, probe, name, count, rounds)))
    return table


async def _measure(
    its: Stage, portal: Server, probe: Probe, name: str, count: int, rounds: int
) -> list[str]:
    """The cells of a row but its name."""
    streams = await _open(its, portal, name, count)
    memory = portal.memory
    probe.collect()
    await asyncio.sleep(IDLE_SECONDS)
    idle = max(latency.seconds for latency in probe.collect())
    changes = [await _change(its, portal, probe, streams) for _ in range(rounds)]
    for stream in streams:
        stream.writer.close()
    change, cpu, busy = (median(column) for column in zip(*changes, strict=True))
    milliseconds = [f"{1000 * seconds:.1f}" for seconds in (change, cpu, idle, busy)]
    return [*milliseconds, f"{memory:.0f}"]


async def _open(its: Stage, portal: Server, name: str, count: int) -> list[Stream]:
    """Streams that have got the current facts."""
    # Other users for each transport: a stream counts for its user until its end is noticed
    callers = its.sample.callers[list(TRANSPORTS).index(name) :: len(TRANSPORTS)]
    tokens = [callers[number // STREAMS_OF_A_USER].token for number in range(count)]
    streams: list[Stream] = []
    for start in range(0, count, OPENED_AT_ONCE):
        batch = tokens[start : start + OPENED_AT_ONCE]
        opening = (TRANSPORTS[name](portal.port, token) for token in batch)
        opened = await asyncio.gather(*opening)
        await _receive(opened, its.api_server.pod_count)
        streams += opened
    return streams


async def _change(
    its: Stage, portal: Server, probe: Probe, streams: list[Stream]
) -> tuple[float, float, float]:
    """Seconds until every stream has got a change, of CPU, and of the longest other request."""
    probe.collect()
    its.api_server.pod_count += 1
    cpu = portal.cpu
    await _receive(streams, its.api_server.pod_count)
    ended, cpu = time.perf_counter(), portal.cpu - cpu
    started = its.api_server.first_reads[its.api_server.pod_count]
    latencies = [
        seconds for sent, seconds in probe.collect() if sent < ended and sent + seconds > started
    ]
    return ended - started, cpu, max(latencies, default=0.0)


async def _receive(streams: list[Stream], pod_count: int) -> None:
    marker = f'"podCount":{pod_count}}}'.encode()
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await asyncio.gather(*(stream.reader.readuntil(marker) for stream in streams))
    except asyncio.IncompleteReadError as error:
        raise click.ClickException(f"the portal ended a stream: {error.partial!r}") from None


@click.command(help=__doc__)
@click.option("--count", default=1000, show_default=True, help="Number of subscribers.")
@click.option("--rounds", default=5, show_default=True)
def subscribers(count: int, rounds: int) -> Iterator[Table]:
    with stage("sqlite") as its, its.portal(KUBEPORTAL_FACTS_INTERVAL="1s") as portal:
        yield measure_subscribers(its, portal, count, rounds)
