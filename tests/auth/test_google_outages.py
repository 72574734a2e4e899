"""The provider is slow, down, or talks nonsense; and what the log says meanwhile."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from auth.errors import CredentialRefused, ProviderUnavailable
from auth.google import GoogleSignIn
from auth.oidc import Provider, ProviderClient
from tests.auth.conftest import CLIENT_SECRET, REDIRECT_URI, Clock, ScriptedProvider

ACCESS_TOKEN = "ya29.planted-access-token"
CODE = "4/planted-code"
VERIFIER = "planted-verifier-planted-verifier-planted-verifier"


def by_code(google: GoogleSignIn) -> Awaitable[object]:
    return google.by_code(CODE, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)


def by_access_token(google: GoogleSignIn) -> Awaitable[object]:
    return google.by_access_token(ACCESS_TOKEN)


@pytest.mark.parametrize(
    ("endpoint", "sign_in"),
    [
        ("discovery", by_code),
        ("discovery", by_access_token),
        ("tokeninfo", by_access_token),
        ("userinfo", by_access_token),
        ("token", by_code),
    ],
)
async def test_hanging_provider_times_out(
    google: GoogleSignIn,
    provider: ScriptedProvider,
    endpoint: str,
    sign_in: Callable[[GoogleSignIn], Awaitable[object]],
) -> None:
    provider.answer(endpoint, {}, delay=30)
    with pytest.raises(ProviderUnavailable):
        await sign_in(google)


async def test_the_timeout_is_for_the_whole_sign_in(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    provider.answer("tokeninfo", provider.tokeninfo, delay=0.7)
    provider.answer("userinfo", provider.profile, delay=0.7)
    with pytest.raises(ProviderUnavailable, match="longer than 1 s"):
        await google.by_access_token(ACCESS_TOKEN)


async def test_hanging_keys_do_not_hold_up_a_later_sign_in(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    provider.answer("jwks", {}, delay=30)
    with pytest.raises(ProviderUnavailable):
        await google.by_id_token(provider.id_token())
    provider.publish(provider.key)
    assert await google.by_id_token(provider.id_token())


async def test_many_sign_ins_at_once_share_one_fetch(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    provider.answer("discovery", provider.document, delay=0.1)
    token = provider.id_token()
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(google.by_id_token, token)
    assert sorted(provider.requests) == ["discovery", "jwks"]


async def test_a_provider_that_is_down_is_unavailable(clock: Clock, free_port: int) -> None:
    google = GoogleSignIn(
        client_id="any",
        client_secret="any",
        discovery_url=f"http://127.0.0.1:{free_port}/discovery",
        tokeninfo_url=f"http://127.0.0.1:{free_port}/tokeninfo",
        clock=clock,
    )
    with pytest.raises(ProviderUnavailable, match="ConnectError"):
        await google.by_access_token(ACCESS_TOKEN)
    with pytest.raises(ProviderUnavailable, match="ConnectError"):
        await by_code(google)
    await google.close()


async def test_nothing_is_fetched_before_somebody_signs_in(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    assert google
    assert provider.requests == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>"),
        (200, "{"),
        (200, []),
        (200, {}),
        (200, {"issuer": 1, "jwks_uri": 2}),
        (200, {"issuer": "x", "jwks_uri": "ftp://127.0.0.1/"}),
        (200, {"issuer": "x", "jwks_uri": "http://[/"}),
        (200, {"issuer": "x", "jwks_uri": "http://\u0000/"}),
        (400, {"error": "nope"}),
        (404, {}),
        (500, "<html>"),
    ],
)
async def test_malformed_discovery_document_is_unavailability(
    google: GoogleSignIn, provider: ScriptedProvider, status: int, body: object
) -> None:
    token = provider.id_token()
    provider.answer("discovery", body, status=status)
    with pytest.raises(ProviderUnavailable):
        await google.by_id_token(token)
    with pytest.raises(ProviderUnavailable):
        await by_access_token(google)
    with pytest.raises(ProviderUnavailable):
        await by_code(google)


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        {},
        {"keys": []},
        {"keys": None},
        {"keys": "first"},
        {"keys": [1]},
        {"keys": [{}]},
        {"keys": [{"kty": "RSA"}]},
        {"keys": [{"kty": "RSA", "n": "AQ", "e": 3}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
        {"keys": [{"kty": []}]},
    ],
)
async def test_keys_without_sense_make_sign_in_unavailable(
    google: GoogleSignIn, provider: ScriptedProvider, body: object
) -> None:
    token = provider.id_token()
    provider.answer("jwks", body)
    with pytest.raises(ProviderUnavailable):
        await google.by_id_token(token)


@pytest.mark.parametrize(
    ("discovery_url", "address"),
    [
        ("https://accounts.example.org/discovery", "http://accounts.example.org/userinfo"),
        ("http://127.0.0.1/discovery", "gopher://127.0.0.1/userinfo"),
    ],
)
async def test_document_cannot_downgrade_to_http(
    clock: Clock, discovery_url: str, address: str
) -> None:
    client = CannedAnswer({"userinfo_endpoint": address})
    provider = Provider(discovery_url=discovery_url, client=client, clock=clock)
    with pytest.raises(ProviderUnavailable, match="userinfo_endpoint"):
        await provider.endpoint("userinfo_endpoint")


async def test_neither_log_nor_messages_hold_a_secret(
    google: GoogleSignIn, provider: ScriptedProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    id_token = provider.id_token()
    await google.by_access_token(ACCESS_TOKEN)
    await google.by_id_token(id_token)
    messages = []
    for status in (400, 500):
        for endpoint in ("tokeninfo", "userinfo", "token"):
            provider.behave()
            provider.answer(endpoint, {"error": "invalid_grant"}, status=status)
            for sign_in in (by_access_token, by_code):
                messages.append(await complaint(sign_in(google)))
    output = caplog.text + "".join(messages)
    for secret in (ACCESS_TOKEN, CODE, VERIFIER, id_token, CLIENT_SECRET, "Basic "):
        assert secret not in output


async def complaint(sign_in: Awaitable[object]) -> str:
    try:
        await sign_in
    except (CredentialRefused, ProviderUnavailable) as error:
        return f"{error!r} {error.__cause__!r}"
    return ""


class CannedAnswer(ProviderClient):
    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(client_id="any", client_secret="any", timeout=1)
        self._answer = answer

    async def get_json(self, *_: object, **options: object) -> dict[str, Any]:
        return self._answer
