"""Two workers: one is killed and replaced, and a request under way is answered though the service is told to stop."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator

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
