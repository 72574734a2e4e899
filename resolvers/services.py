from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth.google import GoogleSignIn
from auth.passwords import Passwords
from auth.personal_tokens import PersonalTokens
from auth.tokens import AccessTokens
from cluster.clusters import Clusters
from resolvers.mail import Mailer
from resolvers.old_hashes import OldHashes
from resolvers.throttling import Throttle


@dataclass(frozen=True, slots=True)
class GooglePolicy:
    """Who may sign in with Google for the first time; no domains means any."""

    creates_users: bool = True
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Services:
    """What the portal is made of, built once and handed to every resolver that needs it."""

    clock: Callable[[], datetime]
    portal_name: str
    portal_version: str
    portal_url: str | None
    session_lifetime: timedelta
    session_idle_lifetime: timedelta
    token_lifetime: timedelta
    passwords: Passwords
    old_hashes: OldHashes
    throttle: Throttle
    access_tokens: AccessTokens
    personal_tokens: PersonalTokens
    google: GoogleSignIn | None
    google_policy: GooglePolicy
    clusters: Clusters
    recheck_interval: timedelta
    namespace_cluster_roles: tuple[str, ...]
    mailer: Mailer | None
