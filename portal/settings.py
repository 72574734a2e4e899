"""The settings of the portal, from environment variables and files."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

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

from cluster.cluster import SERVICE_ACCOUNT_FOLDER
from portal.errors import OperatorError
from portal.logs import printable, reason
from portal.mail import SmtpServer
from resolvers.rules import LABEL, is_valid_email
from rest_compat.operations import Retirement, parse_datetime
from schema.limits import Limits

logger = logging.getLogger(__name__)
PREFIX = "KUBEPORTAL_"
# Read by commands of users, from the environment of their own machine
ACCESS_TOKEN = f"{PREFIX}ACCESS_TOKEN"
# Kubernetes sets variables for each service, such as KUBEPORTAL_SERVICE_HOST for `kubeportal`
SERVICE_VARIABLE = re.compile(
    r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)"
)
SERVICE_URL = re.compile(r"(tcp|udp|sctp)://.*")
GOOGLE = "https://accounts.google.com/.well-known/openid-configuration"
GOOGLE_TOKENINFO = "https://oauth2.googleapis.com/tokeninfo"
LOCAL_ORIGINS = ("http://localhost:8000", "http://127.0.0.1:8000")
# The shortest lifetime that the TokenRequest API of Kubernetes accepts
SHORTEST_TOKEN = timedelta(minutes=10)
LONGEST_DURATION = timedelta(days=3650)
SHORTEST_KEY = 16  # characters

Profile = Literal["audit", "2026"]

ORIGIN = re.compile(r"https?://([\w.-]+|\[[\da-fA-F:]+\])(:\d{1,5})?")
PORTAL_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?(\?[^\s#]*)?")
DOMAIN = re.compile(r"[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)*")
CLUSTER_ROLE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9:._-]{0,251}[A-Za-z0-9])?")
_HOST = r"(?:[\w.%-]*|\[[\w:.%]+\])(?::\d{1,5})?"
POSTGRES_URL = re.compile(
    r"postgres(?:ql)?://(?:[^/?#]*@)?"
    rf"(?P<place>{_HOST}(?:,{_HOST})*(?:/[^@?#]*)?)(?:\?[^@#]*)?"
)
FORM = "use postgres://USER:PASSWORD@HOST:PORT/DATABASE"
ESCAPES = f"{FORM}, with %2F for /, %3F for ?, %23 for # and %40 for @ in the password"
DATABASE_FORM = f"{FORM} or sqlite://FILE"


def is_postgres(text: str) -> bool:
    """Whether it is meant as a URL of PostgreSQL: even a malformed one may hold a password."""
    return text.strip().lower().startswith(("postgres:", "postgresql:"))


def check_postgres_url(url: str) -> None:
    """Raises ValueError, without any part of the URL in its message."""
    if not POSTGRES_URL.fullmatch(url):
        raise ValueError(ESCAPES)


def postgres_label(url: str) -> str:
    """The hosts, ports and database of a valid URL; the rest may be secret."""
    match = POSTGRES_URL.fullmatch(url)
    return f"postgres://{match['place'] if match else '…'}"


def database_label(database_url: str) -> str:
    """A valid URL of either kind, without what may be secret."""
    return postgres_label(database_url) if is_postgres(database_url) else database_url


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _matching(pattern: re.Pattern[str], advice: str) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(advice)
        return text

    return AfterValidator(check)


def _parsed(parse: Callable[[str], Any]) -> BeforeValidator:
    """Values other than texts come from code, not from the environment."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _duration(text: str) -> timedelta:
    try:
        return durationpy.from_str(text)
    except durationpy.DurationError:
        raise ValueError("use a duration like 12h, 90m or 10s") from None


def _check_duration(duration: timedelta) -> timedelta:
    if not timedelta(0) < duration <= LONGEST_DURATION:
        hours = LONGEST_DURATION // timedelta(hours=1)
        raise ValueError(f"use a duration of more than 0s and at most {hours}h")
    return duration


