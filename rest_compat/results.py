"""From an execution result to an answer: success, or the error that stands in its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import ExecutionResult, GraphQLError
from starlette.responses import Response

from resolvers.errors import ErrorCode
from rest_compat.operations import Route, StoredOperation
from rest_compat.responses import json_response
from rest_compat.shape import Shape
from rest_compat.status import Refusal, payload_refusal, refusal


def answer(operation: StoredOperation, route: Route, result: ExecutionResult) -> Response:
    """Raises Refusal when an error, a payload's error or a missing value forbids success."""
    data = result.data or {}
    errors = list(result.errors or ())
    for error in errors:
        if result.data is None or not _is_tolerable(error):
            raise _refusal(error, route)
    for payload_errors in _payload_errors(operation.shapes, data):
        raise payload_refusal(payload_errors, operation.field_names, route.method)
    for message in _missing(operation.shapes, data):
        raise _refusal(errors[0], route) if errors else _unavailable(message, route)
    return _success(operation, data)


def _success(operation: StoredOperation, data: Mapping[str, Any]) -> Response:
    value: Any = data
    for shape in operation.body_path:
        if shape.key not in value:
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        value = value[shape.key]
    response = json_response(operation.body_path[-1].render(value) if operation.body_path else {})
    for name, cookie in _cookies(operation.shapes, data):
        response.set_cookie(name, cookie, samesite="lax")
    return response


def _is_tolerable(error: GraphQLError) -> bool:
    """What the cluster does not tell now is null in the answer, unless it is required."""
    return _code(error) is ErrorCode.UNAVAILABLE


def _code(error: GraphQLError) -> ErrorCode:
    return ErrorCode((error.extensions or {})["code"])


def _refusal(error: GraphQLError, route: Route) -> Refusal:
    return refusal(_code(error), error.message, error.extensions or {}, route.method)


def _unavailable(message: str, route: Route) -> Refusal:
    return refusal(ErrorCode.UNAVAILABLE, message, {}, route.method)


def _payload_errors(
    shapes: tuple[Shape, ...], value: Mapping[str, Any]
) -> Iterator[list[dict[str, Any]]]:
    for shape in shapes:
        inner = value.get(shape.key)
        if shape.holds_errors and inner:
            yield inner
        elif isinstance(inner, dict):
            yield from _payload_errors(shape.children, inner)


def _missing(shapes: tuple[Shape, ...], value: Mapping[str, Any] | None) -> Iterator[str]:
    for shape in shapes:
        inner = None if value is None else value.get(shape.key)
        if inner is None and shape.required:
            yield shape.required
        elif not isinstance(inner, list):
            yield from _missing(shape.children, inner)


def _cookies(shapes: tuple[Shape, ...], value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for shape in shapes:
        inner = value.get(shape.key)
        if shape.cookie and inner is not None:
            yield shape.cookie, inner
        elif isinstance(inner, dict):
            yield from _cookies(shape.children, inner)
