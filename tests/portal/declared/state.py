"""What the tests of declared state apply, and how they look at the outcome."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from models import (
    EffectiveMembership,
    Grant,
    Group,
    Membership,
    ServiceAccount,
    Session,
    SignInMethod,
    User,
    VerifiedEmail,
    WebApp,
)
from tests.callers import Clock

Declare = Callable[..., Coroutine[Any, Any, str]]

DJANGO_HASH = "pbkdf2_sha256$150000$yNteGoLEF5rg$5B5k1+cGA8ip44Ng1EXg1YbJW61Kxay187YwD1aLaFA="
ANOTHER_HASH = "pbkdf2_sha1$1000$w1ippwSyimoXMpgRzBJju2$wCX0tQy421n+zDa5JaMReS+KLJ0="
STATE = """\
groups:
  - {name: Developers, canAdmin: true, webapps: [Grafana, Wiki]}
  - {name: Everyone, membership: ALL_USERS}
  - {name: Cluster, membership: CLUSTER_USERS}
webapps:
  - {name: Grafana, linkName: Metrics, linkUrl: "https://{{namespace}}.example.org", linkShow: true}
  - {name: Wiki}
users:
  - username: Alice
    firstName: Alice
    lastName: Anders
    primaryEmail: alice@EXAMPLE.org
    alternativeEmails: [alice@alt.example.org]
    verifiedEmails: [Alice@Example.org]
    superuser: true
    password: correct horse
    groups: [Developers]
    serviceAccount: {namespace: team-alice, name: alice, cluster: west}
  - {username: bob, active: false}
"""


def write(text: str | bytes) -> None:
    Path("portal.yaml").write_bytes(text.encode() if isinstance(text, str) else text)


async def everything() -> dict[str, Any]:
    """All rows of the database."""
    models = (User, Group, Membership, WebApp, Grant, ServiceAccount, Session, VerifiedEmail)
    return {model.__name__: await model.all().order_by("id").values() for model in models}


async def groups_of(username: str) -> set[str]:
    memberships = EffectiveMembership.filter(user__username=username).select_related("group")
    return {membership.group.name async for membership in memberships}


async def webapps_of(group: str) -> set[str]:
    grants = Grant.filter(group__name=group).select_related("webapp")
    return {grant.webapp.name async for grant in grants}


async def session_of(user: User, clock: Clock) -> Session:
    return await Session.create(
        id=uuid4(),
        user=user,
        method=SignInMethod.PASSWORD,
        created_at=clock.now,
        last_used_at=clock.now,
        expires_at=clock.now + timedelta(hours=1),
    )
