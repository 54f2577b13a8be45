import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from features.cutoff import Cutoff
from ledger.arrivals import Arrivals
from ledger.settling import settle
from ledger.store import Ledger
from segments.segment import load_library
from serving import batch
from serving.scorer import Scorer
from serving.store import PublishedRun
from tests.serving.client import Client, served
from tests.serving.shop import NOW, Shop

JSON = {"content-type": "application/json"}
LINE = {
    "customer_id": "c000",
    "order_id": "new-1",
    "ordered_at": "2023-06-28T10:00:00",
    "product_id": "p01",
    "quantity": 2,
    "net_amount": "8.00",
}
DAY_AFTER = "2023-06-28T22:00:00Z"


@pytest.fixture
def ask(own_shop: Shop) -> Iterator[Client]:
    yield from served(str(own_shop.home.path))


def post(ask: Client, *lines: dict[str, Any], to: str = "orders") -> httpx.Response:
    return ask("POST", f"/v1/{to}", json={to: list(lines)})


def kind_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["type"]).removeprefix("urn:regulars:problem:")


def rows(shop: Shop, table: str, condition: str) -> int:
    with Ledger(shop.home).connect() as connection:
        return int(
            connection.execute(f"SELECT count(*) FROM ledger_{table} WHERE {condition}").fetchall()[0][0]
        )


def test_an_order_is_told_of_its_customer_at_once_and_of_nobody_else(ask: Client) -> None:
    before, other = ask("GET", "/v1/customers/c000").json(), ask("GET", "/v1/customers/c001").json()
    assert post(ask, LINE).json() == {"added": 1, "corrected": 0, "unchanged": 0}
    after = ask("GET", "/v1/customers/c000").json()
    assert (after["as_of"], after["data_through"]) == (DAY_AFTER, "2023-06-28T08:00:00Z")
    assert after["scores"] != before["scores"]
    assert after.keys() == before.keys()
    assert ask("GET", "/v1/customers/c001").json() == other


def test_a_customer_who_is_new_today_is_answered_from_what_was_posted(ask: Client) -> None:
    assert ask("GET", "/v1/customers/newcomer").status_code == 404
    post(ask, LINE | {"customer_id": "newcomer"})
    answer = ask("GET", "/v1/customers/newcomer").json()
    assert "bought_once" in {segment["name"] for segment in answer["segments"]}
    assert {segment["since"] for segment in answer["segments"]} == {"2023-06-28T08:00:00Z"}
    assert answer["replenishment"] == []


def test_live_scores_are_those_of_a_scoring_run_over_the_same_orders(ask: Client, own_shop: Shop) -> None:
    lines = [
        LINE,
        LINE | {"customer_id": "c003", "order_id": "new-2"},
        LINE | {"customer_id": "c003", "order_id": "new-2", "product_id": "p05"},
        LINE | {"customer_id": "c005", "order_id": "new-3", "ordered_at": "2023-06-29"},
        LINE | {"customer_id": "newcomer", "order_id": "new-4"},
    ]
    post(ask, *lines)
    live = {name: ask("GET", f"/v1/customers/{name}").json() for name in ("c000", "c003", "c005", "newcomer")}
    ledger = Ledger(own_shop.home)
    assert settle(ledger, NOW) == 5
    store = PublishedRun.open(own_shop.home).tables["store"]
    scorer = Scorer(own_shop.release, load_library())
    for name, answer in live.items():
        cutoff = Cutoff(datetime.fromisoformat(answer["as_of"]), "Europe/Berlin")
        with ledger.connect() as connection:
            scored = scorer.score_own(connection, cutoff, store, ())
        (row,) = (row for row in scored.scores.to_pylist() if row["customer_id"] == name)
        for score, value in answer["scores"].items():
            assert value == row[score] or math.isclose(value, row[score], rel_tol=1e-9), score
        decided = {s["name"] for s in answer["segments"]} & scorer.decided
        assert decided == {
            each["segment"] for each in scored.assignments.to_pylist() if each["customer_id"] == name
        }


def test_the_nightly_run_sees_posted_orders_as_any_other_and_the_service_goes_on_from_it(
    ask: Client, own_shop: Shop
) -> None:
    post(ask, LINE)
    live = ask("GET", "/v1/customers/c000").json()
    settle(Ledger(own_shop.home), NOW)
    assert rows(own_shop, "orders", "order_id = 'new-1'") == 1
    at = Cutoff(datetime.fromisoformat(live["as_of"]), "Europe/Berlin")
    for _ in range(2):
        batch.run(own_shop.home, own_shop.release, load_library(), at)
        run = PublishedRun.open(own_shop.home)
        stored = run.customer("c000")
        assert stored is not None
        assert math.isclose(
            stored["p_order_30d"], live["scores"]["p_order_30d"], rel_tol=0.02
        )  # the store has moved on
        assert ask("GET", "/v1/customers/c000").status_code == 200
        at = Cutoff(at.at + timedelta(days=1), "Europe/Berlin")
    with Arrivals(own_shop.home.arrivals).open() as held:
        assert held.execute("SELECT count(*) FROM arrivals").fetchall() == [(0,)]


