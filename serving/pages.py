"""Reads over HTTP and writes to the ledger: pages for marketers, their JSON twins and the API's description, in one.

The service mounts it at "/"; it is an application of its own, so that it can be driven without BentoML.
"""

import functools
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from ledger.schema import Table
from ledger.sqlite import UnusableFileError
from ledger.store import Ledger
from ledger.tables.events import EVENTS
from ledger.tables.orders import ORDERS
from serving import answers, webhooks, writing
from serving.errors import MEDIA_TYPE, RETRIED, Problem, ProblemError, instance_of, shown
from serving.kept import COMPRESSED_FROM_BYTES, LEVEL, Kept, KeptAnswers, packed
from serving.live import Live
from serving.look import frame, registry
from serving.look.files import MEDIA_TYPES
from serving.look.page import Asked, File, Page
from serving.lookup import Customers
from serving.openapi import description
from serving.reminders import answers as refill_answers
from serving.segments import answers as of_segments
from serving.store import PublishedRun

STATIC = Path(__file__).parent / "static"
STATIC_SECONDS = 3600
A_PIECE_BYTES = 1 << 20

Endpoint = Callable[[Request], Awaitable[Response]]
Shown = Callable[[Page, Request, Asked | ProblemError], Response]


def application(
    live: Live,
    now: Callable[[], datetime | None] = lambda: None,
    shopify_secret: Callable[[], str | None] = lambda: None,
) -> Starlette:
    """
    Return the application that answers every GET of the service but the probes, and takes orders and events.

    Parameters
    ----------
    live : Live
        What to answer from; it may still be empty.
    now : callable
        Returns the instant of a request, or None: then nothing is said of how old the orders are.
    shopify_secret : callable
        Returns what Shopify signs its webhooks with, or None: then none is taken.
    """
    as_json, posted = functools.partial(_json, live), functools.partial(_posted, live)
    customers = Customers(live, lambda: datetime.now(UTC))
    segment = "/segments/{name}"
    return Starlette(
        routes=[
            *_pages(live, now),
            Route("/v1/segments", as_json(lambda run, _: of_segments.segments(run, now())), methods=["GET"]),
            Route("/v1/segments/preview", posted(of_segments.preview), methods=["POST"]),
            Route(
                f"/v1{segment}",
                as_json(lambda run, given: of_segments.segment(run, given["name"])),
                methods=["GET"],
            ),
            Route(
                f"/v1{segment}/members",
                as_json(lambda run, given: of_segments.members(run, given, lambda: live.latest(run))),
                methods=["GET"],
            ),
            Route(
                f"/v1{segment}/changes",
                as_json(lambda run, given: of_segments.changes(run, given, lambda: live.latest(run))),
                methods=["GET"],
            ),
            Route("/v1/migration", as_json(of_segments.migration), methods=["GET"]),
            Route("/v1/customers/lookup", posted(customers.many), methods=["POST"]),
            # An id may hold slashes, sent as %2F: the server has decoded them by now.
            Route("/v1/customers/{customer_id:path}", _customer(live, customers), methods=["GET"]),
            Route("/v1/replenishment", as_json(refill_answers.replenishment), methods=["GET"]),
            Route("/v1/replenishment/demand", as_json(refill_answers.demand), methods=["GET"]),
            Route("/v1/orders", _write(live, ORDERS), methods=["POST"]),
            Route("/v1/events", _write(live, EVENTS), methods=["POST"]),
            Route("/v1/webhooks/shopify", _shopify(live, shopify_secret), methods=["POST"]),
            Route("/openapi.json", _description, methods=["GET"]),
            Route("/docs.json", _description, methods=["GET"]),
            Mount("/static", _Static(directory=STATIC)),
        ],
        middleware=[Middleware(_Packed, minimum_size=COMPRESSED_FROM_BYTES, compresslevel=LEVEL)],
        exception_handlers={UnusableFileError: _unusable},  # type: ignore[dict-item]  # Starlette's are of any error
    )


def _pages(live: Live, now: Callable[[], datetime | None]) -> list[Route]:
    """Return the pages' routes; the twins come first, as a page's parameter may take in what they end with."""

    def routes(page: Page, path: str, shown: Shown) -> Route:
        return Route(path, _asked(live, now, functools.partial(shown, page)), methods=[page.method])

    return [
        *(Route(file.path, _asked(live, now, functools.partial(_file, file))) for file in registry.FILES),
        *(routes(page, page.twin, _twin) for page in registry.PAGES),
        *(routes(page, page.path, _page) for page in registry.PAGES),
    ]


def _customer(live: Live, customers: Customers) -> Endpoint:
    kept_answers = KeptAnswers()

    async def answered(request: Request) -> Kept:
        run, given = live.run(), _given(request)
        customer_id = given["customer_id"]
        compress = "gzip" in request.headers.get("accept-encoding", "")
        # A run's name is its own within a home. With its release it tells reasons, without it none.
        source = (run.home.path, run.name, live.release_of(run) is None)
        key = (customer_id, given.get("include"), compress)
        if not live.has_news(run, customer_id) and (found := kept_answers.find(source, key)):
            return found
        told = await run_in_threadpool(customers.one, run, given)
        kept = packed(to_json(told, inf_nan_mode="null"), compress=compress)
        if told["merged_id"] is None and not live.has_news(run, customer_id):
            kept_answers.keep(source, key, kept)
        return kept

    async def endpoint(request: Request) -> Response:
        try:
            kept = await answered(request)
        except ProblemError as error:
            return problem_response(error.problem, request)
        headers = {"vary": "accept-encoding"} | ({"content-encoding": "gzip"} if kept.compressed else {})
        return Response(kept.body, media_type="application/json", headers=headers)

    return endpoint


