"""What a running portal consists of, built from its settings."""

from __future__ import annotations

import logging
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

from cachetools import LRUCache
from starlette.requests import HTTPConnection

from auth.google import GoogleSignIn
from auth.passwords import Passwords
from auth.tokens import AccessTokens, PersonalTokens
from cluster.cluster import Clusters, load_clusters, utc_now
from cluster.connection import ClusterConfigError
from models import Database
from portal.jobs import AccessEnder, Sweeper, UsageCounter
from portal.logs import reason
from portal.mail import SmtpMailer, SmtpServer
from portal.settings import PREFIX, SHORTEST_KEY, Settings, SettingsError
from resolvers.actor import Client
from resolvers.changes import WriteOptions
from resolvers.privileges import ForeignBindings
from resolvers.rate_limits import RateLimits
from resolvers.rules import is_valid_email
from resolvers.services import GooglePolicy, Services
from resolvers.sessions import authenticate
from schema.context import Context

logger = logging.getLogger(__name__)
RECHECK_INTERVAL = timedelta(seconds=15)
RECORDED_CREDENTIALS = 10_000
RECOMMENDED_KEY = 32  # characters


class Portal:
    """Opens, holds and closes everything that the settings describe.

    `clusters` and `passwords` replace those of the settings.
    """

    services: Services
    _access_ender: AccessEnder

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        clusters: Clusters | None = None,
        passwords: Passwords | None = None,
        recheck_interval: timedelta = RECHECK_INTERVAL,
    ) -> None:
        self.settings = settings
        self.version = version("kubeportal")
        self.database = Database(settings.database_url)
        self.rest_usage = UsageCounter(self.database, clock)
        self._clock = clock
        self._clusters = clusters
        self._passwords = passwords or Passwords(names=settings.names)
        self._recheck_interval = recheck_interval
        self._mailer = smtp_mailer(settings)
        self._sweeper = Sweeper(self.database, clock, idle_lifetime=settings.session_idle_lifetime)

    async def open(self) -> None:
        """Raises SettingsError."""
        await self.database.open()
        self.services = await self.assemble()
        await self.services.clusters.start()
        self._access_ender = AccessEnder(self.database, self._clock, self.services.clusters)
        self._access_ender.start()
        self._sweeper.start()
        self.rest_usage.start()

    async def assemble(self) -> Services:
        """The services, not yet started. Raises SettingsError."""
        settings, clock = self.settings, self._clock
        keys = signing_keys(settings, self.database.sqlite_path)
        return Services(
            clock=clock,
            portal_name=settings.branding,
            portal_version=self.version,
            portal_url=settings.url,
            session_lifetime=settings.session_lifetime,
            session_idle_lifetime=settings.session_idle_lifetime,
            token_lifetime=settings.token_lifetime,
            passwords=self._passwords,
            rate_limits=RateLimits(key=keys[0], clock=clock),
            access_tokens=AccessTokens(keys=keys, clock=clock),
            personal_tokens=PersonalTokens(keys=keys),
            recorded_credentials=LRUCache(RECORDED_CREDENTIALS),
            google=google_sign_in(settings, clock),
            google_policy=GooglePolicy(
                creates_users=settings.auth_google_creates_users,
                domains=tuple(map(str.lower, settings.auth_google_domains)),
            ),
            clusters=await clusters_of(settings, clock)
            if self._clusters is None
            else self._clusters,
            recheck_interval=self._recheck_interval,
            namespace_cluster_roles=settings.namespace_clusterroles,
            portal_namespace=settings.portal_namespace,
            mailer=self._mailer,
        )

    async def context(
        self, connection: HTTPConnection, authorization: str | None = None
    ) -> Context:
        """The context of one operation; `authorization` replaces the header of that name."""
        credentials = authorization or connection.headers.get("authorization", "")
        scheme, _, token = credentials.partition(" ")
        request_id = connection.scope["state"]["request_id"]
        client = Client(
            address=connection.client.host if connection.client else "",
            name=connection.headers.get("user-agent", ""),
            request_id=request_id,
        )
        bearer = token.strip() if scheme.lower() == "bearer" else None
        actor = await authenticate(self.services, bearer, client)
        return Context(self.services, actor, request_id)

    async def close(self) -> None:
        await self._access_ender.close()
        await self._sweeper.close()
        await self.rest_usage.close()
        if self._mailer:
            await self._mailer.close()
        await self.services.clusters.close()
        if self.services.google:
            await self.services.google.close()
        await self.database.close()