def _check_token_lifetime(duration: timedelta) -> timedelta:
    if duration < SHORTEST_TOKEN:
        raise ValueError("use at least 10m: Kubernetes issues no tokens for less")
    return duration


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("use addresses and networks like 10.0.0.7 or 10.0.0.0/8") from None


def _check_key(key: SecretStr) -> SecretStr:
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"use keys of at least {SHORTEST_KEY} characters")
    return key


def _check_mail_server(url: SecretStr) -> SecretStr:
    SmtpServer.parse(url.get_secret_value())
    return url


def _check_mail_address(address: str) -> str:
    if not is_valid_email(address):
        raise ValueError("use an address like portal@example.org")
    return address


def _check_database_url(url: str) -> str:
    if is_postgres(url):
        check_postgres_url(url)
    elif not url.startswith("sqlite://"):
        raise ValueError(DATABASE_FORM)
    try:
        expand_db_url(url)
    except ConfigurationError:
        raise ValueError(DATABASE_FORM) from None
    return url


def _check_certificates(pem: str) -> str:
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise ValueError("use certificates in PEM format") from None
    return pem


DatabaseUrl = Annotated[str, AfterValidator(_check_database_url)]
Duration = Annotated[timedelta, _parsed(_duration), AfterValidator(_check_duration)]
TokenLifetime = Annotated[Duration, AfterValidator(_check_token_lifetime)]
DateTime = Annotated[datetime, _parsed(parse_datetime)]
MailServer = Annotated[SecretStr, AfterValidator(_check_mail_server)]
MailAddress = Annotated[str, AfterValidator(_check_mail_address)]
PortalUrl = Annotated[
    str,
    _matching(PORTAL_URL, "use https://HOST, https://HOST:PORT or https://HOST/PATH"),
    AfterValidator(lambda url: url.rstrip("/")),
]
Url = Annotated[str, _matching(URL, "use an address like https://HOST/PATH")]
_Origin = Annotated[
    str,
    AfterValidator(lambda url: url.rstrip("/")),
    _matching(ORIGIN, "use origins like https://HOST or https://HOST:PORT, without wildcards"),
]
_Network = Annotated[str, AfterValidator(_network)]
_Domain = Annotated[str, _matching(DOMAIN, "use domains like example.org, without an @")]
_ClusterRole = Annotated[str, _matching(CLUSTER_ROLE, "use names of cluster roles, like edit")]
Certificates = Annotated[str, AfterValidator(_check_certificates)]
Namespace = Annotated[str, _matching(LABEL, "use the name of a namespace, like kubeportal")]
_Key = Annotated[SecretStr, AfterValidator(_check_key)]
# Without NoDecode, pydantic-settings expects lists to be JSON
Texts = Annotated[tuple[str, ...], NoDecode, _parsed(_split)]
Origins = Annotated[tuple[_Origin, ...], NoDecode, _parsed(_split)]
Networks = Annotated[tuple[_Network, ...], NoDecode, _parsed(_split)]
Domains = Annotated[tuple[_Domain, ...], NoDecode, _parsed(_split)]
ClusterRoles = Annotated[tuple[_ClusterRole, ...], NoDecode, _parsed(_split)]
Keys = Annotated[tuple[_Key, ...], NoDecode, _parsed(_split)]


