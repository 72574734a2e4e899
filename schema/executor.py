"""Runs operations against the schema; the way in for HTTP and for stored documents alike."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    execute,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from resolvers.errors import BadUserInput, ErrorCode, PortalError, Unauthenticated
from schema.context import Context

logger = logging.getLogger(__name__)

RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
INTERNAL = "Something went wrong on our side. The request id helps to find out what."


class InvalidDocument(Exception):
    """A document that can't be run; `errors` say why."""

    def __init__(self, code: ErrorCode, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = [_coded(error, {"code": code.value}) for error in errors]


class Executor:
    """Parses and validates each document once and keeps the ones used lately."""

    def __init__(self, schema: strawberry.Schema, *, kept_documents: int = 500) -> None:
        # Strawberry has no public way to run a document that is parsed already
        self.graphql_schema: GraphQLSchema = schema._schema
        self.sdl = f"{schema.as_str()}\n"
        self._kept = kept_documents
        self._documents: dict[str, DocumentNode] = {}

    def prepare(self, source: str) -> DocumentNode:
        """Raises InvalidDocument."""
        document = self._documents.pop(source, None) or self._checked(source)
        self._documents[source] = document
        if len(self._documents) > self._kept:
            del self._documents[next(iter(self._documents))]
        return document

    async def execute(
        self,
        document: DocumentNode,
        context: Context,
        variables: Mapping[str, Any] | None = None,
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
        errors = result.errors and [_public(error, context) for error in result.errors]
        return ExecutionResult(data=result.data, errors=errors)

    def _checked(self, source: str) -> DocumentNode:
        try:
            document = parse(source)
        except GraphQLError as error:
            raise InvalidDocument(ErrorCode.GRAPHQL_PARSE_FAILED, [error]) from None
        except RecursionError:
            too_deep = GraphQLError("The document is nested too deeply.")
            raise InvalidDocument(ErrorCode.GRAPHQL_PARSE_FAILED, [too_deep]) from None
        errors = validate(self.graphql_schema, document, RULES)
        if errors:
            raise InvalidDocument(ErrorCode.GRAPHQL_VALIDATION_FAILED, errors)
        return document


def _public(error: GraphQLError, context: Context) -> GraphQLError:
    cause = error.original_error
    if isinstance(cause, PortalError):
        return _coded(error, _extensions(cause))
    if cause is None or isinstance(cause, GraphQLError):
        return _coded(error, {"code": ErrorCode.BAD_USER_INPUT.value})
    logger.error(
        "Request %s: unexpected error at %s", context.request_id, error.path, exc_info=cause
    )
    return GraphQLError(
        INTERNAL,
        error.nodes,
        path=error.path,
        extensions={
            "code": ErrorCode.INTERNAL_SERVER_ERROR.value,
            "requestId": context.request_id,
        },
    )


def _extensions(error: PortalError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.code.value}
    if isinstance(error, Unauthenticated) and error.problem:
        extensions["problem"] = error.problem.value
    if isinstance(error, BadUserInput):
        extensions["fields"] = [
            {"field": complaint.field, "message": complaint.message}
            for complaint in error.complaints
        ]
    return extensions


def _coded(error: GraphQLError, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        error.message,
        error.nodes,
        error.source,
        error.positions,
        error.path,
        error.original_error,
        extensions,
    )
