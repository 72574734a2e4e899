"""The root types, and the schema that is built from them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from operator import attrgetter
from typing import Annotated, Any

import strawberry
from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    GraphQLFieldResolver,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    Undefined,
    get_named_type,
    is_scalar_type,
    parse,
    print_ast,
    specified_directives,
)
from graphql.pyutils import AwaitableOrValue
from strawberry import Info
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.utils.str_converters import to_camel_case

import cluster.cluster
import models
import resolvers.access
import resolvers.audit
import resolvers.clusters
import resolvers.credentials
import resolvers.groups
import resolvers.users
import resolvers.webapps
from models.lists import EXACT_COUNT
from resolvers.actor import Actor
from resolvers.errors import NotFound
from resolvers.pages import find
from resolvers.permissions import Subject, can
from schema import access, groups, sessions, users, webapps
from schema.access import AccessRequest
from schema.administration import Administration
from schema.audit import AuditEvent
from schema.clusters import Cluster, CredentialIssue
from schema.context import Context, PortalInfo
from schema.enums import Permission
from schema.guard import DEFINITION, enforce_guards, guard
from schema.mutations import return_errors_as_data
from schema.relay import ClusterName, DatabaseId, Node, parse_global_id
from schema.scalars import scalar_map
from schema.types import Group, User, WebApp

REST_API_VERSION = "v1.4.0"
SPECIFIED = {directive.name for directive in specified_directives}


@strawberry.type(
    description="The portal itself. Readable by every caller.",
    directives=guard(Permission.SEE_PORTAL),
)
class Portal:
    name: str = strawberry.field(description="The name of the portal, which the operator chooses.")
    version: str = strawberry.field(description="The version of the portal, such as `v2.0.0`.")
    rest_api_version: str = strawberry.field(
        description="The version of the REST API, as in its paths."
    )

    @classmethod
    def of(cls, context: Context) -> Portal:
        return cls(
            name=context.services.portal_name,
            version=f"v{context.services.portal_version}",
            rest_api_version=REST_API_VERSION,
        )

    @strawberry.field(
        description="A CSRF token for clients that expect one. The portal does not require it, as"
        " it uses no cookies."
    )
    def csrf_token(self) -> str:
        return secrets.token_urlsafe(32)

    @strawberry.field(
        description=f"Number of accounts. Beyond {EXACT_COUNT:,} it may be an estimate. Readable by"
        " every signed-in user.",
        directives=guard(Permission.COUNT_USERS),
    )
    async def user_count(self, info: PortalInfo) -> int | None:
        return await resolvers.users.user_count(info.context.actor)


PermissionArgument = Annotated[Permission, strawberry.argument(description="The permission.")]
SubjectArgument = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="The global id of the object, for permissions that refer to one: a user, a"
        " group, a web app, a request for access, the record of a credential, or an event."
    ),
]


async def node(global_id: str, context: Context) -> Node:
    """The result of the root field of its type or, for administrators, of the one under `admin`."""
    type_name, database_id = parse_global_id(global_id)
    actor, admin = context.actor, context.actor.is_admin
    if type_name == "User":
        user = find(models.User, database_id) if admin else resolvers.users.user(actor, database_id)
        return User.of(await user)
    if type_name == "Group":
        groups = resolvers.groups
        group = find(models.Group, database_id) if admin else groups.group(actor, database_id)
        return Group.of(await group)
    if type_name == "WebApp":
        webapps = resolvers.webapps
        webapp = find(models.WebApp, database_id) if admin else webapps.webapp(actor, database_id)
        return WebApp.of(await webapp, context)
    if type_name == "AccessRequest":
        return AccessRequest.of(await resolvers.access.access_request(actor, database_id))
    if type_name == "CredentialIssue":
        return CredentialIssue.of(await resolvers.credentials.issue(actor, database_id))
    if type_name == "AuditEvent":
        return AuditEvent.of(await resolvers.audit.event(actor, database_id))
    raise NotFound


@strawberry.type(description="The subscriptions, over a WebSocket or as server-sent events.")
class Subscription:
    @strawberry.subscription(
        description="The facts of a cluster: first the current ones, then every change except for"
        " a new `observedAt`. Slow clients receive only the latest facts. Readable by every"
        " signed-in user. Ends with UNAUTHENTICATED when the session ends.",
        directives=guard(Permission.SEE_CLUSTERS),
    )
    def cluster_facts(
        self, info: PortalInfo, name: ClusterName = None
    ) -> AsyncGenerator[Cluster, None]:
        context = info.context
        found = resolvers.clusters.cluster(context.actor, context.services.clusters, name)
        return _changes(found, context)


async def _changes(
    source: cluster.cluster.Cluster, context: Context
) -> AsyncGenerator[Cluster, None]:
    watch = resolvers.clusters.watch_facts(context.services, context.actor, source)
    async with aclosing(watch) as changes:
        async for facts in changes:
            yield Cluster.of(source, facts)


async def _other_user(actor: Actor, database_id: int) -> User:
    return User.of(await resolvers.users.user(actor, database_id))


@strawberry.type(description="The root of all queries.")
class Query:
    @strawberry.field(
        description="The portal itself. Readable by every caller.",
        directives=guard(Permission.SEE_PORTAL),
    )
    def portal(self, info: PortalInfo) -> Portal:
        return Portal.of(info.context)

    @strawberry.field(
        description="The requesting user; null without a sign-in.",
        directives=guard(Permission.SEE_PORTAL),
    )
    def viewer(self, info: PortalInfo) -> User | None:
        user = info.context.actor.user_or_none
        return User.of(user) if user else None

    @strawberry.field(
        description="The requesting user by id. FORBIDDEN for another user, NOT_FOUND for a missing"
        " one.",
        directives=guard(Permission.SEE_OWN_ACCOUNT),
        graphql_type=User | None,
    )
    def user(self, info: PortalInfo, database_id: DatabaseId) -> AwaitableOrValue[User]:
        actor = info.context.actor
        if database_id == actor.user.id:  # without waiting, for most requests of the REST API
            return User.of(actor.user)
        return _other_user(actor, database_id)

    @strawberry.field(
        description="A group of the requesting user. FORBIDDEN for another group, NOT_FOUND for a"
        " missing one.",
        directives=guard(Permission.SEE_OWN_GROUP),
    )
    async def group(self, info: PortalInfo, database_id: DatabaseId) -> Group | None:
        return Group.of(await resolvers.groups.group(info.context.actor, database_id))

    @strawberry.field(
        description="A visible web app of the requesting user's groups. FORBIDDEN for another web"
        " app, NOT_FOUND for a missing one.",
        directives=guard(Permission.SEE_OWN_WEBAPP),
    )
    async def webapp(self, info: PortalInfo, database_id: DatabaseId) -> WebApp | None:
        row = await resolvers.webapps.webapp(info.context.actor, database_id)
        return WebApp.of(row, info.context)

    @strawberry.field(
        description="A cluster with its facts. Readable by every signed-in user.",
        directives=guard(Permission.SEE_CLUSTERS),
    )
    def cluster(self, info: PortalInfo, name: ClusterName = None) -> Cluster | None:
        context = info.context
        return Cluster.of(
            resolvers.clusters.cluster(context.actor, context.services.clusters, name)
        )

    @strawberry.field(
        description="All clusters, the default cluster first. Readable by every signed-in user.",
        directives=guard(Permission.SEE_CLUSTERS),
    )
    def clusters(self, info: PortalInfo) -> list[Cluster]:
        context = info.context
        known = resolvers.clusters.all_clusters(context.actor, context.services.clusters)
        return [Cluster.of(cluster) for cluster in known]

    @strawberry.field(
        description="All objects, for administrators. FORBIDDEN for other users.",
        directives=guard(Permission.ADMINISTRATE),
    )
    def admin(self) -> Administration | None:
        return Administration()

    @strawberry.field(
        description="Whether the caller holds a permission, so that a user interface can hide what"
        " is not allowed. The result matches the guards of fields. False for missing objects.",
        directives=guard(Permission.SEE_PORTAL),
    )
    async def viewer_can(
        self, info: PortalInfo, permission: PermissionArgument, id: SubjectArgument = None
    ) -> bool:
        context = info.context
        subject = None if id is None else Subject(*parse_global_id(id))
        return await can(context.services, context.actor, permission, subject)

    @strawberry.field(
        description="An object by its global id, under the rules of the root field of its type."
        " Administrators can read all objects.",
        directives=guard(Permission.SEE_PORTAL),
    )
    async def node(
        self,
        info: PortalInfo,
        id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")],
    ) -> Node | None:
        return await node(id, info.context)


@strawberry.type(description="The root of all mutations.")
class Mutation:
    login = sessions.login
    login_with_google = sessions.login_with_google
    logout = sessions.logout
    update_user = users.update_user
    change_password = sessions.change_password
    end_session = sessions.end_session
    end_other_sessions = sessions.end_other_sessions
    create_personal_access_token = sessions.create_personal_access_token
    delete_personal_access_token = sessions.delete_personal_access_token
    request_access = access.request_access
    approve_access = access.approve_access
    reject_access = access.reject_access
    revoke_access = access.revoke_access
    create_user = users.create_user
    update_user_as_admin = users.update_user_as_admin
    delete_user = users.delete_user
    set_password = sessions.set_password
    reset_sessions = sessions.reset_sessions
    create_group = groups.create_group
    update_group = groups.update_group
    delete_group = groups.delete_group
    add_group_members = groups.add_group_members
    remove_group_members = groups.remove_group_members
    create_web_app = webapps.create_web_app
    update_web_app = webapps.update_web_app
    delete_web_app = webapps.delete_web_app
    grant_web_apps = groups.grant_web_apps
    withdraw_web_apps = groups.withdraw_web_apps


def build_schema() -> strawberry.Schema:
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[User, Group, WebApp],
        config=StrawberryConfig(scalar_map=scalar_map()),
    )
    # Strawberry gives no public access to the schema of graphql-core that it builds
    graphql_schema = schema._schema
    _mark_one_of(graphql_schema)
    _drop_null_defaults(graphql_schema)
    _describe_directives(graphql_schema)
    _resolve_directly(graphql_schema)
    enforce_guards(graphql_schema)
    return_errors_as_data(graphql_schema)
    return schema


def _resolve_directly(schema: GraphQLSchema) -> None:
    """Reads attributes and calls resolvers whose arguments are scalars.

    Strawberry does so through four and eight functions, which convert inputs: 3 and 15 µs.
    """
    for kind in schema.type_map.values():
        for field in kind.fields.values() if isinstance(kind, GraphQLObjectType) else ():
            definition = field.extensions.get(DEFINITION)
            arguments = [get_named_type(argument.type) for argument in field.args.values()]
            if definition and not field.subscribe and all(map(is_scalar_type, arguments)):
                resolver = definition.base_resolver
                field.resolve = (
                    _call(resolver, definition) if resolver else _read(definition.python_name)
                )


def _read(name: str) -> GraphQLFieldResolver:
    return lambda source, info: getattr(source, name)


def _call(resolver: StrawberryResolver[Any], field: StrawberryField) -> GraphQLFieldResolver:
    function: Callable[..., Any] = resolver.wrapped_func  # type: ignore[assignment]
    takes_source = resolver.self_parameter or resolver.root_parameter or resolver.parent_parameter
    names = {to_camel_case(each.python_name): each.python_name for each in field.arguments}

    def resolve(source: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        values = {names[name]: value for name, value in arguments.items()}
        if resolver.info_parameter is not None:
            values["info"] = Info(_raw_info=info, _field=field)
        return function(source, **values) if takes_source else function(**values)

    return resolve


def _mark_one_of(schema: GraphQLSchema) -> None:
    """Strawberry prints `@oneOf`, but neither sets it for introspection nor for validation.

    Its own validation rule fails for undefined variables.
    """
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            definition = kind.extensions.get(DEFINITION)
            kind.is_one_of = bool(definition and definition.is_one_of)


def _drop_null_defaults(schema: GraphQLSchema) -> None:
    """Strawberry prints Python's `= None` as a default; for clients the argument is optional."""
    for kind in schema.type_map.values():
        for field in getattr(kind, "fields", {}).values():
            for value in (field, *getattr(field, "args", {}).values()):
                if getattr(value, "default_value", Undefined) is None:
                    value.default_value = Undefined


