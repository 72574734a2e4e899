"""The user of a Google identity."""

from __future__ import annotations

from auth.google import GoogleIdentity
from models import ExternalIdentity, SignInMethod, User, VerifiedEmail, username_key
from models.users import NAME_LENGTH
from resolvers.actor import Actor, Client
from resolvers.changes import AddIdentity, Change, Create, VerifyEmail
from resolvers.errors import InvalidCredentials
from resolvers.rules import is_valid, is_valid_email
from resolvers.services import GooglePolicy, Services
from resolvers.writes import writing

PROVIDER = "google"
ROOM_FOR_NUMBER = "-9999999"


async def google_user(services: Services, client: Client, identity: GoogleIdentity) -> User:
    """The user of a Google identity: by subject, else by a verified address, else a new one.

    Raises InvalidCredentials where the policy creates no users.
    """
    if user := await _linked_user(identity):
        return user
    async with writing(Actor(client=client), services.write_options()) as writer:
        # Read again under the lock: another first sign-in may be of the same person
        user = await _linked_user(identity) or await _verified_user(identity)
        changes: list[Change] = []
        if user is None:
            user, changes = await _new_user(services.google_policy, identity)
        await writer.write([*changes, AddIdentity(user, PROVIDER, identity.subject)])
    return user


async def _linked_user(identity: GoogleIdentity) -> User | None:
    links = ExternalIdentity.filter(provider=PROVIDER, subject=identity.subject)
    link = await links.select_related("user").first()
    return link.user if link else None


async def _verified_user(identity: GoogleIdentity) -> User | None:
    """The user who has proven the address, which Google has verified as well."""
    if not (identity.email and identity.email_verified):
        return None
    addresses = VerifiedEmail.filter(address=identity.email.lower())
    address = await addresses.select_related("user").first()
    return address.user if address else None


async def _new_user(policy: GooglePolicy, identity: GoogleIdentity) -> tuple[User, list[Change]]:
    _check_policy(policy, identity)
    email = identity.email if identity.email and is_valid_email(identity.email) else None
    user = User(
        username=await _free_username(identity),
        first_name=_printable(identity.given_name),
        last_name=_printable(identity.family_name),
        primary_email=email,
    )
    changes: list[Change] = [Create(user, {"method": SignInMethod.GOOGLE.value})]
    if email and identity.email_verified:
        changes.append(VerifyEmail(user, email.lower()))
    return user, changes


def _printable(name: str) -> str:
    return "".join(filter(str.isprintable, name))[:NAME_LENGTH].strip()


def _check_policy(policy: GooglePolicy, identity: GoogleIdentity) -> None:
    if not policy.creates_users:
        raise InvalidCredentials(
            "There is no account for this Google user. Ask an administrator to create one."
        )
    domain = (identity.email or "").rpartition("@")[2].lower()
    if policy.domains and not (identity.email_verified and domain in policy.domains):
        raise InvalidCredentials("Google accounts of this e-mail domain may not sign in here.")


async def _free_username(identity: GoogleIdentity) -> str:
    preferred = (identity.email or "").partition("@")[0] or identity.given_name
    base = preferred.strip()[: NAME_LENGTH - len(ROOM_FOR_NUMBER)]
    if not base or not is_valid(User, "username", base + ROOM_FOR_NUMBER):
        base = "google-user"
    key = username_key(base)
    alike = await User.filter(username_key__startswith=key)
    taken = {user.username_key for user in alike}
    candidates = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in candidates if username_key(name) not in taken)
