"""Logging, and how untrusted texts and system errors are printed."""

from __future__ import annotations

import logging
import os
import sys


def reason(error: OSError) -> str:
    """The message of the operating system alone.

    Python and asyncio add addresses and paths to it, as they would be written in Python.
    """
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or "no response"


def printable(text: str) -> str:
    """Escapes control characters, which a terminal would execute."""
    return text if text.isprintable() else ascii(text)[1:-1]


FORM = "%(asctime)s %(levelname)s %(name)s %(message)s"
AUDIT = "kubeportal.audit"
# At DEBUG they log statements, headers and messages, which hold passwords and tokens
NEVER_DEBUG = ("aiosqlite", "tortoise", "uvicorn.error", "websockets")


def log_to_standard_error() -> None:
    """For servers."""
    logging.basicConfig(level=logging.INFO, format=FORM)
    for name in NEVER_DEBUG:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").addFilter(without_query)


def log_audit_events() -> None:
    """For commands: warnings, and the audit events unless standard error is a terminal."""
    logging.basicConfig(level=logging.WARNING, format=FORM)
    if not sys.stderr.isatty():
        logging.getLogger(AUDIT).setLevel(logging.INFO)


def without_query(record: logging.LogRecord) -> bool:
    """A log filter: removes the query of a WebSocket's path, where tokens are sent by mistake."""
    if "WebSocket %s" in record.msg and isinstance(record.args, tuple):
        record.args = tuple(_path(argument) for argument in record.args)
    return True


def _path(argument: object) -> object:
    return argument.partition("?")[0] if isinstance(argument, str) else argument
