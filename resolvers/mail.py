"""Mail as the resolvers know it: what to say to whom; how it is sent is another's concern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain text; each recipient gets one of their own."""

    recipients: tuple[str, ...]
    subject: str
    text: str


class Mailer(Protocol):
    def send(self, mail: Mail) -> None:
        """Returns at once and never raises: a mail that fails changes nothing else."""
