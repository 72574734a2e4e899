"""A YAML file: its values, and the lines that mistakes are reported with."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from portal.errors import OperatorError
from portal.logs import printable
from resolvers.errors import FieldError
from resolvers.errors import Path as FieldPath

STANDARD_INPUT = Path("-")
MAXIMUM_BYTES = 10 * 1024 * 1024
MAXIMUM_VALUES = 1_000_000
KEY_LENGTH = 50
TAG = "tag:yaml.org,2002:"
TEXT, MERGE = f"{TAG}str", f"{TAG}merge"
# PyYAML quotes the file, which may hold passwords, where it complains of these
QUOTED = {"alias": "*", "occurrence": "&", "tag": "!"}


class DeclarationError(OperatorError):
    """The file cannot be applied and nothing was changed; the message has a line per mistake."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that is valid YAML. `root` keeps the positions of its values."""

    name: str
    values: Any
    root: yaml.Node

    def error(self, mistakes: Iterable[FieldError]) -> DeclarationError:
        """All mistakes, in the order of their lines. Their paths consist of keys and indexes."""
        reports = sorted(
            (self.line(each.path), _field(each.path), each.message) for each in mistakes
        )
        return DeclarationError(
            *(
                f"{self.name}:{line}: {field}: {message}" if field else f"{self.name}: {message}"
                for line, field, message in reports
            )
        )

    def line(self, path: FieldPath) -> int:
        """The line of a value, or of the nearest one around it."""
        node, line = self.root, self.root.start_mark.line
        for step in path:
            if isinstance(node, yaml.MappingNode):
                # Merged keys come first, once the values are constructed
                pairs = {key.value: (key, value) for key, value in node.value}
                if step not in pairs:
                    break
                key, node = pairs[step]
                line = key.start_mark.line
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                node = node.value[step]
                line = node.start_mark.line
        return int(line) + 1


def read_file(path: Path) -> File:
    """Raises DeclarationError for a file that cannot be read or is not one YAML document."""
    name = "stdin" if path == STANDARD_INPUT else printable(str(path))
    content = _read(path, name)
    try:
        text = content.decode("utf-8-sig")
        loader = _Loader(text)
    except UnicodeDecodeError as error:
        raise _error_at(
            name, content.count(b"\n", 0, error.start), "The file is not UTF-8."
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position)
        raise _error_at(name, line, "Control characters are not allowed.") from None
    try:
        root = loader.get_single_node()
        if root is None:
            raise DeclarationError(f"{name}: The file is empty.")
        return File(name, loader.construct_document(root), root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else loader.line
        raise _error_at(name, line, _problem(error)) from None
    except RecursionError:
        raise _error_at(name, loader.line, "The file is nested too deeply.") from None
    except (ValueError, KeyError, OverflowError):
        # PyYAML does not catch these where an escape, a version or a tagged value is impossible
        raise _error_at(name, loader.line, "Not valid YAML: impossible value.") from None


def _read(path: Path, name: str) -> bytes:
    try:
        if path == STANDARD_INPUT:
            content = sys.stdin.buffer.read(MAXIMUM_BYTES + 1)
        else:
            with path.open("rb") as stream:
                content = stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise DeclarationError(f"{name}: {error.strerror}") from None
    if len(content) > MAXIMUM_BYTES:
        raise DeclarationError(f"{name}: The file has more than {MAXIMUM_BYTES // 1024**2} MiB.")
    return content


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader takes the last of duplicate keys, and aliases without a bound."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._sizes: dict[yaml.Node | None, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """An aliased value counts as often as it is used: a small file cannot become a huge one."""
        is_alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        if not is_alias:
            self._sizes[node] = 1 + sum(self._sizes[child] for child in _children(node))
        elif node not in self._sizes:
            raise _NotAllowed("This contains an alias of itself.", node)
        if self._sizes[node] > MAXIMUM_VALUES:
            raise _NotAllowed(f"The file has more than {MAXIMUM_VALUES} values.", node)
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        _check_keys(node)
        return node


class _NotAllowed(yaml.MarkedYAMLError):
    """YAML that a declaration does not allow; `problem` quotes no value of the file."""

    def __init__(self, problem: str, node: yaml.Node | None) -> None:
        super().__init__(problem=problem, problem_mark=node.start_mark if node else None)


def _children(node: yaml.Node | None) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from (key, value)


def _check_keys(node: yaml.MappingNode) -> None:
    """Checks the keys before merge keys are resolved, which may be overridden."""
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if key.tag == MERGE:
            continue
        if key.tag != TEXT:
            raise _NotAllowed("A key must be a text: put {{…}} in quotes.", key)
        if key.value in lines:
            problem = f"The key {_shown(key.value)} stands twice, first in line {lines[key.value]}."
            raise _NotAllowed(problem, key)
        lines[key.value] = key.start_mark.line + 1


def _keep_node(loader: yaml.SafeLoader, node: yaml.Node) -> yaml.Node:
    return node


# Numbers and dates: a declaration has none, and PyYAML fails on impossible ones
for kind in ("int", "float", "timestamp"):
    _Loader.add_constructor(f"{TAG}{kind}", _keep_node)


def _error_at(name: str, line: int, message: str) -> DeclarationError:
    """`line` counts from 0, as PyYAML does."""
    return DeclarationError(f"{name}:{line + 1}: {message}")


def _problem(error: yaml.MarkedYAMLError) -> str:
    if isinstance(error, _NotAllowed):
        return str(error.problem)
    for word, sign in QUOTED.items():
        if word in str(error.problem):
            return f"Not valid YAML: put a text that begins with {sign} in quotes."
    return f"Not valid YAML: {', '.join(filter(None, (error.context, error.problem)))}."


def _field(path: FieldPath) -> str:
    """As in JavaScript: `users[3].primaryEmail`."""
    steps = [f"[{step}]" if isinstance(step, int) else f".{_shown(step)}" for step in path]
    return "".join(steps).removeprefix(".")


def _shown(key: str) -> str:
    """Without what follows a forgotten space, as in `password:…`: it may be a secret."""
    return printable(key.partition(":")[0][:KEY_LENGTH])
