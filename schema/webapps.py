from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry

import models
from resolvers import webapps
from resolvers.webapps import fill_in, has_placeholder
from schema.context import Context, PortalInfo
from schema.enums import Permission, WebAppCategory
from schema.errors import CURRENT, DATABASE_ID, VERSION, deletion, given, outcome
from schema.groups import Group
from schema.guard import guard
from schema.mutations import Payload
from schema.relay import Node, global_id


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


NAME = "The unique name, 1 to 150 characters."
LINK_NAME = (
    "The text of the link, up to 150 characters, which may hold {{namespace}} and"
    " {{serviceaccount}}; null for none."
)
LINK_URL = (
    "Where the link leads, http:// or https://, up to 2,000 characters, with placeholders like"
    " `linkName`; null for nowhere."
)
LINK_SHOW = "True shows the link to the members of its groups."
CATEGORY = "What the app is for; null when nobody is to be told."


@strawberry.input(description="A new web app.")
class CreateWebAppInput:
    name: str = strawberry.field(description=NAME)
    link_name: str | None = strawberry.field(default=None, description=LINK_NAME)
    link_url: str | None = strawberry.field(default=None, description=LINK_URL)
    link_show: bool = strawberry.field(default=False, description=LINK_SHOW)
    category: WebAppCategory | None = strawberry.field(default=None, description=CATEGORY)


@strawberry.input(description="Changes to a web app: what is absent stays as it is.")
class UpdateWebAppInput:
    database_id: int = strawberry.field(description=DATABASE_ID)
    version: int = strawberry.field(description=VERSION)
    name: strawberry.Maybe[str | None] = strawberry.field(description=NAME)
    link_name: strawberry.Maybe[str | None] = strawberry.field(description=LINK_NAME)
    link_url: strawberry.Maybe[str | None] = strawberry.field(description=LINK_URL)
    link_show: strawberry.Maybe[bool | None] = strawberry.field(description=LINK_SHOW)
    category: strawberry.Maybe[WebAppCategory | None] = strawberry.field(description=CATEGORY)


@strawberry.input(description="Which web app to delete.")
class DeleteWebAppInput:
    database_id: int = strawberry.field(description=DATABASE_ID)
    version: int = strawberry.field(description=VERSION)


@strawberry.type(description="The outcome of making a web app.")
class CreateWebAppPayload(Payload):
    webapp: WebApp | None = strawberry.field(
        default=None, description="The new web app; null when there is none."
    )


@strawberry.type(description="The outcome of a change of a web app.")
class UpdateWebAppPayload(Payload):
    webapp: WebApp | None = strawberry.field(default=None, description=f"The web app{CURRENT}")


@strawberry.type(description="The outcome of deleting a web app.")
class DeleteWebAppPayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The global id of what was deleted; null when nothing was."
    )
    webapp: WebApp | None = strawberry.field(
        default=None, description="After CONFLICT, the web app as it is now; else null."
    )


Creation = Annotated[CreateWebAppInput, strawberry.argument(description="Which one to make.")]
Change = Annotated[
    UpdateWebAppInput, strawberry.argument(description="Which one to change, and what.")
]
Deletion = Annotated[DeleteWebAppInput, strawberry.argument(description="Which one to delete.")]


@strawberry.mutation(
    description="Make a web app, as an administrator.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def create_web_app(info: PortalInfo, input: Creation) -> CreateWebAppPayload:
    action = webapps.create_webapp(info.context.actor, vars(input))
    row, errors = await outcome(action, models.WebApp, info.context)
    return CreateWebAppPayload(webapp=await _shown(row, info.context), errors=errors)


@strawberry.mutation(
    description="Change a web app, as an administrator.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def update_web_app(info: PortalInfo, input: Change) -> UpdateWebAppPayload:
    action = webapps.update_webapp(
        info.context.actor, input.database_id, input.version, given(input)
    )
    row, errors = await outcome(action, models.WebApp, info.context)
    return UpdateWebAppPayload(webapp=await _shown(row, info.context), errors=errors)


@strawberry.mutation(
    description="Delete a web app, as an administrator, with its grants.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def delete_web_app(info: PortalInfo, input: Deletion) -> DeleteWebAppPayload:
    action = webapps.delete_webapp(info.context.actor, input.database_id, input.version)
    is_deleted, row, errors = await deletion(action, models.WebApp, info.context)
    return DeleteWebAppPayload(
        deleted_id=global_id("WebApp", input.database_id) if is_deleted else None,
        webapp=await _shown(row, info.context),
        errors=errors,
    )


async def _shown(row: models.WebApp | None, context: Context) -> WebApp | None:
    return (await WebApp.filled_in([row], context))[0] if row else None
