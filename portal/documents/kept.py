from __future__ import annotations

from cachetools import LRUCache

LONGEST = 10_000
OVERHEAD = 200


class KeptDocuments:
    """What clients have sent along with its hash, so that the hash will do the next time.

    `characters` bounds all of them together: the ones used lately stay. A document that is very
    long is not kept.
    """

    def __init__(self, characters: int = 1_000_000) -> None:
        self._texts: LRUCache[str, str] = LRUCache(characters, getsizeof=_size)

    def get(self, digest: str) -> str | None:
        return self._texts.get(digest)

    def keep(self, digest: str, text: str) -> None:
        if len(text) <= LONGEST:
            self._texts[digest] = text


def _size(text: str) -> int:
    """Short documents take room as well."""
    return len(text) + OVERHEAD
