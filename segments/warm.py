"""Measured columns of a few posted orders, on a plan that is kept: as `features.warm` describes the same customers.

A posted history tells of orders alone, so that only columns over orders and purchases are measured here; whatever is
made of events or descriptions is unknown of such a customer, and he is in no segment that asks for it.
"""

import re
from collections.abc import Sequence

import duckdb
import pyarrow as pa

from features import history
from features.cutoff import Cutoff
from features.warm import CUTOFF, NOBODY, SCHEMAS, VALUES
from ledger.engine import open_engine
from ledger.plans import Exchanged
from ledger.schema import INSTANT_TYPE
from segments.known import ITEMS, ORDERS
from segments.measured import measure_sql
from segments.vocabulary import Measured

STATEMENT = "warm_measures"
TOLD = frozenset({"known_customers", "known_orders", "known_items"})
"""The relations that a posted history fills."""
_EXCHANGED = ("ledger_orders", "ledger_products", CUTOFF)
_CUSTOMERS = f"select customer_id, {VALUES[':cutoff_day']} as today from history_customers"


def told_of(columns: Sequence[Measured]) -> bool:
    """Return whether a posted history is enough to measure columns."""
    return all(column.relations <= TOLD for column in columns)


class WarmMeasures:
    """Measures columns of the customers of posted orders, again and again, on one plan for each thread.

    Parameters
    ----------
    columns : sequence of Measured
        At least one; all of them `told_of`.
    """

    def __init__(self, columns: Sequence[Measured]) -> None:
        self._text = f"prepare {STATEMENT} as {statement(columns)}"
        self._types = {
            "customer_id": pa.string(),
            **{each.name: pa.string() if each.unit == "text" else pa.float64() for each in columns},
        }
        self._engine = open_engine()
        self._engine.execute("set threads = 1")  # a few lines are not worth sharing out
        self._idle: list[tuple[duckdb.DuckDBPyConnection, dict[str, Exchanged]]] = []

    def measure(self, orders: pa.Table, products: pa.Table, cutoff: Cutoff) -> pa.Table:
        """Measure the columns for every customer of some orders.

        Parameters
        ----------
        orders, products : pa.Table
            In the ledger's stored schema.
        cutoff : Cutoff

        Returns
        -------
        pyarrow.Table
            customer_id and the columns, sorted by customer.
        """
        try:
            plan = self._idle.pop()
        except IndexError:
            plan = self._plan()
        connection, rows = plan
        at = {
            "cutoff_at": pa.array([cutoff.at], INSTANT_TYPE),
            "cutoff_day": pa.array([cutoff.day], pa.int64()),
        }
        given = {"ledger_orders": orders, "ledger_products": products, CUTOFF: pa.table(at)}
        for name, table in given.items():
            rows[name].rows = table.select(SCHEMAS[name].names).cast(SCHEMAS[name])
        found = connection.execute(f"execute {STATEMENT}").fetchall()
        for name in given:  # what was posted is not kept longer than it takes to answer
            rows[name].rows = SCHEMAS[name].empty_table()
        self._idle.append(plan)
        columns = list(zip(*found, strict=True)) or [()] * len(self._types)
        arrays = [
            pa.array(column, type_) for column, type_ in zip(columns, self._types.values(), strict=True)
        ]
        return pa.table(arrays, names=list(self._types))

    def _plan(self) -> tuple[duckdb.DuckDBPyConnection, dict[str, Exchanged]]:
        connection = self._engine.cursor()
        rows = {name: Exchanged(SCHEMAS[name].empty_table()) for name in _EXCHANGED}
        for name, exchanged in rows.items():
            connection.register(name, exchanged)
        connection.execute(self._text)
        return connection, rows


def statement(columns: Sequence[Measured]) -> str:
    """Return the steps that columns need and the SELECT that measures them as one SELECT."""
    steps = (history.COLLAPSE, *history.CUT)
    parts = {
        "identities_resolved": NOBODY,
        **{step.table: _part(step.table, step.sql) for step in steps},
        **{
            name: f"{name} as ({select})"
            for name, select in (
                ("known_customers", _CUSTOMERS),
                ("known_orders", ORDERS),
                ("known_items", ITEMS),
            )
        },
    }
    measured = f"select * from ({measure_sql(columns)}) measured order by customer_id"
    needed: list[str] = []  # from the SELECT backwards, whatever is read by something that is needed
    for table, part in reversed(parts.items()):
        if any(re.search(rf"\b{table}\b", text) for text in (measured, *needed)):
            needed.insert(0, part)
    return f"with {', '.join(needed)} {measured}"


def _part(table: str, select: str) -> str:
    for name, value in VALUES.items():
        select = select.replace(name, value)
    return f"{table} as materialized ({select})"
