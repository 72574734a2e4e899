"""Mutations of web apps."""

from __future__ import annotations

from typing import Self

import strawberry

import models
from schema.context import Context, PortalInfo
from schema.enums import Permission, WebAppCategory
from schema.guard import guard
from schema.mutations import (
    ROW_AFTER_CHANGE,
    ROW_AFTER_DELETION,
    DeletionPayload,
    Input,
    Payload,
    VersionedRowInput,
    create,
    delete,
    update,
)
from schema.types import WebApp

NAME = "The unique name, 1 to 150 characters."
LINK_NAME = (
    "The text of the link, up to 150 characters; null for none. It may contain {{namespace}} and"
    " {{serviceaccount}}."
)
LINK_URL = (
    "The target of the link: a URL with http:// or https://, up to 2,000 characters; null for"
    " none. It may contain {{namespace}} and {{serviceaccount}}."
)
LINK_SHOW = "Whether the members of its groups see the web app."
CATEGORY = "The category of the app; null for none."


@strawberry.input(description="The input of `createWebApp`.")
class CreateWebAppInput:
    name: str = strawberry.field(description=NAME)
    link_name: str | None = strawberry.field(default=None, description=LINK_NAME)
    link_url: str | None = strawberry.field(default=None, description=LINK_URL)
    link_show: bool = strawberry.field(default=False, description=LINK_SHOW)
    category: WebAppCategory | None = strawberry.field(default=None, description=CATEGORY)


@strawberry.input(description="The input of `updateWebApp`. Absent fields remain unchanged.")
class UpdateWebAppInput(VersionedRowInput):
    name: strawberry.Maybe[str | None] = strawberry.field(description=NAME)
    link_name: strawberry.Maybe[str | None] = strawberry.field(description=LINK_NAME)
    link_url: strawberry.Maybe[str | None] = strawberry.field(description=LINK_URL)
    link_show: strawberry.Maybe[bool | None] = strawberry.field(description=LINK_SHOW)
    category: strawberry.Maybe[WebAppCategory | None] = strawberry.field(description=CATEGORY)


@strawberry.input(description="The input of `deleteWebApp`.")
class DeleteWebAppInput(VersionedRowInput):
    pass


@strawberry.type
class WebAppPayload(Payload):
    webapp: WebApp | None = strawberry.field(
        default=None, description=f"The web app{ROW_AFTER_CHANGE}"
    )

    @classmethod
    async def of(cls, row: models.WebApp, context: Context) -> Self:
        return cls(webapp=WebApp.of(row, context))


@strawberry.type(description="The result of `createWebApp`.")
class CreateWebAppPayload(WebAppPayload):
    pass


@strawberry.type(description="The result of `updateWebApp`.")
class UpdateWebAppPayload(WebAppPayload):
    pass


@strawberry.type(description="The result of `deleteWebApp`.")
class DeleteWebAppPayload(WebAppPayload, DeletionPayload):
    webapp: WebApp | None = strawberry.field(
        default=None, description=f"The web app{ROW_AFTER_DELETION}"
    )


@strawberry.mutation(
    description="Creates a web app. For administrators.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def create_web_app(info: PortalInfo, input: Input[CreateWebAppInput]) -> CreateWebAppPayload:
    row = await create(info.context, models.WebApp(**vars(input)))
    return await CreateWebAppPayload.of(row, info.context)


@strawberry.mutation(
    description="Changes a web app. For administrators.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def update_web_app(info: PortalInfo, input: Input[UpdateWebAppInput]) -> UpdateWebAppPayload:
    row = await update(info.context, models.WebApp, input)
    return await UpdateWebAppPayload.of(row, info.context)


@strawberry.mutation(
    description="Deletes a web app with its grants. For administrators.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def delete_web_app(info: PortalInfo, input: Input[DeleteWebAppInput]) -> DeleteWebAppPayload:
    return DeleteWebAppPayload(deleted_id=await delete(info.context, models.WebApp, input))
