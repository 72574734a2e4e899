"""`kubeportal login` and `kubeportal credential`: a client of a portal, for kubectl.

kubectl runs `credential` for each command, so this module imports neither the server nor an HTTP
client other than Python's own, which takes half the time.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from pathlib import Path
from stat import S_IMODE
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPErrorProcessor, HTTPSHandler, Request, build_opener

import click
import truststore

from portal.errors import OperatorError


class ClientError(OperatorError):
    """The portal or its access token is not usable; the message says what to do."""


class SignInNeeded(ClientError):
    """There is no access token for the portal, or its session has ended."""

    def __init__(self, server: str, problem: str) -> None:
        super().__init__(f"{problem}: run `kubeportal login --server {server}`.")


class AccessTokenFile:
    """A file that only its owner may read, with one access token for each portal address."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def default(cls, environ: Mapping[str, str]) -> AccessTokenFile:
        """`kubeportal/token` in XDG_CONFIG_HOME, by default `~/.config`."""
        folder = environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return cls(Path(folder) / "kubeportal" / "token")

    def read(self) -> dict[str, str]:
        """Empty without a file. Raises ClientError when other users may read it."""
        try:
            with self.path.open(encoding="utf-8") as file:
                if S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise ClientError(
                        f"{self.path} is readable by other users: run `chmod 600 {self.path}`."
                    )
                tokens: dict[str, str] = json.load(file)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ClientError(f"{self.path} cannot be read: {error}. Remove it.") from error
        return tokens

    def write(self, address: str, access_token: str) -> None:
        """Add or replace the token of one portal. Raises ClientError."""
        tokens = {**self.read(), address: access_token}
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Renaming a complete file is atomic, and temporary files have mode 600.
            with NamedTemporaryFile("w", dir=self.path.parent, delete=False) as file:
                json.dump(tokens, file)
            Path(file.name).replace(self.path)
        except OSError as error:
            raise ClientError(f"{self.path} cannot be written: {error.strerror}.") from error


GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")


def requested_version(environ: Mapping[str, str]) -> str:
    """The API version that kubectl requests. Raises ClientError for an unknown one."""
    info = environ.get("KUBERNETES_EXEC_INFO")
    if not info:
        return VERSIONS[0]
    try:
        version = json.loads(info)["apiVersion"]
    except (ValueError, KeyError, TypeError):
        raise ClientError("KUBERNETES_EXEC_INFO is not valid: it is set by kubectl only.") from None
    if version not in VERSIONS:
        supported = " and ".join(VERSIONS)
        raise ClientError(f"kubectl requests {version}; supported versions are {supported}.")
    return str(version)


def exec_credential(version: str, token: str, expires_at: str | None) -> str:
    """The response to kubectl, which caches a token without expiry until the server rejects it."""
    status = {"token": token}
    if expires_at is not None:
        status["expirationTimestamp"] = expires_at
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


TIMEOUT_SECONDS = 15


class AnyStatus(HTTPErrorProcessor):
    """Returns errors and redirects. Following one would send the access token elsewhere."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:
        return response

    https_response = http_response


class RemotePortal:
    """Sends GraphQL operations to a portal.

    Raises ClientError for an address other than `https`, or `http` on this machine.
    """

    def __init__(self, address: str, *, access_token: str | None = None) -> None:
        self.address = _check(address)
        self._headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "kubeportal",
        }
        if access_token is not None:
            self._headers["Authorization"] = f"Bearer {access_token}"

    def execute(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of the response. Raises ClientError with the messages of its errors."""
        query = (DOCUMENTS / f"{document}.graphql").read_text(encoding="utf-8")
        result = self._post({"query": query, "variables": variables})
        if errors := result.get("errors"):
            raise ClientError(_messages(errors))
        data: dict[str, Any] = result["data"]
        return data

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        status, content = self._send(json.dumps(body).encode())
        try:
            result = json.loads(content)
        except ValueError:
            result = None
        if not isinstance(result, dict) or not result.keys() & {"data", "errors"}:
            raise ClientError(f"{self.address} does not answer like a portal: status {status}.")
        return result

    def _send(self, body: bytes) -> tuple[int, bytes]:
        """The status and the body of the response. Raises ClientError."""
        # The certificate authorities of the system, on macOS and Windows too
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        opener = build_opener(AnyStatus, HTTPSHandler(context=context))
        # The scheme was checked
        request = Request(f"{self.address}/graphql", body, self._headers)  # noqa: S310
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                return response.status, response.read()
        except (OSError, HTTPException) as error:
            problem = error.reason if isinstance(error, URLError) else error
            problem = str(problem) or type(problem).__name__
            raise ClientError(f"{self.address} cannot be reached: {problem}") from error


def _messages(errors: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(error["message"] for error in errors)


def _check(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.username or parts.query or parts.fragment:
        raise ClientError(f"{address!r} is not the address of a portal: use https://HOST.")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ClientError(f"{address}: use https, as secrets are sent; http is for localhost only.")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


VARIABLE = "KUBEPORTAL_ACCESS_TOKEN"
# Files, as they are trusted documents of the portal as well
DOCUMENTS = Path(__file__).parents[1] / "documents"
server = click.option("--server", required=True, help="Address of the portal.")


@click.command()
@server
@click.option("--username", help="User name; prompted for on a terminal.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def login(server: str, username: str | None, password_stdin: bool) -> None:
    """Sign in to a portal, from which kubectl then gets its credentials."""
    if not (sys.stdin.isatty() or (password_stdin and username)):
        raise click.UsageError("Without a terminal, use --username and --password-stdin.")
    portal = RemotePortal(server)
    name = username or click.prompt("User name", err=True)
    password = (
        sys.stdin.readline().rstrip("\r\n")
        if password_stdin
        else click.prompt("Password", hide_input=True, err=True)
    )
    payload = portal.execute("kubeportal-login", username=name, password=password)["login"]
    if payload["errors"]:
        raise ClientError(_messages(payload["errors"]))
    AccessTokenFile.default(os.environ).write(portal.address, payload["accessToken"])
    click.echo(f"Signed in to {portal.address} until {payload['expiresAt']}.", err=True)


@click.command()
@server
@click.option("--cluster", help="Expected cluster; an error for another one.")
@click.option("--expires-in-seconds", type=int, help="Lifetime of the token.")
def credential(server: str, cluster: str | None, expires_in_seconds: int | None) -> None:
    """Print a token for kubectl. Kubeconfigs of the portal run this command."""
    version = requested_version(os.environ)
    address = RemotePortal(server).address
    portal = RemotePortal(address, access_token=_access_token(address))
    viewer = portal.execute("kubeportal-credential", cluster=cluster, seconds=expires_in_seconds)[
        "viewer"
    ]
    if viewer is None:
        session = f"The session of {VARIABLE}" if os.environ.get(VARIABLE) else "Your session"
        raise SignInNeeded(address, f"{session} has ended")
    token = viewer["execCredential"]
    click.echo(exec_credential(version, token["value"], token["expiresAt"]))


def _access_token(address: str) -> str:
    """Raises SignInNeeded."""
    file = AccessTokenFile.default(os.environ)
    token = os.environ.get(VARIABLE) or file.read().get(address)
    if token is None:
        raise SignInNeeded(address, f"There is no access token in {VARIABLE} or {file.path}")
    return token
