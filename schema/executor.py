"""Runs operations against the schema; the way in for all transports and for stored documents."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
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
    parse,
    specified_rules,
    subscribe,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from resolvers.errors import ErrorCode
from schema.context import Context
from schema.results import RequestError, coded, public_result, public_results

RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)

MAXIMUM_TOKENS = 4000

Variables: TypeAlias = Mapping[str, Any] | None
Results: TypeAlias = AsyncGenerator[ExecutionResult, None]


class InvalidDocument(Exception):
    """A document that can't be run; `errors` say why."""

    def __init__(self, code: ErrorCode, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = [coded(error, {"code": code.value}) for error in errors]


class Executor:
    """Parses and validates each document once and keeps the ones used lately.

    `kept_characters` is how long the sources of all kept documents may be together; what is
    longer than a hundredth of that is not kept.
    """

    def __init__(self, schema: strawberry.Schema, *, kept_characters: int = 1_000_000) -> None:
        # Strawberry has no public way to run a document that is parsed already
        self.graphql_schema: GraphQLSchema = schema._schema
        self.sdl = f"{schema.as_str()}\n"
        self._room = kept_characters
        self._longest = kept_characters // 100
        self._documents: dict[str, DocumentNode] = {}

    def prepare(self, source: str) -> DocumentNode:
        """Raises InvalidDocument."""
        if len(source) > self._longest:
            return self._checked(source)
        document = self._documents.pop(source, None)
        if document is None:
            document = self._checked(source)
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
        result = execute(
            self.graphql_schema,
            document,
            context_value=context,
            variable_values=dict(variables or {}),
            operation_name=operation_name,
        )
        if isawaitable(result):
            result = await result
        return public_result(result, context.request_id)

    async def subscribe(
        self,
        document: DocumentNode,
        context: Context,
        variables: Variables = None,
        operation_name: str | None = None,
    ) -> Results | RequestError:
        """The results of a subscription as they come, or why it does not begin. Never raises."""
        results = subscribe(
            self.graphql_schema,
            document,
            context_value=context,
            variable_values=dict(variables or {}),
            operation_name=operation_name,
        )
        if isawaitable(results):
            results = await results
        if isinstance(results, ExecutionResult):
            return RequestError(errors=public_result(results, context.request_id).errors)
        return public_results(cast(Results, results), context.request_id)

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

    def _checked(self, source: str) -> DocumentNode:
        try:
            document = parse(source, max_tokens=MAXIMUM_TOKENS)
        except GraphQLError as error:
            raise InvalidDocument(ErrorCode.GRAPHQL_PARSE_FAILED, [error]) from None
        except RecursionError:
            too_deep = GraphQLError("The document is nested too deeply.")
            raise InvalidDocument(ErrorCode.GRAPHQL_PARSE_FAILED, [too_deep]) from None
        errors = validate(self.graphql_schema, document, RULES)
        if errors:
            raise InvalidDocument(ErrorCode.GRAPHQL_VALIDATION_FAILED, errors)
        return document


def is_subscription(document: DocumentNode, operation_name: str | None = None) -> bool:
    operation = get_operation_ast(document, operation_name)
    return operation is not None and operation.operation is OperationType.SUBSCRIPTION
