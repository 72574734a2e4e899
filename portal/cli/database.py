"""How commands work on the database of the portal, and how they read passwords."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from models import User
from portal.databases import up_to_date
from portal.errors import OperatorError
from portal.logs import log_audit_events, printable
from portal.settings import Settings, settings_from_environment, warn_of_unknown_variables
from resolvers.errors import BadUserInput, FieldError, PortalError

T = TypeVar("T")
# The arguments of commands, by what resolvers call them
ARGUMENTS = {
    "username": "USERNAME",
    "primary_email": "--email",
    "first_name": "--first-name",
    "last_name": "--last-name",
    "password": "Password",
    "search": "--search",
}


class CommandError(OperatorError):
    """A command can't do what its arguments ask for; the message names the argument."""


def command_settings() -> Settings:
    """The settings, once logging is set up. Raises SettingsError."""
    log_audit_events()
    settings = settings_from_environment()
    warn_of_unknown_variables(os.environ)
    return settings


def run_on_database(work: Callable[[Settings], Awaitable[T]], *, read_only: bool = False) -> T:
    """Run the work on the migrated database, which is not migrated only to be read.

    Raises OperatorError, also for the errors of resolvers.
    """
    settings = command_settings()

    async def run() -> T:
        async with up_to_date(settings.database_url, dry_run=read_only):
            try:
                return await work(settings)
            except BadUserInput as error:
                raise CommandError(*map(_message, error.errors)) from None
            except PortalError as error:
                raise CommandError(error.message) from None

    return asyncio.run(run())


def _message(error: FieldError) -> str:
    argument = ARGUMENTS.get(str(error.path[0])) if error.path else None
    return f"{argument}: {error.message}" if argument else error.message


async def find_user(username: str) -> User:
    """The user of that name, in any case. Raises CommandError."""
    user = await User.by_username(username)
    if user is None:
        raise CommandError(f"There is no user {printable(username)}.")
    return user


def is_terminal() -> bool:
    """Whether a prompt can be answered."""
    return sys.stdin.isatty()


def read_password(*, from_stdin: bool) -> str:
    """Prompts on a terminal. Otherwise the first line of standard input, which may be empty."""
    if from_stdin or not is_terminal():
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
