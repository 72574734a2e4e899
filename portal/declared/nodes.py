"""The values of a YAML document, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from portal.declared.mistakes import Location, Mistake, field_name

MAXIMUM_DEPTH = 20
MAXIMUM_VALUES = 1_000_000
TAG = "tag:yaml.org,2002:"
MERGE = f"{TAG}merge"
NULL = f"{TAG}null"
OTHER_TAGS = frozenset(TAG + name for name in ("int", "float", "timestamp", "value", "merge"))
TRUE = ("yes", "true", "on")


@dataclass(frozen=True, slots=True)
class Other:
    """A number, a date or the like, of which a declaration has none."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and the line where it begins; a mapping also knows the lines of its keys."""

    line: int
    content: str | bool | Other | list[Node] | dict[str, tuple[int, Node]] | None


class Unusable(Exception):
    """The document is too much; the mistake has been noted."""


class Reader:
    """Turns the node graph of PyYAML into a tree, and notes the mistakes that it finds.

    An aliased value counts as often as it is used, so that a small file can't become a huge one.
    Raises Unusable.
    """

    def __init__(self, mistakes: list[Mistake]) -> None:
        self._mistakes = mistakes
        self._values = 0

    def read(self, node: yaml.Node, location: Location = (), depth: int = 0) -> Node:
        self._values += 1
        if self._values > MAXIMUM_VALUES:
            self._note(node, location, f"the file has more than {MAXIMUM_VALUES} values")
            raise Unusable
        if depth > MAXIMUM_DEPTH:
            self._note(node, location[:3], "is nested too deeply")
            raise Unusable
        if isinstance(node, yaml.MappingNode):
            self._check_tag(node, location, "map")
            return Node(_line(node), self._mapping(node, location, depth + 1))
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, location, "seq")
            items = enumerate(node.value)
            content = [self.read(item, (*location, index), depth + 1) for index, item in items]
            return Node(_line(node), content)
        return Node(_line(node), self._scalar(node, location))

    def _note(self, node: yaml.Node, location: Location, message: str) -> None:
        self._mistakes.append(Mistake(_line(node), field_name(location), message))

    def _check_tag(self, node: yaml.Node, location: Location, *known: str) -> None:
        if node.tag not in [TAG + name for name in known]:
            self._note(node, location, "unknown tag: put a text that begins with ! in quotes")

    def _scalar(self, node: yaml.Node, location: Location) -> str | bool | Other | None:
        if node.tag == NULL:
            return None
        if node.tag == f"{TAG}bool":
            return node.value.lower() in TRUE
        if node.tag in OTHER_TAGS:
            return Other()
        self._check_tag(node, location, "str")
        return str(node.value)

    def _mapping(
        self, node: yaml.MappingNode, location: Location, depth: int
    ) -> dict[str, tuple[int, Node]]:
        content: dict[str, tuple[int, Node]] = {}
        inherited: list[tuple[str, tuple[int, Node]]] = []
        for key, value in node.value:
            if key.tag == MERGE:
                inherited += self._merged(value, location, depth)
            elif not isinstance(key, yaml.ScalarNode):
                self._note(key, location, "a key must be a text: put {{…}} in quotes")
            elif key.value in content:
                first, _ = content[key.value]
                message = f"this key is there twice, first in line {first}"
                self._note(key, (*location, key.value), message)
            else:
                read = self.read(value, (*location, key.value), depth)
                content[key.value] = (_line(key), read)
        for name, entry in inherited:
            content.setdefault(name, entry)
        return content

    def _merged(
        self, value: yaml.Node, location: Location, depth: int
    ) -> Iterator[tuple[str, tuple[int, Node]]]:
        read = self.read(value, location, depth)
        for source in read.content if isinstance(read.content, list) else [read]:
            if isinstance(source.content, dict):
                yield from source.content.items()
            else:
                self._note(value, location, "<< takes a mapping, or a list of them")


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1
