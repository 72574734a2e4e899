"""Entries of a declaration, and the messages about wrong ones."""

from __future__ import annotations


def user(entry: str) -> str:
    return f"users:\n  - username: alice\n    {entry}"


def group(entry: str) -> str:
    return f"groups:\n  - name: Developers\n    {entry}"


def webapp(entry: str) -> str:
    return f"webapps:\n  - name: Grafana\n    {entry}"


TEXT = "Must be a text: put it in quotes."
MAPPING = "Must be a mapping."
FLAG = "Must be true or false."
LIST = "Must be a list."
REQUIRED = "This field is required."
EMAIL = "Enter a valid email address."
USER_KEYS = (
    "username, firstName, lastName, primaryEmail, alternativeEmails, verifiedEmails, superuser,"
    " active, password, passwordHash, groups, serviceAccount"
)
