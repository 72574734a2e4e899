from __future__ import annotations

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email
from tortoise.expressions import F, Q
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from models import User, username_key
from models.users import EMAIL_LENGTH, KEY_LENGTH, NAME_LENGTH
from resolvers.actor import Actor
from resolvers.errors import BadUserInput, Complaint, Forbidden, NotFound
from resolvers.pages import check_search


@dataclass(frozen=True, slots=True)
class Given:
    """A value that the caller gave, null included; absent ones are None instead."""

    value: str | None


@dataclass(frozen=True, slots=True)
class UserChanges:
    first_name: Given | None = None
    last_name: Given | None = None
    primary_email: Given | None = None


async def visible_to(actor: Actor) -> QuerySet[User]:
    """Everybody for administrators, else oneself."""
    return User.all() if await actor.is_admin() else User.filter(id=actor.user.id)


async def user(actor: Actor, user_id: int) -> User:
    """Oneself. Raises Forbidden for another one and NotFound for a missing one."""
    if user_id == actor.user.id:
        return actor.user
    if await User.exists(id=user_id):
        raise Forbidden
    raise NotFound


async def any_user(actor: Actor, user_id: int) -> User:
    """For administrators: whoever it is."""
    await actor.require_admin()
    found = await User.get_or_none(id=user_id)
    if found is None:
        raise NotFound
    return found


async def update_user(actor: Actor, user_id: int, changes: UserChanges) -> User:
    """Raises BadUserInput with a complaint per field, and what `user` raises."""
    changed = await user(actor, user_id)
    given = {
        "firstName": changes.first_name,
        "lastName": changes.last_name,
        "primaryEmail": changes.primary_email,
    }
    if not any(given.values()):
        raise BadUserInput(
            Complaint("Nothing to change: give a first name, a last name or a primary e-mail.")
        )
    complaints = [
        complaint
        for field, change in given.items()
        if change is not None and (complaint := _complaint(field, change.value))
    ]
    if complaints:
        raise BadUserInput(*complaints)
    await _apply(changed, changes)
    return changed


async def _apply(user: User, changes: UserChanges) -> None:
    """Only what was given is written, as others may change the same user at the same time."""
    columns = []
    if changes.first_name:
        user.first_name = (changes.first_name.value or "").strip()
        columns.append("first_name")
    if changes.last_name:
        user.last_name = (changes.last_name.value or "").strip()
        columns.append("last_name")
    async with in_transaction():
        if changes.primary_email:
            await _change_primary_email(user, changes.primary_email.value)
            columns += ["primary_email", "alternative_emails"]
        await user.save(update_fields=columns)


async def _change_primary_email(user: User, address: str | None) -> None:
    """An alternative that becomes the primary address changes places with it."""
    await User.filter(id=user.id).update(primary_email=F("primary_email"))  # locks the row
    await user.refresh_from_db(fields=["primary_email", "alternative_emails"])
    former, user.primary_email = user.primary_email, address and normalize_email(address)
    if former and user.primary_email in user.alternative_emails:
        gone = (user.primary_email, former)
        others = [other for other in user.alternative_emails if other not in gone]
        user.alternative_emails = [*others, former]


def normalize_email(address: str) -> str:
    """Raises EmailNotValidError."""
    return validate_email(
        address, check_deliverability=False, globally_deliverable=False
    ).normalized


def _complaint(field: str, value: str | None) -> Complaint | None:
    check = email_complaint if field == "primaryEmail" else name_complaint
    message = check(value)
    return Complaint(message, field) if message else None


def name_complaint(value: str | None) -> str | None:
    if value is None:
        return "This field may not be null."
    if not value.strip():
        return "This field may not be blank."
    if len(value) > NAME_LENGTH:
        return f"Ensure this field has no more than {NAME_LENGTH} characters."
    if not value.isprintable():
        return "Control characters are not allowed."
    return None


def username_complaint(value: str) -> str | None:
    complaint = name_complaint(value)
    if complaint is None and len(username_key(value)) > KEY_LENGTH:
        return f"Ensure this field has no more than {NAME_LENGTH} characters."
    return complaint


def email_complaint(value: str | None) -> str | None:
    if value is None:
        return None
    if len(value) > EMAIL_LENGTH:
        return f"Ensure this field has no more than {EMAIL_LENGTH} characters."
    try:
        normalize_email(value)
    except EmailNotValidError:
        return "Enter a valid email address."
    return None


async def search(actor: Actor, text: str | None) -> QuerySet[User]:
    """For administrators: all of them, or those with the text. Raises BadUserInput."""
    await actor.require_admin()
    check_search(text)
    if not text:
        return User.all()
    return User.filter(
        Q(username_key__contains=username_key(text))
        | Q(first_name__icontains=text)
        | Q(last_name__icontains=text)
        | Q(primary_email__icontains=text)
    )
