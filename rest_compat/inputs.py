"""The variables of an operation, from the path and the body of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from rest_compat.operations import Route, StoredOperation, Variable
from rest_compat.status import Refusal, invalid_input

MAXIMUM_INT = 2**31 - 1
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


async def read_body(request: Request) -> Any:
    """The JSON or form body as it came; an empty one is an empty object. Raises Refusal."""
    kind, parameters = parse_options_header(request.headers.get("content-type", ""))
    content_type = kind.decode("latin-1").strip().lower()
    if content_type in FORM_TYPES:
        return await _form(request, parameters.get(b"charset", b"utf-8"))
    content = await request.body()
    if not content:
        return {}
    if content_type == "application/json":
        return _json(content)
    raise Refusal(415, {"detail": f'Unsupported media type "{content_type}" in request.'})


def path_variables(operation: StoredOperation, texts: Mapping[str, str]) -> dict[str, Any]:
    """Raises Refusal where a text can't be an id: then there is no such thing."""
    types = {variable.name: variable.type for variable in operation.variables}
    return {
        name: _database_id(text) if types[name] == "Int" else text for name, text in texts.items()
    }


def body_variables(operation: StoredOperation, route: Route, body: Any) -> dict[str, Any]:
    """What the body says about the operation's variables; other keys have no effect.

    Raises Refusal with a complaint for each variable that is missing or no string.
    """
    if not isinstance(body, dict):
        message = f"Invalid data. Expected a dictionary, but got {_json_type(body)}."
        raise invalid_input(route.method, {"non_field_errors": [message]})
    wanted = operation.body_variables(route)
    complaints = {
        variable.name: [complaint]
        for variable in wanted
        if (complaint := _complaint(variable, body))
    }
    if complaints:
        raise invalid_input(route.method, complaints)
    return {variable.name: body[variable.name] for variable in wanted if variable.name in body}


def fits(operation: StoredOperation, route: Route, body: Any) -> bool:
    """True when the body has everything that the operation can't do without."""
    return isinstance(body, dict) and all(
        variable.name in body for variable in operation.body_variables(route) if variable.required
    )


def _complaint(variable: Variable, body: Mapping[str, Any]) -> str | None:
    if variable.name not in body:
        return "This field is required." if variable.required else None
    value = body[variable.name]
    if value is None:
        return "This field may not be null." if variable.required else None
    return None if isinstance(value, str) else "Not a valid string."


def _database_id(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAXIMUM_INT:
        return int(text)
    raise Refusal(404, {"detail": "Not found."})


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, {"detail": f"JSON parse error - {error}"}) from None


async def _form(request: Request, charset: bytes) -> dict[str, Any]:
    # some of Python's codecs take minutes for a megabyte, or let half characters through
    if charset.lower() not in (b"utf-8", b"utf8"):
        raise Refusal(415, {"detail": "Send forms in UTF-8."})
    try:
        async with request.form(max_files=0) as form:
            return dict(form)
    except HTTPException as error:
        raise Refusal(error.status_code, {"detail": f"Form parse error - {error.detail}"}) from None


def _json_type(value: Any) -> str:
    names = {list: "list", str: "str", bool: "bool", int: "int", float: "float"}
    return names.get(type(value), "null")
