import logging
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from serving.store import PublishedRun
from tests.serving.client import Client, served
from tests.serving.shop import Shop

JSON = {"content-type": "application/json"}
LINE = {"order_id": "1", "ordered_at": "2023-05-01", "net_amount": 20}
CUSTOMER = {"customer_id": "a", "orders": [LINE]}


@pytest.fixture(scope="module")
def ask(shop: Shop) -> Iterator[Client]:
    yield from served(str(shop.home.path))


def kind_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == response.status_code
    return str(response.json()["type"]).removeprefix("urn:regulars:problem:")


def test_a_posted_history_is_scored(ask: Client, shop: Shop) -> None:
    response = ask("POST", "/v1/score", json={"as_of": "2023-06-27", "customers": CUSTOMER})
    assert response.status_code == 200
    answer = response.json()
    assert (answer["release"], answer["as_of"]) == (shop.release.id, "2023-06-26T22:00:00Z")
    (result,) = answer["results"]
    assert 0 < result["scores"]["p_order_30d"] < 1
    assert "bought_once" in {segment["name"] for segment in result["segments"]}


def test_without_as_of_the_history_is_scored_as_of_now(ask: Client) -> None:
    first = ask("POST", "/v1/score", json={"customers": [CUSTOMER]}).json()["as_of"]
    second = ask("POST", "/v1/score", json={"customers": [CUSTOMER]}).json()["as_of"]
    assert "2026" <= first < second


def test_reads_pages_and_static_files_are_beside_the_scoring(ask: Client) -> None:
    assert ask("GET", "/v1/customers/c000").json()["customer_id"] == "c000"
    assert ask("GET", "/v1/segments/loyal_customers/members?limit=1").json()["members"][0]["reasons"]
    page = ask("GET", "/segments")
    assert "Segments · Regulars" in page.text
    assert "googletagmanager" not in page.text
    assert ask("GET", "/segments/loyal_customers").status_code == 200
    assert ask("GET", "/static/regulars.css").headers["content-type"].startswith("text/css")
    assert ask("GET", "/docs.json").json()["info"]["title"] == "Regulars"


def test_probes_and_metrics_answer(ask: Client, shop: Shop) -> None:
    assert ask("GET", "/livez").status_code == 200
    run = PublishedRun.open(shop.home).name
    assert ask("GET", "/readyz").json() == {
        "status": "ready",
        "release": shop.release.id,
        "run": run,
        "refused": None,
    }
    assert ask("GET", "/metrics").status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        ("", "bad-request", "body"),
        ("{}", "bad-request", "customers"),
        ("[]", "bad-request", "body"),
        ("null", "bad-request", "body"),
        ('{"customers": []}', "bad-request", "customers"),
        ('{"customers": 5}', "bad-request", "customers"),
        ('{"customers": {}, "horizon": 3}', "bad-request", "body"),
        ('{"customers": {}, "as_of": 3}', "bad-request", "as_of"),
        ('{"customers": [{}], "as_of": "2018-13-01"}', "bad-request", "as_of"),
        ('{"customers": [{}], "as_of": "1969-12-31"}', "bad-request", "as_of"),
        ('{"customers": [{}], "as_of": "2999-01-01"}', "bad-request", "as_of"),
        ('{"customers": {"customer_id": "a", "orders": []}}', "invalid-history", "customers[0].orders"),
        ('{"customers": {"customer_id": "", "orders": [1]}}', "invalid-history", "customers[0].customer_id"),
        ('{"customers": {"customer_id": " ", "orders": [1]}}', "invalid-history", "customers[0].customer_id"),
        ('{"customers": {"customer_id": "a\\u0000"}}', "invalid-history", "customers[0].customer_id"),
        (
            '{"customers": {"customer_id": "a", "orders": [{"x": 1}]}}',
            "invalid-history",
            "customers[0].orders[0].order_id",
        ),
        ('{"customers": [1' + ",1" * 1000 + "]}", "too-large", "customers"),
    ],
)
def test_a_body_that_is_no_request_is_a_problem_naming_the_field(
    ask: Client, body: str, kind: str, field: str
) -> None:
    response = ask("POST", "/v1/score", content=body, headers=JSON)
    assert (kind_of(response), response.json()["field"]) == (kind, field)
    assert response.json()["instance"] == "/v1/score"


