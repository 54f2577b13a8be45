"""What is sent to a request: security headers with all of it, and of every error a problem document."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from serving.asgi import Message, Send
from serving.bodies import TWO_LENGTHS
from serving.errors import KIND_OF_STATUS, MEDIA_TYPE, RETRIED, Problem

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
NO_STORE = (b"cache-control", b"no-store")  # pages and answers hold customers
RETRY = [(b"retry-after", b"1")]


@dataclass
class Answer:
    """What has been sent to one request so far.

    Parameters
    ----------
    send : callable
        The server's own `send`.
    instance : str or None
        Path of the request, for problem documents.
    request_id : str
    page : callable or None
        Returns a problem as a page, for a browser that asks for one.
    allowance : list of (bytes, bytes)
        Headers that say what the request's key is allowed.
    """

    send: Send
    instance: str | None
    request_id: str
    page: Callable[[Problem], str] | None = None
    key: str | None = field(default=None, init=False)
    status: int | None = field(default=None, init=False)
    bytes_in: int = field(default=0, init=False)
    bytes_out: int = field(default=0, init=False)
    allowance: list[tuple[bytes, bytes]] = field(default_factory=list, init=False)
    started: bool = field(default=False, init=False)
    ended: bool = field(default=False, init=False)
    _problem: list[bytes] | None = field(default=None, init=False)
    _held: Message = field(default_factory=dict, init=False)

    async def __call__(self, message: Message) -> None:
        """Pass a message on: headers added, an error that is no problem document replaced by one."""
        if self.ended:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        elif self._problem is not None:
            self._problem.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._send_problem()
        else:
            self.bytes_out += len(message.get("body", b""))
            await self.send(message)

    async def _send_problem(self) -> None:
        """Send a problem document from below, with the request's id in it."""
        document = json.loads(b"".join(self._problem or ()))
        headers = [
            pair for pair in self._held["headers"] if pair[0] not in {b"content-type", b"content-length"}
        ]
        body = json.dumps(document | {"request_id": self.request_id}).encode()
        await self._whole(self._held["status"], MEDIA_TYPE, body, headers)

    async def _start(self, message: Message) -> None:
        headers = [(name.lower(), value) for name, value in message.get("headers", [])]
        kind = dict(headers).get(b"content-type", b"").split(b";")[0]
        if message["status"] >= 400 and kind not in {MEDIA_TYPE.encode(), b"text/html"}:  # noqa: PLR2004 - HTTP errors
            kept = [pair for pair in headers if pair[0] in {b"allow", b"retry-after"}]
            await self.problem(problem_of_status(message["status"]), kept)
            return
        if kind == MEDIA_TYPE.encode() and b"content-encoding" not in dict(headers):
            self._held, self._problem = {**message, "headers": headers}, []
            return
        self.started, self.status = True, message["status"]
        await self.send({**message, "headers": [*headers, *_lacking(headers), *self._own]})

    @property
    def _own(self) -> list[tuple[bytes, bytes]]:
        return [*self.allowance, (b"x-request-id", self.request_id.encode())]

    async def problem(self, problem: Problem, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Send a problem document that names the request's path, unless an answer has begun."""
        if self.started:
            return
        if self.page is not None:
            await self._whole(
                problem.status, "text/html; charset=utf-8", self.page(problem).encode(), headers
            )
            return
        named = replace(problem, instance=self.instance, request_id=self.request_id)
        await self._whole(problem.status, MEDIA_TYPE, named.body(), headers)

    async def json(self, content: Mapping[str, object]) -> None:
        """Send a small JSON answer."""
        await self._whole(200, "application/json", json.dumps(content).encode(), ())

    async def _whole(
        self, status: int, media_type: str, body: bytes, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        self.started = self.ended = True
        self.status, self.bytes_out = status, len(body)
        own = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
        start = {"type": "http.response.start", "status": status}
        await self.send({**start, "headers": [*own, *headers, *_lacking(headers), *self._own]})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})


def _lacking(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    given = {name for name, _ in headers}
    return [pair for pair in (*SECURITY_HEADERS, NO_STORE) if pair[0] not in given]


def problem_of_status(status: int) -> Problem:
    """Return the problem for an error that the frameworks below answered in their own way."""
    kind = KIND_OF_STATUS.get(status, "failed" if status >= 500 else "bad-request")  # noqa: PLR2004 - server errors
    details = {
        "bad-request": "the body must be one JSON object, {'customers': ...}; see /openapi.json",
        "not-found": "see /openapi.json for the addresses there are",
        "wrong-method": "see /openapi.json for the method that this address takes",
    }
    return Problem(kind, details.get(kind, "the service's log has more"))


def headers_for(problem: Problem) -> list[tuple[bytes, bytes]]:
    """Return what an answer says beside a problem document: how to send a key, or when to try again."""
    if problem is TWO_LENGTHS:
        return [(b"connection", b"close")]  # what follows on it is not read (RFC 9112, 6.1)
    if problem.kind == "no-key":
        return [
            (b"www-authenticate", b"Bearer"),
            (b"www-authenticate", b'Basic realm="Regulars", charset="UTF-8"'),
        ]
    return RETRY if problem.kind in RETRIED else []
