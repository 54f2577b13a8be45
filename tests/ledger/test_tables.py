"""What each table takes, what follows from it, and every rule by a row that breaks it."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from ledger.checks import Checked, check
from ledger.contacts import pseudonym
from ledger.engine import open_engine
from ledger.schema import Table
from ledger.shop import Shop
from ledger.tables.customers import CUSTOMERS
from ledger.tables.events import EVENTS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from ledger.tables.pauses import PAUSES
from ledger.tables.products import PRODUCTS
from ledger.tables.reminders import REMINDERS
from ledger.tables.shipped import TABLES
from ledger.tables.subscriptions import SUBSCRIPTIONS

SHOP = Shop(currency="USD", time_zone="America/New_York")
IMPORTED_AT = datetime(2024, 6, 1, 12, tzinfo=UTC)

LEAST: dict[Table, dict[str, str | None]] = {
    ORDERS: {"customer_id": "c", "order_id": "o", "ordered_at": "2024-01-31", "net_amount": "12.50"},
    PRODUCTS: {"product_id": "p"},
    CUSTOMERS: {"customer_id": "c"},
    EVENTS: {"event": "product_viewed", "happened_at": "2024-01-31 23:30", "customer_id": "c"},
    IDENTITIES: {"anonymous_id": "cookie", "customer_id": "c"},
    SUBSCRIPTIONS: {"customer_id": "c", "product_id": "p", "started_at": "2024-01-31"},
    REMINDERS: {"customer_id": "c", "sent_at": "2024-01-31"},
    PAUSES: {"customer_id": "c", "paused_at": "2024-01-31"},
}
"""A row of what a file must have."""


def checked(table: Table, *rows: dict[str, str | None]) -> Checked:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    with open_engine() as engine:
        return check(table, pa.table({"line": range(2, len(rows) + 2), **columns}), SHOP, IMPORTED_AT, engine)


def stored(table: Table, **cells: str | None) -> dict[str, object]:
    """Return what one accepted row is stored as; the cells are beside those that a file must have."""
    found = checked(table, LEAST[table] | cells)
    assert found.rejected.to_pylist() == []
    (row,) = found.accepted.to_pylist()
    return dict(row)


@pytest.mark.parametrize("table", LEAST, ids=lambda table: table.name)
def test_the_least_row_is_accepted_and_says_nothing_else(table: Table) -> None:
    row = stored(table)

    derived = {column.name for column in table.columns if column.derived or column.default}
    said = {*LEAST[table], *derived, *table.key, "known_at", "net_minor"} - {"net_amount"}
    assert {name for name, value in row.items() if value is not None} <= said


def test_every_table_that_a_file_can_give_is_tried_here() -> None:
    assert set(LEAST) == {table for table in TABLES if table.given}


BROKEN: list[tuple[Table, dict[str, str | None], str]] = [
    (ORDERS, {"net_amount": "-1"}, "net_amount is negative on a paid row"),
    (ORDERS, {"status": "refunded", "known_at": "2024-02-01"}, "net_amount of a refunded row must be negative"),
    (ORDERS, {"status": "cancelled"}, "known_at is empty; a cancelled or refunded row says when"),
    (ORDERS, {"known_at": "2024-01-30"}, "known_at is before ordered_at"),
    (PRODUCTS, {"price": "-1"}, "price is negative"),
    (PRODUCTS, {"swap_for": "p"}, "swap_for is the product itself; leave it empty"),
    (CUSTOMERS, {"known_at": "2023-01-01", "signed_up_at": "2023-01-02"}, "known_at is before signed_up_at; leave"),
    (CUSTOMERS, {"birth_date": "1900-01-01"}, "birth_date is before 1901; leave it empty"),
    (CUSTOMERS, {"birth_date": "2024-06-02"}, "birth_date is not in the past; leave it empty"),
    (EVENTS, {"customer_id": None}, "nobody did it; give an anonymous_id or a customer_id"),
    (EVENTS, {"known_at": "2024-01-31 23:29"}, "known_at is before happened_at; leave it empty"),
    (IDENTITIES, {"anonymous_id": "c"}, "anonymous_id and customer_id are the same; leave the row out"),
    (IDENTITIES, {"how": "Unmerged"}, "an unmerged row names no customer; leave customer_id empty"),
    (IDENTITIES, {"how": "merged", "customer_id": None}, "customer_id is empty; give the customer, or say unmerged"),
    (SUBSCRIPTIONS, {"known_at": "2024-01-30"}, "known_at is before started_at; leave it empty"),
    (SUBSCRIPTIONS, {"ended_at": "2024-01-30"}, "ended_at is before started_at; leave it empty while"),
    (REMINDERS, {"known_at": "2024-01-30"}, "known_at is before sent_at; leave it empty"),
    (PAUSES, {"known_at": "2024-01-30"}, "known_at is before paused_at; leave it empty"),
    (PAUSES, {"resumes_at": "2024-01-30"}, "resumes_at is before paused_at; leave it empty"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "cells", "reason"), BROKEN, ids=[f"{table.name}: {reason}" for table, _, reason in BROKEN]
)
def test_a_row_that_breaks_a_rule_is_refused_with_its_reason(
    table: Table, cells: dict[str, str | None], reason: str
) -> None:
    found = checked(table, LEAST[table] | cells)

    assert found.accepted.num_rows == 0
    assert [row["reason"][: len(reason)] for row in found.rejected.to_pylist()] == [reason]


def test_every_rule_is_broken_here() -> None:
    declared = {(table.name, rule.reason) for table in TABLES for rule in table.rules}
    tried = {
        (t.name, rule.reason) for t, _, told in BROKEN for rule in t.rules if rule.reason.startswith(told)
    }

    assert tried == declared


def test_a_rule_names_stored_columns_only() -> None:
    for table in TABLES:
        for rule in table.rules:
            assert set(rule.about) <= set(table.names)


def test_an_event_has_the_shops_own_day_hour_and_weekday() -> None:
    row = stored(EVENTS, happened_at="2024-02-01T04:30:00Z")

    # Half past eleven on Wednesday, 31 January 2024, in New York: day 19753.
    assert (row["event_day"], row["event_hour"], row["event_isoweekday"]) == (19753, 23, 3)
    assert row["known_at"] == row["happened_at"] == datetime(2024, 2, 1, 4, 30, tzinfo=UTC)
    assert row["event"] == "Product Viewed"


def test_a_sign_up_has_the_shops_own_day_and_an_unknown_one_has_none() -> None:
    row = stored(CUSTOMERS, signed_up_at="2024-02-01T04:30:00Z")

    # Half past eleven on 31 January 2024 in New York: day 19753.
    assert row["signed_up_day"] == 19753
    assert stored(CUSTOMERS)["signed_up_day"] is None


def test_an_event_of_a_visitor_needs_no_customer() -> None:
    assert stored(EVENTS, customer_id=None, anonymous_id="cookie")["customer_id"] is None


@pytest.mark.parametrize("table", [t for t in LEAST if t.derived_id], ids=lambda table: table.name)
def test_an_id_that_no_file_gives_follows_from_what_the_row_says(table: Table) -> None:
    assert table.derived_id
    name = table.derived_id.column
    other = dict.fromkeys(("customer_id",), "another")

    first, again, different = stored(table)[name], stored(table)[name], stored(table, **other)[name]

    assert str(first).startswith("h-")
    assert len(str(first)) == len("h-") + 24
    assert first == again != different
    assert stored(table, **{name: "given"})[name] == "given"


def test_two_spellings_of_one_event_are_one_event() -> None:
    one = stored(EVENTS, properties='{"a": 1}')
    other = stored(EVENTS, event="Product Viewed", happened_at="2024-02-01T04:30:00Z", properties='{"a":1}')

    assert one == other


def test_what_is_known_of_a_customer_is_known_since_the_import_when_the_file_says_nothing() -> None:
    assert stored(CUSTOMERS)["known_at"] == IMPORTED_AT
    assert stored(IDENTITIES)["known_at"] == IMPORTED_AT


def test_a_customer_is_stored_with_normal_contacts() -> None:
    row = stored(
        CUSTOMERS, customer_id="Ann@Example.com", email="Ann@Example.com", phone="+49 (0)30 123456", country="de",
        birth_date="1980-02-29", loyalty_member="yes", email_consent="no", attributes='{"vip": true}',
    )  # fmt: skip

    assert row["customer_id"] == pseudonym("ann@example.com")
    assert (row["email"], row["phone"], row["country"]) == ("ann@example.com", "+4930123456", "DE")
    assert (row["birth_date"], row["loyalty_member"], row["email_consent"]) == (
        date(1980, 2, 29),
        True,
        False,
    )
    assert row["attributes"] == '{"vip":true}'


@pytest.mark.parametrize(
    "table", [t for t in LEAST if "customer_id" in t.names], ids=lambda table: table.name
)
def test_an_address_as_customer_id_is_the_same_pseudonym_everywhere(table: Table) -> None:
    assert stored(table, customer_id="ANN@example.com")["customer_id"] == pseudonym("ann@example.com")


def test_an_identity_without_a_customer_parts_the_two() -> None:
    row = stored(IDENTITIES, customer_id=None, how="unmerged")

    assert (row["customer_id"], row["how"]) == (None, "unmerged")
    assert stored(IDENTITIES)["how"] == "imported"


def test_a_subscription_that_ended_is_known_at_its_end_and_one_that_is_to_end_at_the_import() -> None:
    ended, ending = stored(SUBSCRIPTIONS, ended_at="2024-03-01"), stored(SUBSCRIPTIONS, ended_at="2024-12-01")

    assert ended["known_at"] == ended["ended_at"]
    assert ending["known_at"] == IMPORTED_AT
    assert stored(SUBSCRIPTIONS, every_days="30")["known_at"] == ended["started_at"]


def test_a_pause_may_end_in_the_future_but_not_start_there() -> None:
    assert stored(PAUSES, resumes_at="2024-09-01")["known_at"] == datetime(2024, 1, 31, 5, tzinfo=UTC)
    late = checked(PAUSES, LEAST[PAUSES] | {"paused_at": "2024-09-01"})
    assert late.rejected["reason"].to_pylist() == ["paused_at is in the future"]
