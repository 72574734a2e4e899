"""A provider that answers what a test tells it to; run as a script.

`PUT /_answers/NAME` with `{"status", "body", "delay"}` decides what `/NAME` answers from then on
(a body that is text is sent as it is), `PUT /_codes/CODE` what the token endpoint checks and gives
for a code, `GET /_requests` lists what was asked for, `DELETE /_answers` forgets everything.
"""

import asyncio
import base64
import hashlib
from typing import Any
from urllib.parse import unquote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class Script:
    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []

    async def set_answer(self, request: Request) -> Response:
        self.answers[request.path_params["name"]] = await request.json()
        return Response(status_code=204)

    async def set_code(self, request: Request) -> Response:
        self.codes[request.path_params["code"]] = await request.json()
        return Response(status_code=204)

    async def list_requests(self, _: Request) -> Response:
        return JSONResponse(self.requests)

    async def forget(self, _: Request) -> Response:
        self.answers.clear()
        self.codes.clear()
        self.requests.clear()
        return Response(status_code=204)

    async def answer(self, request: Request) -> Response:
        name = request.path_params["name"]
        self.requests.append(name)
        answer = self.answers.get(name)
        if answer is None:
            return JSONResponse({}, 404)
        await asyncio.sleep(answer["delay"])
        body = answer["body"]
        if isinstance(body, str):
            return Response(body, answer["status"], media_type="text/html")
        return JSONResponse(body, answer["status"])

    async def token(self, request: Request) -> Response:
        if "token" in self.answers:
            request.path_params["name"] = "token"
            return await self.answer(request)
        form = await request.form()
        expected = self.codes.pop(str(form.get("code")), None)
        if expected and _client(request) != [expected["client_id"], expected["client_secret"]]:
            return JSONResponse({"error": "invalid_client"}, 401)
        if (
            expected is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != expected["redirect_uri"]
            or _challenge(str(form.get("code_verifier"))) != expected["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(expected["answer"])


def _client(request: Request) -> list[str]:
    encoded = request.headers.get("authorization", "").removeprefix("Basic ")
    return [unquote(part) for part in base64.b64decode(encoded).decode().split(":")]


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def create_app() -> Starlette:
    script = Script()
    return Starlette(
        routes=[
            Route("/_answers", script.forget, methods=["DELETE"]),
            Route("/_answers/{name}", script.set_answer, methods=["PUT"]),
            Route("/_codes/{code:path}", script.set_code, methods=["PUT"]),
            Route("/_requests", script.list_requests),
            Route("/token", script.token, methods=["POST"]),
            Route("/{name}", script.answer),
        ]
    )


if __name__ == "__main__":
    uvicorn.run(create_app(), port=0, timeout_graceful_shutdown=1)
