"""All that an import may change, and what tests ask about it."""

from __future__ import annotations

from typing import Any

from models import (
    AccessRequest,
    EffectiveMembership,
    ExternalIdentity,
    Grant,
    Group,
    LegacyRow,
    Membership,
    ServiceAccount,
    Session,
    User,
    VerifiedEmail,
    WebApp,
)

MODELS = (
    AccessRequest,
    ExternalIdentity,
    Grant,
    Group,
    LegacyRow,
    Membership,
    ServiceAccount,
    Session,
    User,
    VerifiedEmail,
    WebApp,
)


async def everything() -> dict[str, list[dict[str, Any]]]:
    return {model.__name__: await model.all().order_by("id").values() for model in MODELS}


async def value(model: type[Any], key: int, name: str) -> Any:
    """Of one row; None where there is no such row."""
    row = await model.get_or_none(id=key)
    return row and getattr(row, name)


async def groups_of(user_id: int) -> set[str]:
    rows = EffectiveMembership.filter(user_id=user_id).select_related("group")
    return {row.group.name async for row in rows}
