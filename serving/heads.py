"""How long the head of a request may take: uvicorn by itself waits for it as long as the connection is open.

Whoever sends one byte by byte, or none at all, would hold a file of the worker's until it has no more.
"""

import asyncio

import uvicorn.config
from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_SECONDS = 10.0
"""From the connection, or on a kept one from the first byte, to the end of the head."""


class PromptHeads(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # of one of two classes, as is installed
    """uvicorn's side of a connection, closed when a request's head is not whole in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; a head that they complete is waited for no longer, one that they begin is."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._wait_no_longer()
        elif self._late is None and before.response_complete:
            self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waiting."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def _wait_no_longer(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self._late = None


def require_prompt_heads() -> None:
    """Have whatever uvicorn serves in this process wait no longer for heads; BentoML passes no such setting on."""
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{PromptHeads.__module__}:{PromptHeads.__name__}"
