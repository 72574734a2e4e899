"""The configuration of a portal, from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from portal.graphql_status import Profile
from portal.reasons import reason
from portal.setting_values import (
    WHOLE_ADDRESS,
    ClusterRoles,
    DatabaseUrl,
    Domains,
    Duration,
    Keys,
    MailAddress,
    MailServer,
    Moment,
    Networks,
    Origins,
    Texts,
    TokenLifetime,
    WebAddress,
    WholeAddress,
)
from rest_compat.retirement import Retirement
from schema.limits.limits import Limits

PREFIX = "KUBEPORTAL_"
GOOGLE = "https://accounts.google.com/.well-known/openid-configuration"
GOOGLE_TOKENINFO = "https://oauth2.googleapis.com/tokeninfo"
LOCAL_ORIGINS = ("http://localhost:8000", "http://127.0.0.1:8000")


class SettingsError(Exception):
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
