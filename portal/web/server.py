"""The portal under uvicorn."""

from __future__ import annotations

import gc
import logging
import re
import socket
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from portal.errors import OperatorError
from portal.logs import log_to_standard_error, reason
from portal.settings import Settings, settings_from_environment
from portal.web.app import create_app
from portal.web.playground import Playground
from portal.web.sse import CLOSING


class DrainingProtocol(HttpToolsProtocol):
    """Ends event streams at shutdown, as uvicorn waits for responses to end.

    The application puts an `asyncio.Event` into the state of its lifespan for this.
    """

    def shutdown(self) -> None:
        super().shutdown()
        self.app_state[CLOSING].set()


GRACE_SECONDS = 10
WORKER_START_SECONDS = 60
MAXIMUM_MESSAGE = 1024 * 1024


class AddressUnusable(OperatorError):
    """The server cannot listen on the address; the message says why, and what to do."""


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Runs until it is stopped by a signal."""
    # For workers as well, although each creates its own: an OperatorError here is one line, but
    # there a traceback
    app = _create_app(settings)
    has_playground = settings.playground and Playground().is_built
    logging.getLogger("uvicorn.error").addFilter(
        partial(name_start_page, "graphql" if has_playground else "")
    )
    uvicorn.run(
        "portal.web.server:app_from_environment" if workers > 1 else app,
        factory=workers > 1,
        host=host,
        port=port,
        workers=workers,
        **server_options(),
    )


def name_start_page(path: str, record: logging.LogRecord) -> bool:
    """A log filter: completes the address in uvicorn's last line at the start to that of a page."""
    form = r"Uvicorn running on (\S+://\S+)"
    record.msg = re.sub(form, rf"Open \1/{path}", str(record.msg))
    return True


def check_address(host: str, port: int) -> None:
    """Raises AddressUnusable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise AddressUnusable(
            f"can't listen on {host} port {port}: {reason(error)}; choose others with --host and"
            " --port"
        ) from None


def server_options() -> dict[str, Any]:
    """The options of uvicorn that do not depend on the address."""
    return {
        "http": DrainingProtocol,
        "ws_max_size": MAXIMUM_MESSAGE,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        # The middleware of the portal does this, with the trusted proxies of the settings
        "proxy_headers": False,
        "timeout_graceful_shutdown": GRACE_SECONDS,
        # Of 5 seconds by default, in which a worker on a busy machine has not loaded its modules:
        # uvicorn would end it and start another one, again and again
        "timeout_worker_healthcheck": WORKER_START_SECONDS,
    }


def app_from_environment() -> Starlette:
    """The application of a worker process."""
    log_to_standard_error()
    return _create_app(settings_from_environment())


def _create_app(settings: Settings) -> Starlette:
    app = create_app(settings)
    # The collector looks no more through what stays: schema, models and modules
    gc.collect()
    gc.freeze()
    return app
