"""Runs operations against the schema; the way in for all transports and for stored documents."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from inspect import isawaitable
from typing import Any, TypeAlias, cast

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    execute,
    get_operation_ast,
    subscribe,
)

from resolvers.errors import ErrorCode
from schema.admission import Admission, Gate, Introspection
from schema.context import Context
from schema.documents import Checker, InvalidDocument
from schema.limits.limits import Limits
from schema.limits.plan import Plan
from schema.results import RequestError, public_error, public_result, public_results
from schema.sdl import sorted_sdl
from schema.time_limit import TimeLimit

__all__ = ["Executor", "InvalidDocument", "Results", "Variables", "is_subscription"]

Variables: TypeAlias = Mapping[str, Any] | None
Results: TypeAlias = AsyncGenerator[ExecutionResult, None]

GIVEN_UP = "It took longer than {seconds:g} s and was given up."
LEFT = "It takes longer than {seconds:g} s and goes on: look later whether it was done."


class Executor:
    """Checks each document once and keeps the ones used lately.

    `kept_characters` is how long the sources of all kept documents may be together; what is
    longer than a hundredth of that is not kept. Where only those who are signed in may read the
    schema, nobody is told what a wrong name may have been meant to be.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        limits: Limits | None = None,
        introspection: Introspection = Introspection.EVERYONE,
        kept_characters: int = 1_000_000,
    ) -> None:
        # Strawberry has no public way to run a document that is parsed already
        self.graphql_schema: GraphQLSchema = schema._schema
        self.sdl = sorted_sdl(schema.as_str())
        self.introspection = introspection
        self._limits = limits or Limits()
        self._gate = Gate(self.graphql_schema, self._limits, introspection)
        self._hide_suggestions = introspection is Introspection.SIGNED_IN
        self._checker = Checker(
            self.graphql_schema, self._limits, hide_suggestions=self._hide_suggestions
        )
        self._time = TimeLimit(self._limits.time)
        self._room = kept_characters
        self._longest = kept_characters // 100
        self._documents: dict[str, DocumentNode] = {}

    def prepare(self, source: str) -> DocumentNode:
        """Raises InvalidDocument."""
        if len(source) > self._longest:
            return self._checker.document(source)
        document = self._documents.pop(source, None)
        if document is None:
            document = self._checker.document(source)
            self._room -= len(source)
        self._documents[source] = document
        while self._room < 0:
            oldest = next(iter(self._documents))
            del self._documents[oldest]
            self._room += len(oldest)
        return document

    async def execute(
        self,
        document: DocumentNode,
        context: Context,
        variables: Variables = None,
        operation_name: str | None = None,
    ) -> ExecutionResult:
        """Never raises; every error of the result has a code and a text for the caller."""
        given = dict(variables or {})
        admission = self._gate.admit(document, operation_name, given, context)
        if admission.refusal:
            result: ExecutionResult = _refused(admission.refusal, context)
        else:
            result = await self._in_time(document, context, given, operation_name, admission.plan)
        result.extensions = self._extensions(admission)
        return result

    async def subscribe(
        self,
        document: DocumentNode,
        context: Context,
        variables: Variables = None,
        operation_name: str | None = None,
    ) -> Results | RequestError:
        """The results of a subscription as they come, or why it does not begin. Never raises."""
        given = dict(variables or {})
        admission = self._gate.admit(document, operation_name, given, context)
        if admission.refusal:
            begun: Results | RequestError = _refused(admission.refusal, context)
        else:
            begun = await self._begun(document, context, given, operation_name)
        extensions = self._extensions(admission)
        if isinstance(begun, RequestError):
            begun.extensions = extensions
            return begun
        return _with_extensions(begun, extensions)

    async def finish(self) -> None:
        """Waits for the changes that took longer than their callers waited."""
        await self._time.finish()

    async def stream(
        self,
        document: DocumentNode,
        context: Context,
        variables: Variables = None,
        operation_name: str | None = None,
    ) -> Results:
        """The results of any operation: those of a subscription as they come, else one."""
        if not is_subscription(document, operation_name):
            yield await self.execute(document, context, variables, operation_name)
            return
        results = await self.subscribe(document, context, variables, operation_name)
        if isinstance(results, RequestError):
            yield results
            return
        async with aclosing(results):
            async for result in results:
                yield result

    async def _begun(
        self,
        document: DocumentNode,
        context: Context,
        variables: dict[str, Any],
        operation_name: str | None,
    ) -> Results | RequestError:
        results = subscribe(
            self.graphql_schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            hide_suggestions=self._hide_suggestions,
        )
        try:
            if isawaitable(results):
                results = await self._time.or_give_up(results)
        except TimeoutError:
            return self._too_slow(GIVEN_UP)
        if isinstance(results, ExecutionResult):
            return RequestError(errors=public_result(results, context.request_id).errors)
        return public_results(cast(Results, results), context.request_id)

    async def _in_time(
        self,
        document: DocumentNode,
        context: Context,
        variables: dict[str, Any],
        operation_name: str | None,
        plan: Plan | None,
    ) -> ExecutionResult:
        begun = execute(
            self.graphql_schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            hide_suggestions=self._hide_suggestions,
        )
        if not isawaitable(begun):
            return public_result(begun, context.request_id)
        changes = plan is not None and plan.kind is OperationType.MUTATION
        wait = self._time.or_leave if changes else self._time.or_give_up
        try:
            return await wait(_public(begun, context.request_id))
        except TimeoutError:
            return self._too_slow(LEFT if changes else GIVEN_UP)

    def _extensions(self, admission: Admission) -> dict[str, Any] | None:
        if admission.cost is None:
            return None
        return {"cost": {"requested": admission.cost, "maximum": self._limits.cost}}

    def _too_slow(self, message: str) -> RequestError:
        seconds = self._limits.time.total_seconds()
        error = GraphQLError(
            message.format(seconds=seconds),
            extensions={"code": ErrorCode.TIMEOUT.value},
        )
        return RequestError(errors=[error])


def is_subscription(document: DocumentNode, operation_name: str | None = None) -> bool:
    operation = get_operation_ast(document, operation_name)
    return operation is not None and operation.operation is OperationType.SUBSCRIPTION


def _refused(refusal: GraphQLError, context: Context) -> RequestError:
    return RequestError(errors=[public_error(refusal, context.request_id)])


async def _with_extensions(results: Results, extensions: dict[str, Any] | None) -> Results:
    async with aclosing(results):
        async for result in results:
            result.extensions = extensions
            yield result


async def _public(result: Awaitable[ExecutionResult], request_id: str) -> ExecutionResult:
    return public_result(await result, request_id)