def _posted(live: Live, answer: Callable[[PublishedRun, object], answers.Answer]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            body = await request.json()
            return await run_in_threadpool(lambda: json_response(answer(live.run(), body)))
        except ProblemError as error:
            return problem_response(error.problem, request)

    return endpoint


def _write(live: Live, table: Table) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            body = await request.json()
            now = datetime.now(UTC)
            taken = await run_in_threadpool(lambda: writing.take(table, body, Ledger(live.home()), now))
        except ProblemError as error:
            return problem_response(error.problem, request)
        return json_response(taken)

    return endpoint


def _shopify(live: Live, secret: Callable[[], str | None]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            body, now = await request.body(), datetime.now(UTC)
            taken = await run_in_threadpool(
                lambda: webhooks.take(body, request.headers, secret(), Ledger(live.home()), now)
            )
        except ProblemError as error:
            return problem_response(error.problem, request)
        return json_response(taken)

    return endpoint


def _given(request: Request) -> dict[str, str]:
    """Return path and query parameters; the path's win."""
    return {**request.query_params, **request.path_params}


def _json(live: Live, answer: Callable[[PublishedRun, Mapping[str, str]], answers.Answer]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            return await run_in_threadpool(lambda: json_response(answer(live.run(), _given(request))))
        except ProblemError as error:
            return problem_response(error.problem, request)

    return endpoint


def _asked(
    live: Live,
    now: Callable[[], datetime | None],
    show: Callable[[Request, Asked | ProblemError], Response],
) -> Endpoint:
    """Return the endpoint that asks a page's function, off the loop, and shows what it found or refused."""

    def found(request: Request, sent: object) -> Response:
        listed = {name: request.query_params.getlist(name) for name in request.query_params}
        try:
            asked = Asked(live.run(), _given(request), live, now(), listed, _object(sent))
            return show(request, asked)
        except ProblemError as error:
            return show(request, error)
        except UnusableFileError as error:
            return show(request, ProblemError(_problem_of(error)))

    async def endpoint(request: Request) -> Response:
        sent = await request.json() if request.method == "POST" else {}
        return await run_in_threadpool(found, request, sent)

    return endpoint


def _object(sent: object) -> Mapping[str, object]:
    if isinstance(sent, Mapping):
        return sent
    raise ProblemError(
        Problem("bad-request", "the body must be a JSON object", "body", "an object", shown(sent))
    )


def _file(file: File, request: Request, asked: Asked | ProblemError) -> Response:
    if isinstance(asked, ProblemError):
        return problem_response(asked.problem, request)
    made = file.answer(asked)
    headers = {"content-disposition": f'attachment; filename="{made.name}"'}
    headers["content-length"] = str(os.fstat(made.content.fileno()).st_size)
    return StreamingResponse(_pieces(made.content), media_type=made.media_type, headers=headers)


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    with content:
        yield from iter(functools.partial(content.read, A_PIECE_BYTES), b"")


def _twin(page: Page, request: Request, asked: Asked | ProblemError) -> Response:
    if isinstance(asked, ProblemError):
        return problem_response(asked.problem, request)
    return json_response(page.answer(asked))


def _page(page: Page, request: Request, asked: Asked | ProblemError) -> Response:
    policy = {"content-security-policy": frame.CONTENT_POLICY}
    if isinstance(asked, ProblemError):
        part = "hx-request" in request.headers
        text = frame.problem_page(asked.problem, registry.NAVIGATION, part=part)
        return HTMLResponse(text, status_code=asked.problem.status, headers=policy)
    query = f"?{request.url.query}" if request.url.query else ""
    named = {name: quote(str(value), safe="") for name, value in request.path_params.items()}
    twin = page.twin.replace(":path}", "}").format(**named) + query
    text = frame.page(page, asked.run.facts, page.answer(asked), registry.NAVIGATION, twin)
    return HTMLResponse(text, headers=policy)


def _problem_of(error: UnusableFileError) -> Problem:
    return Problem("unusable-file", error.told)


def _unusable(request: Request, error: UnusableFileError) -> Response:
    return problem_response(_problem_of(error), request)


async def _description(_: Request) -> Response:
    return json_response(description())


def json_response(content: Mapping[str, Any]) -> Response:
    """Return a JSON answer; what is no number in JSON is null."""
    return Response(to_json(content, inf_nan_mode="null"), media_type="application/json")


def problem_page(problem: Problem) -> str:
    """Return the page that is shown where the guard lets nobody through."""
    return frame.problem_page(problem, registry.NAVIGATION)


def problem_response(problem: Problem, request: Request) -> Response:
    """Return a problem document that names the request's path."""
    return problem_at(problem, request.scope.get("raw_path", b""))


def problem_at(problem: Problem, path: bytes | str) -> Response:
    """Return a problem document of a path."""
    named = replace(problem, instance=instance_of(path))
    headers = {"retry-after": "1"} if problem.kind in RETRIED else None
    return Response(named.body(), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


class _Packed(GZipMiddleware):
    """Compresses what is sent but files to keep: to pack the longest takes longer than to send it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http" and scope["path"].endswith(tuple(MEDIA_TYPES)):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class _Static(StaticFiles):
    """Static files, which alone may be kept by browsers: they hold no customers."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - Starlette's signature
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = f"public, max-age={STATIC_SECONDS}"
        return response
