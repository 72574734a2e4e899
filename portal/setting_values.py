"""The kinds of values that settings have: how a text becomes one, and what is no such value."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Annotated, Any

import durationpy
from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.exceptions import ConfigurationError

from portal.postgres_urls import FORM, check_postgres_url, is_postgres
from portal.smtp import SmtpServer
from resolvers.users import email_complaint
from rest_compat.retirement import moment

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
    if email_complaint(address):
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
Moment = Annotated[datetime, _parsed(moment)]
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
