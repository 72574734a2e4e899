"""A provider that follows a script, and sign-in that trusts it."""

import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from auth.google import GoogleSignIn
from tests.openid import running

CLIENT_ID = "kubeportal.apps.example.org"
CLIENT_SECRET = "planted client secret"
REDIRECT_URI = "https://portal.example.org/signed-in"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class ScriptedProvider:
    """Well-behaved at first; a test replaces the answers that it wants to be wrong."""

    def __init__(self, url: str, http: httpx2.Client) -> None:
        self.url = url
        self._http = http
        self.key = RSAKey.generate_key(2048, {"kid": "first"})

    @property
    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }

    @property
    def profile(self) -> dict[str, Any]:
        return {
            "sub": "1234567890",
            "email": "alice@example.org",
            "email_verified": True,
            "given_name": "Alice",
            "family_name": "Anders",
        }

    @property
    def tokeninfo(self) -> dict[str, Any]:
        return {"aud": CLIENT_ID, "azp": CLIENT_ID, "sub": "1234567890", "expires_in": "3599"}

    @property
    def claims(self) -> dict[str, Any]:
        now = int(NOW.timestamp())
        return {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 3600,
            **self.profile,
        }

    def behave(self) -> None:
        self._http.delete(f"{self.url}/_answers").raise_for_status()
        self.answer("discovery", self.document)
        self.answer("tokeninfo", self.tokeninfo)
        self.answer("userinfo", self.profile)
        self.publish(self.key)

    def answer(self, name: str, body: object, *, status: int = 200, delay: float = 0) -> None:
        script = {"status": status, "body": body, "delay": delay}
        self._http.put(f"{self.url}/_answers/{name}", json=script).raise_for_status()

    def publish(self, *keys: RSAKey) -> None:
        self.answer("jwks", {"keys": [key.as_dict(private=False) for key in keys]})

    def give_code(self, code: str, *, code_challenge: str, answer: Mapping[str, Any]) -> None:
        expected = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": REDIRECT_URI,
            "code_challenge": code_challenge,
            "answer": dict(answer),
        }
        self._http.put(f"{self.url}/_codes/{code}", json=expected).raise_for_status()

    def id_token(
        self,
        *,
        key: RSAKey | None = None,
        header: Mapping[str, Any] | None = None,
        without: str | None = None,
        **claims: object,
    ) -> str:
        payload = {name: value for name, value in (self.claims | claims).items() if name != without}
        return jwt.encode(
            {"alg": "RS256", "kid": "first", **(header or {})}, payload, key or self.key
        )

    @property
    def requests(self) -> list[str]:
        requests: list[str] = self._http.get(f"{self.url}/_requests").json()
        return requests


@pytest.fixture(scope="session")
def scripted_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProvider]:
    script = Path(__file__).with_name("scripted_provider.py")
    log = tmp_path_factory.mktemp("scripted") / "provider.log"
    with running([sys.executable, str(script)], log) as url, httpx2.Client() as http:
        yield ScriptedProvider(url, http)


@pytest.fixture
def provider(scripted_provider: ScriptedProvider) -> ScriptedProvider:
    scripted_provider.behave()
    return scripted_provider


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def google(provider: ScriptedProvider, clock: Clock) -> AsyncIterator[GoogleSignIn]:
    sign_in = GoogleSignIn(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        discovery_url=f"{provider.url}/discovery",
        tokeninfo_url=f"{provider.url}/tokeninfo",
        clock=clock,
        timeout=1.0,
    )
    yield sign_in
    await sign_in.close()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
