"""What a value may be: one rule and one text for each, which every door uses.

The texts are those of the REST API. A door adds only where the value stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from tortoise.models import Model

from models import Group, GroupMembership, ServiceAccount, User, WebApp, username_key
from models.groups import GROUP_NAME_LENGTH
from models.users import COMMENTS_LENGTH, EMAIL_LENGTH, KEY_LENGTH, NAME_LENGTH
from models.webapps import LINK_URL_LENGTH, WEBAPP_NAME_LENGTH
from resolvers.changes import WriteOptions
from resolvers.errors import BadUserInput, FieldError, Path

NULL = "This field may not be null."
BLANK = "This field may not be blank."
CONTROL = "Control characters are not allowed."
EMAIL = "Enter a valid email address."
MAXIMUM_ALTERNATIVE_EMAILS = 20
SYSTEM_NAMESPACE_PREFIX = "kube-"
PORTAL_NAMESPACE = "This is the namespace of the portal itself, which has rights everywhere."
# RFC 1123, as Kubernetes checks namespaces (a label) and service accounts (a subdomain)
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_LENGTH = 63
SUBDOMAIN = re.compile(rf"{LABEL.pattern}(\.{LABEL.pattern})*")
SUBDOMAIN_LENGTH = 253
INTRANET = re.compile(r"[@.](local|localhost|test|home\.arpa)$", re.IGNORECASE)

Rule: TypeAlias = Callable[[Any], Any]


def clean(model: type[Model], column: str, value: Any) -> Any:
    """The value to store: stripped and normalised. Columns without a rule take any value.

    Raises BadUserInput whose paths begin with the column.
    """
    rule = RULES[model].get(column)
    try:
        return rule(value) if rule else value
    except BadUserInput as invalid:
        raise BadUserInput(*(error.below((column,)) for error in invalid.errors)) from None


def is_valid(model: type[Model], column: str, value: Any) -> bool:
    with collecting_errors() as errors:
        clean(model, column, value)
    return not errors


def check_values(
    model: type[Model], values: Mapping[str, Any], at: Path = ()
) -> tuple[dict[str, Any], list[FieldError]]:
    """Those of the values that are valid, cleaned, and the errors of the others."""
    cleaned: dict[str, Any] = {}
    errors: list[FieldError] = []
    for column, value in values.items():
        with collecting_errors() as found:
            cleaned[column] = clean(model, column, value)
        errors += [error.below(at) for error in found]
    return cleaned, errors


@contextmanager
def collecting_errors() -> Iterator[list[FieldError]]:
    """The errors of a BadUserInput raised in the block, which ends with it."""
    errors: list[FieldError] = []
    try:
        yield errors
    except BadUserInput as invalid:
        errors += invalid.errors


def invalid(message: str) -> BadUserInput:
    """What a rule raises."""
    return BadUserInput(FieldError(message))


def too_long(limit: int) -> str:
    return f"Ensure this field has no more than {limit} characters."


def required(value: Any) -> Any:
    """The rule for flags and choices."""
    if value is None:
        raise invalid(NULL)
    return value


def line(limit: int, *, blank: bool = False, null: bool = False) -> Rule:
    """The rule for a text in one line, without the spaces around it."""

    def rule(value: str | None) -> str | None:
        if value is None:
            if null:
                return None
            raise invalid(NULL)
        text = value.strip()
        if not text and not blank:
            raise invalid(BLANK)
        if len(text) > limit:
            raise invalid(too_long(limit))
        if not value.isprintable():
            raise invalid(CONTROL)
        return text

    return rule


def lines(limit: int) -> Rule:
    """The rule for a text of any number of lines, or null."""

    def rule(value: str | None) -> str | None:
        if value and len(value) > limit:
            raise invalid(too_long(limit))
        if value and not all(each.isprintable() or each in "\n\r\t" for each in value):
            raise invalid(CONTROL)
        return value

    return rule


def satisfying(error: Callable[[str], str | None], rule: Rule) -> Rule:
    """The rule, and then another one for what is not null."""

    def both(value: Any) -> Any:
        cleaned = rule(value)
        if cleaned is not None and (message := error(cleaned)):
            raise invalid(message)
        return cleaned

    return both


def normalize_email(address: str) -> str:
    """Raises EmailNotValidError.

    The validator refuses the special-use names of intranets, as in `bob@corp.local`, so it gets
    them as parts of a longer domain.
    """
    suffix = ".example" if INTRANET.search(address) else ""
    normalized = validate_email(
        f"{address}{suffix}", check_deliverability=False, globally_deliverable=False
    ).normalized
    return normalized.removesuffix(suffix)


def email(value: str | None) -> str | None:
    if value is None:
        return None
    if len(value) > EMAIL_LENGTH:
        raise invalid(too_long(EMAIL_LENGTH))
    try:
        return normalize_email(value)
    except EmailNotValidError:
        raise invalid(EMAIL) from None


def is_valid_email(address: str) -> bool:
    return is_valid(User, "primary_email", address)


def alternative_emails(values: list[str] | None) -> list[str]:
    if values is None:
        raise invalid(NULL)
    if len(values) > MAXIMUM_ALTERNATIVE_EMAILS:
        raise invalid(f"Give at most {MAXIMUM_ALTERNATIVE_EMAILS} addresses.")
    addresses: dict[str, None] = {}
    errors: list[FieldError] = []
    for number, value in enumerate(values):
        with collecting_errors() as found:
            addresses[required(email(value))] = None
        errors += [error.below((number,)) for error in found]
    if errors:
        raise BadUserInput(*errors)
    return list(addresses)


def key_length_error(username: str) -> str | None:
    return too_long(NAME_LENGTH) if len(username_key(username)) > KEY_LENGTH else None


def fill_in(text: str, account: ServiceAccount | None) -> str:
    """Replaces {{namespace}} and {{serviceaccount}}; without an account by empty text."""
    return text.replace("{{namespace}}", account.namespace if account else "").replace(
        "{{serviceaccount}}", account.name if account else ""
    )


def placeholder_error(text: str) -> str | None:
    filled = fill_in(text, ServiceAccount(namespace="x", name="x"))
    if "{{" in filled or "}}" in filled:
        return "The only placeholders are {{namespace}} and {{serviceaccount}}."
    return None


def link_error(url: str) -> str | None:
    """What is wrong with a URL, which may hold placeholders."""
    if error := placeholder_error(url):
        return error
    try:
        parts = urlsplit(fill_in(url, ServiceAccount(namespace="x", name="x")))
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        complete = False
    if not complete or " " in url:
        return "Enter a URL that begins with http:// or https://."
    return None


def label_error(name: str) -> str | None:
    """The rule of Kubernetes for the name of a namespace."""
    if len(name) <= LABEL_LENGTH and LABEL.fullmatch(name):
        return None
    return (
        f"The name of a namespace has at most {LABEL_LENGTH} lower-case letters, digits and '-',"
        " and begins and ends with a letter or digit."
    )


def subdomain_error(name: str) -> str | None:
    """The rule of Kubernetes for the name of a service account."""
    if len(name) <= SUBDOMAIN_LENGTH and SUBDOMAIN.fullmatch(name):
        return None
    return (
        f"The name of a service account has at most {SUBDOMAIN_LENGTH} lower-case letters, digits,"
        " '-' and '.', and each of its parts begins and ends with a letter or digit."
    )


def namespace_error(name: str, options: WriteOptions) -> str | None:
    if name == options.portal_namespace:
        return PORTAL_NAMESPACE
    if name.startswith(SYSTEM_NAMESPACE_PREFIX) and not options.system_namespaces:
        return f"Namespaces that begin with {SYSTEM_NAMESPACE_PREFIX} belong to Kubernetes itself."
    return label_error(name)


def account_errors(account: ServiceAccount, options: WriteOptions) -> list[FieldError]:
    """Validation errors of a service account for a user, with the paths `namespace`, `name`,
    `cluster`, and none for its rights.
    """
    found = {
        "namespace": namespace_error(account.namespace, options),
        "name": subdomain_error(account.name),
        "cluster": too_long(SUBDOMAIN_LENGTH) if len(account.cluster) > SUBDOMAIN_LENGTH else None,
    }
    errors = [FieldError(message, (column,)) for column, message in found.items() if message]
    if message := options.foreign_bindings.error(account):
        errors.append(FieldError(message))
    return errors


def membership_error(can_admin: bool, membership: GroupMembership) -> str | None:
    """Administrators are appointed: a rule that fills a group must not appoint them."""
    if can_admin and membership != GroupMembership.MANUAL:
        return "A group that fills itself can't make its members administrators."
    return None


RULES: Mapping[type[Model], Mapping[str, Rule]] = {
    User: {
        "username": satisfying(key_length_error, line(NAME_LENGTH)),
        "first_name": line(NAME_LENGTH, blank=True),
        "last_name": line(NAME_LENGTH, blank=True),
        "primary_email": email,
        "alternative_emails": alternative_emails,
        "is_superuser": required,
        "is_active": required,
        "comments": lines(COMMENTS_LENGTH),
    },
    Group: {
        "name": line(GROUP_NAME_LENGTH),
        "can_admin": required,
        "membership": required,
    },
    WebApp: {
        "name": line(WEBAPP_NAME_LENGTH),
        "link_name": satisfying(placeholder_error, line(WEBAPP_NAME_LENGTH, null=True)),
        "link_url": satisfying(link_error, line(LINK_URL_LENGTH, null=True)),
        "link_show": required,
    },
}
