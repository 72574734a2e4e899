from __future__ import annotations

from collections.abc import Sequence

import strawberry

import models
from resolvers.webapps import fill_in, has_placeholder
from schema.context import Context, PortalInfo
from schema.enums import Permission, WebAppCategory
from schema.groups import Group
from schema.guard import guard
from schema.node import Node, global_id


@strawberry.type(
    description="A web application: readable by members of its groups where it is shown, and by"
    " administrators.",
    directives=guard(Permission.SEE_WEBAPP),
)
class WebApp(Node):
    row: strawberry.Private[models.WebApp]
    database_id: int = strawberry.field(description="The integer id, as in the paths of REST.")
    name: str = strawberry.field(description="The unique name, up to 150 characters.")
    link_name: str | None = strawberry.field(
        description="The text of the link, with {{namespace}} and {{serviceaccount}} filled in for"
        " you; null when there is none."
    )
    link_url: str | None = strawberry.field(
        description="Where the link leads, filled in like `linkName`; null when there is none."
    )
    link_show: bool = strawberry.field(description="True when members see the link.")
    category: WebAppCategory | None = strawberry.field(
        description="What the app is for; null when nobody has said so."
    )
    link_name_template: str | None = strawberry.field(
        description="`linkName` with its placeholders, as administrators edit it."
    )
    link_url_template: str | None = strawberry.field(
        description="`linkUrl` with its placeholders, as administrators edit it."
    )
    version: int = strawberry.field(
        description="Counts the changes of the name and the link: an administrator's change names"
        " the one that it is based on."
    )

    @classmethod
    def of(cls, row: models.WebApp, account: models.ServiceAccount | None) -> WebApp:
        return cls(
            row=row,
            id=global_id("WebApp", row.id),
            database_id=row.id,
            name=row.name,
            link_name=row.link_name and fill_in(row.link_name, account),
            link_url=row.link_url and fill_in(row.link_url, account),
            link_show=row.link_show,
            category=row.category,
            link_name_template=row.link_name,
            link_url_template=row.link_url,
            version=row.version,
        )

    @classmethod
    async def filled_in(cls, rows: Sequence[models.WebApp], context: Context) -> list[WebApp]:
        """With the placeholders of the actor; nobody's account is read where there are none."""
        needed = any(
            has_placeholder(row.link_name) or has_placeholder(row.link_url) for row in rows
        )
        account = await context.loaders.own_account() if needed else None
        return [cls.of(row, account) for row in rows]

    @strawberry.field(
        description="The groups that the app is for: your own ones, for administrators all."
    )
    async def groups(self, info: PortalInfo) -> list[Group]:
        rows = await info.context.loaders.groups_of_webapp.load(self.row.id)
        return [Group.of(row) for row in rows]