def _describe_directives(schema: GraphQLSchema) -> None:
    """Strawberry drops the descriptions of a directive's arguments."""
    for directive in schema.directives:
        definition = directive.extensions.get(DEFINITION)
        if definition is not None:
            for argument, field in zip(directive.args.values(), definition.fields, strict=True):
                argument.description = field.description


def sorted_sdl(sdl: str) -> str:
    """The schema by name, so that a change is in one place, without GraphQL's own directives."""
    document = parse(sdl)
    ours = [_sorted(node) for node in document.definitions if not _is_specified(node)]
    return f"{print_ast(replace(document, definitions=tuple(ours)))}\n"


def _is_specified(node: DefinitionNode) -> bool:
    return isinstance(node, DirectiveDefinitionNode) and node.name.value in SPECIFIED


def _sorted(node: DefinitionNode) -> DefinitionNode:
    """Sorts fields and values. Arguments keep their order, which is for readers."""
    by_name = attrgetter("name.value")
    if isinstance(node, EnumTypeDefinitionNode):
        return replace(node, values=tuple(sorted(node.values or (), key=by_name)))
    if isinstance(node, InputObjectTypeDefinitionNode):
        return replace(node, fields=tuple(sorted(node.fields or (), key=by_name)))
    if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        return replace(node, fields=tuple(sorted(node.fields or (), key=by_name)))
    return node
