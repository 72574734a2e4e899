"""The current facts, for any number of readers and watchers."""

import asyncio
from collections.abc import AsyncGenerator

from cluster.facts import Facts


class Snapshot:
    """Holds the newest facts; publishing never waits for a watcher."""

    def __init__(self) -> None:
        self._facts = Facts()
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def facts(self) -> Facts:
        return self._facts

    def publish(self, facts: Facts) -> None:
        """Replace the facts; watchers hear of it when more than the time has changed."""
        self._facts = facts
        self._wake_watchers()

    async def watch(self) -> AsyncGenerator[Facts, None]:
        """The current facts, then each change; a slow watcher gets the newest only.

        Ends when the snapshot is closed.
        """
        told: Facts | None = None
        while not self._closed:
            changed, facts = self._changed, self._facts
            if told is None or not facts.tells_the_same_as(told):
                told = facts
                yield facts
            await changed.wait()

    def close(self) -> None:
        """End all watches, now and in future."""
        self._closed = True
        self._wake_watchers()

    def _wake_watchers(self) -> None:
        self._changed.set()
        if not self._closed:
            self._changed = asyncio.Event()