class SettingsError(OperatorError):
    """A mistake in the environment; the message names the variable and what to do."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore"
    )

    database_url: DatabaseUrl = "sqlite://kubeportal.sqlite3"
    secret_key: Keys = ()
    allowed_urls: Origins = LOCAL_ORIGINS
    trusted_proxies: Networks = ()
    external_url: PortalUrl | None = None
    branding: str = "KubePortal"
    api_server_external: Url | None = None
    api_server_ca: Certificates | None = None
    auth_google_key: str | None = None
    auth_google_secret: SecretStr | None = None
    auth_google_discovery_url: Url = GOOGLE
    auth_google_tokeninfo_url: Url = GOOGLE_TOKENINFO
    auth_google_creates_users: bool = True
    auth_google_domains: Domains = ()
    clusters: Texts = ()
    kubeconfig: str | None = Field(default=None, validation_alias="KUBECONFIG")
    session_lifetime: Duration = timedelta(hours=12)
    session_idle_lifetime: Duration = timedelta(hours=4)
    token_lifetime: TokenLifetime = timedelta(hours=1)
    facts_interval: Duration = timedelta(seconds=10)
    namespace: Namespace | None = None
    namespace_clusterroles: ClusterRoles = ()
    smtp_url: MailServer | None = None
    mail_from: MailAddress | None = None
    playground: bool = True
    rest_patch_returns: Literal["auto", "nothing", "representation"] = "auto"
    rest_deprecation: DateTime | None = None
    rest_sunset: DateTime | None = None
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
    def portal_namespace(self) -> str | None:
        """KUBEPORTAL_NAMESPACE, else the namespace of the pod, else None."""
        if self.namespace:
            return self.namespace
        with suppress(OSError):
            return (SERVICE_ACCOUNT_FOLDER / "namespace").read_text(encoding="utf-8").strip()
        return None

    @property
    def rest_retirement(self) -> Retirement:
        return Retirement(self.rest_deprecation, self.rest_sunset)

    @property
    def url(self) -> str | None:
        """The address of the portal: the external URL, else the first allowed origin."""
        urls = (self.external_url, *self.allowed_urls)
        return next((url for url in urls if url and PORTAL_URL.fullmatch(url)), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the portal and its host, which are refused as passwords."""
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
    """A variable NAME, or the content of the file in NAME_FILE, as container platforms mount it."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        variables = dict(super()._load_env_vars())
        for name, path in list(variables.items()):
            variable = name.removesuffix("_file")
            if path and name.startswith(PREFIX.lower()) and variable != name:
                variables[variable] = _read(name.upper(), Path(path))
        return variables


def settings_from_environment() -> Settings:
    """Raises SettingsError."""
    try:
        return Settings()
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        name = _variable(str(problem["loc"][0]))
        raise SettingsError(f"{name}: {problem['msg'].removeprefix('Value error, ')}") from None


def _variable(field: str) -> str:
    """The environment variable of a setting."""
    return field.upper() if field.upper() == "KUBECONFIG" else f"{PREFIX}{field.upper()}"


VARIABLES = frozenset(map(_variable, Settings.model_fields))


def warn_of_unknown_variables(environ: Mapping[str, str]) -> None:
    """Log a warning for each variable of the portal that no setting reads."""
    # Without the prefix, which would make all of them similar
    known = [variable.removeprefix(PREFIX) for variable in VARIABLES]
    known += [f"{name}_FILE" for name in known]
    for name in sorted(_unknown_variables(environ)):
        nearest = get_close_matches(name.upper().removeprefix(PREFIX), known, n=1)
        hint = f": did you mean {PREFIX}{nearest[0]}?" if nearest else ", and is ignored."
        logger.warning("%s is not a setting%s", printable(name), hint)


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    for name, value in environ.items():
        upper = name.upper()
        is_known = upper == ACCESS_TOKEN or {upper, upper.removesuffix("_FILE")} & VARIABLES
        is_service = SERVICE_VARIABLE.fullmatch(upper) or SERVICE_URL.fullmatch(value)
        if upper.startswith(PREFIX) and not is_known and not is_service:
            yield name


def _read(name: str, file: Path) -> str:
    try:
        content = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}: cannot read {file}: {reason(error)}") from None
    except ValueError:
        raise SettingsError(f"{name}: {file} is not UTF-8 text") from None
    if not content:
        raise SettingsError(f"{name}: {file} is empty")
    return content
