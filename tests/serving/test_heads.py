"""Heads of requests that take their time, on a loop whose clock the tests turn."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from serving.asgi import Receive, Scope, Send
from serving.heads import HEAD_SECONDS, PromptHeads, require_prompt_heads

Connection = Any
"""uvicorn's class is one of two."""
HEAD = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"


@dataclass
class Timer:
    at: float
    does: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Task:
    def add_done_callback(self, _: object) -> None:
        """Nothing is done."""


@dataclass
class Loop:
    """As much of an event loop as a connection asks for."""

    now: float = 0.0
    timers: list[Timer] = field(default_factory=list)

    def call_later(self, seconds: float, does: Callable[[], object], *given: object) -> Timer:
        self.timers.append(Timer(self.now + seconds, lambda: does(*given)))
        return self.timers[-1]

    def create_task(self, work: Coroutine[Any, Any, None], **_: object) -> "Task":
        work.close()  # the test answers
        return Task()

    def turn(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer.at <= self.now and not timer.cancelled]
        for timer in due:
            timer.cancel()
            timer.does()


class Transport(asyncio.Transport):
    closed = False

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """Nothing more is sent."""


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Never asked."""


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def connection(loop: Loop, transport: Transport) -> Connection:
    made = PromptHeads(uvicorn.Config(answer, log_config=None), ServerState(), {}, _loop=loop)
    made.connection_made(transport)
    return made


@pytest.mark.usefixtures("connection")
def test_a_connection_on_which_nothing_comes_is_closed(loop: Loop, transport: Transport) -> None:
    loop.turn(HEAD_SECONDS - 0.1)
    assert not transport.closed
    loop.turn(0.2)
    assert transport.closed


def test_a_head_that_comes_byte_by_byte_does_not_win_time(
    loop: Loop,
    transport: Transport,
    connection: Connection,
) -> None:
    for place in range(20):
        connection.data_received(HEAD[place : place + 1])
        loop.turn(HEAD_SECONDS / 21)
    assert not transport.closed
    loop.turn(HEAD_SECONDS / 20)
    assert transport.closed


def test_a_request_whose_head_came_in_time_may_take_as_long_as_it_takes(
    loop: Loop,
    transport: Transport,
    connection: Connection,
) -> None:
    connection.data_received(HEAD[:9])
    loop.turn(HEAD_SECONDS - 0.1)
    connection.data_received(HEAD[9:])
    loop.turn(HEAD_SECONDS * 9)
    assert not transport.closed


def test_the_body_of_a_request_is_no_head(loop: Loop, transport: Transport, connection: Connection) -> None:
    connection.data_received(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n")
    connection.data_received(b"123")
    loop.turn(HEAD_SECONDS * 9)
    assert not transport.closed


def test_the_next_head_on_a_kept_connection_has_the_same_time(
    loop: Loop,
    transport: Transport,
    connection: Connection,
) -> None:
    connection.data_received(HEAD)
    connection.cycle.response_complete = True
    loop.turn(HEAD_SECONDS * 9)
    assert not transport.closed  # uvicorn's own limit for kept connections is not asked here
    connection.data_received(HEAD[:9])
    loop.turn(HEAD_SECONDS - 0.1)
    assert not transport.closed
    loop.turn(0.2)
    assert transport.closed


def test_a_connection_that_is_lost_leaves_no_timer(
    loop: Loop, transport: Transport, connection: Connection
) -> None:
    connection.connection_lost(None)
    transport.closed = False
    loop.turn(HEAD_SECONDS * 2)
    assert not transport.closed


def test_what_is_served_here_waits_no_longer_for_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn.config, "HTTP_PROTOCOLS", dict(uvicorn.config.HTTP_PROTOCOLS))
    require_prompt_heads()
    settings = uvicorn.Config(answer, log_config=None)
    settings.load()
    assert settings.http_protocol_class is PromptHeads
