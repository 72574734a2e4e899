"""A door to a real API server that can be made to misbehave, and that counts who comes through."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web
from kubernetes import client, config

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
Rewrite = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Passage:
    """One request that came to the door, and the size in bytes of what went back."""

    method: str
    path: str
    query: dict[str, str]
    accept: str
    answer_bytes: int


class Proxy:
    """Forwards everything as the administrator, unless told otherwise."""

    def __init__(self, session: aiohttp.ClientSession, upstream: str) -> None:
        self.passages: list[Passage] = []
        self._session = session
        self._upstream = upstream
        self._fault: Fault | None = None
        self._rewrite: Rewrite | None = None
        self.url = ""

    def behave(self) -> None:
        self._fault = self._rewrite = None

    def answer(self, status: int, body: str = "", *, where: str = "") -> None:
        """Answer with this status wherever the path contains `where`."""

        async def fault(request: web.Request) -> web.Response | None:
            return web.Response(status=status, text=body) if where in request.path else None

        self._fault = fault

    def delay(self, seconds: float) -> None:
        """Take time for each answer, in addition to other misbehaviour."""
        inner = self._fault

        async def fault(request: web.Request) -> web.StreamResponse | None:
            await asyncio.sleep(seconds)
            return await inner(request) if inner else None

        self._fault = fault

    def hang(self) -> None:
        """Accept requests and never answer."""

        async def fault(_: web.Request) -> web.Response | None:
            await asyncio.sleep(3600)
            return None

        self._fault = fault

    def cut_off(self) -> None:
        """Break the connection in the middle of each answer."""

        async def fault(request: web.Request) -> web.StreamResponse:
            answer = web.StreamResponse(headers={"Content-Length": "1000"})
            await answer.prepare(request)
            await answer.write(b'{"metadata": ')
            assert request.transport is not None
            request.transport.abort()
            return answer

        self._fault = fault

    def rewrite(self, rewrite: Rewrite) -> None:
        """Change the bodies of all good answers."""
        self._rewrite = rewrite

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self._fault is not None and (answer := await self._fault(request)) is not None:
            return answer
        return await self._forward(request)

    async def _forward(self, request: web.Request) -> web.Response:
        headers = {
            name: request.headers[name]
            for name in ("Accept", "Content-Type")
            if name in request.headers
        }
        async with self._session.request(
            request.method,
            self._upstream + request.path_qs,
            headers=headers,
            data=await request.read(),
        ) as response:
            body = await response.read()
        if self._rewrite is not None and response.status < 300:
            body = self._rewrite(body)
        self.passages.append(
            Passage(
                request.method,
                request.path,
                dict(request.query),
                headers.get("Accept", ""),
                len(body),
            )
        )
        return web.Response(status=response.status, body=body, content_type=response.content_type)


@asynccontextmanager
async def open_proxy(kubeconfig: Path, *, token: str | None = None) -> AsyncIterator[Proxy]:
    """A proxy on a free port of this machine in front of the kubeconfig's current cluster.

    It forwards with the token, or else as the user of the kubeconfig.
    """
    settings = settings_of(kubeconfig)
    trust = ssl.create_default_context(cafile=settings.ssl_ca_cert)
    if token is None and settings.cert_file:
        trust.load_cert_chain(settings.cert_file, settings.key_file)
    key = f"Bearer {token}" if token else settings.api_key.get("authorization")
    headers = {"Authorization": key} if key else {}
    connector = aiohttp.TCPConnector(ssl=trust)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        proxy = Proxy(session, settings.host)
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", proxy.handle)
        runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        proxy.url = f"http://{host}:{port}"
        try:
            yield proxy
        finally:
            await runner.cleanup()


def settings_of(kubeconfig: Path) -> client.Configuration:
    """How the official synchronous client reaches the kubeconfig's current cluster."""
    settings = client.Configuration()
    config.load_kube_config(str(kubeconfig), client_configuration=settings)
    return settings


def kubeconfig_of(server: str, context: str = "proxy") -> str:
    """A kubeconfig with one context for a server without TLS."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": context, "cluster": {"server": server}}],
            "users": [{"name": context, "user": {"token": "any"}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
            "current-context": context,
        }
    )
