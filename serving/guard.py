"""The guard before every route: hosts, sizes, load, time, headers; every error a problem document.

Plain ASGI. It never raises: after an exception in a middleware BentoML hangs until its own time limit and
answers nothing.
"""

import asyncio
import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from pydantic_core import from_json

from serving.access import SIGNED, admit, refuse_other_sites
from serving.errors import KIND_OF_STATUS, MEDIA_TYPE, Problem, ProblemError, instance_of
from serving.keys import Keyring
from serving.request_log import Line, method_of, request_id

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PROBES = frozenset({"/livez", "/readyz", "/healthz"})
READ_METHODS = frozenset({"GET", "HEAD"})
BODY_LIMIT_BYTES = 5_000_000
DEPTH_LIMIT = 201  # pydantic's parser goes no deeper
ANSWER_SECONDS = 8.0  # below BentoML's 10, whose answer would not be a problem document
REQUESTS_AT_ONCE = 64

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

TOO_LARGE = Problem(
    "too-large",
    "send the customers in several requests",
    "Content-Length",
    f"at most {BODY_LIMIT_BYTES:,} bytes",
)

logger = logging.getLogger(__name__)


class ClientGoneError(Exception):
    """The client closed the connection while its body was being read."""


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


class Guard:
    """Pure ASGI middleware around the whole service.

    Parameters
    ----------
    app : callable
        The application behind.
    allowed_hosts : callable
        Returns the host names accepted beside the loopback ones; `*` accepts all.
    not_ready : callable
        Returns why the service cannot answer, or None when it can.
    state : callable
        Returns what `/readyz` says beside that.
    keys : Keyring
        The keys that open it.
    route_of : callable
        Returns the route of a path for the log, in which nobody's id is; None for probes and the like.
    takes_posts : callable
        Returns whether something may be posted to a path. What is posted elsewhere is read by nobody.
    page : callable or None
        Returns a problem as a page, for browsers.
    """

    def __init__(  # noqa: PLR0913 - one argument a thing that it asks, by name
        self,
        app: Application,
        *,
        allowed_hosts: Callable[[], frozenset[str]],
        not_ready: Callable[[], str | None],
        state: Callable[[], Mapping[str, str | None]],
        keys: Keyring,
        route_of: Callable[[str], str | None] = lambda _: None,
        takes_posts: Callable[[str], bool] = lambda _: True,
        page: Callable[[Problem], str] | None = None,
    ) -> None:
        self.app = app
        self.route_of = route_of
        self.takes_posts = takes_posts
        self.page = page
        self.hosts = LOOPBACK | allowed_hosts()
        self.not_ready = not_ready
        self.state = state
        self.keys = keys
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = perf_counter()
        headers = dict(scope["headers"])
        page = self.page if _by_browser(scope, headers) else None
        answer = Answer(send, instance_of(scope.get("raw_path") or b""), request_id(headers), page)
        try:
            await self._guarded(scope, receive, answer)
        finally:
            self._log(scope, answer, perf_counter() - start)

    async def _guarded(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        try:
            self._refuse_early(scope, answer)
            if scope["path"] == "/readyz" and scope["method"] in READ_METHODS:
                await answer.json({"status": "ready", **self.state()})
            else:
                await self._answer(scope, receive, answer)
        except ProblemError as error:
            await answer.problem(error.problem, _headers_for(error.problem))
        except TimeoutError:
            await answer.problem(
                Problem("too-slow", f"no answer within {ANSWER_SECONDS:g} seconds; send fewer customers")
            )
        except ClientGoneError:
            return
        except Exception as error:  # noqa: BLE001 - the middleware must not raise; see the module's note
            _log(scope, error)
            await answer.problem(Problem("failed", "unexpected failure; the service's log has the place"))

    def _log(self, scope: Scope, answer: Answer, seconds: float) -> None:
        route = self.route_of(scope["path"]) or _unnamed(scope["path"])
        Line(
            request_id=answer.request_id,
            method=method_of(scope["method"]),
            route=route,
            status=answer.status,
            duration_ms=round(seconds * 1000, 2),
            bytes_in=answer.bytes_in,
            bytes_out=answer.bytes_out,
            key=answer.key,
        ).write()

    def _refuse_early(self, scope: Scope, answer: Answer) -> None:
        """Raise for what can be refused from the headers alone."""
        path, headers = scope["path"], dict(scope["headers"])
        if path not in PROBES and not self._host_allowed(headers.get(b"host", b"")):
            raise ProblemError(
                Problem(
                    "bad-host", "ask for 127.0.0.1 or localhost, or name this host in REGULARS_ALLOWED_HOSTS"
                )
            )
        refuse_other_sites(scope["method"], headers)
        self._admit(scope, headers, answer)
        if path == "/readyz" and (reason := self.not_ready()) is not None:
            raise ProblemError(Problem("not-ready", reason))
        if scope["method"] == "POST" and self.takes_posts(path):
            _refuse_other_media(headers)
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > 12 or int(declared) > BODY_LIMIT_BYTES:  # noqa: PLR2004 - a terabyte
            raise ProblemError(TOO_LARGE)

    def _admit(self, scope: Scope, headers: Mapping[bytes, bytes], answer: Answer) -> None:
        """Raise unless the request brings the key that its address needs, with a request left in this minute."""
        key = admit(self.keys, scope["path"], headers, (scope.get("server") or (None,))[0])
        if key is None:
            return
        answer.key = key.id
        allowed, mine = self.keys.allowance(key)
        answer.allowance = mine.headers()
        if not allowed:
            answer.allowance.append((b"retry-after", b"%d" % mine.wait_seconds))
            expected = f"at most {key.per_minute:,} requests a minute"
            raise ProblemError(Problem("rate-limited", "wait as Retry-After says", "Authorization", expected))

    def _host_allowed(self, host: bytes) -> bool:
        name = host.decode("latin-1").lower()
        bare = name[1:].partition("]")[0] if name.startswith("[") else name.rsplit(":", 1)[0]
        return "*" in self.hosts or bare in self.hosts

    async def _answer(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        if scope["method"] not in READ_METHODS:
            async with asyncio.timeout(ANSWER_SECONDS):
                body = await read_body(receive)
            answer.bytes_in = len(body)
            taken = scope["method"] == "POST" and self.takes_posts(scope["path"])
            if taken and not scope["path"].startswith(SIGNED):
                check_json(body)
            receive = replay(body, receive)
        # Counted only once the body is in: until then many could pass here together, and a slow sender hold a place.
        counted = scope["path"] not in PROBES
        if counted and self.in_flight >= REQUESTS_AT_ONCE:
            raise ProblemError(
                Problem("too-many", f"{REQUESTS_AT_ONCE} requests are being answered; try again")
            )
        # A task, not a call: a synchronous API runs in a thread that cannot be cancelled, and would hold the
        # answer back until it ends. It counts as in flight until it does.
        task = asyncio.ensure_future(self.app(scope, receive, answer))
        self.in_flight += counted
        task.add_done_callback(lambda done: self._finished(done, counted))
        try:
            done, _ = await asyncio.wait({task}, timeout=ANSWER_SECONDS)
        finally:
            task.cancel()
        if not done:
            raise TimeoutError
        task.result()

    def _finished(self, task: asyncio.Future[None], counted: bool) -> None:  # noqa: FBT001 - a callback's argument
        self.in_flight -= counted
        if not task.cancelled():
            task.exception()  # seen: asyncio logs, with its text, an exception that nobody looked at


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


def check_json(body: bytes) -> None:
    """Raise ProblemError unless a body is JSON; what the parser behind makes of other bodies is a plain failure."""
    try:
        from_json(body, allow_inf_nan=False)
    except ValueError as error:
        if "recursion limit" in str(error):
            expected = f"objects and lists at most {DEPTH_LIMIT} deep"
            raise ProblemError(Problem("bad-request", "nested too deeply", "body", expected)) from error
        raise ProblemError(Problem("bad-request", f"not JSON: {error}", "body", "a JSON object")) from error


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that hands out `body` once and then listens to the client again."""
    waiting = [body]

    async def once() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return once


def problem_of_status(status: int) -> Problem:
    """Return the problem for an error that the frameworks below answered in their own way."""
    kind = KIND_OF_STATUS.get(status, "failed" if status >= 500 else "bad-request")  # noqa: PLR2004 - server errors
    details = {
        "bad-request": "the body must be one JSON object, {'customers': ...}; see /openapi.json",
        "not-found": "see /openapi.json for the addresses there are",
        "wrong-method": "see /openapi.json for the method that this address takes",
    }
    return Problem(kind, details.get(kind, "the service's log has more"))


def _refuse_other_media(headers: Mapping[bytes, bytes]) -> None:
    """Raise unless a body is said to be JSON, as it is: a small one that unpacks to a huge one is not unpacked."""
    kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    if kind != b"application/json":
        raise ProblemError(Problem("wrong-media-type", "send JSON", "Content-Type", "application/json"))
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise ProblemError(
            Problem("wrong-media-type", "send it uncompressed", "Content-Encoding", "identity")
        )


def _by_browser(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a person asks for a page: not for a part of one, a file or what the API tells."""
    asks = b"text/html" in headers.get(b"accept", b"") and b"hx-request" not in headers
    return asks and scope["method"] in READ_METHODS and not scope["path"].startswith(("/v1/", "/static/"))


def _unnamed(path: str) -> str:
    """Return a route for what is not counted: a probe's own path, or `other`."""
    if path in PROBES or path == "/metrics":
        return path
    return "/static/..." if path.startswith("/static/") else "other"


def _headers_for(problem: Problem) -> list[tuple[bytes, bytes]]:
    if problem.kind == "no-key":
        return [
            (b"www-authenticate", b"Bearer"),
            (b"www-authenticate", b'Basic realm="Regulars", charset="UTF-8"'),
        ]
    return [(b"retry-after", b"1")] if problem.kind in {"too-many", "not-ready"} else []


def _log(scope: Scope, error: Exception) -> None:
    """Log where it failed, without the error's text or the path: both may hold a customer."""
    place = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s while answering %s\n%s", type(error).__name__, scope["method"], place)
