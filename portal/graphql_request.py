"""What a client asks for, from the address or the body of its HTTP request."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

JSON = "application/json"
ALLOW = "GET, HEAD, POST, OPTIONS"
DOCUMENT_NAMES = {"query", "documentId", "extensions"}


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
    """The document is given as `query`, or named by `document_id` or by `sha256`.

    Both of `query` and `sha256` mean that the document may be named by its hash from now on.
    """

    query: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    document_id: str | None = None
    sha256: str | None = None


def digest(text: str) -> str:
    """The SHA-256 of a document, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


async def parameters_of(request: Request) -> Parameters:
    """Raises BadRequest."""
    if request.method in ("GET", "HEAD"):
        return parameters_from(_from_url(request))
    if request.method == "POST":
        return parameters_from(await _from_body(request))
    raise BadRequest(f"Method {request.method} is not allowed.", 405, {"Allow": ALLOW})


def _from_url(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = _json(given[name].encode(), f"`{name}` is no JSON")
    return given


async def _from_body(request: Request) -> Any:
    media_type, parameters = parse_options_header(request.headers.get("content-type"))
    charset = parameters.get(b"charset", b"utf-8").lower()
    if media_type.lower() != JSON.encode() or charset != b"utf-8":
        raise BadRequest(f"Send {JSON} in UTF-8.", 415)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest("Send the body as it is, in no encoding.", 415)
    try:
        return _json(await request.body(), "The body is no JSON")
    except HTTPException as error:
        raise BadRequest(error.detail, error.status_code) from None


def _json(content: bytes, complaint: str) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{complaint}: {error}.") from None


def parameters_from(given: Any) -> Parameters:
    """Raises BadRequest."""
    if not isinstance(given, dict):
        raise BadRequest("The body is no JSON object; batches are not supported.")
    for name in ("query", "operationName", "documentId"):
        _check(given, name, str, "a string")
    for name in ("variables", "extensions"):
        _check(given, name, dict, "an object")
    query, document_id = given.get("query") or None, given.get("documentId") or None
    sha256 = _persisted(given.get("extensions") or {})
    if query is None and document_id is None and sha256 is None:
        raise BadRequest("`query` is missing: it is the GraphQL document.")
    if document_id and (query or sha256):
        raise BadRequest("`documentId` names the document: send no `query` and no hash with it.")
    if query and sha256 and sha256 != digest(query):
        raise BadRequest("`sha256Hash` is not the SHA-256 of `query`.")
    operation_name = given.get("operationName") or None
    return Parameters(query, given.get("variables"), operation_name, document_id, sha256)


def _persisted(extensions: Mapping[str, Any]) -> str | None:
    """The hash of an automatic persisted query. Raises BadRequest for another version of them."""
    given = extensions.get("persistedQuery")
    if given is None:
        return None
    if not isinstance(given, dict) or given.get("version") != 1:
        raise BadRequest("Of `persistedQuery`, version 1 is supported.")
    _check(given, "sha256Hash", str, "a string")
    if not given.get("sha256Hash"):
        raise BadRequest("`sha256Hash` is missing.")
    sha256: str = given["sha256Hash"]
    return sha256


def _check(given: Mapping[str, Any], name: str, kind: type, description: str) -> None:
    if not isinstance(given.get(name), kind | None):
        raise BadRequest(f"`{name}` is not {description}.")
