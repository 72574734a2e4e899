"""The mails about requests for access and decisions."""

from __future__ import annotations

from collections.abc import Iterable

from models import AccessRequest, AccessRequestState, User
from resolvers.administrators import administrators
from resolvers.services import Mail, Services

UNMANAGED = (
    "Namespace {} existed before. The operator of the cluster grants and removes the rights in it."
)


async def mail_administrators(services: Services, request: AccessRequest) -> None:
    """Announces a new request to all administrators but the requesting user."""
    if services.mailer is None:
        return
    addresses = tuple(
        administrator.primary_email
        for administrator in await _administrators()
        if administrator.primary_email and administrator.id != request.user_id
    )
    name, username = request.user.display_name, request.user.username
    asking = name if name == username else f"{name} ({username})"
    lines = [f"{asking} requests access to the cluster:", request.reason, services.portal_url]
    services.mailer.send(
        Mail(
            recipients=addresses,
            subject=f'Request for access to "{services.portal_name}"',
            text=_paragraphs(lines),
        )
    )


def mail_user(services: Services, request: AccessRequest) -> None:
    """Announces the decision to the requesting user."""
    if services.mailer is None or not request.user.primary_email:
        return
    services.mailer.send(
        Mail(
            recipients=(request.user.primary_email,),
            subject=f'Your access to "{services.portal_name}"',
            text=_paragraphs([*_lines(request), services.portal_url]),
        )
    )


def _lines(request: AccessRequest) -> list[str]:
    by = request.decided_by.display_name if request.decided_by else "An administrator"
    if request.state == AccessRequestState.REJECTED:
        return [f"{by} has rejected your request for access.", request.decision_reason]
    if request.state == AccessRequestState.REVOKED:
        by = request.ended_by.display_name if request.ended_by else "An administrator"
        return [f"{by} has withdrawn your access.", request.end_reason]
    account, end = request.service_account, request.expires_at
    return [
        f"{by} has approved your request for access.",
        f"Your service account is {account.name} in namespace {account.namespace}."
        if account
        else "",
        UNMANAGED.format(account.namespace) if account and not request.namespace_is_managed else "",
        f"Your access ends at {end:%Y-%m-%d %H:%M} UTC." if end else "",
    ]


def _paragraphs(lines: Iterable[str | None]) -> str:
    return "\n\n".join(filter(None, lines)) + "\n"


async def _administrators() -> list[User]:
    return await User.filter(administrators(), is_active=True)
