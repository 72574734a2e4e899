"""Requests of all kinds, made from the OpenAPI description of the running server."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
import schemathesis
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.callers import Caller
from tests.security.answers import asked
from tests.security.probing import Probe, try_all

pytestmark = pytest.mark.sockets

DESCRIBED = [content_type_conformance, response_schema_conformance]
# What ends the caller's own session, and what has no input that could be wrong
LEFT_OUT = {"GET /logout/", "POST /logout/"}
WITHOUT_INPUT = {"GET /"}


@pytest.fixture
async def operations(anonymous: Caller) -> list[Any]:
    """What makes requests, for each route."""
    description = (await anonymous.rest("GET", "/openapi.json")).json()
    schema: Any = schemathesis.openapi.from_dict(description)
    found = [result.ok() for result in schema.get_all_operations()]
    return [operation for operation in found if operation.label not in LEFT_OUT]


@pytest.mark.parametrize("mode", list(GenerationMode))
async def test_sr35_rest_requests_never_fail(
    probe: Probe, operations: list[Any], mode: GenerationMode
) -> None:
    def call(case: Case[Any]) -> None:
        headers = {**case.headers, **probe.headers}
        answer = case.call(base_url=f"{probe.address}/api/v1.4.0", headers=headers)
        case.validate_response(answer, checks=DESCRIBED)
        listed = {name: values[0] for name, values in answer.headers.items()}
        sent = answer.request
        question = asked(sent.url, sent.headers, sent.body)
        probe.judge(answer.status_code, httpx2.Headers(listed), answer.text, question)

    for operation in operations:
        if mode is GenerationMode.NEGATIVE and operation.label in WITHOUT_INPUT:
            continue
        await try_all(operation.as_strategy(generation_mode=mode), call)
