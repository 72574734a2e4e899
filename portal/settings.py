"""The configuration of a portal, from the environment."""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal

import durationpy
from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.exceptions import ConfigurationError

from portal.graphql_status import Profile
from portal.smtp import SmtpServer
from resolvers.users import email_complaint
from rest_compat.retirement import Retirement, moment
from schema.limits.limits import Limits

logger = logging.getLogger(__name__)

PREFIX = "KUBEPORTAL_"
SAFE_KEY_LENGTH = 32
DATABASE_FORM = "use sqlite://FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE"
ORIGIN = re.compile(r"https?://([\w.-]+|\[[\da-fA-F:]+\])(:\d{1,5})?")
GOOGLE = "https://accounts.google.com/.well-known/openid-configuration"
GOOGLE_TOKENINFO = "https://oauth2.googleapis.com/tokeninfo"
WHOLE_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
LOCAL_ORIGINS = ("http://localhost:8000", "http://127.0.0.1:8000")


class SettingsError(Exception):
    """The environment can't be used; the message names the variable and what to do."""


def _duration(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return durationpy.from_str(text)
    except durationpy.DurationError:
        raise ValueError("use a duration like 12h, 90m or 10s") from None


def _split(text: Any) -> Any:
    return (
        [part.strip() for part in text.split(",") if part.strip()]
        if isinstance(text, str)
        else text
    )


def _moment(text: Any) -> Any:
    return moment(text) if isinstance(text, str) else text


LONGEST = timedelta(days=3650)
Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0), le=LONGEST)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: str = "sqlite://kubeportal.sqlite3"
    secret_key: Secrets = ()
    allowed_urls: Texts = LOCAL_ORIGINS
    trusted_proxies: Texts = ()
    external_url: str | None = None
    branding: str = "KubePortal"
    api_server_external: str | None = None
    auth_google_key: str | None = None
    auth_google_secret: SecretStr | None = None
    auth_google_discovery_url: str = GOOGLE
    auth_google_tokeninfo_url: str = GOOGLE_TOKENINFO
    auth_google_creates_users: bool = True
    auth_google_domains: Texts = ()
    clusters: Texts = ()
    kubeconfig: str | None = Field(default=None, validation_alias="KUBECONFIG")
    session_lifetime: Duration = timedelta(hours=12)
    session_idle_lifetime: Duration = timedelta(hours=4)
    token_lifetime: Duration = timedelta(hours=1)
    facts_interval: Duration = timedelta(seconds=10)
    namespace_clusterroles: Texts = ()
    smtp_url: SecretStr | None = None
    mail_from: str | None = None
    playground: bool = True
    rest_patch_returns: Literal["auto", "nothing", "representation"] = "auto"
    rest_deprecation: Moment | None = None
    rest_sunset: Moment | None = None
    graphql_max_cost: int = Field(default=Limits().cost, gt=0)
    graphql_timeout: Duration = Limits().time
    graphql_introspection: Literal["everyone", "signed-in"] = "everyone"
    graphql_http_profile: Profile = "audit"
    graphql_documents: Literal["any", "report", "trusted"] = "any"
    graphql_documents_path: Path | None = None

    @field_validator("allowed_urls")
    @classmethod
    def _origins(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        origins = tuple(url.rstrip("/") for url in urls)
        if not all(map(ORIGIN.fullmatch, origins)):
            raise ValueError(
                "use origins like https://HOST or https://HOST:PORT, without wildcards"
            )
        return origins

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(ip_network(proxy)) for proxy in proxies)
        except ValueError:
            raise ValueError("use addresses and networks like 10.0.0.7 or 10.0.0.0/8") from None

    @field_validator("external_url")
    @classmethod
    def _whole_address(cls, url: str | None) -> str | None:
        if url and not WHOLE_ADDRESS.fullmatch(url):
            raise ValueError("use https://HOST, https://HOST:PORT or https://HOST/PATH")
        return url and url.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url:
            SmtpServer.parse(url.get_secret_value())
        return url

    @field_validator("mail_from")
    @classmethod
    def _one_address(cls, address: str | None) -> str | None:
        if address and email_complaint(address):
            raise ValueError("use an address like portal@example.org")
        return address

    @field_validator("rest_sunset")
    @classmethod
    def _not_before_deprecation(
        cls, sunset: datetime | None, others: ValidationInfo
    ) -> datetime | None:
        return Retirement(others.data.get("rest_deprecation"), sunset).sunset

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if not url.startswith(("sqlite://", "postgres://", "postgresql://")):
            raise ValueError(DATABASE_FORM)
        try:
            expand_db_url(url)
        except ConfigurationError:
            raise ValueError(DATABASE_FORM) from None
        return url

    @property
    def rest_retirement(self) -> Retirement:
        return Retirement(self.rest_deprecation, self.rest_sunset)

    @property
    def url(self) -> str | None:
        """Where users reach the portal: in doubt it is the first origin that may call it."""
        known = (self.external_url, *self.allowed_urls)
        return next((url for url in known if url and WHOLE_ADDRESS.fullmatch(url)), None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, FilesOrEnvironment(settings_cls)


class FilesOrEnvironment(EnvSettingsSource):
    """A variable's value, or the content of the file that the same name with _FILE names."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        found = dict(super()._load_env_vars())
        for name, path in list(found.items()):
            variable = name.removesuffix("_file")
            if path and name.startswith(PREFIX.lower()) and variable != name:
                found[variable] = _read(name, path)
        return found


def settings_from_environment() -> Settings:
    """Raises SettingsError."""
    try:
        return Settings()
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        variable = str(problem["loc"][0]).upper()
        name = variable if variable == "KUBECONFIG" else f"{PREFIX}{variable}"
        raise SettingsError(f"{name}: {problem['msg'].removeprefix('Value error, ')}") from None


def signing_keys(settings: Settings, sqlite_path: Path | None) -> list[str]:
    """The configured keys, or the one kept beside the SQLite file, made on first use.

    Raises SettingsError where a key is needed and there is none.
    """
    if settings.secret_key:
        keys = [key.get_secret_value() for key in settings.secret_key]
        if min(map(len, keys)) < SAFE_KEY_LENGTH:
            logger.warning("%sSECRET_KEY: use %d random characters", PREFIX, SAFE_KEY_LENGTH)
        return keys
    if sqlite_path is None:
        raise SettingsError(
            f"{PREFIX}SECRET_KEY: required with PostgreSQL, so that all replicas agree;"
            f" set it to at least {SAFE_KEY_LENGTH} random characters"
        )
    path = sqlite_path.with_suffix(".secret")
    if not path.exists():
        _create_secret(path)
    return [path.read_text().strip()]


def _create_secret(path: Path) -> None:
    """Several processes may try at once: one wins, and nobody reads a half-written file."""
    with NamedTemporaryFile("w", dir=path.parent) as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name.upper()}: can't read the file: {error.strerror}") from None
