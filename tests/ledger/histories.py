"""Small made-up histories in the stored schema, as views on a connection of their own."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from ledger.engine import open_engine
from ledger.schema import Table
from ledger.tables.shipped import TABLES

Rows = list[dict[str, Any]]
FIRST_DAY = datetime(2024, 1, 1, 10, tzinfo=UTC)  # a Monday


def opened(tables: Mapping[str, Rows]) -> duckdb.DuckDBPyConnection:
    """Return a connection with every table of the ledger, empty where nothing is given."""
    connection = open_engine()
    for table in TABLES:
        connection.register(f"given_{table.name}", _stored(table, tables.get(table.name, [])))
        connection.execute(f"CREATE TABLE ledger_{table.name} AS FROM given_{table.name}")
    return connection


def _stored(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    unknown = {name for row in rows for name in row} - set(table.names)
    if unknown:
        raise KeyError(unknown)
    nullable = pa.schema([pa.field(field.name, field.type) for field in table.arrow_schema])
    return pa.Table.from_pylist(list(rows), nullable)


def on_day(number: int, hour: int = 10, minute: int = 0) -> datetime:
    """Return an instant so many days after the first Monday."""
    return FIRST_DAY.replace(hour=hour, minute=minute) + timedelta(days=number)


def line(customer: str, order: str, at: datetime = FIRST_DAY, **more: object) -> dict[str, Any]:
    """Return a paid line of 10.00, at 10 o'clock unless told otherwise; the shop's zone is UTC."""
    row = {
        "customer_id": customer,
        "order_id": order,
        "line_id": "1",
        "ordered_at": at,
        "known_at": at,
        "net_minor": 1000,
        "currency": "EUR",
        "status": "paid",
    }
    derived = {
        "order_day": (at.date() - date(1970, 1, 1)).days,
        "order_hour": at.hour,
        "order_isoweekday": at.isoweekday(),
    }
    return row | derived | more


def daily(counts: Iterable[int], customers: int = 500) -> Rows:
    """Return so many orders on each day in turn, a minute apart, of customers in turn."""
    rows: Rows = []
    for day, count in enumerate(counts):
        for number in range(count):
            at = on_day(day, hour=8 + number // 60, minute=number % 60)
            rows.append(line(f"c{len(rows) % customers}", f"o{len(rows)}", at))
    return rows


def event(name: str, number: int, **more: object) -> dict[str, Any]:
    """Return an event of a visitor of its own."""
    at = on_day(0)
    row = {
        "event": name,
        "event_id": f"e{number}",
        "happened_at": at,
        "known_at": at,
        "anonymous_id": f"v{number}",
    }
    return row | {"event_day": 19723, "event_hour": 10, "event_isoweekday": 1} | more


def person(customer: str, **more: object) -> dict[str, Any]:
    """Return a state of a customer."""
    return {"customer_id": customer, "known_at": FIRST_DAY} | more


def joined(anonymous: str, customer: str | None, **more: object) -> dict[str, Any]:
    """Return a row that says who an id is."""
    return {"anonymous_id": anonymous, "customer_id": customer, "known_at": FIRST_DAY, "how": "merged"} | more


def product(product_id: str, **more: object) -> dict[str, Any]:
    """Return a state of a product."""
    return {"product_id": product_id, "known_at": FIRST_DAY} | more


def refused(number: int, reason: str, table: str = "orders") -> dict[str, Any]:
    """Return a rejected row."""
    return {
        "table_name": table,
        "file_name": "orders.csv",
        "file_sha256": "0",
        "line": number,
        "reason": reason,
        "imported_at": FIRST_DAY,
        "raw": "{}",
    }
