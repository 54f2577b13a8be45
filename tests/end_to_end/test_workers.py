"""Two workers: one is killed and replaced, and a request under way is answered though the service is told to stop."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from ledger.home import Home
from tests.end_to_end.serving import Running, running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc"),
]
HISTORY = {"customer_id": "a", "orders": [{"order_id": "1", "ordered_at": "2023-05-01", "net_amount": 20}]}


@pytest.fixture(scope="module")
def service(shop_home: Home) -> Iterator[Running]:
    with running(shop_home, "--workers", "2") as found:
        yield found


def test_a_worker_that_is_killed_is_replaced_and_answers_come_meanwhile_and_after(service: Running) -> None:
    before = service.workers()
    assert len(before) == 2
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    answers = []
    while len(now := service.workers() - {killed}) < 2:
        answers.append(httpx.get(f"{service.address}/v1/segments", timeout=30).status_code)
    assert now > before - {killed}
    # Each connection is taken by whichever worker is first: also by the one that was not killed.
    assert {*answers, httpx.get(f"{service.address}/v1/segments", timeout=30).status_code} == {200}


SMUGGLED = b"0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00 what a TLS client says first\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere\r\n\r\n",
        b"GET /" + b"a" * 2_000_000,
        b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + SMUGGLED,
    ],
    ids=["not HTTP", "two hosts", "a line without end", "two lengths", "smuggled"],
)
def test_what_is_no_request_gets_one_refusal_at_most_and_its_connection_closed(
    service: Running, sent: bytes
) -> None:
    received = b""
    address = ("127.0.0.1", service.port)
    with socket.create_connection(address, timeout=60) as connection, suppress(ConnectionError):
        connection.sendall(sent)  # closed, it may be, before all of it is
        while part := connection.recv(65_536):
            received += part
    assert received == b"" or received.startswith(b"HTTP/1.1 400")
    assert received.count(b"HTTP/1.1 ") <= 1
    assert httpx.get(f"{service.address}/livez", timeout=30).status_code == 200


def test_a_request_under_way_is_answered_when_the_service_is_told_to_stop(service: Running) -> None:
    body = json.dumps({"as_of": "2023-06-27", "customers": HISTORY}).encode()
    head = (
        "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(head.encode())
        # Said once the service waits for the body: the request is under way.
        assert connection.recv(1_000).startswith(b"HTTP/1.1 100")
        service.process.terminate()
        connection.sendall(body)
        received = b""
        while part := connection.recv(65_536):
            received += part
    assert received.startswith(b"HTTP/1.1 200")
    assert json.loads(received.partition(b"\r\n\r\n")[2])["results"][0]["customer_id"] == "a"
    assert service.process.wait(timeout=60) == 0
