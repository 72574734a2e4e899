from __future__ import annotations


class ClientError(Exception):
    """The portal can't be used like this; the message says what to do."""


class SignInNeeded(ClientError):
    """Nobody is signed in at the portal, or not any more."""

    def __init__(self, server: str, problem: str) -> None:
        super().__init__(f"{problem}: run `kubeportal login --server {server}`.")
