"""The keys that sign access tokens: configured, or kept beside the SQLite file."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from auth.google import GoogleSignIn
from auth.passwords import Passwords
from auth.tokens import AccessTokens, PersonalTokens
from cluster.cluster import Clusters, load_clusters
from cluster.connection import ClusterConfigError
from models import Database
from portal.jobs import Sweeper, UsageCounter
from portal.logs import reason
from portal.mail import SmtpMailer, SmtpServer
from portal.settings import PREFIX, SHORTEST_KEY, Settings, SettingsError
from portal.web.streams import DEFAULT_STREAM_LIMITS, StreamLimits
from resolvers.actor import Client
from resolvers.rate_limits import RateLimits
from resolvers.rules import is_valid_email
from resolvers.services import GooglePolicy, Services
from resolvers.sessions import authenticate
from schema.context import Context

CLOSING = "closing"


logger = logging.getLogger(__name__)
SAFE_LENGTH = 32


def signing_keys(settings: Settings, sqlite_path: Path | None) -> list[str]:
    """The configured keys, or the one kept beside the SQLite file, made on first use.

    Raises SettingsError where a key is needed and there is none.
    """
    if settings.secret_key:
        return [key.get_secret_value() for key in settings.secret_key]
    if sqlite_path is None:
        raise SettingsError(
            f"{PREFIX}SECRET_KEY: required with PostgreSQL, so that all replicas agree;"
            f" set it to {SAFE_LENGTH} random characters or more"
        )
    return [_kept(sqlite_path.with_suffix(".secret"))]


def warn_of_short_keys(settings: Settings) -> None:
    if any(len(key) < SAFE_LENGTH for key in settings.secret_key):
        logger.warning("%sSECRET_KEY: better use %d random characters", PREFIX, SAFE_LENGTH)


def _kept(file: Path) -> str:
    try:
        if not file.exists():
            _create(file)
        key = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{file}: {reason(error)}") from None
    except ValueError:
        key = ""
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"{file}: this is no signing key; delete it for a new one, which ends all sessions"
        )
    return key


def _create(file: Path) -> None:
    """Several processes may try at once: one wins, and nobody reads a half-written file."""
    with NamedTemporaryFile("w", dir=file.parent) as draft:
        draft.write(secrets.token_urlsafe(48))
        draft.flush()
        with suppress(FileExistsError):
            os.link(draft.name, file)


class Portal:
    """`clusters` and `passwords` are made as the settings say unless they are given."""

    services: Services

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        clusters: Clusters | None = None,
        passwords: Passwords | None = None,
        stream_limits: StreamLimits = DEFAULT_STREAM_LIMITS,
    ) -> None:
        self.settings = settings
        self.database = Database(settings.database_url)
        self._clock = clock
        self._clusters = clusters
        self._passwords = passwords or Passwords(names=settings.names)
        self._mailer = smtp_mailer(settings)
        self._sweeper = Sweeper(self.database, clock, idle_lifetime=settings.session_idle_lifetime)
        self.rest_usage = UsageCounter(self.database, clock)
        self.stream_limits = stream_limits
        self.closing = asyncio.Event()

    async def open(self) -> None:
        """Raises what `assemble` raises."""
        await self.database.open()
        self.services = await self.assemble()
        await self.services.clusters.start()
        self._sweeper.start()
        self.rest_usage.start()

    async def assemble(self) -> Services:
        """Everything that the settings describe, not yet started.

        Raises SettingsError.
        """
        keys = signing_keys(self.settings, self.database.sqlite_path)
        return Services(
            clock=self._clock,
            portal_name=self.settings.branding,
            portal_version=version("kubeportal"),
            portal_url=self.settings.url,
            session_lifetime=self.settings.session_lifetime,
            session_idle_lifetime=self.settings.session_idle_lifetime,
            token_lifetime=self.settings.token_lifetime,
            passwords=self._passwords,
            rate_limits=RateLimits(key=keys[0], clock=self._clock),
            access_tokens=AccessTokens(keys=keys, clock=self._clock),
            personal_tokens=PersonalTokens(keys=keys),
            google=google_sign_in(self.settings, self._clock),
            google_policy=GooglePolicy(
                creates_users=self.settings.auth_google_creates_users,
                domains=tuple(map(str.lower, self.settings.auth_google_domains)),
            ),
            clusters=await self._load_clusters() if self._clusters is None else self._clusters,
            recheck_interval=self.stream_limits.recheck_interval,
            namespace_cluster_roles=self.settings.namespace_clusterroles,
            mailer=self._mailer,
        )

    async def close(self) -> None:
        await self._sweeper.close()
        await self.rest_usage.close()
        if self._mailer:
            await self._mailer.close()
        await self.services.clusters.close()
        if self.services.google:
            await self.services.google.close()
        await self.database.close()

    async def context(
        self, connection: HTTPConnection, authorization: str | None = None
    ) -> Context:
        """What one operation knows, from the headers of its request.

        `authorization` is taken instead of the header where it is given.
        """
        given = authorization or connection.headers.get("authorization", "")
        scheme, _, token = given.partition(" ")
        request_id = connection.scope["state"]["request_id"]
        client = Client(
            address=connection.client.host if connection.client else "",
            name=connection.headers.get("user-agent", ""),
            request_id=request_id,
        )
        bearer = token.strip() if scheme.lower() == "bearer" else None
        actor = await authenticate(self.services, bearer, client)
        return Context(self.services, actor, request_id)

    async def _load_clusters(self) -> Clusters:
        try:
            return await load_clusters(
                contexts=self.settings.clusters,
                kubeconfig=self.settings.kubeconfig,
                api_server_external=self.settings.api_server_external,
                facts_interval=self.settings.facts_interval,
                clock=self._clock,
            )
        except ClusterConfigError as error:
            raise SettingsError(str(error)) from error


def google_sign_in(settings: Settings, clock: Callable[[], datetime]) -> GoogleSignIn | None:
    """None when Google sign-in is off. Raises SettingsError when half of it is configured."""
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
    """As configured, else the account at the mail server, else one at the portal's own address."""
    host = urlsplit(settings.url or "").hostname
    candidates = (settings.mail_from, server.username, f"kubeportal@{host}")
    fit = (address for address in candidates if address and is_valid_email(address))
    return next(fit, "kubeportal@localhost")
