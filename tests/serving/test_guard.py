import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving import guard
from serving.asgi import Application, Receive, Scope, Send
from serving.bodies import BODY_LIMIT_BYTES
from serving.errors import Problem
from serving.guard import Guard
from serving.keys import Keyring
from serving.strict_json import DEPTH_LIMIT


async def echo(_: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    await answer(send, 200, b"text/plain", message.get("body", b""))


async def answer(send: Send, status: int, media_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", media_type), (b"allow", b"POST")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


NO_KEYS = Path("no-such-keys.db")


def guarded(  # noqa: PLR0913 - one argument a thing that the guard asks
    app: Application,
    reason: str | None = None,
    *,
    hosts: frozenset[str] = frozenset(),
    keys: Path = NO_KEYS,
    clock: Callable[[], float] = lambda: 0.0,
    page: Callable[[Problem], str] | None = None,
) -> Guard:
    return Guard(
        app,
        allowed_hosts=lambda: hosts,
        not_ready=lambda: reason,
        state=lambda: {"release": "r1", "refused": None},
        keys=Keyring(lambda: keys, clock),
        page=page,
    )


def ask(app: Application, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:3000") as client:
            return await client.request(method, path, **request)

    return asyncio.run(once())


def kind_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == response.status_code
    return str(response.json()["type"]).removeprefix("urn:regulars:problem:")


def test_an_answer_goes_through_with_security_headers_added() -> None:
    response = ask(guarded(echo), "POST", "/", json={"a": 1})
    assert (response.status_code, response.content) == (200, b'{"a":1}')
    assert "script-src" not in response.headers["content-security-policy"]
    assert response.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost", "LOCALHOST:80", "[::1]:3000", "[::1]"])
def test_loopback_hosts_are_served_on_any_port(host: str) -> None:
    assert ask(guarded(echo), "GET", "/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:3000", "[::2]"]
)
def test_another_host_name_is_refused_so_that_dns_cannot_rebind_to_loopback(host: str) -> None:
    response = ask(guarded(echo), "GET", "/", headers={"host": host})
    assert (kind_of(response), response.status_code) == ("bad-host", 421)
    assert "REGULARS_ALLOWED_HOSTS" in response.json()["detail"]
    assert "evil" not in response.text


def test_a_host_name_in_the_allow_list_is_served() -> None:
    app = guarded(echo, hosts=frozenset({"shop.example"}))
    assert ask(app, "GET", "/", headers={"host": "shop.example:8080"}).status_code == 200
    assert ask(guarded(echo, hosts=frozenset({"*"})), "GET", "/", headers={"host": "any"}).status_code == 200


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"]
)
def test_a_post_that_is_not_json_is_refused(media_type: str) -> None:
    response = ask(guarded(echo), "POST", "/v1/score", content=b"{}", headers={"content-type": media_type})
    assert (kind_of(response), response.status_code) == ("wrong-media-type", 415)
    assert response.json()["expected"] == "application/json"


def test_a_post_of_json_may_name_its_character_set() -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert ask(guarded(echo), "POST", "/", content=b"{}", headers=headers).status_code == 200


def test_a_compressed_body_is_not_unpacked() -> None:
    headers = {**JSON, "content-encoding": "gzip"}
    response = ask(guarded(echo), "POST", "/v1/score", content=gzip.compress(b"{}"), headers=headers)
    assert (kind_of(response), response.status_code) == ("wrong-media-type", 415)
    assert response.json()["field"] == "Content-Encoding"
    plain = ask(guarded(echo), "POST", "/", content=b"{}", headers={**JSON, "content-encoding": "identity"})
    assert plain.status_code == 200


def test_a_body_is_nested_as_deep_as_is_said_and_no_deeper() -> None:
    def nested(depth: int) -> httpx.Response:
        return ask(guarded(echo), "POST", "/", content=b"[" * depth + b"]" * depth, headers=JSON)

    assert nested(DEPTH_LIMIT).status_code == 200
    too_deep = nested(DEPTH_LIMIT + 1)
    assert (kind_of(too_deep), too_deep.json()["detail"]) == ("bad-request", "nested too deeply")
    assert str(DEPTH_LIMIT) in too_deep.json()["expected"]


def test_a_body_whose_end_is_said_in_two_ways_is_refused_and_its_connection_closed() -> None:
    headers = {**JSON, "content-length": "2", "transfer-encoding": "chunked"}
    response = ask(guarded(echo), "POST", "/", content=b"{}", headers=headers)
    assert (kind_of(response), response.json()["field"]) == ("bad-request", "Content-Length")
    assert response.headers["connection"] == "close"


def test_a_body_declared_too_large_is_refused_unread() -> None:
    async def must_not_run(*_: object) -> None:
        raise AssertionError

    response = ask(guarded(must_not_run), "POST", "/", content=b"x" * (BODY_LIMIT_BYTES + 1), headers=JSON)
    assert (kind_of(response), response.status_code) == ("too-large", 413)
    assert response.json()["expected"] == "at most 5,000,000 bytes"


JSON = {"content-type": "application/json"}


async def chunks(count: int) -> AsyncIterator[bytes]:
    yield b"0" + b" " * 999_999
    for _ in range(count - 1):
        yield b" " * 1_000_000


def test_a_streamed_body_is_counted_as_it_comes() -> None:
    assert ask(guarded(echo), "POST", "/", content=chunks(5), headers=JSON).status_code == 200
    assert kind_of(ask(guarded(echo), "POST", "/", content=chunks(6), headers=JSON)) == "too-large"


def test_not_ready_says_why_and_ready_says_what_is_served() -> None:
    response = ask(
        guarded(echo, reason="nothing has been scored yet; run `regulars score`"), "GET", "/readyz"
    )
    assert (response.status_code, kind_of(response)) == (503, "not-ready")
    assert response.json()["detail"] == "nothing has been scored yet; run `regulars score`"
    response = ask(guarded(echo), "GET", "/readyz", headers={"host": "10.0.0.7"})
    assert response.json() == {"status": "ready", "release": "r1", "refused": None}


@pytest.mark.parametrize(
    ("status", "kind"), [(404, "not-found"), (405, "wrong-method"), (400, "bad-request"), (500, "failed")]
)
def test_an_error_answered_otherwise_below_becomes_a_problem_document(status: int, kind: str) -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await answer(send, status, b"application/json", b'[{"error": "secret of c-1"}]')

    response = ask(guarded(app), "GET", "/v1/customers/c-1")
    assert (response.status_code, kind_of(response)) == (status, kind)
    assert response.json()["instance"] == "/v1/customers/c-1"
    assert response.headers["allow"] == "POST"
    assert "secret" not in response.text


def test_an_error_page_and_a_problem_document_from_below_are_kept() -> None:
    async def page(_: Scope, __: Receive, send: Send) -> None:
        await answer(send, 404, b"text/html; charset=utf-8", b"mine")

    async def problem(_: Scope, __: Receive, send: Send) -> None:
        await answer(send, 404, b"application/problem+json", b'{"detail":"mine"}')

    assert ask(guarded(page), "GET", "/").content == b"mine"
    response = ask(guarded(problem), "GET", "/", headers={"x-request-id": "0123456789"})
    assert response.json() == {"detail": "mine", "request_id": "0123456789"}


def test_an_exception_below_is_a_problem_document_and_no_customer_reaches_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Scope, *_: object) -> None:
        raise ValueError(scope["path"])

    with caplog.at_level(logging.ERROR):
        response = ask(guarded(app), "GET", "/v1/customers/c-1")
    assert (response.status_code, kind_of(response)) == (500, "failed")
    assert "c-1" not in caplog.text
    assert "ValueError while answering GET" in caplog.text


