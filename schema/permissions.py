from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.permissions import Subject, can
from schema.context import Context
from schema.enums import Permission
from schema.node import parse_global_id

PermissionArgument = Annotated[
    Permission, strawberry.argument(description="What you would like to do.")
]
SubjectArgument = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="The global id of what it is about, where the permission is about one thing:"
        " a user, a group, a web app, a request, the record of a credential or an event."
    ),
]


async def viewer_can(permission: Permission, id: strawberry.ID | None, context: Context) -> bool:
    subject = None if id is None else Subject(*parse_global_id(id))
    return await can(context.services, context.actor, permission, subject)
