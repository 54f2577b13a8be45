"""What a request may bring: how much, of which kind, and read once for whoever is behind."""

from collections.abc import Mapping

from serving.asgi import Message, Receive
from serving.errors import Problem, ProblemError

BODY_LIMIT_BYTES = 5_000_000
TWO_LENGTHS = Problem(
    "bad-request",
    "the body's end is said in two ways; what a proxy took for it may be another request",
    "Content-Length",
    "either Content-Length or Transfer-Encoding",
)
TOO_LARGE = Problem(
    "too-large",
    "send the customers in several requests",
    "Content-Length",
    f"at most {BODY_LIMIT_BYTES:,} bytes",
)


class ClientGoneError(Exception):
    """The client closed the connection while its body was being read."""


async def read_body(receive: Receive) -> bytes:
    """Read a whole body, counting as it streams in; raise ProblemError when it grows over the limit."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > BODY_LIMIT_BYTES:
            raise ProblemError(TOO_LARGE)
    return b"".join(parts)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that hands out `body` once and then listens to the client again."""
    waiting = [body]

    async def once() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return once


def refuse_other_media(headers: Mapping[bytes, bytes]) -> None:
    """Raise unless a body is said to be JSON, as it is: a small one that unpacks to a huge one is not unpacked."""
    kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    if kind != b"application/json":
        raise ProblemError(Problem("wrong-media-type", "send JSON", "Content-Type", "application/json"))
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise ProblemError(
            Problem("wrong-media-type", "send it uncompressed", "Content-Encoding", "identity")
        )
