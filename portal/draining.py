from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CLOSING = "closing"


class DrainingProtocol(HttpToolsProtocol):
    """Tells endless answers when the server shuts down, which waits for them to end.

    The application has put an `asyncio.Event` into the state of its lifespan, as `closing`.
    """

    def shutdown(self) -> None:
        super().shutdown()
        self.app_state[CLOSING].set()
