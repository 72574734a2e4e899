"""Which answers other than success an endpoint has, by general rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from resolvers.errors import CredentialsProblem
from rest_compat.endpoints import Endpoint
from rest_compat.shape import Shape

STRING = {"type": "string"}
SCHEMAS: dict[str, dict[str, Any]] = {
    "Error": {
        "type": "object",
        "description": "Why there is no success.",
        "properties": {
            "detail": {**STRING, "description": "For people to read."},
            "code": {
                **STRING,
                "enum": [problem.value for problem in CredentialsProblem],
                "description": "What is wrong with the access token.",
            },
            "request_id": {**STRING, "description": "For whoever reads the portal's log."},
        },
        "required": ["detail"],
    },
    "InputErrors": {
        "type": "object",
        "description": "By field, what is wrong with it; `non_field_errors` are about the whole.",
        "additionalProperties": {"type": "array", "items": STRING},
        "minProperties": 1,
    },
}


class Status(NamedTuple):
    name: str
    description: str
    schemas: tuple[str, ...] = ("Error",)
    header: tuple[str, str] | None = None

    def response(self) -> dict[str, Any]:
        references = [{"$ref": f"#/components/schemas/{name}"} for name in self.schemas]
        schema = references[0] if len(references) == 1 else {"anyOf": references}
        content = {"application/json": {"schema": schema}}
        described = {"description": self.description, "content": content}
        if self.header is None:
            return described
        name, description = self.header
        return {**described, "headers": {name: {"description": description, "schema": STRING}}}


REFUSALS = {
    "400": Status(
        "BadInput",
        "The body can't be read, or does not fit.",
        ("InputErrors", "Error"),
    ),
    "401": Status(
        "Unauthenticated",
        "Sign in first, or again.",
        header=("WWW-Authenticate", "Asks for a bearer token."),
    ),
    "403": Status("Forbidden", "You are known, but may not do this."),
    "404": Status("NotFound", "There is no such thing."),
    "422": Status(
        "UnprocessableInput", "The body does not fit, or changes nothing.", ("InputErrors",)
    ),
    "429": Status(
        "RateLimited", "Too many attempts.", header=("Retry-After", "How many seconds to wait.")
    ),
    "503": Status(
        "Unavailable", "A cluster or an identity provider does not answer, or the database is busy."
    ),
    "default": Status("Failure", "Another refusal, or a fault of the portal."),
}


def responses() -> dict[str, dict[str, Any]]:
    """All refusals by name."""
    return {refusal.name: refusal.response() for refusal in REFUSALS.values()}


def references(endpoint: Endpoint) -> dict[str, dict[str, str]]:
    """The refusals of an endpoint by status."""
    return {
        status: {"$ref": f"#/components/responses/{REFUSALS[status].name}"}
        for status in sorted(_statuses(endpoint))
    }


def _statuses(endpoint: Endpoint) -> Iterator[str]:
    yield "default"
    if not endpoint.public:
        yield "401"
    if endpoint.path_variables:
        yield from ("403", "404")
    if endpoint.choices:
        yield "404"
    if endpoint.inputs:
        yield "400"
    if endpoint.method == "PATCH":
        yield "422"
    if endpoint.signs_in:
        yield from ("429", "503")
    if any(map(_requires, (shape for each in endpoint.operations for shape in each.shapes))):
        yield "503"


def _requires(shape: Shape) -> bool:
    return bool(shape.required) or any(map(_requires, shape.children))
