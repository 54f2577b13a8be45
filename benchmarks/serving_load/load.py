"""Requests at a fixed rate over HTTP/1.1, and how long each took from when it was due.

A client that waits for its answer before it sends the next hides how long the others would have waited; here each is
due at its own moment, and its time counts from then.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

CONNECTIONS = 64
IDLE_SECONDS = 2.0
"""After which a connection is not used again: the server closes idle ones, maybe while a request is on its way."""
CUT = 0
"""Status of a request whose connection was cut."""

Checked = Callable[[int, bytes], None]


@dataclass(frozen=True)
class Asked:
    """One request as it goes over the wire, and what to do with its answer's status and body."""

    content: bytes
    checked: Checked | None = None


def get(path: str, checked: Checked | None = None) -> Asked:
    """Return a read."""
    return Asked(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), checked)


def post(path: str, content: Any, checked: Checked | None = None) -> Asked:  # noqa: ANN401 - any JSON
    """Return a JSON post."""
    body = json.dumps(content).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return Asked(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body, checked)


@dataclass
class Took:
    """What came of some requests.

    Parameters
    ----------
    seconds : list of float
        From when a request was due to the end of its answer.
    statuses : dict of int to int
        Answers by status; `CUT` for connections cut.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def milliseconds(self, percentile: float) -> float:
        """Return a percentile."""
        return float(np.percentile(self.seconds, percentile)) * 1e3

    @property
    def failed(self) -> int:
        """How many were not answered with 200."""
        return len(self.seconds) - self.statuses.get(200, 0)


class _Connection(asyncio.Protocol):
    """One connection, one request at a time; parses just what our servers send."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result((CUT, b""))

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or self._waiting is None:
            return
        head = bytes(self._received[:end]).lower()
        start = head.index(b"content-length:") + 15
        length = int(head[start:].split(b"\r\n", 1)[0])
        if len(self._received) >= end + 4 + length:
            body = bytes(self._received[end + 4 : end + 4 + length])
            self._received.clear()
            if b"connection: close" in head and self.transport is not None:
                self.transport.close()
            if not self._waiting.done():
                self._waiting.set_result((int(head[9:12]), body))

    async def ask(self, content: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body."""
        self._waiting = asyncio.get_running_loop().create_future()
        if self.transport is None:
            return CUT, b""
        self.transport.write(content)
        return await self._waiting


class Load:
    """Sends requests to one port.

    Parameters
    ----------
    port : int
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[float, _Connection]] = []
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def at_rate(self, requests: Iterable[Asked], a_second: float) -> Took:
        """Send requests, each when it is due, and wait for all answers."""
        took, running, start = Took(), set(), perf_counter()
        for number, asked in enumerate(requests):
            due = start + number / a_second
            if (wait := due - perf_counter()) > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(self._one(asked, due, took))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
        return took

    async def at_most(self, callers: int, requests: Iterable[Asked], a_second: float) -> Took:
        """Send requests of a few callers who wait for their answers: a slow service is asked more slowly."""
        took, due, given = Took(), perf_counter(), iter(requests)

        async def call() -> None:
            nonlocal due
            for asked in given:
                mine = due = max(due + 1 / a_second, perf_counter())
                await asyncio.sleep(mine - perf_counter())
                await self._one(asked, perf_counter(), took)

        await asyncio.gather(*(call() for _ in range(callers)))
        return took

    async def one_by_one(self, requests: Iterable[Asked]) -> Took:
        """Send requests, each after the answer to the one before."""
        took = Took()
        for asked in requests:
            await self._one(asked, perf_counter(), took)
        return took

    async def _one(self, asked: Asked, due: float, took: Took) -> None:
        async with self._free:
            connection = await self._connected()
            status, body = (CUT, b"") if connection is None else await connection.ask(asked.content)
            if connection is not None and connection.transport is not None:
                self._idle.append((perf_counter(), connection))
        took.seconds.append(perf_counter() - due)
        took.statuses[status] = took.statuses.get(status, 0) + 1
        if asked.checked is not None:
            asked.checked(status, body)

    async def _connected(self) -> _Connection | None:
        while self._idle:
            since, connection = self._idle.pop()
            if connection.transport is None or connection.transport.is_closing():
                continue
            if perf_counter() - since < IDLE_SECONDS:
                return connection
            connection.transport.close()
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                _Connection, "127.0.0.1", self._port
            )
        except OSError:
            return None
        return connection
