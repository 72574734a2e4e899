"""What a client asks for, from the address or the body of its HTTP request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request

JSON = "application/json"
ALLOW = "GET, HEAD, POST, OPTIONS"


class BadRequest(Exception):
    """A request that holds no operation to run."""

    def __init__(
        self, message: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Parameters:
    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


async def parameters_of(request: Request) -> Parameters:
    """Raises BadRequest."""
    if request.method in ("GET", "HEAD"):
        return _checked(_from_url(request))
    if request.method == "POST":
        return _checked(await _from_body(request))
    raise BadRequest(f"Method {request.method} is not allowed.", 405, {"Allow": ALLOW})


def _from_url(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = _json(given[name].encode(), f"`{name}` is no JSON")
    return given


async def _from_body(request: Request) -> Any:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if media_type.strip().lower() != JSON or charset not in ("", "charset=utf-8"):
        raise BadRequest(f"Send {JSON} in UTF-8.", 415)
    try:
        return _json(await request.body(), "The body is no JSON")
    except HTTPException as error:
        raise BadRequest(error.detail, error.status_code) from None


def _json(content: bytes, complaint: str) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{complaint}: {error}.") from None


def _checked(given: Any) -> Parameters:
    if not isinstance(given, dict):
        raise BadRequest("The body is no JSON object; batches are not supported.")
    _check(given, "query", str, "a string")
    _check(given, "operationName", str, "a string")
    _check(given, "variables", dict, "an object")
    _check(given, "extensions", dict, "an object")
    if not given.get("query"):
        raise BadRequest("`query` is missing: it is the GraphQL document.")
    return Parameters(given["query"], given.get("variables"), given.get("operationName"))


def _check(given: Mapping[str, Any], name: str, kind: type, description: str) -> None:
    if not isinstance(given.get(name), kind | None):
        raise BadRequest(f"`{name}` is not {description}.")
