"""The schema as text, in alphabetical order: what is added to it is one change in one place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Coroutine, Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from inspect import isawaitable
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar, cast

import strawberry
from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
    parse,
    print_ast,
    specified_directives,
    specified_rules,
    subscribe,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from resolvers.errors import ErrorCode
from schema.context import Context
from schema.cost import Plan
from schema.errors import RequestError, coded, public_error, public_result, public_results
from schema.guard import Admission, Gate, Introspection
from schema.limits import Limits, exceeded, excess

N = TypeVar("N")
SPECIFIED = {directive.name for directive in specified_directives}


def sorted_sdl(sdl: str) -> str:
    """The same, without the definitions of GraphQL's own directives."""
    document = parse(sdl)
    ours = [node for node in document.definitions if not _is_specified(node)]
    return f"{print_ast(replace(document, definitions=tuple(map(_sorted, ours))))}\n"


def _is_specified(node: DefinitionNode) -> bool:
    return isinstance(node, DirectiveDefinitionNode) and node.name.value in SPECIFIED


def _sorted(node: DefinitionNode) -> DefinitionNode:
    """Arguments keep the order in which they are best read."""
    if isinstance(node, EnumTypeDefinitionNode):
        return replace(node, values=_by_name(node.values))
    if isinstance(node, InputObjectTypeDefinitionNode):
        return replace(node, fields=_by_name(node.fields))
    if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        return replace(node, fields=_by_name(node.fields))
    return node


def _by_name(nodes: Iterable[N] | None) -> tuple[N, ...]:
    return tuple(sorted(nodes or (), key=attrgetter("name.value")))


T = TypeVar("T")


class TimeLimit:
    """How long callers wait. All methods raise TimeoutError when it took longer."""

    def __init__(self, time: timedelta) -> None:
        self._seconds = time.total_seconds()
        self._unfinished: set[asyncio.Task[Any]] = set()

    async def or_give_up(self, work: Awaitable[T]) -> T:
        """For what only reads: it is cancelled."""
        async with asyncio.timeout(self._seconds):
            return await work

    async def or_leave(self, work: Coroutine[Any, Any, T]) -> T:
        """For what changes something: it goes on to its end, also when the caller is gone.

        Cut short, it would stop between the cluster and the database, or before it is known what
        became of a commit.
        """
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        async with asyncio.timeout(self._seconds):
            return await asyncio.shield(task)

    async def finish(self) -> None:
        """Waits for what was left."""
        await asyncio.gather(*self._unfinished, return_exceptions=True)


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
