"""What a `postgres://` URL says, and what of it people may read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

import durationpy
from pydantic import (
    AfterValidator,
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

from portal.errors import OperatorError
from portal.logs import reason
from portal.mail import SmtpServer
from resolvers.rules import is_valid_email
from rest_compat.operations import Retirement, parse_datetime
from schema.limits import Limits

Profile = Literal["audit", "2026"]


SCHEMES = ("postgres", "postgresql")
FORM = "use postgres://USER:PASSWORD@HOST:PORT/DATABASE"
ESCAPES = f"{FORM}, with %2F for /, %3F for ?, %23 for # and %40 for @ in the password"
UNKNOWN_PLACE = "postgres://…"


def is_postgres(text: str) -> bool:
    """Whether somebody means one, even if it is none: then it may hold a password."""
    return text.strip().lower().startswith(tuple(f"{scheme}:" for scheme in SCHEMES))


def check_postgres_url(url: str) -> None:
    """Raises ValueError, whose message has nothing of the URL."""
    parts = _split_url(url)
    if not url.startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
        raise ValueError(FORM)
    if parts.fragment or "@" in f"{parts.path}{parts.query}":
        raise ValueError(ESCAPES)
    if "," not in parts.netloc:
        _port(parts)


def postgres_label(url: str) -> str:
    """Host, port and database of a URL that was checked; what is beside them may be secret."""
    parts = _split_url(url)
    if not parts.hostname or "," in parts.netloc:
        return UNKNOWN_PLACE
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = _port(parts)
    return f"postgres://{host}{f':{port}' if port else ''}{parts.path}"


def _split_url(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError(ESCAPES) from None


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise ValueError(ESCAPES) from None


DATABASE_FORM = f"{FORM} or sqlite://FILE"
ORIGIN = re.compile(r"https?://([\w.-]+|\[[\da-fA-F:]+\])(:\d{1,5})?")
WHOLE_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
WEB_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?(\?[^\s#]*)?")
DOMAIN = re.compile(r"[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)*")
CLUSTER_ROLE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9:._-]{0,251}[A-Za-z0-9])?")
SHORTEST_TOKEN = timedelta(minutes=10)
LONGEST = timedelta(days=3650)
SHORTEST_KEY = 16


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _matching(pattern: re.Pattern[str], advice: str) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(advice)
        return text

    return AfterValidator(check)


def _parsed(parse: Callable[[str], Any]) -> BeforeValidator:
    return BeforeValidator(lambda given: parse(given) if isinstance(given, str) else given)


def _duration(text: str) -> timedelta:
    try:
        return durationpy.from_str(text)
    except durationpy.DurationError:
        raise ValueError("use a duration like 12h, 90m or 10s") from None


def _possible(duration: timedelta) -> timedelta:
    if not timedelta(0) < duration <= LONGEST:
        hours = LONGEST // timedelta(hours=1)
        raise ValueError(f"use a duration of more than 0s and at most {hours}h")
    return duration


def _long_enough_for_a_token(duration: timedelta) -> timedelta:
    if duration < SHORTEST_TOKEN:
        raise ValueError("use at least 10m: Kubernetes issues no tokens for less")
    return duration


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("use addresses and networks like 10.0.0.7 or 10.0.0.0/8") from None


def _long_enough_for_a_key(key: SecretStr) -> SecretStr:
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"use keys of at least {SHORTEST_KEY} characters")
    return key


def _mail_server(url: SecretStr) -> SecretStr:
    SmtpServer.parse(url.get_secret_value())
    return url


def _mail_address(address: str) -> str:
    if not is_valid_email(address):
        raise ValueError("use an address like portal@example.org")
    return address


def _database(url: str) -> str:
    if is_postgres(url):
        check_postgres_url(url)
    elif not url.startswith("sqlite://"):
        raise ValueError(DATABASE_FORM)
    try:
        expand_db_url(url)
    except ConfigurationError:
        raise ValueError(DATABASE_FORM) from None
    return url


DatabaseUrl = Annotated[str, AfterValidator(_database)]
Duration = Annotated[timedelta, _parsed(_duration), AfterValidator(_possible)]
TokenLifetime = Annotated[Duration, AfterValidator(_long_enough_for_a_token)]
Moment = Annotated[datetime, _parsed(parse_datetime)]
MailServer = Annotated[SecretStr, AfterValidator(_mail_server)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
WholeAddress = Annotated[
    str,
    _matching(WHOLE_ADDRESS, "use https://HOST, https://HOST:PORT or https://HOST/PATH"),
    AfterValidator(lambda url: url.rstrip("/")),
]
WebAddress = Annotated[str, _matching(WEB_ADDRESS, "use an address like https://HOST/PATH")]
_Origin = Annotated[
    str,
    AfterValidator(lambda url: url.rstrip("/")),
    _matching(ORIGIN, "use origins like https://HOST or https://HOST:PORT, without wildcards"),
]
_Network = Annotated[str, AfterValidator(_network)]
_Domain = Annotated[str, _matching(DOMAIN, "use domains like example.org, without an @")]
_ClusterRole = Annotated[str, _matching(CLUSTER_ROLE, "use names of cluster roles, like edit")]
_Key = Annotated[SecretStr, AfterValidator(_long_enough_for_a_key)]
Texts = Annotated[tuple[str, ...], NoDecode, _parsed(_split)]
Origins = Annotated[tuple[_Origin, ...], NoDecode, _parsed(_split)]
Networks = Annotated[tuple[_Network, ...], NoDecode, _parsed(_split)]
Domains = Annotated[tuple[_Domain, ...], NoDecode, _parsed(_split)]
ClusterRoles = Annotated[tuple[_ClusterRole, ...], NoDecode, _parsed(_split)]
Keys = Annotated[tuple[_Key, ...], NoDecode, _parsed(_split)]
PREFIX = "KUBEPORTAL_"
GOOGLE = "https://accounts.google.com/.well-known/openid-configuration"
GOOGLE_TOKENINFO = "https://oauth2.googleapis.com/tokeninfo"
LOCAL_ORIGINS = ("http://localhost:8000", "http://127.0.0.1:8000")


class SettingsError(OperatorError):
    """The environment can't be used; the message names the variable and what to do."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore"
    )

    database_url: DatabaseUrl = "sqlite://kubeportal.sqlite3"
    secret_key: Keys = ()
    allowed_urls: Origins = LOCAL_ORIGINS
    trusted_proxies: Networks = ()
    external_url: WholeAddress | None = None
    branding: str = "KubePortal"
    api_server_external: WebAddress | None = None
    auth_google_key: str | None = None
    auth_google_secret: SecretStr | None = None
    auth_google_discovery_url: WebAddress = GOOGLE
    auth_google_tokeninfo_url: WebAddress = GOOGLE_TOKENINFO
    auth_google_creates_users: bool = True
    auth_google_domains: Domains = ()
    clusters: Texts = ()
    kubeconfig: str | None = Field(default=None, validation_alias="KUBECONFIG")
    session_lifetime: Duration = timedelta(hours=12)
    session_idle_lifetime: Duration = timedelta(hours=4)
    token_lifetime: TokenLifetime = timedelta(hours=1)
    facts_interval: Duration = timedelta(seconds=10)
    namespace_clusterroles: ClusterRoles = ()
    smtp_url: MailServer | None = None
    mail_from: MailAddress | None = None
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

    @field_validator("rest_sunset")
    @classmethod
    def _not_before_deprecation(
        cls, sunset: datetime | None, others: ValidationInfo
    ) -> datetime | None:
        return Retirement(others.data.get("rest_deprecation"), sunset).sunset

    @property
    def google_is_on(self) -> bool:
        return bool(self.auth_google_key and self.auth_google_secret)

    @property
    def rest_retirement(self) -> Retirement:
        return Retirement(self.rest_deprecation, self.rest_sunset)

    @property
    def url(self) -> str | None:
        """Where users reach the portal: in doubt it is the first origin that may call it."""
        known = (self.external_url, *self.allowed_urls)
        return next((url for url in known if url and WHOLE_ADDRESS.fullmatch(url)), None)

    @property
    def names(self) -> tuple[str, ...]:
        """What the portal and its host are called."""
        host = urlsplit(self.url or "").hostname or ""
        return (self.branding, host, *host.split("."))

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
                found[variable] = _read(name.upper(), Path(path))
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


def _read(name: str, file: Path) -> str:
    try:
        content = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}: can't read {file}: {reason(error)}") from None
    except ValueError:
        raise SettingsError(f"{name}: {file} is no text in UTF-8") from None
    if not content:
        raise SettingsError(f"{name}: {file} is empty")
    return content
