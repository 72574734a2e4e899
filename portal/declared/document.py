"""A YAML document that knows its lines and gathers the mistakes in it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from portal.declared.mistakes import (
    DeclarationError,
    Location,
    Mistake,
    field_name,
    refusal,
)
from portal.declared.nodes import NULL, Node, Reader, Unusable
from portal.logs import printable

MAXIMUM_BYTES = 10 * 1024 * 1024
STANDARD_INPUT = Path("-")


@dataclass
class Document:
    file: str
    root: Node
    mistakes: list[Mistake]

    @property
    def value(self) -> Any:
        """The content as plain values."""
        return _plain(self.root)

    def add(self, location: Location, message: str) -> None:
        self.mistakes.append(Mistake(self.line(location), field_name(location), message))

    def check(self) -> None:
        """Raises DeclarationError when something is wrong."""
        if self.mistakes:
            raise refusal(self.file, self.mistakes)

    def line(self, location: Location) -> int:
        """Where a value is, or the nearest one around it."""
        node, line = self.root, self.root.line
        for step in location:
            if isinstance(node.content, dict) and step in node.content:
                line, node = node.content[str(step)]
            elif isinstance(node.content, list) and isinstance(step, int):
                node = node.content[step]
                line = node.line
        return line


def read_document(file: Path) -> Document:
    """Raises DeclarationError for a file that can't be read or is not one YAML document."""
    name = "stdin" if file == STANDARD_INPUT else printable(str(file))
    text = _decode(name, _read(name, file))
    mistakes: list[Mistake] = []
    try:
        root = Reader(mistakes).read(_parse(name, text))
    except Unusable:
        raise refusal(name, mistakes) from None
    return Document(name, root, mistakes)


def _read(name: str, file: Path) -> bytes:
    try:
        if file == STANDARD_INPUT:
            content = sys.stdin.buffer.read(MAXIMUM_BYTES + 1)
        else:
            with file.open("rb") as stream:
                content = stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise DeclarationError(f"{name}: {error.strerror}") from None
    if len(content) > MAXIMUM_BYTES:
        raise DeclarationError(f"{name}: the file has more than {MAXIMUM_BYTES // 1024**2} MiB")
    return content


def _decode(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refusal(name, [Mistake(line, "", "this is not UTF-8")]) from None


def _parse(name: str, text: str) -> yaml.Node:
    try:
        node = yaml.SafeLoader(text).get_single_node()
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise refusal(name, [_explained(error, text)]) from None
    except RecursionError:
        raise DeclarationError(f"{name}: the file is nested too deeply") from None
    if node is None or node.tag == NULL:
        raise DeclarationError(f"{name}: the file is empty")
    return node


def _explained(error: Exception, text: str) -> Mistake:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Mistake(line, "", "control characters are not allowed")
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return Mistake(error.problem_mark.line + 1, "", _problem(error))
    return Mistake(1, "", "this is not YAML: it has an impossible escape or version")


def _problem(error: yaml.MarkedYAMLError) -> str:
    """In words of our own where PyYAML would quote the file, which may hold secrets."""
    problem = error.problem or ""
    if "undefined alias" in problem:
        return "there is no such anchor: put a text that begins with * in quotes"
    if "second occurrence" in problem:
        return "this anchor is there twice: put a text that begins with & in quotes"
    if "another document" in problem:
        return "a second document begins here: only one is allowed"
    if "tag handle" in problem:
        return "unknown tag: put a text that begins with ! in quotes"
    if "'\\t'" in problem:
        return "a tab can't indent YAML: use spaces"
    return f"this is not YAML: {problem}"


def _plain(node: Node) -> Any:
    if isinstance(node.content, dict):
        return {key: _plain(value) for key, (_, value) in node.content.items()}
    if isinstance(node.content, list):
        return [_plain(value) for value in node.content]
    return node.content
