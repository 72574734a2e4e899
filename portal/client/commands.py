"""`kubeportal login` and `kubeportal credential`."""

from __future__ import annotations

import os
import sys

import click

from portal.client.access_tokens import AccessTokenFile
from portal.client.errors import ClientError, SignInNeeded
from portal.client.exec_credential import rendered, wanted_version
from portal.client.remote import RemotePortal

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
