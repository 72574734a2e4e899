"""What is logged, and what never is."""

from __future__ import annotations

import logging
import os
import sys


def reason(error: OSError) -> str:
    """Why something failed, in the words of the system alone.

    Python and asyncio add addresses and paths to them, written as in a program.
    """
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or "no answer"


def printable(text: str) -> str:
    """Without control characters, which a terminal would obey."""
    return text if text.isprintable() else ascii(text)[1:-1]


FORM = "%(asctime)s %(levelname)s %(name)s %(message)s"
AUDIT = "kubeportal.audit"
# At DEBUG they log statements, headers and messages, with all that people have typed
NOT_TO_DEBUG = ("aiosqlite", "tortoise", "uvicorn.error", "websockets")


def log_to_standard_error() -> None:
    """For whatever runs on and on."""
    logging.basicConfig(level=logging.INFO, format=FORM)
    for name in NOT_TO_DEBUG:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").addFilter(without_query)


def log_audit_events() -> None:
    """For a command that ends: warnings, and what it has recorded, but not at a terminal.

    There, people read the outcome of the command itself.
    """
    logging.basicConfig(level=logging.WARNING, format=FORM)
    if not sys.stderr.isatty():
        logging.getLogger(AUDIT).setLevel(logging.INFO)


def without_query(record: logging.LogRecord) -> bool:
    """Leaves the path of a WebSocket; what stands behind it may be a token by mistake."""
    if "WebSocket %s" in record.msg and isinstance(record.args, tuple):
        record.args = tuple(_path(argument) for argument in record.args)
    return True


def _path(argument: object) -> object:
    return argument.partition("?")[0] if isinstance(argument, str) else argument
