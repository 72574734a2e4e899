from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers import clusters, groups, users, webapps
from schema import (
    decisions,
    management,
    open_sessions,
    passwords,
    personal_tokens,
    sessions,
)
from schema.administration import Administration
from schema.arguments import ClusterName, DatabaseId
from schema.clusters import Cluster
from schema.context import PortalInfo
from schema.corrections import correct
from schema.enums import Permission
from schema.groups import Group
from schema.guard import guard
from schema.node import Node
from schema.nodes import node
from schema.one_of import mark_one_of
from schema.permissions import PermissionArgument, SubjectArgument, viewer_can
from schema.portal import Portal
from schema.scalars import scalar_map
from schema.subscriptions import Subscription
from schema.users import User, update_user
from schema.webapps import WebApp


@strawberry.type(description="What can be read.")
class Query:
    @strawberry.field(
        description="The portal itself: open to everyone.",
        directives=guard(Permission.SEE_PORTAL),
    )
    def portal(self, info: PortalInfo) -> Portal:
        return Portal.of(info.context)

    @strawberry.field(
        description="Whoever is signed in; null when nobody is.",
        directives=guard(Permission.SEE_PORTAL),
    )
    def viewer(self, info: PortalInfo) -> User | None:
        user = info.context.actor.user_or_none
        return User.of(user) if user else None

    @strawberry.field(
        description="Oneself; another user is FORBIDDEN, a missing one NOT_FOUND.",
        directives=guard(Permission.SEE_OWN_ACCOUNT),
    )
    async def user(self, info: PortalInfo, database_id: DatabaseId) -> User | None:
        return User.of(await users.user(info.context.actor, database_id))

    @strawberry.field(
        description="One of your groups; another one is FORBIDDEN.",
        directives=guard(Permission.SEE_OWN_GROUP),
    )
    async def group(self, info: PortalInfo, database_id: DatabaseId) -> Group | None:
        return Group.of(await groups.group(info.context.actor, database_id))

    @strawberry.field(
        description="A shown web app of your groups; another one is FORBIDDEN.",
        directives=guard(Permission.SEE_OWN_WEBAPP),
    )
    async def webapp(self, info: PortalInfo, database_id: DatabaseId) -> WebApp | None:
        row = await webapps.webapp(info.context.actor, database_id)
        return (await WebApp.filled_in([row], info.context))[0]

    @strawberry.field(
        description="A cluster with its facts, for any signed-in user.",
        directives=guard(Permission.SEE_CLUSTERS),
    )
    def cluster(self, info: PortalInfo, name: ClusterName = None) -> Cluster | None:
        context = info.context
        return Cluster.of(clusters.cluster(context.actor, context.services.clusters, name))

    @strawberry.field(
        description="All clusters, the default one first; for any signed-in user.",
        directives=guard(Permission.SEE_CLUSTERS),
    )
    def clusters(self, info: PortalInfo) -> list[Cluster]:
        context = info.context
        known = clusters.all_clusters(context.actor, context.services.clusters)
        return [Cluster.of(cluster) for cluster in known]

    @strawberry.field(
        description="What administrators reach; FORBIDDEN for others.",
        directives=guard(Permission.ADMINISTRATE),
    )
    async def admin(self, info: PortalInfo) -> Administration | None:
        await info.context.actor.require_admin()
        return Administration()

    @strawberry.field(
        description="Whether you hold a permission: what a user interface asks before it shows a"
        " button. The answer is the one that the guarded field itself would give.",
        directives=guard(Permission.SEE_PORTAL),
    )
    async def viewer_can(
        self, info: PortalInfo, permission: PermissionArgument, id: SubjectArgument = None
    ) -> bool:
        return await viewer_can(permission, id, info.context)

    @strawberry.field(
        description="Anything by its global id, with the same answer as from its own field;"
        " administrators reach everything.",
        directives=guard(Permission.SEE_PORTAL),
    )
    async def node(
        self,
        info: PortalInfo,
        id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")],
    ) -> Node | None:
        return await node(id, info.context)


@strawberry.type(description="What can be done.")
class Mutation:
    login = sessions.login
    login_with_google = sessions.login_with_google
    logout = sessions.logout
    update_user = update_user
    change_password = passwords.change_password
    end_session = open_sessions.end_session
    end_other_sessions = open_sessions.end_other_sessions
    create_personal_access_token = personal_tokens.create_personal_access_token
    delete_personal_access_token = personal_tokens.delete_personal_access_token
    request_access = decisions.request_access
    approve_access = decisions.approve_access
    reject_access = decisions.reject_access
    revoke_access = decisions.revoke_access
    create_user = management.users.create_user
    update_user_as_admin = management.users.update_user_as_admin
    delete_user = management.users.delete_user
    set_password = management.sessions.set_password
    reset_sessions = management.sessions.reset_sessions
    create_group = management.groups.create_group
    update_group = management.groups.update_group
    delete_group = management.groups.delete_group
    add_group_members = management.links.add_group_members
    remove_group_members = management.links.remove_group_members
    create_web_app = management.webapps.create_web_app
    update_web_app = management.webapps.update_web_app
    delete_web_app = management.webapps.delete_web_app
    grant_web_apps = management.links.grant_web_apps
    withdraw_web_apps = management.links.withdraw_web_apps


def build_schema() -> strawberry.Schema:
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[User, Group, WebApp],
        config=StrawberryConfig(scalar_map=scalar_map()),
    )
    correct(schema._schema)
    mark_one_of(schema._schema)
    return schema
