"""The `kubeportal` command: its subcommands, and how they end."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from portal.errors import OperatorError
from portal.logs import reason

# The modules of the server take more than a second to import, so a subcommand is imported when it
# runs: by its name, from this module. The texts are here for `kubeportal --help`.
COMMANDS = {
    "apply": ("administration", "Create and change users, groups and web apps from a YAML file."),
    "audit": ("audit", "Read, export and prune the audit log."),
    "credential": ("client", "Print a token for kubectl."),
    "group": ("groups", "List groups."),
    "import-legacy": ("administration", "Import the data of the former portal."),
    "login": ("client", "Sign in to a portal, for kubectl."),
    "migrate": ("serve", "Create or update the database schema."),
    "openapi": ("contract", "Print the description of the REST API."),
    "schema": ("contract", "Print the GraphQL schema, or check it for breaking changes."),
    "serve": ("serve", "Serve the portal."),
    "session": ("sessions", "List and end sessions."),
    "user": ("users", "Manage users."),
}


class LazyGroup(click.Group):
    """Imports the module of a subcommand only when that subcommand runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        # Modules stay: to look for garbage among them, again and again, takes 0.3 s of each start
        gc.disable()
        module = import_module(f"portal.cli.{COMMANDS[cmd_name][0]}")
        gc.freeze()
        gc.enable()
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=COMMANDS[name][1]) for name in names), *options]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kubeportal", prog_name="kubeportal")
def cli() -> None:
    """A portal to Kubernetes clusters. Environment variables: see docs/configuration.md."""


def run(command: click.Command) -> None:
    """Run a command. A mistake of the operator is one line; only our own bugs show a traceback.

    The exit code is 2 for a command line that is not valid, and 1 for all other errors.
    """
    try:
        command.main(standalone_mode=False)
    except click.exceptions.Abort:
        _fail("Aborted.")
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), exit_code=error.exit_code)
    except OSError as error:
        _fail(f"{error.filename}: {reason(error)}" if error.filename else str(error))
    except OperatorError as error:
        _fail(*error.mistakes)


def _fail(*messages: str, exit_code: int = 1) -> None:
    for message in messages:
        click.echo(f"kubeportal: {' '.join(message.split())}", err=True)
    sys.exit(exit_code)


def main() -> None:
    run(cli)
