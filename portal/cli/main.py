"""How every command ends."""

from __future__ import annotations

import sys

import click

from portal.cli.client import client
from portal.errors import OperatorError
from portal.logs import reason


def run(command: click.Command) -> None:
    """Run a command. A mistake of the operator is one line; only our own bugs show a traceback."""
    try:
        command.main(standalone_mode=False)
    except click.exceptions.Abort:
        _fail("Aborted.")
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(1)
    except click.ClickException as error:
        _fail(error.format_message())
    except OSError as error:
        _fail(f"{error.filename}: {reason(error)}" if error.filename else str(error))
    except OperatorError as error:
        _fail(str(error))


def _fail(message: str) -> None:
    click.echo(f"kubeportal: {' '.join(message.split())}", err=True)
    sys.exit(1)


def main() -> None:
    if set(sys.argv[1:2]) & client.commands.keys():
        run(client)
    else:
        # The modules of the server take more than a second to load
        from portal.cli.commands import main as server_main

        server_main()
