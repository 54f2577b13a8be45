import base64
import hashlib
import hmac
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.arrivals import Arrivals
from ledger.contacts import pseudonym
from ledger.home import Home
from ledger.importers.shopify import LAYOUT
from ledger.importers.shopify_order import exported
from ledger.tables.orders import ORDERS
from serving.keys import create
from serving.webhooks import ShopifyOrder
from tests.conformance.exports import sample
from tests.serving.client import Client, served
from tests.serving.shop import Shop

SECRET = "shpss_3f1d"  # noqa: S105 - made up
NUMBERS = count(1001)
ORDER: dict[str, Any] = {
    "id": 5551,
    "name": "#1001",
    "email": "Ada@mail.test",
    "created_at": "2023-06-28T09:30:00+02:00",
    "updated_at": "2023-06-28T09:31:00+02:00",
    "cancelled_at": None,
    "currency": "EUR",
    "financial_status": "paid",
    "subtotal_price": "27.00",
    "total_price": "31.90",
    "total_discounts": "3.00",
    "payment_gateway_names": ["shopify_payments"],
    "source_name": "web",
    "tags": "",
    "test": False,
    "customer": {"id": 7, "email": "ada@mail.test", "phone": None},
    "billing_address": {"phone": None, "country_code": "DE"},
    "line_items": [
        {
            "id": 1,
            "name": "Beans 1kg",
            "sku": "p01",
            "quantity": 2,
            "price": "10.00",
            "total_discount": "0.00",
        },
        {"id": 2, "name": "Filters", "sku": "p05", "quantity": 1, "price": "10.00", "total_discount": "0.00"},
    ],
    "refunds": [],
    "client_details": {"user_agent": "unread"},
}
REFUND = {
    "created_at": "2023-06-29T12:00:00+02:00",
    "transactions": [{"kind": "refund", "status": "success", "amount": "9.00"}],
}


