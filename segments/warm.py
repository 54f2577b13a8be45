"""Measured columns of a few posted orders, told by the plan of `features.warm` that describes the same customers.

A posted history tells of orders alone, so that only columns over orders and purchases are measured here; whatever is
made of events or descriptions is unknown of such a customer, and he is in no segment that asks for it.
"""

from collections.abc import Sequence

import pyarrow as pa

from features.warm import NOTHING_BESIDE, Beside
from segments.known import ITEMS, ORDERS
from segments.measured import measure_sql
from segments.vocabulary import Measured

_FILLED = {
    "known_customers": "select customer_id, :cutoff_day as today from history_customers",
    "known_orders": ORDERS,
    "known_items": ITEMS,
}
"""The relations that a posted history fills."""


def told_of(columns: Sequence[Measured]) -> bool:
    """Return whether a posted history is enough to measure columns."""
    return all(column.relations <= _FILLED.keys() for column in columns)


def measures(columns: Sequence[Measured]) -> Beside:
    """Return what measures columns beside features.

    Parameters
    ----------
    columns : sequence of Measured
        All of them `told_of`.
    """
    if not columns:
        return NOTHING_BESIDE
    types = {each.name: pa.string() if each.unit == "text" else pa.float64() for each in columns}
    return Beside(_FILLED, measure_sql(columns), types)