@pytest.mark.parametrize(
    "body", ["{", '{"customers": NaN}', "\x00", '"x', "[" * 100_000, '"\\ud800"', "1" * 5000]
)
def test_a_body_that_is_no_json_is_a_problem(ask: Client, body: str) -> None:
    assert kind_of(ask("POST", "/v1/score", content=body, headers=JSON)) == "bad-request"


@pytest.mark.parametrize(
    "line",
    [
        {"net_amount": True},
        {"net_amount": None},
        {"net_amount": []},
        {"net_amount": "x" * 41},
        {"net_amount": "1,2,3"},
        {"net_amount": 1e300},
        {"net_amount": 10**400},
        {"quantity": -(10**400)},
        {"quantity": "many"},
        {"ordered_at": "-0001-01-01"},
        {"ordered_at": "1969-12-31"},
        {"ordered_at": "2999-01-01"},
        {"order_id": "x" * 201},
        {"status": "lost"},
        {"currency": "USD"},
        {"known_at": "2023-04-30"},
        {"colour": "red"},
    ],
)
def test_a_line_that_cannot_be_read_is_a_problem_and_the_next_customer_is_scored(
    ask: Client, line: dict[str, Any]
) -> None:
    bad = {"customer_id": "b", "orders": [LINE, LINE | {"order_id": "2"} | line]}
    response = ask("POST", "/v1/score", json={"as_of": "2023-06-27", "customers": [bad, CUSTOMER]})
    refused, scored = response.json()["results"]
    assert refused["error"]["field"].startswith(
        "customers[0].orders[1]" if "colour" not in line else "customers[0]"
    )
    assert scored["scores"]


def test_wrong_addresses_methods_and_media_types_are_problems(ask: Client) -> None:
    assert kind_of(ask("GET", "/nothing")) == "not-found"
    assert kind_of(ask("GET", "/v1/score")) == "wrong-method"
    assert ask("GET", "/v1/score").headers["allow"] == "POST"
    assert kind_of(ask("POST", "/v1/segments", content="{}", headers=JSON)) == "wrong-method"
    assert kind_of(ask("DELETE", "/v1/customers/c000")) == "wrong-method"
    assert kind_of(ask("PUT", "/readyz")) == "wrong-method"
    assert (
        kind_of(ask("POST", "/v1/score", content="{}", headers={"content-type": "text/plain"}))
        == "wrong-media-type"
    )
    assert kind_of(ask("POST", "/v1/score", content=b"x" * 5_000_001, headers=JSON)) == "too-large"
    assert kind_of(ask("GET", "/", headers={"host": "evil.example"})) == "bad-host"


def test_more_lines_than_one_request_may_hold_are_refused(ask: Client) -> None:
    customers = [{"customer_id": "a", "orders": [LINE] * 5001}] * 2
    response = ask("POST", "/v1/score", json={"customers": customers})
    assert (kind_of(response), response.json()["got"]) == ("too-large", "10,002")


def test_no_log_line_holds_what_the_caller_sent(ask: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ask("POST", "/v1/score", content='{"customers": secret-of-a}', headers=JSON)
        ask(
            "POST",
            "/v1/score",
            json={"customers": {"customer_id": "secret-of-a", "orders": [{"order_id": "secret-of-a"}]}},
        )
        ask("GET", "/v1/customers/secret-of-a")
    ours = [
        record.getMessage() + str(record.exc_text)
        for record in caplog.records
        if not record.name.startswith("httpx")
    ]
    assert not [line for line in ours if "secret-of-a" in line]


class Passing(threading.Event):
    """Time that passes at once, until something is done."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - as the one it stands for
        return self.is_set()


def test_a_worker_ends_gracefully_once_the_process_above_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    from serving.service import end_with_parent  # noqa: PLC0415 - imports BentoML

    parents, told = iter([7, 7, 1]), []
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(os, "kill", lambda *given: told.append(given))
    end_with_parent(7, Passing())
    assert told == [(os.getpid(), signal.SIGTERM)]


def test_a_worker_that_ends_by_itself_looks_no_longer_for_the_process_above_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from serving.service import end_with_parent  # noqa: PLC0415 - imports BentoML

    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("ended twice"))
    closed = Passing()
    closed.set()
    end_with_parent(-1, closed)
