"""How every command ends."""

from __future__ import annotations

import sys

import click

from portal.cli.client import ClientError, client
from portal.logs import reason


def run(command: click.Command, mistakes: tuple[type[Exception], ...]) -> None:
    """A user's mistake ends with status 1 and one line; only a fault of ours shows a traceback."""
    try:
        command.main(standalone_mode=False)
    except click.exceptions.Abort:
        _fail("Aborted.")
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(1)
    except click.ClickException as error:
        _fail(error.format_message())
    except mistakes as error:
        _fail(_told(error))


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {reason(error)}"
    return str(error) or type(error).__name__


def _fail(message: str) -> None:
    click.echo(f"kubeportal: {' '.join(message.split())}", err=True)
    sys.exit(1)


def main() -> None:
    if set(sys.argv[1:2]) & client.commands.keys():
        run(client, (ClientError,))
    else:
        # The modules of the server take more than a second to load
        from portal.cli.commands import main as server_main

        server_main()
