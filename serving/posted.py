"""Histories posted to the API, made into a ledger connection like the one that the batch reads.

The lines go through the ledger's own check, the same SQL that an import runs, so that a history is accepted,
refused and scored here exactly as it would be after an import.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter

import duckdb
import pyarrow as pa

from features.cutoff import Cutoff
from ledger.checks import check
from ledger.plans import KeptPlans
from ledger.readings import TEXT
from ledger.schema import INSTANT_TYPE
from ledger.shop import Shop
from ledger.tables.orders import ORDERS
from serving.errors import Problem
from serving.schemas.scores import OrderLine, PostedCustomer

# The customers of a request are called by keys of our own, in which nothing is to be looked for.
KEY = replace(TEXT, sql="{text}")
KEYED_ORDERS = replace(
    ORDERS,
    columns=tuple(
        replace(column, reads=KEY) if column.name == "customer_id" else column for column in ORDERS.columns
    ),
)
# A key of at least five digits sorts as its number and keeps one item's order numbers apart from another's.
KEY_FORMAT = "{:05d}"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PostedHistories:
    """Checked histories of one request.

    Parameters
    ----------
    orders : pa.Table
        Accepted lines in the ledger's stored schema, under keys instead of customer ids: two items of a
        request may name the same customer or the same order number, and stay apart.
    refused : mapping of int to Problem
        By the item's position, the field as it is called within the item; all lines of such an item are left out.
    """

    orders: pa.Table
    refused: Mapping[int, Problem]

    def through(self, cutoff: Cutoff) -> dict[str, datetime]:
        """Return the instant of the last order known before a cutoff of each customer, by key, who has one."""
        # As microseconds: Python's instants of ten thousand lines take longer to make than the rest of the answer.
        at: int = pa.scalar(cutoff.at, INSTANT_TYPE).value
        ordered, known = (
            self.orders[name].cast(pa.int64()).to_pylist() for name in ("ordered_at", "known_at")
        )
        last: dict[str, int] = {}
        for key, ordered_at, known_at in zip(
            self.orders["customer_id"].to_pylist(), ordered, known, strict=True
        ):
            if ordered_at < at and known_at < at:
                last[key] = max(ordered_at, last.get(key, ordered_at))
        return {key: EPOCH + timedelta(microseconds=ordered_at) for key, ordered_at in last.items()}


def key_of(position: int) -> str:
    """Return the customer id under which an item is scored."""
    return KEY_FORMAT.format(position)


def check_histories(
    customers: Mapping[int, PostedCustomer],
    shop: Shop,
    imported_at: datetime,
    plans: KeptPlans | None = None,
) -> PostedHistories:
    """
    Run the ledger's check over posted histories, all in one statement.

    Parameters
    ----------
    customers : mapping of int to PostedCustomer
        By position in the request.
    shop : Shop
    imported_at : datetime
        The request's instant.
    plans : KeptPlans, optional
        Those of the check made before; saves planning it.

    Returns
    -------
    PostedHistories
    """
    places = [
        (position, index) for position, customer in customers.items() for index in range(len(customer.orders))
    ]
    lines = [customers[position].orders[index] for position, index in places]
    keys = [key_of(position) for position, _ in places]
    checked = check(KEYED_ORDERS, _raw(lines, keys), shop, imported_at, place="record", plans=plans)
    refused: dict[int, Problem] = {}
    for row in checked.rejected.to_pylist():
        position, index = places[row["line"]]
        refused.setdefault(position, _problem(index, row["reason"], places))
    accepted = checked.accepted
    good = pa.array([places[line][0] not in refused for line in checked.lines.to_pylist()], pa.bool_())
    return PostedHistories(accepted.filter(good), refused)


def _raw(lines: Sequence[OrderLine], keys: Sequence[str]) -> pa.Table:
    every = {name: list(map(attrgetter(name), lines)) for name in OrderLine.model_fields}
    cells = {
        name: values
        for name, values in every.items()
        if OrderLine.model_fields[name].is_required() or values.count(None) < len(values)
    }
    cells["customer_id"] = list(keys)
    cells["order_id"] = [
        f"{key}/{order.strip()}" if order.strip() else None
        for key, order in zip(keys, cells["order_id"], strict=True)
    ]
    columns = {name: pa.array(values, pa.string()) for name, values in cells.items()}
    return pa.table({"line": pa.array(range(len(lines)), pa.int64()), **columns})


def _problem(index: int, reason: str, places: Sequence[tuple[int, int]]) -> Problem:
    """Name the line at fault, and any other line the reason speaks of, by its place in its own history."""
    told = re.sub(r"record (\d+)", lambda match: f"orders[{places[int(match[1])][1]}]", reason)
    return Problem("invalid-history", told, f"orders[{index}]")


def serve_as_ledger(connection: duckdb.DuckDBPyConnection, orders: pa.Table, products: pa.Table) -> None:
    """Put rows into two views of a connection that has those of all the ledger's tables, see `ledger.views`."""
    connection.register("ledger_orders", orders)
    connection.register("ledger_products", products)
