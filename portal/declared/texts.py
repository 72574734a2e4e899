"""What the texts of a declaration may be. Every check returns its text or raises ValueError."""

from __future__ import annotations

import re
from dataclasses import dataclass

from email_validator import EmailNotValidError

from models import username_key
from models.users import EMAIL_LENGTH, KEY_LENGTH, NAME_LENGTH
from resolvers.rules import link_error, normalize_email, placeholder_error

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_LENGTH = 63
SUBDOMAIN = re.compile(rf"{LABEL.pattern}(\.{LABEL.pattern})*")
SUBDOMAIN_LENGTH = 253


@dataclass(frozen=True, slots=True)
class Line:
    """One line of at most so many characters."""

    limit: int
    blank: bool = False

    def __call__(self, text: str) -> str:
        if not text and not self.blank:
            raise ValueError("may not be blank")
        if len(text) > self.limit:
            raise ValueError(f"has more than {self.limit} characters")
        if not text.isprintable():
            raise ValueError("may not have control characters or line breaks")
        if text != text.strip():
            raise ValueError("may not begin or end with a space")
        return text


def check_username(name: str) -> str:
    if len(username_key(name)) > KEY_LENGTH:
        raise ValueError(f"has more than {NAME_LENGTH} characters")
    return name


def check_email(address: str) -> str:
    if len(address) > EMAIL_LENGTH:
        raise ValueError(f"has more than {EMAIL_LENGTH} characters")
    try:
        return normalize_email(address)
    except EmailNotValidError:
        raise ValueError("enter a valid email address") from None


def check_verified_email(address: str) -> str:
    return Line(EMAIL_LENGTH)(check_email(address).lower())


def check_placeholders(text: str) -> str:
    return _checked(text, placeholder_error(text))


def check_link(url: str) -> str:
    return _checked(url, link_error(url))


def check_label(name: str) -> str:
    if len(name) > LABEL_LENGTH or not LABEL.fullmatch(name):
        raise ValueError(
            f"enter a Kubernetes name: at most {LABEL_LENGTH} lower-case letters, digits and"
            " dashes, with a letter or digit at both ends"
        )
    return name


def check_subdomain(name: str) -> str:
    if len(name) > SUBDOMAIN_LENGTH or not SUBDOMAIN.fullmatch(name):
        raise ValueError(
            f"enter a Kubernetes name: at most {SUBDOMAIN_LENGTH} lower-case letters, digits,"
            " dashes and dots, with a letter or digit at both ends of each part"
        )
    return name


def check_cluster(name: str) -> str:
    return Line(SUBDOMAIN_LENGTH)(name)


def phrase(sentence: str) -> str:
    """As it stands behind the place of a mistake."""
    return sentence[0].lower() + sentence[1:].removesuffix(".")


def _checked(text: str, complaint: str | None) -> str:
    if complaint:
        raise ValueError(phrase(complaint))
    return text
