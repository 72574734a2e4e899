"""The `kubeportal` command; kubectl runs a part of it for every token and waits for it."""

from __future__ import annotations

import sys

from portal.client.commands import client
from portal.client.errors import ClientError
from portal.running import run


def main() -> None:
    if set(sys.argv[1:2]) & client.commands.keys():
        run(client, (ClientError,))
    else:
        # The modules of the server take more than a second to load
        from portal.cli import main as server_main

        server_main()
