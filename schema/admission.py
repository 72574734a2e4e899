"""Who may run which operation with which variables: decided before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, located_error

from resolvers.errors import Forbidden
from resolvers.permissions import beyond_scopes
from schema.context import Context
from schema.guarded import permissions_of
from schema.limits.excess import LARGEST, excess
from schema.limits.introspection import SchemaReading
from schema.limits.limits import Limits
from schema.limits.plan import Plan, Plans
from schema.limits.values import values_in_variables

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
