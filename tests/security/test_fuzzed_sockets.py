"""Messages over a WebSocket that no client would send."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.security.answers import told_of_inside
from tests.security.probing import Probe, try_all
from tests.security.values import JSON, encoded
from tests.sockets import PROTOCOL

pytestmark = pytest.mark.sockets

TYPES = ("connection_init", "subscribe", "complete", "ping", "pong", "next", "error")
QUERIES = ("{ viewer { id } }", "subscription { clusterFacts { name } }", "mutation { logout }")
PAYLOADS = JSON | strategies.fixed_dictionaries(
    {"query": strategies.sampled_from(QUERIES) | JSON},
    optional={"variables": JSON, "operationName": JSON, "extensions": JSON, "documentId": JSON},
)
MESSAGES = strategies.fixed_dictionaries(
    {"type": strategies.sampled_from(TYPES) | JSON},
    optional={"id": strategies.sampled_from(["1", "2"]) | JSON, "payload": PAYLOADS},
)
FRAMES = (MESSAGES | JSON).map(encoded).map(bytes.decode) | strategies.binary() | strategies.text()
ENDS = {1000, 1002, 1003, 1007, 4400, 4401, 4403, 4409, 4429}


async def test_sr35_websocket_messages_never_fail(probe: Probe) -> None:
    await try_all(
        strategies.tuples(strategies.booleans(), strategies.lists(FRAMES, max_size=5)),
        lambda parts: converse(probe, *parts),
        times=10,
    )


def converse(probe: Probe, greets: bool, frames: list[Any]) -> None:
    address = f"{probe.address.replace('http', 'ws', 1)}/graphql"
    protocols = [Subprotocol(PROTOCOL)]
    with connect(address, subprotocols=protocols, proxy=None, compression=None) as socket:
        texts = [""]
        try:
            if greets:
                socket.send(encoded({"type": "connection_init", "payload": probe.headers}).decode())
            for frame in frames:
                socket.send(frame)
            # Something that is always answered, unless the connection ends before
            socket.send('{"type": "ping"}')
            while '"pong"' not in texts[-1]:
                texts.append(str(socket.recv(5)))
        except ConnectionClosed:
            assert socket.close_code in ENDS
    said = "\n".join(map(str, frames))
    assert not any(told_of_inside(text, said) for text in texts), texts
    probe.be_well()
