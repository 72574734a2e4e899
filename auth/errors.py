"""What a sign-in with an OpenID Connect provider ends with, other than an identity."""

from __future__ import annotations


class CredentialRefused(Exception):
    """The provider or a check refuses the credential. The message is safe to show to the user."""


class ProviderUnavailable(Exception):
    """The provider is slow, down, or violates the protocol. The message is for the operator."""


MALFORMED = "The credential is malformed."
OTHER_APPLICATION = "The credential was issued for another application."
EXPIRED = "The credential has expired."
