"""The record of credentials: who was handed which one, until when, and where."""

from __future__ import annotations

import asyncio
import logging

from tortoise.exceptions import BaseORMException, IntegrityError
from tortoise.expressions import Q
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from models import AuditKind, CredentialIssue, User
from resolvers import audit
from resolvers.actor import Actor
from resolvers.errors import Forbidden, NotFound, Unavailable
from resolvers.pages import check_search

logger = logging.getLogger(__name__)

UNRECORDED = "The credential could not be recorded, so it is not handed out: try again later."


async def record(actor: Actor, issue: CredentialIssue) -> None:
    """Once for each token, session, kind and address: a token seen again costs no write.

    Raises Unavailable, and then the credential must not be handed out.
    """
    same = CredentialIssue.filter(
        fingerprint=issue.fingerprint,
        session_id=issue.session_id,
        kind=issue.kind,
        address=issue.address,
    )
    try:
        if not await same.exists():
            insert = _insert(actor, issue, same)
            # Tortoise leaves its transaction open when it is cancelled, as slow queries are
            await asyncio.shield(asyncio.ensure_future(insert))
    except BaseORMException as error:
        logger.exception("A credential for %s was not recorded", issue.username)
        raise Unavailable(UNRECORDED) from error


async def _insert(actor: Actor, issue: CredentialIssue, same: QuerySet[CredentialIssue]) -> None:
    """Of several at once, the first one is recorded."""
    token = {
        name: getattr(issue, name)
        for name in ("cluster", "namespace", "service_account", "fingerprint")
    }
    try:
        async with in_transaction():
            await issue.save(force_create=True)
            await audit.record(
                actor, AuditKind.CREDENTIAL_ISSUED, actor.user, form=issue.kind.value, **token
            )
    except IntegrityError:
        if not await same.exists():
            raise


def own(actor: Actor, owner: User) -> QuerySet[CredentialIssue]:
    """What was handed out to the owner. Raises Unauthenticated, and Forbidden for others."""
    if actor.user.id != owner.id:
        raise Forbidden("Look under `admin` for what others were handed out.")
    return CredentialIssue.filter(user_id=owner.id).select_related("user")


async def search(actor: Actor, text: str | None) -> QuerySet[CredentialIssue]:
    """For administrators: all, or those with the text. Raises BadUserInput."""
    await actor.require_admin()
    check_search(text)
    every = CredentialIssue.all().select_related("user")
    fields = ("username", "namespace", "service_account", "address", "fingerprint")
    given = [Q(**{f"{field}__icontains": text}) for field in fields if text]
    return every.filter(Q(*given, join_type=Q.OR)) if given else every


async def visible_to(actor: Actor) -> QuerySet[CredentialIssue]:
    """Every one for administrators, else those of one's own."""
    every = CredentialIssue.all().select_related("user")
    return every if await actor.is_admin() else own(actor, actor.user)


async def issue(actor: Actor, issue_id: int) -> CredentialIssue:
    """One of the actor's own, for administrators any. Raises NotFound for all others."""
    found = await (await visible_to(actor)).get_or_none(id=issue_id)
    if found is None:
        raise NotFound
    return found
