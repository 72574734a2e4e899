from __future__ import annotations

import socket
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from portal.container import CLOSING
from portal.errors import OperatorError
from portal.logs import log_to_standard_error, reason
from portal.settings import Settings, settings_from_environment
from portal.web.app import create_app


class DrainingProtocol(HttpToolsProtocol):
    """Tells endless answers when the server shuts down, which waits for them to end.

    The application has put an `asyncio.Event` into the state of its lifespan, as `closing`.
    """

    def shutdown(self) -> None:
        super().shutdown()
        self.app_state[CLOSING].set()


GRACE_SECONDS = 10
MAXIMUM_MESSAGE = 1024 * 1024


class AddressUnusable(OperatorError):
    """Nobody can listen there; the message says why, and what to do."""


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Runs until it is told to stop."""
    # Also for workers, of which each makes its own: here a mistake of the operator is one line
    app = create_app(settings)
    uvicorn.run(
        "portal.web.server:app_from_environment" if workers > 1 else app,
        factory=workers > 1,
        host=host,
        port=port,
        workers=workers,
        **server_options(),
    )


def check_address(host: str, port: int) -> None:
    """Raises AddressUnusable where nobody can listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise AddressUnusable(
            f"can't listen on {host} port {port}: {reason(error)}; choose others with --host and"
            " --port"
        ) from None


def server_options() -> dict[str, Any]:
    """How uvicorn serves the portal, wherever it listens."""
    return {
        "http": DrainingProtocol,
        "ws_max_size": MAXIMUM_MESSAGE,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }


def app_from_environment() -> Starlette:
    """What each worker process serves."""
    log_to_standard_error()
    return create_app(settings_from_environment())
