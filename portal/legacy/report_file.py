"""The file of a report: that it can be written is known before anything is taken over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import RawIOBase
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from portal.legacy.mistakes import LegacyError, ReportError
from portal.logs import printable

Write = Callable[[bytes], None]


@contextmanager
def report_file(path: Path | None) -> Iterator[Write]:
    """How to write the report. Without that, a file that is there stays as it is.

    Nobody else may read it. Raises OSError and LegacyError at once, and ReportError later.
    """
    if path is None:
        yield lambda content: None
    elif path.exists() and not path.is_file():
        with path.open("wb", buffering=0) as device:
            yield partial(_write, device, path)
    else:
        with _draft(path) as write:
            yield write


@contextmanager
def _draft(path: Path) -> Iterator[Write]:
    """Beside the file, whose place it takes once all is written."""
    target = path.resolve()
    if not target.parent.is_dir():
        raise LegacyError(f"{printable(str(path))}: there is no such folder")
    with NamedTemporaryFile(
        dir=target.parent, prefix=f".{target.name}.", buffering=0, delete=False
    ) as file:
        draft = Path(file.name)

        def write(content: bytes) -> None:
            _write(file.file, path, content)
            draft.replace(target)

        try:
            yield write
        finally:
            draft.unlink(missing_ok=True)


def _write(file: RawIOBase | IO[bytes], path: Path, content: bytes) -> None:
    left = memoryview(content)
    try:
        while left:
            left = left[file.write(left) or 0 :]
    except OSError as error:
        raise ReportError(
            f"all was done as it says above, but {printable(str(path))} can't be written:"
            f" {error.strerror}"
        ) from None
