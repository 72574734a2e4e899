"""The operations of one WebSocket: each has a context of its own, as over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import ExecutionResult, GraphQLError, located_error
from starlette.requests import HTTPConnection
from strawberry.types.execution import ExecutionResult as StrawberryResult
from strawberry.types.execution import PreExecutionError

from portal.client_name import client_name
from portal.documents import Documents
from portal.graphql_request import BadRequest, parameters_from
from resolvers.errors import ErrorCode
from schema.context import Context
from schema.executor import Executor, InvalidDocument
from schema.results import RequestError, public_error

MakeContext: TypeAlias = Callable[[HTTPConnection, str | None], Awaitable[Context]]


@dataclass
class Connection:
    """A WebSocket, and what its client said about itself.

    `access_ended` is set when credentials that came along have turned out not to be good any more.
    `held` is given back when the connection ends.
    """

    socket: HTTPConnection
    make_context: MakeContext
    connection_params: dict[str, object] = field(default_factory=dict)
    access_ended: bool = False
    held: ExitStack = field(default_factory=ExitStack)

    @property
    def request_id(self) -> str:
        request_id: str = self.socket.scope["state"]["request_id"]
        return request_id

    async def context(self) -> Context:
        """For one operation, from the credentials as they are good for at this moment."""
        for name, value in self.connection_params.items():
            if name.lower() == "authorization" and isinstance(value, str):
                return await self.make_context(self.socket, value)
        return await self.make_context(self.socket, None)

    def note(self, result: ExecutionResult) -> None:
        problems = ("problem" in (error.extensions or {}) for error in result.errors or ())
        self.access_ended = self.access_ended or any(problems)


class Operations:
    """What Strawberry's handler of the protocol needs of a schema.

    The `query` that it hands on is the whole payload of the client's message.
    """

    def __init__(self, executor: Executor, documents: Documents) -> None:
        self._executor = executor
        self._documents = documents

    async def stream(
        self,
        query: Mapping[str, Any],
        *,
        context_value: Connection,
        variable_values: Mapping[str, Any] | None,
        operation_name: str | None,
        root_value: None,
    ) -> AsyncGenerator[StrawberryResult, None]:
        return self._results(query, context_value)

    async def _results(
        self, payload: Mapping[str, Any], connection: Connection
    ) -> AsyncGenerator[StrawberryResult, None]:
        try:
            parameters = parameters_from(payload)
            document = self._documents.prepare(parameters, client_name(connection.socket.headers))
            context = await connection.context()
        except InvalidDocument as invalid:
            yield PreExecutionError(None, invalid.errors)
            return
        except BadRequest as bad:
            yield PreExecutionError(None, [_bad_input(bad)])
            return
        except Exception as error:
            problem = public_error(located_error(error), connection.request_id)
            yield PreExecutionError(None, [problem])
            return
        results = self._executor.stream(
            document, context, parameters.variables, parameters.operation_name
        )
        async with aclosing(results):
            async for result in results:
                connection.note(result)
                yield _as_strawberry(result)


def _bad_input(bad: BadRequest) -> GraphQLError:
    return GraphQLError(bad.message, extensions={"code": ErrorCode.BAD_USER_INPUT.value})


def _as_strawberry(result: ExecutionResult) -> StrawberryResult:
    kind = PreExecutionError if isinstance(result, RequestError) else StrawberryResult
    return kind(result.data, result.errors, result.extensions)
