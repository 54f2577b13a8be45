"""The guard before every route: hosts, sizes, load, time, headers; every error a problem document.

Plain ASGI. It never raises: after an exception in a middleware BentoML hangs until its own time limit and
answers nothing.
"""

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping
from time import perf_counter

from ledger.sqlite import UnusableFileError
from serving.access import SIGNED, admit, refuse_other_sites
from serving.asgi import Application, Receive, Scope, Send
from serving.bodies import (
    BODY_LIMIT_BYTES,
    TOO_LARGE,
    TWO_LENGTHS,
    ClientGoneError,
    read_body,
    refuse_other_media,
    replay,
)
from serving.errors import Problem, ProblemError, instance_of
from serving.keys import Keyring
from serving.request_log import Line, method_of, request_id
from serving.sent import RETRY, Answer, headers_for
from serving.strict_json import READ, read_json

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PROBES = frozenset({"/livez", "/readyz", "/healthz"})
READ_METHODS = frozenset({"GET", "HEAD"})
ANSWER_SECONDS = 8.0  # below BentoML's 10, whose answer would not be a problem document
REQUESTS_AT_ONCE = 64

logger = logging.getLogger(__name__)


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
            await answer.problem(error.problem, headers_for(error.problem))
        except UnusableFileError as error:
            await answer.problem(Problem("unusable-file", error.told), RETRY)
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
        if b"transfer-encoding" in headers and b"content-length" in headers:
            raise ProblemError(TWO_LENGTHS)
        if path not in PROBES and not self._host_allowed(headers.get(b"host", b"")):
            raise ProblemError(
                Problem(
                    "bad-host", "ask for 127.0.0.1 or localhost, or name this host in REGULARS_ALLOWED_HOSTS"
                )
            )
        refuse_other_sites(scope["method"], headers)
        self._admit(scope, headers, answer)
        if path == "/readyz" and (reason := self.keys.unusable() or self.not_ready()) is not None:
            raise ProblemError(Problem("not-ready", reason))
        if scope["method"] == "POST" and self.takes_posts(path):
            refuse_other_media(headers)
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
                scope[READ] = read_json(body)
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


def _by_browser(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a person asks for a page: not for a part of one, a file or what the API tells."""
    asks = b"text/html" in headers.get(b"accept", b"") and b"hx-request" not in headers
    return asks and scope["method"] in READ_METHODS and not scope["path"].startswith(("/v1/", "/static/"))


def _unnamed(path: str) -> str:
    """Return a route for what is not counted: a probe's own path, or `other`."""
    if path in PROBES or path == "/metrics":
        return path
    return "/static/..." if path.startswith("/static/") else "other"


def _log(scope: Scope, error: Exception) -> None:
    """Log where it failed, without the error's text or the path: both may hold a customer."""
    place = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s while answering %s\n%s", type(error).__name__, scope["method"], place)
