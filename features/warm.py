"""One short history described at once: the whole staging and the SELECT as one statement, planned before it is asked.

The text is that of everybody else, each step a part of one WITH. What differs is when it is planned: planning takes
longer than running it over a few lines, so a plan is kept and the rows below it are exchanged. The cutoff is a row
too, for a plan with a parameter in it is made anew each time.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from features import history
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.relations import RELATIONS, Relation
from features.snapshot import exact_sums
from ledger.engine import open_engine
from ledger.schema import INSTANT_TYPE
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

STATEMENT = "warm_snapshot"
CUTOFF = "warm_cutoff"
STORE = "history_store"
# An instant's name in the steps, and how the row of the cutoff says it.
VALUES = {
    ":cutoff_at": f"(select cutoff_at from {CUTOFF})",
    ":cutoff_day": f"(select cutoff_day from {CUTOFF})",
}
NOBODY = (
    "identities_resolved as materialized "
    "(select cast(null as varchar) as anonymous_id, cast(null as varchar) as customer_id where false)"
)


class Exchanged:
    """Rows that a plan reads anew each time it runs, through Arrow's own interface."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows of this moment."""
        return self.rows.__arrow_c_stream__(requested_schema)


class WarmSnapshots:
    """Describes the customers of posted orders, again and again, on one plan.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        One of its own, in UTC, or a cursor that nothing else uses; not to be used by two threads at once.
    feature_set : FeatureSet
    store : pa.Schema, optional
        Of the store's row, where the features look at one.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, feature_set: FeatureSet, store: pa.Schema | None = None
    ) -> None:
        at = pa.schema([("cutoff_at", INSTANT_TYPE), ("cutoff_day", pa.int64())])
        schemas = {
            "ledger_orders": ORDERS.arrow_schema,
            "ledger_products": PRODUCTS.arrow_schema,
            CUTOFF: at,
            **({} if store is None else {STORE: store}),
        }
        self._schemas = schemas
        self._rows = {name: Exchanged(schema.empty_table()) for name, schema in schemas.items()}
        self._connection = connection
        for name, rows in self._rows.items():
            connection.register(name, rows)
        connection.execute(f"prepare {STATEMENT} as {statement(feature_set)}")

    def compute(
        self, orders: pa.Table, products: pa.Table, cutoff: Cutoff, store: pa.Table | None = None
    ) -> pa.Table:
        """Describe every customer of some orders; as `features.snapshot.compute` on a ledger of just these rows.

        Parameters
        ----------
        orders, products : pa.Table
            In the stored schema.
        cutoff : Cutoff
        store : pa.Table, optional
            The store's row.

        Returns
        -------
        pyarrow.Table
            `customer_id` and the features, sorted by customer.

        Raises
        ------
        InputError
            When amounts are too large to be added up exactly.
        """
        at = {
            "cutoff_at": pa.array([cutoff.at], INSTANT_TYPE),
            "cutoff_day": pa.array([cutoff.day], pa.int64()),
        }
        given: Mapping[str, pa.Table] = {
            "ledger_orders": orders,
            "ledger_products": products,
            CUTOFF: pa.table(at),
            **({} if store is None else {STORE: store}),
        }
        try:
            for name, rows in given.items():
                schema = self._schemas[name]
                self._rows[name].rows = (
                    rows if rows.schema == schema else rows.select(schema.names).cast(schema)
                )
            with exact_sums():
                return self._connection.sql(f"execute {STATEMENT}").to_arrow_table()
        finally:
            # What was posted is not kept longer than it takes to answer.
            for name, schema in self._schemas.items():
                self._rows[name].rows = schema.empty_table()


class WarmPool:
    """Plans kept for one feature set: as many as requests are answered at one time.

    Parameters
    ----------
    feature_set : FeatureSet
    """

    def __init__(self, feature_set: FeatureSet) -> None:
        self._feature_set = feature_set
        self._engine = open_engine()
        self._idle: list[tuple[pa.Schema | None, WarmSnapshots]] = []

    @contextmanager
    def one(self, store: pa.Schema | None = None) -> Iterator[WarmSnapshots]:
        """Give a plan to one thread; made when none is idle, and not used again after an error.

        Parameters
        ----------
        store : pa.Schema, optional
            Of the store's row, where the features look at one.
        """
        try:
            schema, plan = self._idle.pop()
        except IndexError:
            schema, plan = None, None
        if plan is None or schema != store:
            plan = WarmSnapshots(self._engine.cursor(), self._feature_set, store)
        yield plan
        self._idle.append((store, plan))


def statement(feature_set: FeatureSet) -> str:
    """Return the steps and the SELECT of a feature set as one SELECT, for orders and products alone."""
    parts = [NOBODY, *(_part(step.table, step.sql) for step in (history.COLLAPSE, *history.CUT))]
    staged = {step.table for step in history.CUT} | {STORE}
    parts += [_empty(relation) for relation in RELATIONS.values() if relation.table not in staged]
    listed = ",\n".join(parts)
    return f"with {listed}\nselect * from ({feature_set.sql()}) described order by customer_id"


def _part(table: str, select: str) -> str:
    for name, value in VALUES.items():
        select = select.replace(name, value)
    return f"{table} as materialized ({select})"


def _empty(relation: Relation) -> str:
    columns = ", ".join(f"cast(null as bigint) as {name}" for name in relation.columns)
    return f"{relation.table} as (select cast(null as varchar) as customer_id, {columns} where false)"
