"""What a program of a client does: it fails to sign in, signs in, and reads page by page."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from portal_client import Client, LoginInput
from portal_client.login import LoginLogin


def main(url: str, username: str, password: str) -> None:
    anonymous = Client(url)
    refused = log_in(anonymous, username, f"not {password}")
    token = log_in(anonymous, username, password).access_token
    client = Client(url, headers={"Authorization": f"Bearer {token}"})
    viewer = client.viewer().viewer
    report = {
        "errors": [error.model_dump(by_alias=True, mode="json") for error in refused.errors],
        "viewer": viewer and viewer.model_dump(by_alias=True, mode="json"),
        "pages": list(pages_of_users(client)),
    }
    json.dump(report, sys.stdout)


def log_in(client: Client, username: str, password: str) -> LoginLogin:
    return client.login(LoginInput(username=username, password=password)).login


def pages_of_users(client: Client) -> Iterator[list[str]]:
    after: str | None = None
    while True:
        admin = client.users(first=2, after=after).admin
        if admin is None:
            raise PermissionError("This is for administrators.")
        yield [edge.node.username for edge in admin.users.edges]
        after = admin.users.page_info.end_cursor
        if not admin.users.page_info.has_next_page:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