def test_the_same_order_sent_again_is_one_row_and_other_values_correct_it(
    ask: Client, own_shop: Shop
) -> None:
    post(ask, LINE)
    assert post(ask, LINE, LINE | {"order_id": "new-2"}).json() == {
        "added": 1,
        "corrected": 0,
        "unchanged": 1,
    }
    assert post(ask, LINE | {"net_amount": "9.00"}).json()["corrected"] == 1
    settle(Ledger(own_shop.home), NOW)
    assert post(ask, LINE | {"net_amount": "9.00"}).json()["unchanged"] == 1
    named = LINE | {"order_id": "new-3", "line_id": "1"}
    later = named | {"net_amount": 9, "known_at": "2023-06-29"}
    assert post(ask, named, later, named).json() == {"added": 1, "corrected": 1, "unchanged": 1}
    assert settle(Ledger(own_shop.home), NOW) == 2
    assert settle(Ledger(own_shop.home), NOW) == 0
    assert rows(own_shop, "orders", "order_id = 'new-1'") == 2
    assert rows(own_shop, "orders", "order_id = 'new-2'") == 1


def test_an_order_that_was_imported_and_is_posted_too_is_one_row(ask: Client, own_shop: Shop) -> None:
    with Ledger(own_shop.home).connect() as connection:
        held = connection.sql(
            "SELECT customer_id, order_id, strftime(ordered_at, '%Y-%m-%dT%H:%M:%SZ') AS ordered_at, product_id, "
            "quantity_milli / 1000 AS quantity, net_minor / 100 AS net_amount FROM ledger_orders "
            "WHERE status = 'paid' ORDER BY order_id LIMIT 3"
        ).to_arrow_table()
    assert post(ask, *held.to_pylist()).json() == {"added": 0, "corrected": 0, "unchanged": 3}


def test_a_batch_with_a_bad_row_is_refused_whole_and_names_item_field_expected_and_got(
    ask: Client, own_shop: Shop
) -> None:
    response = post(ask, LINE, LINE | {"order_id": "new-2", "net_amount": "ten"})
    assert (response.status_code, kind_of(response)) == (422, "invalid-rows")
    problem = response.json()
    assert (problem["field"], problem["got"], problem["instance"]) == (
        "orders[1].net_amount",
        "'ten'",
        "/v1/orders",
    )
    assert "nothing was taken" in problem["detail"]
    assert not own_shop.home.arrivals.exists()


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        ({}, "bad-request", "orders"),
        ([], "bad-request", "body"),
        ({"orders": []}, "bad-request", "orders"),
        ({"orders": [LINE], "more": 1}, "bad-request", "body"),
        ({"orders": [LINE] * 1001}, "too-large", "orders"),
        ({"orders": [3]}, "invalid-rows", "orders[0]"),
        ({"orders": [{**LINE, "colour": "red"}]}, "invalid-rows", "orders[0]"),
        ({"orders": [{**LINE, "customer_id": " "}]}, "invalid-rows", "orders[0].customer_id"),
        ({"orders": [{**LINE, "ordered_at": "2999-01-01"}]}, "invalid-rows", "orders[0].ordered_at"),
        ({"orders": [{**LINE, "net_amount": -1}]}, "invalid-rows", "orders[0].net_amount"),
        ({"orders": [{**LINE, "net_amount": 10**400}]}, "invalid-rows", "orders[0].net_amount"),
        ({"orders": [{**LINE, "status": "lost"}]}, "invalid-rows", "orders[0].status"),
        ({"orders": [{**LINE, "currency": "USD"}]}, "invalid-rows", "orders[0].currency"),
    ],
)
def test_a_body_that_cannot_be_taken_is_a_problem_naming_the_field(
    ask: Client, own_shop: Shop, body: object, kind: str, field: str
) -> None:
    response = ask("POST", "/v1/orders", json=body)
    assert (kind_of(response), response.json()["field"]) == (kind, field)
    assert not own_shop.home.arrivals.exists()


def test_four_clients_at_once_lose_nothing_and_write_the_same_order_once(ask: Client, own_shop: Shop) -> None:
    from ledger.tables.orders import ORDERS  # noqa: PLC0415
    from serving.writing import take  # noqa: PLC0415

    def client(number: int) -> None:
        for turn in range(5):
            lines = [LINE | {"order_id": f"{number}-{turn}"}, LINE | {"order_id": f"same-{turn}"}]
            take(ORDERS, {"orders": lines}, Ledger(own_shop.home), NOW)

    with ThreadPoolExecutor(4) as clients:
        list(clients.map(client, range(4)))
    settle(Ledger(own_shop.home), NOW)
    assert rows(own_shop, "orders", "regexp_matches(order_id, '^[0-3]-[0-4]$')") == 20
    assert rows(own_shop, "orders", "order_id LIKE 'same-%'") == 5
    assert ask("GET", "/v1/customers/c000").json()["as_of"] == DAY_AFTER


def test_an_event_is_taken_once_and_told_of_its_customer(ask: Client, own_shop: Shop) -> None:
    event = {
        "event": "product viewed",
        "event_id": "e-1",
        "happened_at": "2023-06-28T11:00:00",
        "customer_id": "c000",
        "properties": {"list": "sale"},
    }
    assert post(ask, event, event, to="events").json() == {"added": 1, "corrected": 0, "unchanged": 1}
    assert ask("GET", "/v1/customers/c000").json()["as_of"] == DAY_AFTER
    settle(Ledger(own_shop.home), NOW)
    assert rows(own_shop, "events", "event = 'Product Viewed'") == 1
    visitor = {
        "event": "Product Viewed",
        "event_id": "e-2",
        "happened_at": "2023-06-28",
        "anonymous_id": "v-1",
    }
    assert post(ask, visitor, to="events").status_code == 200
    assert ask("GET", "/v1/customers/v-1").status_code == 404
    nobody = {"event": "Product Viewed", "happened_at": "2023-06-28"}
    assert post(ask, nobody, to="events").json()["field"] == "events[0]"
