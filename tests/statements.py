"""Counts the SQL statements that a piece of a test causes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.statements: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.statements.append(record.getMessage())


@contextmanager
def recorded_statements() -> Iterator[list[str]]:
    logger = logging.getLogger("tortoise.db_client")
    recorder, level = Recorder(), logger.level
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    try:
        yield recorder.statements
    finally:
        logger.setLevel(level)
        logger.removeHandler(recorder)
