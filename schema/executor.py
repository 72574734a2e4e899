"""Runs operations: parses, validates and limits a document once, then executes it in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from functools import cached_property, lru_cache
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
    located_error,
    parse,
    specified_rules,
    subscribe,
    validate,
)
from graphql.execution import Executor as GraphQLExecutor
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from resolvers.errors import ErrorCode, Forbidden
from resolvers.permissions import require_scopes
from schema.context import Context
from schema.cost import Plan, Plans
from schema.errors import RequestError, coded, public_error, public_result, public_results
from schema.guard import Introspection
from schema.limits import LARGEST, Limits, exceeded_limits, limit_error, variable_values
from schema.root import sorted_sdl

__all__ = ["Executor", "InvalidDocument", "Results", "Variables", "problems"]

Variables: TypeAlias = Mapping[str, Any] | None
Results: TypeAlias = AsyncGenerator[ExecutionResult, None]
RULES = (*specified_rules, MaybeNullValidationRule)
CACHED_DOCUMENTS = 200
LONGEST_CACHED = 5_000
# graphql-core's parser stops at the limit with a syntax error that only its message identifies
TOO_MANY_TOKENS = "tokens. Parsing aborted."
QUERY_TIMEOUT = "It took longer than {seconds:g} s and was given up."
MUTATION_TIMEOUT = (
    "It takes longer than {seconds:g} s and continues: check later whether it succeeded."
)


class InvalidDocument(Exception):
    """A document that can't be executed, with the reasons in `errors`."""

    def __init__(self, code: ErrorCode, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = [
            coded(error, {"code": code.value, **(error.extensions or {})}) for error in errors
        ]


def problems(
    schema: GraphQLSchema, document: DocumentNode, limits: Limits, *, hide_suggestions: bool = False
) -> list[GraphQLError]:
    """Exceeded limits, else validation errors.

    Limits come first, as validation is not linear in the size of the document.
    """
    return exceeded_limits(document, limits) or validate(
        schema,
        document,
        RULES,
        max_errors=limits.errors,
        hide_suggestions=hide_suggestions,
    )


class Executor:
    """Executes operations, and caches the documents that were used last.

    Where only signed-in users may read the schema, errors suggest no names from it.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        limits: Limits | None = None,
        introspection: Introspection = Introspection.EVERYONE,
    ) -> None:
        # Documents go to graphql-core directly: Strawberry's `execute` takes a checked document
        # only through extensions, and needs half as long again for a small query
        self.graphql_schema: GraphQLSchema = schema._schema
        self._schema = schema
        self.introspection = introspection
        self._limits = limits or Limits()
        self._plans = Plans(self.graphql_schema, self._limits.list_size)
        self._hide_suggestions = introspection is Introspection.SIGNED_IN
        self._mutations: set[asyncio.Future[ExecutionResult]] = set()
        self._cached = lru_cache(CACHED_DOCUMENTS)(self._checked)

    @cached_property
    def sdl(self) -> str:
        return sorted_sdl(self._schema.as_str())

    def prepare(self, source: str) -> DocumentNode:
        """Raises InvalidDocument."""
        is_cached = len(source) <= LONGEST_CACHED
        return self._cached(source) if is_cached else self._checked(source)

    async def execute(
        self,
        document: DocumentNode,
        context: Context,
        variables: Variables = None,
        operation_name: str | None = None,
    ) -> ExecutionResult:
        """Executes a query or a mutation. Never raises: errors are in the result."""
        values = dict(variables or {})
        plan = self._plans.find(document, operation_name)
        error = self._rejection(plan, values, context)
        if error:
            result: ExecutionResult = _rejected(error, context)
        else:
            arguments = self._arguments(context, values, operation_name)
            running = execute(self.graphql_schema, document, **arguments)
            if isawaitable(running):
                running = await self._in_time(running, plan)
            result = public_result(running, context.request_id)
        return _with_extensions(result, self._extensions(plan, values))

    async def stream(
        self,
        document: DocumentNode,
        context: Context,
        variables: Variables = None,
        operation_name: str | None = None,
    ) -> Results:
        """The results of a subscription, or the one of another operation. Never raises."""
        plan = self._plans.find(document, operation_name)
        if plan is None or plan.kind is not OperationType.SUBSCRIPTION:
            yield await self.execute(document, context, variables, operation_name)
            return
        values = dict(variables or {})
        error = self._rejection(plan, values, context)
        extensions = self._extensions(plan, values)
        if error:
            yield _with_extensions(_rejected(error, context), extensions)
            return
        arguments = self._arguments(context, values, operation_name)
        async with aclosing(self._subscribe(document, context, arguments)) as results:
            async for result in results:
                yield _with_extensions(result, extensions)

    async def finish(self) -> None:
        """Waits for mutations that took longer than their time limit."""
        await asyncio.gather(*self._mutations, return_exceptions=True)

    def _checked(self, source: str) -> DocumentNode:
        tokens = self._limits.tokens
        try:
            document = parse(source, max_tokens=tokens)
        except GraphQLError as error:
            if error.message.endswith(TOO_MANY_TOKENS):
                error = limit_error("tokens", tokens + 1, tokens)
            raise InvalidDocument(ErrorCode.GRAPHQL_PARSE_FAILED, [error]) from None
        errors = problems(
            self.graphql_schema, document, self._limits, hide_suggestions=self._hide_suggestions
        )
        if errors:
            raise InvalidDocument(ErrorCode.GRAPHQL_VALIDATION_FAILED, errors)
        return document

    def _rejection(
        self, plan: Plan | None, values: dict[str, Any], context: Context
    ) -> GraphQLError | None:
        """Why the operation may not run. An unknown operation is rejected by graphql-core."""
        if plan is None:
            return None
        if plan.introspects and self.introspection is Introspection.SIGNED_IN:
            unauthenticated = context.unauthenticated
            if unauthenticated:
                return located_error(unauthenticated)
        session = context.actor.session
        if session is not None and session.is_token:
            try:
                require_scopes(session, plan.permissions)
            except Forbidden as error:
                return located_error(error)
        limits, cost = self._limits, plan.cost(values)
        count = variable_values(values, limits.values)
        if count > limits.values:
            return limit_error("values", count, limits.values)
        return limit_error("cost", cost, limits.cost) if cost > limits.cost else None

    def _extensions(self, plan: Plan | None, values: dict[str, Any]) -> dict[str, Any] | None:
        if plan is None:
            return None
        cost = min(plan.cost(values), LARGEST)
        return {"cost": {"requested": cost, "maximum": self._limits.cost}}

    def _arguments(
        self, context: Context, values: dict[str, Any], operation_name: str | None
    ) -> dict[str, Any]:
        return {
            "context_value": context,
            "variable_values": values,
            "operation_name": operation_name,
            "hide_suggestions": self._hide_suggestions,
            # The default one is for `@defer` and `@stream`, which the schema does not have
            "executor_class": GraphQLExecutor,
        }

    async def _subscribe(
        self, document: DocumentNode, context: Context, arguments: dict[str, Any]
    ) -> Results:
        started = subscribe(self.graphql_schema, document, **arguments)
        try:
            async with asyncio.timeout(self._limits.time.total_seconds()):
                results = await started if isawaitable(started) else started
        except TimeoutError:
            yield self._timeout_error(QUERY_TIMEOUT)
            return
        if isinstance(results, ExecutionResult):
            yield RequestError(errors=public_result(results, context.request_id).errors)
            return
        async with aclosing(public_results(cast(Results, results), context.request_id)) as public:
            async for result in public:
                yield result

    async def _in_time(
        self, running: Awaitable[ExecutionResult], plan: Plan | None
    ) -> ExecutionResult:
        is_mutation = plan is not None and plan.kind is OperationType.MUTATION
        try:
            async with asyncio.timeout(self._limits.time.total_seconds()):
                return await (self._uncancelled(running) if is_mutation else running)
        except TimeoutError:
            return self._timeout_error(MUTATION_TIMEOUT if is_mutation else QUERY_TIMEOUT)

    def _uncancelled(self, mutation: Awaitable[ExecutionResult]) -> Awaitable[ExecutionResult]:
        """Lets a mutation finish when the time is up or the client is gone.

        A cancelled one would stop between the cluster and the database, or during a commit.
        """
        task = asyncio.ensure_future(mutation)
        # The event loop keeps only weak references to tasks
        self._mutations.add(task)
        task.add_done_callback(self._mutations.discard)
        return asyncio.shield(task)

    def _timeout_error(self, message: str) -> RequestError:
        seconds = self._limits.time.total_seconds()
        return RequestError(
            errors=[
                GraphQLError(
                    message.format(seconds=seconds), extensions={"code": ErrorCode.TIMEOUT.value}
                )
            ]
        )


def _with_extensions(result: ExecutionResult, extensions: dict[str, Any] | None) -> ExecutionResult:
    result.extensions = extensions
    return result


def _rejected(error: GraphQLError, context: Context) -> RequestError:
    return RequestError(errors=[public_error(error, context.request_id)])
