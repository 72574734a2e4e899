"""Which permissions an operation takes, read off the guards of its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    located_error,
    separate_operations,
    visit,
)
from strawberry.schema_directive import Location

from resolvers.errors import Forbidden
from resolvers.permissions import beyond_scopes
from schema.context import Context
from schema.cost import Plan, Plans, SchemaReading
from schema.enums import Permission
from schema.limits import LARGEST, Limits, excess, values_in_variables


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    description="Who may read the fields of the type, or use the field: those who hold the"
    " permission. Pages and payloads are for whoever may use the field that leads to them.",
)
class Guard:
    permission: Permission = strawberry.field(description="What the caller must hold.")


def guard(permission: Permission) -> list[object]:
    """For the `directives` of a type or a field."""
    return [Guard(permission=permission)]


DEFINITION = "strawberry-definition"


def permissions_of(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None
) -> frozenset[Permission]:
    """Of the named operation, or of the only one; of all where the name fits none."""
    operations = separate_operations(document)
    chosen = operations.get(operation_name or "", document)
    found: set[Permission] = set()
    type_info = TypeInfo(schema)

    class Reader(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            if not node.name.value.startswith("__"):
                found.update(_guards(type_info.get_parent_type(), type_info.get_field_def()))

    visit(chosen, TypeInfoVisitor(type_info, Reader()))
    return frozenset(found)


def _guards(parent: Any, field: GraphQLField | None) -> Iterator[Permission]:
    """The field's own permission, else that of its type."""
    own = list(_named(field))
    yield from own or _named(parent if isinstance(parent, GraphQLObjectType) else None)


def _named(definition: GraphQLField | GraphQLObjectType | None) -> Iterator[Permission]:
    ours = definition.extensions.get(DEFINITION) if definition else None
    for directive in getattr(ours, "directives", None) or ():
        if isinstance(directive, Guard):
            yield directive.permission


SCOPES = "The scopes of this personal access token do not include: {}."


class Introspection(Enum):
    """Who may read the schema."""

    EVERYONE = "everyone"
    SIGNED_IN = "signed-in"


@dataclass(frozen=True, slots=True)
class Admission:
    """`cost` is None where it is not clear which operation is meant."""

    plan: Plan | None
    cost: int | None
    refusal: GraphQLError | None


class Gate:
    def __init__(self, schema: GraphQLSchema, limits: Limits, introspection: Introspection) -> None:
        self._schema = schema
        self._limits = limits
        self._is_public = introspection is Introspection.EVERYONE
        self._plans = Plans(schema, limits.list_size)

    def admit(
        self,
        document: DocumentNode,
        operation_name: str | None,
        variables: Mapping[str, Any],
        context: Context,
    ) -> Admission:
        plan = self._plans.find(document, operation_name)
        if plan is None:
            return Admission(None, None, None)
        read = self._introspected(document, operation_name, variables) if plan.introspects else 0
        cost = min(plan.price.of(variables) + read, LARGEST)
        refusal = (
            self._stranger(plan, context)
            or self._beyond_scopes(document, operation_name, context)
            or self._too_large(variables, read, cost)
        )
        return Admission(plan, cost, refusal)

    def _introspected(
        self, document: DocumentNode, operation_name: str | None, variables: Mapping[str, Any]
    ) -> int:
        reading = SchemaReading(self._schema, document, variables)
        return reading.fields(operation_name, most=self._limits.introspection + 1)

    def _stranger(self, plan: Plan, context: Context) -> GraphQLError | None:
        if self._is_public or not plan.introspects:
            return None
        problem = context.unauthenticated
        return located_error(problem) if problem else None

    def _beyond_scopes(
        self, document: DocumentNode, operation_name: str | None, context: Context
    ) -> GraphQLError | None:
        session = context.actor.session
        if session is None or not session.is_token:
            return None
        needed = permissions_of(self._schema, document, operation_name)
        lacking = beyond_scopes(session, needed)
        return located_error(Forbidden(SCOPES.format(", ".join(lacking)))) if lacking else None

    def _too_large(self, variables: Mapping[str, Any], read: int, cost: int) -> GraphQLError | None:
        limits = self._limits
        values = values_in_variables(variables, limits.values) if variables else 0
        if values > limits.values:
            return excess("values", values, limits.values)
        if read > limits.introspection:
            return excess("introspection", read, limits.introspection)
        if cost > limits.cost:
            return excess("cost", cost, limits.cost)
        return None