@pytest.fixture(scope="module")
def taking(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    path = shutil.copytree(shop.home.path, tmp_path_factory.mktemp("webhooks") / "home")
    return replace(shop, home=Home(Path(path)))


@pytest.fixture(scope="module")
def ask(taking: Shop) -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGULARS_SHOPIFY_SECRET", SECRET)
        yield from served(str(taking.home.path))


@pytest.fixture
def order() -> dict[str, Any]:
    """Return an order that no other test sends."""
    number = next(NUMBERS)
    return ORDER | {"id": number, "name": f"#{number}"}


def signed(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def deliver(ask: Client, order: object, topic: str = "orders/create", **headers: str) -> httpx.Response:
    body = order if isinstance(order, bytes) else json.dumps(order).encode()
    usual = {
        "content-type": "application/json",
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": f"delivery-{next(NUMBERS)}",
        "x-shopify-hmac-sha256": signed(body),
    }
    return ask("POST", "/v1/webhooks/shopify", content=body, headers=usual | headers)


def lines(shop: Shop, order: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what was taken of an order: line, status, hundredths and since when it counts as known."""
    arrivals = Arrivals(shop.home.arrivals)
    rows = arrivals.waiting()[0][ORDERS].to_pylist() if arrivals.exists else []
    return [
        {name: row[name] for name in ("line_id", "status", "net_minor")}
        | {"known": row["known_at"].isoformat()}
        for row in rows
        if row["order_id"] == order["name"]
    ]


def test_an_order_is_taken_as_its_export_would_be_and_told_of_its_customer_at_once(
    ask: Client, taking: Shop, order: dict[str, Any]
) -> None:
    assert deliver(ask, order).json() == {
        "added": 2,
        "corrected": 0,
        "unchanged": 0,
        "refused": [],
        "ignored": None,
    }
    # 30.00 before the discount of 3.00, which is shared out in proportion
    at = "2023-06-28T07:30:00+00:00"
    assert lines(taking, order) == [
        {"line_id": "p01#1", "status": "paid", "net_minor": 1800, "known": at},
        {"line_id": "p05#1", "status": "paid", "net_minor": 900, "known": at},
    ]
    customer = ask("GET", f"/v1/customers/{pseudonym('ada@mail.test')}").json()
    assert "bought_once" in {segment["name"] for segment in customer["segments"]}


def test_the_export_s_columns_are_filled_that_orders_are_read_from() -> None:
    first, second = exported(ShopifyOrder.model_validate(ORDER).model_dump() | {"refunds": []})
    assert set(first) <= {column.name for column in LAYOUT.columns}
    assert {column.name for column in LAYOUT.columns if column.required} <= set(first)
    assert set(second) <= set(sample(LAYOUT)[0])


def test_the_same_delivery_and_the_same_order_again_change_nothing(
    ask: Client, taking: Shop, order: dict[str, Any]
) -> None:
    deliver(ask, order, **{"x-shopify-webhook-id": "twice"})
    again = deliver(ask, order | {"total_price": "1.00"}, **{"x-shopify-webhook-id": "twice"}).json()
    assert (again["added"], again["ignored"]) == (0, "this delivery was taken before")
    other = deliver(ask, order, "orders/paid").json()
    assert (other["added"], other["unchanged"], other["ignored"]) == (0, 2, None)
    assert len(lines(taking, order)) == 2


def test_an_older_state_that_comes_late_is_not_taken_for_a_correction(
    ask: Client, taking: Shop, order: dict[str, Any]
) -> None:
    newer = order | {"updated_at": "2023-06-28T12:00:00+02:00", "subtotal_price": "24.00"}
    assert deliver(ask, newer, "orders/updated").json()["added"] == 2
    late = deliver(ask, order).json()
    assert (late["corrected"], late["ignored"]) == (0, "a later state of this order was taken before")
    assert [line["net_minor"] for line in lines(taking, order)] == [1600, 800]


def test_refunds_are_known_since_they_were_made_and_add_up(
    ask: Client, taking: Shop, order: dict[str, Any]
) -> None:
    deliver(ask, order)
    once = order | {"refunds": [REFUND], "updated_at": "2023-06-29T12:00:01+02:00"}
    assert deliver(ask, once, "orders/updated").json()["added"] == 2
    later = REFUND | {"created_at": "2023-06-30T12:00:00+02:00"}
    failed = {"kind": "refund", "status": "failure", "amount": "100.00"}
    twice = order | {
        "refunds": [later | {"transactions": [*later["transactions"], failed]}, REFUND],
        "updated_at": "2023-06-30T12:00:01+02:00",
    }
    assert deliver(ask, twice, "orders/updated").json()["corrected"] == 2
    assert [line for line in lines(taking, order) if line["status"] == "refunded"] == [
        {"line_id": "p01#1", "status": "refunded", "net_minor": -600, "known": "2023-06-29T10:00:00+00:00"},
        {"line_id": "p05#1", "status": "refunded", "net_minor": -300, "known": "2023-06-29T10:00:00+00:00"},
        {"line_id": "p01#1", "status": "refunded", "net_minor": -1200, "known": "2023-06-30T10:00:00+00:00"},
        {"line_id": "p05#1", "status": "refunded", "net_minor": -600, "known": "2023-06-30T10:00:00+00:00"},
    ]


def test_a_cancelled_order_is_void_from_then_on(ask: Client, taking: Shop, order: dict[str, Any]) -> None:
    gone = order | {"cancelled_at": "2023-06-28T10:00:00+02:00", "updated_at": "2023-06-28T10:00:00+02:00"}
    deliver(ask, order)
    assert deliver(ask, gone, "orders/cancelled").json()["added"] == 2
    void = [line["known"] for line in lines(taking, order) if line["status"] == "cancelled"]
    assert void == ["2023-06-28T08:00:00+00:00"] * 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"test": True}, "a test order"),
        (
            {"email": None, "customer": None},
            "neither Email nor Phone: nobody can be told to have bought this line",
        ),
    ],
)
def test_an_order_that_is_nobody_s_is_acknowledged_so_that_it_is_not_sent_for_ever(
    ask: Client, taking: Shop, order: dict[str, Any], change: dict[str, Any], why: str
) -> None:
    response = deliver(ask, order | change)
    assert (response.status_code, response.json()["refused"]) == (200, [why])
    assert lines(taking, order) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"x-shopify-hmac-sha256": ""},
        {"x-shopify-hmac-sha256": "no base 64 at all"},
        {"x-shopify-hmac-sha256": signed(b"another body")},
        {"x-shopify-hmac-sha256": signed(json.dumps(ORDER).encode(), "another secret")},
    ],
)
def test_what_is_not_signed_with_the_secret_is_refused_unread(
    ask: Client, taking: Shop, order: dict[str, Any], headers: dict[str, str]
) -> None:
    for body in (order, b"{"):
        response = deliver(ask, body, **headers)
        assert (response.status_code, response.json()["type"]) == (
            401,
            "urn:regulars:problem:wrong-signature",
        )
    assert lines(taking, order) == []


def test_without_a_secret_nothing_is_taken_and_the_next_step_is_said(
    ask: Client, taking: Shop, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGULARS_SHOPIFY_SECRET")
    response = deliver(ask, order, **{"x-shopify-hmac-sha256": signed(json.dumps(order).encode(), "")})
    assert (response.status_code, response.json()["type"]) == (403, "urn:regulars:problem:webhook-off")
    assert "REGULARS_SHOPIFY_SECRET" in response.json()["detail"]
    assert lines(taking, order) == []


@pytest.mark.parametrize(
    ("change", "headers", "refused"),
    [
        (b"{", {}, (400, "body")),
        (b"[]", {}, (400, "body")),
        (b"[" * 1000, {}, (400, "body")),
        ({"line_items": None}, {}, (400, "line_items")),
        ({"line_items": [{"price": "much"}]}, {}, (400, "line_items[0].quantity")),
        ({"created_at": "2023-06-28"}, {}, (400, "created_at")),
        ({"id": "x"}, {}, (400, "id")),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, {}, (400, "created_at")),
        ({"updated_at": "9999-12-31T23:59:59-12:00"}, {}, (400, "updated_at")),
        ({"cancelled_at": "9999-12-31T23:59:59-12:00"}, {}, (400, "cancelled_at")),
        (
            {"refunds": [REFUND | {"created_at": "9999-12-31T23:59:59-12:00"}]},
            {},
            (400, "refunds[0].created_at"),
        ),
        ({"currency": "USD"}, {}, (422, "line_items")),
        ({}, {"x-shopify-topic": "refunds/create"}, (400, "X-Shopify-Topic")),
        ({}, {"x-shopify-webhook-id": "'; DROP"}, (400, "X-Shopify-Webhook-Id")),
    ],
)
def test_what_is_no_order_is_a_problem_naming_the_field_and_nothing_is_taken(
    ask: Client,
    order: dict[str, Any],
    change: bytes | dict[str, Any],
    headers: dict[str, str],
    refused: tuple[int, str],
) -> None:
    response = deliver(ask, change if isinstance(change, bytes) else order | change, **headers)
    assert (response.status_code, response.json()["field"]) == refused
    assert deliver(ask, order).json()["added"] == 2


def test_a_delivery_needs_no_api_key_though_everything_else_does(
    ask: Client, taking: Shop, order: dict[str, Any]
) -> None:
    create(taking.home.keys, "till", ["ledger"], 60, datetime.now(UTC))
    assert ask("POST", "/v1/orders", json={"orders": []}).status_code == 401
    assert deliver(ask, order).status_code == 200


def test_a_delivery_that_cannot_be_remembered_is_refused_so_that_it_is_sent_again(
    ask: Client, taking: Shop, order: dict[str, Any]
) -> None:
    other = next(NUMBERS)
    assert deliver(ask, order | {"id": other, "name": f"#{other}"}).status_code == 200
    away = taking.home.webhooks.rename(taking.home.webhooks.with_name("away"))
    taking.home.webhooks.write_bytes(b"")
    refused = deliver(ask, order)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:regulars:problem:unusable-file")
    assert refused.json()["detail"] == "webhooks.db is damaged; restore it from a backup"
    assert taking.home.webhooks.read_bytes() == b""
    away.rename(taking.home.webhooks)
    assert deliver(ask, order).json()["added"] == len(order["line_items"])
