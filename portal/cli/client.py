"""The access tokens of portals, in a file that is for its owner only."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from stat import S_IMODE
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

import click
import httpx2

from portal.errors import OperatorError


class ClientError(OperatorError):
    """The portal can't be used like this; the message says what to do."""


class SignInNeeded(ClientError):
    """Nobody is signed in at the portal, or not any more."""

    def __init__(self, server: str, problem: str) -> None:
        super().__init__(f"{problem}: run `kubeportal login --server {server}`.")


class AccessTokenFile:
    """Holds one access token for each portal, by its address."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> AccessTokenFile:
        """`kubeportal/token` in XDG_CONFIG_HOME, which is `~/.config` where it is unset."""
        folder = environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return cls(Path(folder) / "kubeportal" / "token")

    def read(self) -> dict[str, str]:
        """Empty where there is no file. Raises ClientError when others could read it as well."""
        try:
            with self.path.open(encoding="utf-8") as file:
                if S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise ClientError(f"{self.path} is open to others: run chmod 600 {self.path}")
                tokens: dict[str, str] = json.load(file)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ClientError(f"{self.path} can't be read, remove it: {error}") from error
        return tokens

    def write(self, address: str, access_token: str) -> None:
        """Keeps the tokens of other portals. Raises ClientError."""
        tokens = {**self.read(), address: access_token}
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Nobody ever sees half a file: the name moves to a complete one, with mode 600
            with NamedTemporaryFile("w", dir=self.path.parent, delete=False) as file:
                json.dump(tokens, file)
            Path(file.name).replace(self.path)
        except OSError as error:
            raise ClientError(f"{self.path} can't be written: {error.strerror}") from error


GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")


def wanted_version(environ: Mapping[str, str]) -> str:
    """The version in which kubectl wants its answer. Raises ClientError for an unknown one."""
    asked = environ.get("KUBERNETES_EXEC_INFO")
    if not asked:
        return VERSIONS[0]
    try:
        version = json.loads(asked)["apiVersion"]
    except (ValueError, KeyError, TypeError):
        raise ClientError("KUBERNETES_EXEC_INFO is not what kubectl sends.") from None
    if version not in VERSIONS:
        raise ClientError(f"kubectl asks for {version}; known are {' and '.join(VERSIONS)}.")
    return str(version)


def rendered(version: str, token: str, expires_at: str | None) -> str:
    """The answer; a token without expiry is kept by kubectl until the server refuses it."""
    status = {"token": token}
    if expires_at is not None:
        status["expirationTimestamp"] = expires_at
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


TIMEOUT = httpx2.Timeout(15.0, connect=5.0)


class RemotePortal:
    """Raises ClientError for an address that would not keep secrets: `https` or this machine."""

    def __init__(self, address: str, *, access_token: str | None = None) -> None:
        self.address = _checked(address)
        self._headers = {"Accept": "application/json", "User-Agent": "kubeportal"}
        if access_token is not None:
            self._headers["Authorization"] = f"Bearer {access_token}"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of the answer. Raises ClientError, with the portal's words where it has some."""
        answer = self._post({"query": query, "variables": variables})
        errors = answer.get("errors")
        if errors:
            raise ClientError(" ".join(error["message"] for error in errors))
        data: dict[str, Any] = answer["data"]
        return data

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            response = httpx2.post(
                f"{self.address}/graphql", json=body, headers=self._headers, timeout=TIMEOUT
            )
        except httpx2.HTTPError as error:
            problem = str(error) or type(error).__name__
            raise ClientError(f"{self.address} can't be reached: {problem}") from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not answer.keys() & {"data", "errors"}:
            status = response.status_code
            raise ClientError(f"{self.address} does not answer like a portal: status {status}")
        return answer


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.username or parts.query or parts.fragment:
        raise ClientError(f"{address!r} is no address of a portal: use https://HOST")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(host)):
        raise ClientError(f"{address}: use https, as secrets are sent; http is for this machine")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


VARIABLE = "KUBEPORTAL_ACCESS_TOKEN"
LOGIN = """
mutation ($username: String!, $password: String!) {
  login(input: { username: $username, password: $password }) {
    accessToken expiresAt errors { message }
  }
}
"""
CREDENTIAL = """
query ($cluster: String, $seconds: Int) {
  viewer { execCredential(cluster: $cluster, expiresInSeconds: $seconds) { value expiresAt } }
}
"""
server = click.option("--server", required=True, help="The address of the portal.")


@click.command()
@server
@click.option("--username", help="Asked for on a terminal.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def login(server: str, username: str | None, password_stdin: bool) -> None:
    """Sign in to a portal, so that kubectl gets its credentials from there."""
    if not (sys.stdin.isatty() or (password_stdin and username)):
        raise click.UsageError("without a terminal, give --username and --password-stdin")
    portal = RemotePortal(server)
    name = username or click.prompt("User name", err=True)
    password = (
        sys.stdin.readline().rstrip("\r\n")
        if password_stdin
        else click.prompt("Password", hide_input=True, err=True)
    )
    answer = portal.ask(LOGIN, username=name, password=password)["login"]
    if answer["errors"]:
        raise ClientError(" ".join(error["message"] for error in answer["errors"]))
    AccessTokenFile.of(os.environ).write(portal.address, answer["accessToken"])
    click.echo(f"Signed in to {portal.address} until {answer['expiresAt']}.", err=True)


@click.command()
@server
@click.option("--cluster", help="The cluster that the token is for; refused for another one.")
@click.option("--expires-in-seconds", type=int, help="How long the token lasts.")
def credential(server: str, cluster: str | None, expires_in_seconds: int | None) -> None:
    """Print a token as kubectl wants it: a kubeconfig of the portal may name this command."""
    version = wanted_version(os.environ)
    address = RemotePortal(server).address
    portal = RemotePortal(address, access_token=_access_token(address))
    viewer = portal.ask(CREDENTIAL, cluster=cluster, seconds=expires_in_seconds)["viewer"]
    if viewer is None:
        whose = f"The session of {VARIABLE}" if os.environ.get(VARIABLE) else "Your session"
        raise SignInNeeded(address, f"{whose} has ended")
    token = viewer["execCredential"]
    click.echo(rendered(version, token["value"], token["expiresAt"]))


def _access_token(address: str) -> str:
    """Raises SignInNeeded."""
    tokens = AccessTokenFile.of(os.environ)
    known = os.environ.get(VARIABLE) or tokens.read().get(address)
    if known is None:
        raise SignInNeeded(address, f"There is no access token in {VARIABLE} or {tokens.path}")
    return known


client = click.Group(
    commands=[credential, login], context_settings={"help_option_names": ["-h", "--help"]}
)