def test_an_answer_that_takes_too_long_is_a_problem_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "ANSWER_SECONDS", 0.01)

    async def app(*_: object) -> None:
        await asyncio.Event().wait()

    response = ask(guarded(app), "GET", "/")
    assert (response.status_code, kind_of(response)) == (504, "too-slow")


def test_more_requests_than_can_be_answered_at_once_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "REQUESTS_AT_ONCE", 1)

    async def both() -> list[int]:
        held = asyncio.Event()

        async def app(_: Scope, __: Receive, send: Send) -> None:
            await held.wait()
            await answer(send, 200, b"text/plain", b"")

        transport = httpx.ASGITransport(app=guarded(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            first = asyncio.ensure_future(client.get("/"))
            await asyncio.sleep(0)
            while not client._transport.app.in_flight:  # type: ignore[attr-defined]  # noqa: ASYNC110, SLF001
                await asyncio.sleep(0)
            second = await client.get("/")
            held.set()
            third = (await first).status_code
            return [second.status_code, third, (await client.get("/")).status_code]

    assert asyncio.run(both()) == [429, 200, 200]


def test_the_limit_holds_for_requests_whose_bodies_arrive_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "REQUESTS_AT_ONCE", 1)

    async def body() -> AsyncIterator[bytes]:
        await asyncio.sleep(0)
        yield b"{}"

    async def both() -> list[int]:
        held = asyncio.Event()

        async def app(_: Scope, __: Receive, send: Send) -> None:
            await held.wait()
            await answer(send, 200, b"text/plain", b"")

        transport = httpx.ASGITransport(app=guarded(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            asked = [asyncio.ensure_future(client.post("/", content=body(), headers=JSON)) for _ in range(2)]
            await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            held.set()
            return sorted([(await each).status_code for each in asked])

    assert asyncio.run(both()) == [200, 429]


def test_another_method_without_a_body_reaches_the_address_which_refuses_it() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await answer(send, 405, b"text/plain", b"")

    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        assert kind_of(ask(guarded(app), method, "/readyz")) == "wrong-method"


def test_a_problem_repeats_no_path_that_is_long_or_odd() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await answer(send, 404, b"text/plain", b"")

    assert "instance" not in ask(guarded(app), "GET", "/" + "x" * 500).json()
    assert json.loads(ask(guarded(app), "GET", "/<script>").content)["instance"] == "/%3Cscript%3E"
