"""A receiver of webhooks on this machine that fails as it is told to, and the courier that calls on it."""

import datetime as dt
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from serving.export.courier import Courier, Patience, World, checked
from serving.export.signature import Secret

SECRET = Secret(b"a key of exactly thirty-two byte")
NOW = dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)
USUAL = Patience()

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Received:
    """One request.

    Parameters
    ----------
    path : str
    headers : dict of str to str
        Names in small letters.
    body : bytes
    connection : int
        The same for requests over the same.
    """

    path: str
    headers: dict[str, str]
    body: bytes
    connection: int = 0


@dataclass
class Receiver:
    """A running server: what it received, and what it still is to reply; when nothing is left, 204."""

    url: str
    received: list[Received] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)


def status(code: int, **headers: str) -> Reply:
    """Reply with a status and headers; of their names _ is written for -."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", "0")
        handler.end_headers()

    return reply


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True
    handler.connection.shutdown(2)


def hang_up_amid_the_headers(handler: BaseHTTPRequestHandler) -> None:
    """Begin an answer and break it off."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-le")
    hang_up(handler)


def nonsense(handler: BaseHTTPRequestHandler) -> None:
    """Answer something that is not HTTP."""
    handler.wfile.write(b"220 mail.example ESMTP\r\n")
    hang_up(handler)


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Accept, and then never stop talking until the other side leaves."""
    handler.send_response(200)
    handler.send_header("content-length", str(10**15))
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        handler.close_connection = True


def hang_up_amid_the_body(handler: BaseHTTPRequestHandler) -> None:
    """Accept, and break the answer's body off."""
    handler.send_response(200)
    handler.send_header("content-length", "100")
    handler.end_headers()
    handler.wfile.write(b"thank y")
    hang_up(handler)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Answer a byte at a time, each soon after the one before, and never come to the end of the headers."""
    pause = threading.Event()
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        while not pause.wait(0.01):
            handler.wfile.write(b"x")
    except OSError:
        handler.close_connection = True


def endless_headers(handler: BaseHTTPRequestHandler) -> None:
    """Begin an answer whose headers have no end."""
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        handler.close_connection = True


@dataclass
class Silence:
    """Says nothing until it is let go: slower than any time-out, without sleeping."""

    over: threading.Event = field(default_factory=threading.Event)

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self.over.wait(30)
        handler.close_connection = True


@contextmanager
def serving(
    replies: Sequence[Reply] = (), context: ssl.SSLContext | None = None, *, keeps: bool = False
) -> Iterator[Receiver]:
    """Run a receiver on this machine, with TLS when a context is given; one that keeps its connections if it shall."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keeps else "HTTP/1.0"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body, self.client_address[1]))
            (receiver.replies.pop(0) if receiver.replies else status(204))(self)

        def do_GET(self) -> None:
            receiver.received.append(Received(self.path, {}, b"GET"))
            status(200)(self)

        def log_message(self, *_: Any) -> None:  # noqa: ANN401 - what it would print goes nowhere
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:  # noqa: ANN401 - a client that leaves is expected
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if context else "http"
    receiver = Receiver(f"{scheme}://127.0.0.1:{server.server_port}/hook?key=hidden", replies=list(replies))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        for reply in receiver.replies:
            if isinstance(reply, Silence):
                reply.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Pauses:
    """The world outside: a clock that moves only while somebody sleeps, and how long each sleep was."""

    slept: list[float] = field(default_factory=list)
    random: float = 1.0

    def world(self) -> World:
        return World(now=self.now, sleep=self.slept.append, random=lambda: self.random)

    def now(self) -> dt.datetime:
        return NOW + dt.timedelta(seconds=sum(self.slept))


def courier_to(url: str, pauses: Pauses | None = None, patience: Patience = USUAL) -> Courier:
    """Return a courier to a receiver."""
    return Courier(checked(url), SECRET, (pauses or Pauses()).world(), patience)
