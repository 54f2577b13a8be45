"""POST /v1/webhooks/shopify: a shop's orders as Shopify tells them, believed for their signature and taken once.

Deliveries come more than once and out of order, so it is kept for a week which came, and when an order was last
changed by one: the same delivery, or an older state of an order, changes nothing.
"""

import base64
import binascii
import hashlib
import hmac
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from ledger.arrivals import MICROSECOND, microseconds
from ledger.engine import open_engine
from ledger.erasure import REASON as ERASED
from ledger.importers.shopify_order import translated
from ledger.posting import Posted, RefusedError, post
from ledger.sqlite import opened
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from serving.errors import Problem, ProblemError, shown

TOPICS = (
    "orders/create", "orders/updated", "orders/paid", "orders/cancelled", "orders/fulfilled",
    "orders/partially_fulfilled",
)  # fmt: skip
SIGNATURE, TOPIC, DELIVERY = "x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-webhook-id"
DELIVERY_ID = re.compile(r"[\w-]{1,100}", re.ASCII)
KEPT_MICROSECONDS = timedelta(days=7) // MICROSECOND  # Shopify gives up after hours
LINES_AN_ORDER = 1_000
NOTHING = Posted(0, 0, 0)
EXAMPLE = {
    "id": 820982911946154508,
    "name": "#1001",
    "email": "ada@example.com",
    "created_at": "2018-01-02T09:30:00+01:00",
    "updated_at": "2018-01-02T09:30:00+01:00",
    "currency": "EUR",
    "financial_status": "paid",
    "subtotal_price": "24.90",
    "total_price": "29.80",
    "line_items": [{"name": "Beans 1 kg", "sku": "beans-1kg", "quantity": 1, "price": "24.90"}],
    "refunds": [],
}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (id TEXT PRIMARY KEY, came_us INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, updated_us INTEGER NOT NULL, came_us INTEGER NOT NULL);
"""
logger = logging.getLogger(__name__)

Text = Annotated[str, Field(max_length=1_000)]
# Shopify writes null for what is not there, where a list or an amount is expected too.
Amount = Annotated[
    Decimal, BeforeValidator(lambda value: 0 if value is None else value), Field(max_digits=20)
]
# No shop sold before 1970; what lies far ahead is refused as its rows are checked, if arithmetic holds it.
Instant = Annotated[
    AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC))
]


class _Read(BaseModel):
    """What is read of one of Shopify's objects; the rest, of which there is more with each version, is left."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Contact(_Read):
    email: Text | None = None
    phone: Text | None = None


class _Item(_Read):
    name: Text | None = None
    sku: Text | None = None
    quantity: Decimal = Field(max_digits=12)
    price: Amount
    total_discount: Amount = Decimal(0)


class _Payment(_Read):
    kind: Text | None = None
    status: Text | None = None
    amount: Amount = Decimal(0)


class _Refund(_Read):
    created_at: Instant
    transactions: list[_Payment] = []


class ShopifyOrder(_Read):
    """An order of Shopify's Admin REST API."""

    id: int = Field(ge=0, lt=2**63)
    name: Text = Field(min_length=1)
    created_at: Instant
    updated_at: Instant
    cancelled_at: Instant | None = None
    currency: Text
    financial_status: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    customer: _Contact | None = None
    billing_address: _Contact | None = None
    subtotal_price: Amount
    total_price: Amount
    total_discounts: Amount = Decimal(0)
    payment_gateway_names: list[Text] = []
    tags: Text | None = None
    source_name: Text | None = None
    test: bool | None = None
    line_items: list[_Item] = Field(max_length=LINES_AN_ORDER)
    refunds: list[_Refund] = Field(default=[], max_length=LINES_AN_ORDER)


def take(
    body: bytes, headers: Mapping[str, str], secret: str | None, ledger: Ledger, now: datetime
) -> dict[str, Any]:
    """
    Answer POST /v1/webhooks/shopify.

    Parameters
    ----------
    body : bytes
        As it came: what is signed.
    headers : mapping of str to str
        Whatever the case of the names.
    secret : str or None
        With which Shopify signs; None when none is set.
    ledger : Ledger
    now : datetime
        The instant of the request.

    Returns
    -------
    dict
        As `written.WebhookAnswer`.

    Raises
    ------
    ProblemError
        When it is not signed, or no order that the ledger takes; nothing of it is taken then.
    """
    _believe(body, headers.get(SIGNATURE, ""), secret)
    delivery = _delivery(headers)
    order = _order(body)
    if ledger.shop_if_known() is None:
        raise ProblemError(
            Problem("not-ready", "nothing was imported yet; run `regulars import orders FILE`")
        )
    with _in_turn(ledger.home.webhooks, delivery, order, now) as known_already:
        if known_already is not None:
            return {**asdict(NOTHING), "refused": [], "ignored": known_already}
        posted, refused = _posted(order, ledger, now)
    return {**asdict(posted), "refused": refused, "ignored": None}


