from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cachetools import LRUCache

from auth.google import GoogleSignIn
from auth.passwords import Passwords
from auth.tokens import AccessTokens, PersonalTokens
from cluster.cluster import Clusters
from resolvers.changes import WriteOptions
from resolvers.rate_limits import RateLimits


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain text; each recipient gets one of their own."""

    recipients: tuple[str, ...]
    subject: str
    text: str


class Mailer(Protocol):
    def send(self, mail: Mail) -> None:
        """Returns at once and never raises: a mail that fails changes nothing else."""


@dataclass(frozen=True, slots=True)
class GooglePolicy:
    """Who may sign in with Google for the first time; no domains means any."""

    creates_users: bool = True
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Services:
    """What the portal is made of, built once and handed to every resolver that needs it.

    `recorded_credentials` are the keys of those that this process knows to be recorded.
    """

    clock: Callable[[], datetime]
    portal_name: str
    portal_version: str
    portal_url: str | None
    session_lifetime: timedelta
    session_idle_lifetime: timedelta
    token_lifetime: timedelta
    passwords: Passwords
    rate_limits: RateLimits
    access_tokens: AccessTokens
    personal_tokens: PersonalTokens
    recorded_credentials: LRUCache[Hashable, bool]
    google: GoogleSignIn | None
    google_policy: GooglePolicy
    clusters: Clusters
    recheck_interval: timedelta
    namespace_cluster_roles: tuple[str, ...]
    portal_namespace: str | None
    mailer: Mailer | None

    def write_options(self) -> WriteOptions:
        return WriteOptions(
            now=self.clock(),
            google=self.google is not None,
            portal_namespace=self.portal_namespace,
        )
