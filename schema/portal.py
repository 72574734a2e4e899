from __future__ import annotations

import strawberry

from resolvers import portal
from schema.context import Context, PortalInfo
from schema.enums import Permission
from schema.guard import guard

REST_API_VERSION = "v1.4.0"


@strawberry.type(
    description="The portal itself: open to everyone.",
    directives=guard(Permission.SEE_PORTAL),
)
class Portal:
    name: str = strawberry.field(description="What the operator calls the portal.")
    version: str = strawberry.field(description="The release of the portal, like `v2.0.0`.")
    rest_api_version: str = strawberry.field(
        description="The version of the REST API, in its path."
    )

    @classmethod
    def of(cls, context: Context) -> Portal:
        return cls(
            name=context.services.portal_name,
            version=f"v{context.services.portal_version}",
            rest_api_version=REST_API_VERSION,
        )

    @strawberry.field(
        description="For clients that expect one; nothing here needs it, as tokens are not cookies."
    )
    def csrf_token(self) -> str:
        return portal.csrf_token()

    @strawberry.field(
        description="How many accounts there are; for any signed-in user.",
        directives=guard(Permission.COUNT_USERS),
    )
    async def user_count(self, info: PortalInfo) -> int | None:
        return await portal.user_count(info.context.actor)