def _believe(body: bytes, signature: str, secret: str | None) -> None:
    if not secret:
        detail = (
            "set REGULARS_SHOPIFY_SECRET to the secret that Shopify signs with, and start the service again"
        )
        raise ProblemError(Problem("webhook-off", detail))
    try:
        sent = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        sent = b""
    if not hmac.compare_digest(hmac.new(secret.encode(), body, hashlib.sha256).digest(), sent):
        raise ProblemError(
            Problem(
                "wrong-signature",
                "it was not signed with the secret that is set here",
                "X-Shopify-Hmac-Sha256",
                "HMAC-SHA256 of the body, in base64",
            )
        )


def _delivery(headers: Mapping[str, str]) -> str:
    topic, delivery = headers.get(TOPIC, ""), headers.get(DELIVERY, "")
    if topic not in TOPICS:
        detail = "this webhook takes orders; refunds come with orders/updated"
        raise ProblemError(Problem("bad-request", detail, "X-Shopify-Topic", ", ".join(TOPICS), shown(topic)))
    if not DELIVERY_ID.fullmatch(delivery):
        expected = "up to 100 letters, digits and dashes"
        problem = Problem("bad-request", "no delivery", "X-Shopify-Webhook-Id", expected, shown(delivery))
        raise ProblemError(problem)
    return delivery


def _order(body: bytes) -> ShopifyOrder:
    try:
        return ShopifyOrder.model_validate(from_json(body, allow_inf_nan=False))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        expected, got = str(first["msg"]), shown(first["input"])
        raise ProblemError(
            Problem("bad-request", "it is no order of Shopify's", path[1:] or "body", expected, got)
        ) from error
    except ValueError as error:
        raise ProblemError(Problem("bad-request", f"not JSON: {error}", "body", "a JSON object")) from error


@contextmanager
def _in_turn(path: Path, delivery: str, order: ShopifyOrder, now: datetime) -> Iterator[str | None]:
    """Let one delivery be taken at a time, and give why it changes nothing, if so; it counts once all went well."""
    came, updated = microseconds(now), microseconds(order.updated_at)
    with opened(path, schema=_SCHEMA) as connection:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT 1 FROM deliveries WHERE id = ?", (delivery,)).fetchall():
            yield "this delivery was taken before"
            return
        last = connection.execute("SELECT updated_us FROM orders WHERE id = ?", (order.id,)).fetchall()
        yield "a later state of this order was taken before" if last and last[0][0] > updated else None
        for table in ("deliveries", "orders"):
            connection.execute(f"DELETE FROM {table} WHERE came_us < ?", (came - KEPT_MICROSECONDS,))
        connection.execute("INSERT INTO deliveries VALUES (?, ?)", (delivery, came))
        connection.execute(
            "INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE "
            "SET updated_us = max(updated_us, excluded.updated_us), came_us = excluded.came_us",
            (order.id, updated, came),
        )
        connection.execute("COMMIT")


def _posted(order: ShopifyOrder, ledger: Ledger, now: datetime) -> tuple[Posted, list[str]]:
    """Take an order's lines; return also why the others are none that the ledger takes, sent again or not."""
    with open_engine() as connection:
        connection.execute("SET threads = 1")  # a few rows: handing them out takes longer than they do
        told = translated(connection, _as_shopify_has_it(order))
    refused = list(told.refused)
    if not told.rows.num_rows:
        return NOTHING, refused
    try:
        return post(ledger, ORDERS, told.rows, now), refused
    except RefusedError as error:
        reasons = dict.fromkeys(reason for _, reason in error.rows)
        if set(reasons) != {ERASED}:
            first = next(iter(reasons))
            raise ProblemError(
                Problem("invalid-rows", f"{first}; nothing was taken", "line_items")
            ) from error
        return NOTHING, [*refused, ERASED]


def _as_shopify_has_it(order: ShopifyOrder) -> dict[str, Any]:
    """Return the order with what each refund has given back."""
    refunds = [
        {
            "created_at": refund.created_at,
            "amount": sum(
                (
                    each.amount
                    for each in refund.transactions
                    if (each.kind, each.status) == ("refund", "success")
                ),
                Decimal(0),
            ),
        }
        for refund in order.refunds
    ]
    return order.model_dump() | {"refunds": refunds}