async def clusters_of(settings: Settings, clock: Callable[[], datetime]) -> Clusters:
    """Raises SettingsError."""
    try:
        return await load_clusters(
            contexts=settings.clusters,
            kubeconfig=settings.kubeconfig,
            api_server_external=settings.api_server_external,
            api_server_ca=settings.api_server_ca.encode() if settings.api_server_ca else None,
            facts_interval=settings.facts_interval,
            clock=clock,
        )
    except ClusterConfigError as error:
        raise SettingsError(str(error)) from error


def command_options(settings: Settings, *, dry_run: bool) -> WriteOptions:
    """For commands that give service accounts to users."""
    return WriteOptions(
        now=utc_now(),
        google=settings.google_is_on,
        portal_namespace=settings.portal_namespace,
        dry_run=dry_run,
    )


async def read_foreign_bindings(settings: Settings) -> ForeignBindings:
    """For commands, which also work without a cluster."""
    try:
        clusters = await clusters_of(settings, utc_now)
    except SettingsError as error:
        return ForeignBindings(str(error))
    try:
        return await ForeignBindings.read(clusters)
    finally:
        await clusters.close()


def google_sign_in(settings: Settings, clock: Callable[[], datetime]) -> GoogleSignIn | None:
    """None when Google sign-in is off. Raises SettingsError for an incomplete configuration."""
    key, secret = settings.auth_google_key, settings.auth_google_secret
    if not key and not secret:
        return None
    if not (key and secret):
        missing = "SECRET" if key else "KEY"
        raise SettingsError(f"{PREFIX}AUTH_GOOGLE_{missing}: required for Google sign-in")
    return GoogleSignIn(
        client_id=key,
        client_secret=secret.get_secret_value(),
        discovery_url=settings.auth_google_discovery_url,
        tokeninfo_url=settings.auth_google_tokeninfo_url,
        clock=clock,
    )


def smtp_mailer(settings: Settings) -> SmtpMailer | None:
    """None when mail is off."""
    if not settings.smtp_url:
        return None
    server = SmtpServer.parse(settings.smtp_url.get_secret_value())
    return SmtpMailer(server, name=settings.branding, address=_sender(settings, server))


def _sender(settings: Settings, server: SmtpServer) -> str:
    """The configured address, else the account at the mail server, else one of the portal."""
    host = urlsplit(settings.url or "").hostname
    candidates = (settings.mail_from, server.username, f"kubeportal@{host}")
    valid = (address for address in candidates if address and is_valid_email(address))
    return next(valid, "kubeportal@localhost")


def warn_of_short_keys(settings: Settings) -> None:
    if any(len(key) < RECOMMENDED_KEY for key in settings.secret_key):
        logger.warning("%sSECRET_KEY: better use %d random characters", PREFIX, RECOMMENDED_KEY)


def warn_of_readable_database(file: Path | None) -> None:
    """Access of the group may be intended, as in volumes with an fsGroup."""
    if file and file.stat().st_mode & stat.S_IRWXO:
        logger.warning(
            "%s, with its password hashes, is accessible to every user of this machine:"
            " run chmod o-rwx %s*",
            file,
            file,
        )


def signing_keys(settings: Settings, sqlite_path: Path | None) -> list[str]:
    """The configured keys of access tokens, or the one in a file next to the SQLite database.

    The file is created on first use. Raises SettingsError where a key must be configured.
    """
    if settings.secret_key:
        return [key.get_secret_value() for key in settings.secret_key]
    if sqlite_path is None:
        raise SettingsError(
            f"{PREFIX}SECRET_KEY: required with PostgreSQL, as all replicas need the same;"
            f" set it to {RECOMMENDED_KEY} random characters or more"
        )
    return [_key_from_file(sqlite_path.with_suffix(".secret"))]


def _key_from_file(file: Path) -> str:
    try:
        if not file.exists():
            _create_key(file)
        key = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{file}: {reason(error)}") from None
    except ValueError:
        key = ""
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"{file}: not a signing key; delete it for a new one, which ends all sessions"
        )
    return key


def _create_key(file: Path) -> None:
    # Several workers start at once: a hard link is atomic, so that all read the first one's key
    with NamedTemporaryFile("w", dir=file.parent) as draft:
        draft.write(secrets.token_urlsafe(48))
        draft.flush()
        with suppress(FileExistsError):
            os.link(draft.name, file)
