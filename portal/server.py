from __future__ import annotations

import logging

import uvicorn
from starlette.applications import Starlette

from portal.app import create_app
from portal.settings import Settings, settings_from_environment

GRACE_SECONDS = 10


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Runs until it is told to stop."""
    uvicorn.run(
        "portal.server:app_from_environment" if workers > 1 else create_app(settings),
        factory=workers > 1,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def log_to_standard_error() -> None:
    form = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.basicConfig(level=logging.INFO, format=form)


def app_from_environment() -> Starlette:
    """What each worker process serves."""
    log_to_standard_error()
    return create_app(settings_from_environment())
