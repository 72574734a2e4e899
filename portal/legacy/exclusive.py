"""What only one can have, and may have moved to somebody else there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.fingerprints import fingerprint
from portal.legacy.incoming import Taken
from portal.legacy.links import Links
from portal.legacy.memory import Memory
from portal.legacy.report import Rule

There = Callable[[Iterable[int]], Awaitable[Mapping[int, set[str]]]]


@dataclass(frozen=True, slots=True)
class Exclusive:
    """Members of which each has one owner.

    rule: why one is left whose owner here is somebody else.
    there: what owners have there now, by their ids there.
    """

    links: Links
    rule: Rule
    memory: Memory
    there: There

    async def settle(self, taken: Sequence[Taken]) -> None:
        """Takes from their owners here what those have given up there, and leaves the rest."""
        members = {member for one in taken for member in one.incoming.sets[self.links.name]}
        owners = await self._owners(members)
        wanted = [(member, one.target_id) for one in taken for member in self._members(one)]
        contested = {
            member: owners[member] for member, wants in wanted if owners.get(member, wants) != wants
        }
        for member in await self._give_up(contested):
            del owners[member]
        for one in taken:
            for member in self._members(one):
                if owners.setdefault(member, one.target_id) != one.target_id:
                    one.incoming.sets[self.links.name].remove(member)
                    one.incoming.texts.note(self.rule, member)

    def _members(self, one: Taken) -> list[str]:
        return sorted(one.incoming.sets[self.links.name])

    async def _owners(self, members: Iterable[str]) -> dict[str, int]:
        query = self.links.of_members(members)
        return dict(await query.values_list(self.links.member, self.links.owner))

    async def _give_up(self, contested: Mapping[str, int]) -> list[str]:
        """Those that came from there, and whose owner does not have them there any more."""
        if not contested:
            return []
        known = {row.target_id: row for row in await self.memory.of_targets(contested.values())}
        there = await self.there([row.source_id for row in known.values()])
        given_up = [
            member
            for member, owner in contested.items()
            if (row := known.get(owner))
            and fingerprint(member) in row.values[self.links.name]
            and member not in there.get(row.source_id, ())
        ]
        await self.links.of_members(given_up).delete()
        return given_up
