"""The user of a Google identity."""

from __future__ import annotations

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from auth.google import GoogleIdentity
from models import AuditKind, ExternalIdentity, SignInMethod, User, VerifiedEmail, username_key
from models.users import NAME_LENGTH
from resolvers.actor import Actor, Client
from resolvers.audit import creation, record
from resolvers.errors import InvalidCredentials, Unavailable
from resolvers.services import GooglePolicy, Services
from resolvers.users import email_complaint, username_complaint

PROVIDER = "google"
ROOM_FOR_NUMBER = "-9999999"
ATTEMPTS = 5


async def google_user(services: Services, client: Client, identity: GoogleIdentity) -> User:
    """The user of a Google identity: by subject, else by a verified address, else a new one.

    Raises InvalidCredentials where the policy creates no users, and Unavailable.
    """
    # Two first sign-ins at the same time may take the same user name, or be of the same person
    for _ in range(ATTEMPTS):
        try:
            return await _known_user(identity) or await _create_user(services, client, identity)
        except IntegrityError:
            continue
    raise Unavailable("Too many people sign in for the first time; try again.")


async def _known_user(identity: GoogleIdentity) -> User | None:
    link = await ExternalIdentity.get_or_none(
        provider=PROVIDER, subject=identity.subject
    ).select_related("user")
    if link is not None:
        return link.user
    if not (identity.email and identity.email_verified):
        return None
    proven = await VerifiedEmail.get_or_none(address=identity.email.lower()).select_related("user")
    if proven is None:
        return None
    await ExternalIdentity.create(
        provider=PROVIDER, subject=identity.subject, user_id=proven.user.id
    )
    return proven.user


async def _create_user(services: Services, client: Client, identity: GoogleIdentity) -> User:
    _check_policy(services.google_policy, identity)
    email = identity.email if not email_complaint(identity.email) else None
    async with in_transaction():
        user = await User.create(
            username=await _free_username(identity),
            first_name=_printable(identity.given_name),
            last_name=_printable(identity.family_name),
            primary_email=email,
        )
        await ExternalIdentity.create(provider=PROVIDER, subject=identity.subject, user=user)
        if email and identity.email_verified:
            await VerifiedEmail.create(address=email.lower(), user=user)
        details = {"method": SignInMethod.GOOGLE.value, **creation(user)}
        await record(Actor(client=client), AuditKind.USER_CREATED, user, **details)
    return user


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
    wanted = (identity.email or "").partition("@")[0] or identity.given_name
    base = wanted.strip()[: NAME_LENGTH - len(ROOM_FOR_NUMBER)]
    if not base or username_complaint(base + ROOM_FOR_NUMBER):
        base = "google-user"
    key = username_key(base)
    alike = await User.filter(username_key__startswith=key)
    taken = {user.username_key for user in alike}
    candidates = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in candidates if username_key(name) not in taken)
