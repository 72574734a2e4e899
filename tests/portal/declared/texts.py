"""Entries of a declaration, and what is said about wrong ones."""

from __future__ import annotations


def user(entry: str) -> str:
    return f"users:\n  - username: alice\n    {entry}"


def group(entry: str) -> str:
    return f"groups:\n  - name: Developers\n    {entry}"


def webapp(entry: str) -> str:
    return f"webapps:\n  - name: Grafana\n    {entry}"


LABEL = (
    "enter a Kubernetes name: at most 63 lower-case letters, digits and dashes,"
    " with a letter or digit at both ends"
)
SUBDOMAIN = (
    "enter a Kubernetes name: at most 253 lower-case letters, digits, dashes and dots,"
    " with a letter or digit at both ends of each part"
)
TEXT = "must be a text: put it in quotes"
CONTROL = "may not have control characters or line breaks"
TAG = "unknown tag: put a text that begins with ! in quotes"
EASY = "This password is too easy to guess: common, a pattern, or made of its owner's names."
USER_KEYS = (
    "username, firstName, lastName, primaryEmail, alternativeEmails, verifiedEmails, superuser,"
    " active, password, passwordHash, groups, serviceAccount"
)
PLACEHOLDERS = "the only placeholders are {{namespace}} and {{serviceaccount}}"
URL = "enter a URL that begins with http:// or https://"
