"""From a text to a document that may be run: it parses, keeps to the limits and fits the schema."""

from __future__ import annotations

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from resolvers.errors import ErrorCode
from schema.limits.document import exceeded
from schema.limits.excess import excess
from schema.limits.limits import Limits
from schema.results import coded

RULES = (*specified_rules, MaybeNullValidationRule)
# The parser stops there and does not say otherwise what it stopped for
TOO_MANY_TOKENS = "tokens. Parsing aborted."


class InvalidDocument(Exception):
    """A document that can't be run; `errors` say why."""

    def __init__(self, code: ErrorCode, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = [
            coded(error, {"code": code.value, **(error.extensions or {})}) for error in errors
        ]


def problems(
    schema: GraphQLSchema, document: DocumentNode, limits: Limits, *, hide_suggestions: bool = False
) -> list[GraphQLError]:
    """Why the document is too large or does not fit the schema; empty when all is well."""
    return exceeded(document, limits) or validate(
        schema,
        document,
        RULES,
        max_errors=limits.errors,
        hide_suggestions=hide_suggestions,
    )


class Checker:
    """What is cheap comes first: no text takes long to be refused."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, hide_suggestions: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._hide_suggestions = hide_suggestions

    def document(self, source: str) -> DocumentNode:
        """Raises InvalidDocument."""
        document = self._parsed(source)
        errors = problems(
            self._schema, document, self._limits, hide_suggestions=self._hide_suggestions
        )
        if errors:
            raise InvalidDocument(ErrorCode.GRAPHQL_VALIDATION_FAILED, errors)
        return document

    def _parsed(self, source: str) -> DocumentNode:
        limits = self._limits
        if len(source) > limits.characters:
            too_long = excess("characters", len(source), limits.characters)
            raise InvalidDocument(ErrorCode.LIMIT_EXCEEDED, [too_long])
        try:
            return parse(source, max_tokens=limits.tokens)
        except GraphQLError as error:
            if error.message.endswith(TOO_MANY_TOKENS):
                error = excess("tokens", limits.tokens + 1, limits.tokens)
            raise InvalidDocument(ErrorCode.GRAPHQL_PARSE_FAILED, [error]) from None
