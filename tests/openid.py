"""A pytest plugin: an OpenID Connect provider in a process of its own."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

READY = re.compile(r"running on (http://127\.0\.0\.1:\d+)")
START_SECONDS = 30
TOKEN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gives for one sign-in."""

    id_token: str
    access_token: str


class OpenIdProvider:
    """Signs people in without a browser, for the application `client_id` or for another one."""

    client_id = "kubeportal-tests"
    client_secret = "not-so-secret"
    redirect_uri = "http://localhost/signed-in"

    def __init__(self, url: str, http: httpx2.Client, tokeninfo: "Tokeninfo") -> None:
        self.url = url
        self.discovery_url = f"{url}/.well-known/openid-configuration"
        self.tokeninfo_url = tokeninfo.url
        self._http = http
        self._tokeninfo = tokeninfo

    def set_user(self, subject: str, **claims: object) -> None:
        """Makes an account, or replaces its claims (email, email_verified, given_name, …)."""
        self._http.put(f"{self.url}/users/{subject}", json=claims).raise_for_status()

    def code(self, subject: str, *, nonce: str | None = None, client_id: str | None = None) -> str:
        """An authorization code, as the browser of that person would bring it."""
        query = {
            "client_id": client_id or self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid email profile",
            **({"nonce": nonce} if nonce else {}),
        }
        answer = self._http.post(
            f"{self.url}/oauth2/authorize", params=query, data={"sub": subject}
        )
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

    def tokens(
        self, subject: str, *, nonce: str | None = None, client_id: str | None = None
    ) -> Tokens:
        """Signs a person in to an application and returns that application's tokens."""
        audience = client_id or self.client_id
        answer = self._http.post(
            f"{self.url}/oauth2/token",
            auth=(audience, self.client_secret),
            data={
                "grant_type": "authorization_code",
                "code": self.code(subject, nonce=nonce, client_id=audience),
                "redirect_uri": self.redirect_uri,
            },
        ).json()
        tokens = Tokens(answer["id_token"], answer["access_token"])
        self._tokeninfo.know(tokens.access_token, subject, audience)
        return tokens


class Tokeninfo:
    """What Google has and the mock lacks: tells for whom an access token was issued."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/tokeninfo"

    def know(self, access_token: str, subject: str, audience: str) -> None:
        self._known[access_token] = {
            "azp": audience,
            "aud": audience,
            "sub": subject,
            "exp": str(int(time.time()) + TOKEN_SECONDS),
            "expires_in": str(TOKEN_SECONDS - 1),
        }

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        known = self._known

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                token = parse_qs(urlsplit(self.path).query).get("access_token", [""])[0]
                facts: dict[str, Any] | None = known.get(token)
                self.send_response(200 if facts else 400)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(facts or {"error": "invalid_token"}).encode())

            def log_message(self, *args: object) -> None:
                pass

        return Handler


@contextmanager
def running(command: list[str], log: Path) -> Iterator[str]:
    """A server process on a free port of the loopback; gives its address once it answers."""
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=output) as process,
    ):
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := READY.search(log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(f"The provider did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def openid_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    """One provider for the whole run; each test makes the accounts that it needs."""
    log = tmp_path_factory.mktemp("openid") / "provider.log"
    tokeninfo = Tokeninfo()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", "0"]
    with tokeninfo.serving(), running(command, log) as url, httpx2.Client() as http:
        yield OpenIdProvider(url, http, tokeninfo)
