"""Small ledgers in memory for the tests of reminders: who bought what, and what else is known."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from features.cutoff import Cutoff
from features.history import stage
from ledger.schema import Table
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from ledger.tables.shipped import TABLES
from ledger.views import add_missing_tables
from serving.reminders import refills
from serving.reminders.states import LEAD_DAYS

CUTOFF = Cutoff.at_midnight(date(2024, 6, 1), "Europe/Berlin")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CATEGORIES = {"milk": "Food > Milk", "oat": "Food > Milk", "cream": "Food > Milk", "soap": "Care > Soap"}
Bought = Iterable[tuple[str, str, int]]  # customer, product, days before the cutoff
Row = Mapping[str, Any]

FORECAST = pa.schema(
    [
        *((name, pa.string()) for name in ("customer_id", "product_id", "category", "level")),
        *((name, pa.float64()) for name in ("p_due_7d", "p_due_14d", "p_due_30d")),
        ("quantity", pa.float64()),
        ("suppressed_because", pa.string()),
    ]
)


def product(product_id: str, **cells: object) -> Row:
    """Return a product's row, known for long unless said otherwise."""
    return {"product_id": product_id, "known_at": LONG_AGO, "category": CATEGORIES.get(product_id)} | cells


def ledger(
    bought: Bought, products: Sequence[Row] = (), hour: int = 12, **tables: Sequence[Row]
) -> duckdb.DuckDBPyConnection:
    """Return a ledger connection staged at the cutoff: pieces at 5.00 each, one a purchase, at a local hour."""
    lines = [_line(number, *each, hour) for number, each in enumerate(bought)]
    known = [*(product(name) for name in CATEGORIES), *products]
    given: dict[str, Sequence[Row]] = {"orders": lines, "products": known, **tables}
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET TimeZone = 'UTC'")
    for table in TABLES:
        if table.name in given:
            connection.register(f"ledger_{table.name}", _arrow(table, given[table.name]))
    add_missing_tables(connection)
    stage(connection, CUTOFF)
    return connection


def _line(number: int, customer: str, item: str, age: int, hour: int) -> Row:
    day = CUTOFF.day - age
    at = CUTOFF.plus_days(-age).at + timedelta(hours=hour)
    return {
        "customer_id": customer,
        "order_id": f"{customer}-{day}",
        "line_id": str(number),
        "ordered_at": at,
        "known_at": at,
        "product_id": item,
        "quantity_milli": 1000,
        "net_minor": 500,
        "currency": "EUR",
        "status": "paid",
        "order_day": day,
        "order_hour": hour,
        "order_isoweekday": (day + 3) % 7 + 1,
    }


def _arrow(table: Table, rows: Sequence[Row]) -> pa.Table:
    assert table in {ORDERS, PRODUCTS} or rows
    return pa.Table.from_pylist([dict(row) for row in rows], schema=table.arrow_schema)


def forecast(pairs: Iterable[tuple[str, str]], p: tuple[float, float, float] = (0.4, 0.6, 0.8)) -> pa.Table:
    """Return a forecast with a row a pair of customer and product, or customer and category path."""
    rows = [
        {
            "customer_id": customer,
            "product_id": None if " > " in item else item,
            "category": item if " > " in item else CATEGORIES.get(item),
            "level": "category" if " > " in item else "product",
            "p_due_7d": p[0],
            "p_due_14d": p[1],
            "p_due_30d": p[2],
            "quantity": 1.0,
        }
        for customer, item in pairs
    ]
    return pa.Table.from_pylist(rows, schema=FORECAST)


def told(
    connection: duckdb.DuckDBPyConnection, *pairs: tuple[str, str], lead_days: int = LEAD_DAYS
) -> list[dict[str, Any]]:
    """Return what is said of each pair, in their order."""
    found = refills.stage(connection, [forecast(pairs)], CUTOFF, lead_days)
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def every(gap: int, customer: str, item: str, last: int, times: int = 8) -> list[tuple[str, str, int]]:
    """Return purchases at equal gaps, the last so many days before the cutoff."""
    return [(customer, item, last + gap * number) for number in range(times)]


def unsteadily(gaps: tuple[int, int], customer: str, item: str, last: int) -> list[tuple[str, str, int]]:
    """Return purchases at two gaps in turn, the last so many days before the cutoff."""
    days = itertools.accumulate(gaps * 6, initial=last)
    return [(customer, item, day) for day in days]


def many(gap: int, item: str, customers: int = 12) -> list[tuple[str, str, int]]:
    """Return other customers who buy an item at equal gaps, so that what is usual for it is known."""
    return [row for number in range(customers) for row in every(gap, f"other{number:02d}", item, 1)]
