"""Shopify's orders as its webhooks send them, put as the rows of its order export, so that one layout reads both.

What a webhook says beyond the export is when an order was refunded: it is known since then, not since the import. Of
several refunds the sum is known since the last one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from ledger.importers.layout import translated_sql
from ledger.importers.shopify import LAYOUT
from ledger.importers.translate import prepare
from ledger.tables.orders import ORDERS

LINE = "line"


@dataclass(frozen=True)
class Translated:
    """An order in the plain format.

    Parameters
    ----------
    rows : pa.Table
        `line` from 0 and the plain-format columns of `ORDERS`, as text.
    refused : tuple of str
        Why others of its lines are none that the ledger takes, each reason once.
    """

    rows: pa.Table
    refused: tuple[str, ...]


def translated(connection: duckdb.DuckDBPyConnection, order: Mapping[str, Any]) -> Translated:
    """
    Return an order's lines as an import of the export's rows has them.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Tables are made on it.
    order : mapping
        An order of Shopify's REST API: the members read here, of the types that Shopify documents, instants as aware
        datetimes and amounts as decimals.
    """
    rows = exported(order)
    names = tuple(rows[0]) if rows else ()
    cells = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    connection.register("exported", pa.table({LINE: pa.array(range(len(rows)), pa.int64()), **cells}))
    prepare(connection, LAYOUT, names, "exported", _known_at(order))
    parts = [translated_sql(one) for one in LAYOUT.translations if one.table is ORDERS]
    found = connection.sql(" UNION ALL BY NAME ".join(parts)).to_arrow_table()
    connection.unregister("exported")
    taken = found.filter(found["refused"].is_null()).drop_columns([LINE, "refused"])
    refused = tuple(dict.fromkeys(found["refused"].drop_null().to_pylist()))
    return Translated(taken.add_column(0, LINE, pa.array(range(taken.num_rows), pa.int64())), refused)


def exported(order: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """Return the rows that Shopify's export has of an order: a line item each, the order's own cells on the first."""
    customer = order["customer"] or {}
    named = {"Name": order["name"], "Email": order["email"] or customer.get("email")}
    rows: list[dict[str, str | None]] = [
        named
        | {
            "Lineitem quantity": str(item["quantity"]),
            "Lineitem name": item["name"],
            "Lineitem sku": item["sku"],
            "Lineitem price": str(item["price"]),
            "Lineitem discount": str(item["total_discount"]),
        }
        for item in order["line_items"]
    ]
    return [rows[0] | _own_cells(order, customer), *rows[1:]] if rows else []


def _own_cells(order: Mapping[str, Any], customer: Mapping[str, Any]) -> dict[str, str | None]:
    refunded = sum((refund["amount"] for refund in order["refunds"]), Decimal(0))
    cancelled_at, billed_to = order["cancelled_at"], order["billing_address"] or {}
    return {
        "Financial Status": order["financial_status"],
        "Currency": order["currency"],
        "Subtotal": str(order["subtotal_price"]),
        "Total": str(order["total_price"]),
        "Discount Amount": str(order["total_discounts"]),
        "Refunded Amount": str(refunded),
        "Created at": order["created_at"].isoformat(),
        "Cancelled at": cancelled_at and cancelled_at.isoformat(),
        "Payment Method": " + ".join(order["payment_gateway_names"]),
        "Tags": ", ".join(filter(None, [order["tags"], "test" if order["test"] else None])),
        "Source": order["source_name"],
        "Phone": order["phone"] or customer.get("phone"),
        "Billing Phone": billed_to.get("phone"),
    }


def _known_at(order: Mapping[str, Any]) -> datetime:
    """Return since when what undoes the order is known: its last refund, else its last change."""
    last: datetime = max((refund["created_at"] for refund in order["refunds"]), default=order["updated_at"])
    return last
