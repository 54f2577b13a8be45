"""Short histories described at once: the whole staging and the SELECT as one statement, planned before it is asked.

The text is that of everybody else, each step a part of one WITH. What differs is who runs it and when it is planned:
planning takes longer than running it over a few lines, so a plan is kept and the rows below it are exchanged. The
cutoff is a row too, for a plan with a parameter in it is made anew each time. A few customers are SQLite's, which needs
a fifth of the time that DuckDB takes to set all of it up; many are DuckDB's.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from features import history
from features.cutoff import Cutoff
from features.engines.sqlite import OLDEST, EngineNeededError, SqliteStatement, exact
from features.feature import FeatureSet
from features.relations import ATTRIBUTES, EVENTS
from features.relations import STORE as STORE_RELATION
from features.snapshot import exact_sums
from ledger.engine import open_engine
from ledger.plans import Exchanged, alone
from ledger.schema import INSTANT_TYPE
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

STATEMENT = "warm_snapshot"
CUTOFF = "warm_cutoff"
STORE = STORE_RELATION.table
# A posted history tells of orders alone.
UNTOLD = frozenset({EVENTS.name, ATTRIBUTES.name})
# An instant's name in the steps, and how the row of the cutoff says it: an aggregate, which is one row by itself.
VALUES = {
    ":cutoff_at": f"(select max(cutoff_at) from {CUTOFF})",
    ":cutoff_day": f"(select max(cutoff_day) from {CUTOFF})",
}
# Not materialized, so that joins to it are planned away: of a posted history it is not told who else he is.
NOBODY = (
    "identities_resolved as not materialized "
    "(select cast(null as varchar) as anonymous_id, cast(null as varchar) as customer_id where false)"
)
SCHEMAS: Mapping[str, pa.Schema] = {
    "ledger_orders": ORDERS.arrow_schema,
    "ledger_products": PRODUCTS.arrow_schema,
    CUTOFF: pa.schema([("cutoff_at", INSTANT_TYPE), ("cutoff_day", pa.int64())]),
    STORE: pa.schema(
        [("as_of_day", pa.int64())]
        + [
            (name, pa.string() if name == "most_frequent_country" else pa.int64())
            for name in STORE_RELATION.columns
        ]
    ),
}
"""What is exchanged below a plan."""
NO_PRODUCTS = PRODUCTS.arrow_schema.empty_table()
FEW_LINES = 200
"""Up to so many SQLite is faster: beyond them it compares each with each where DuckDB hashes."""


@dataclass(frozen=True)
class Beside:
    """More columns of the same customers, told by the same plan: most of its time goes into the steps before.

    Parameters
    ----------
    steps : mapping of str to str
        Relations and their SELECTs over those of `features.history`, in the order in which they are made.
    select : str
        SELECT of customer_id and the columns; nothing when empty.
    types : mapping of str to pa.DataType
        The columns.
    """

    steps: Mapping[str, str] = field(default_factory=dict)
    select: str = ""
    types: Mapping[str, pa.DataType] = field(default_factory=dict)


NOTHING_BESIDE = Beside()


class WarmSnapshots:
    """Describes the customers of posted orders, again and again, on plans that are kept.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        One of its own, in UTC, or a cursor that nothing else uses; not to be used by two threads at once.
    feature_set : FeatureSet
    beside : Beside
    few_lines : int
        So many lines at most are described by SQLite.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        feature_set: FeatureSet,
        beside: Beside = NOTHING_BESIDE,
        few_lines: int = FEW_LINES,
    ) -> None:
        self._connection = connection
        self._types = {
            "customer_id": pa.string(),
            **{f.name: pa.float64() if f.type == "double" else pa.int64() for f in feature_set},
            **beside.types,
        }
        self._text = statement(feature_set, beside)
        self._compares = STORE in self._text
        self._of_few = self._on_sqlite() if few_lines else None
        self._few_lines = few_lines
        self._of_many: _OnDuckDB | None = None

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
            The store's row of `features.surroundings.read_store`; needed where the features look at one.

        Returns
        -------
        pyarrow.Table
            `customer_id`, the features and what is told beside them, sorted by customer.

        Raises
        ------
        InputError
            When amounts are too large to be added up exactly.
        ValueError
            When the store's row is needed and not given.
        """
        if self._compares and store is None:
            raise ValueError("these features compare a customer with the store: give the store's row")
        at = {
            "cutoff_at": pa.array([cutoff.at], INSTANT_TYPE),
            "cutoff_day": pa.array([cutoff.day], pa.int64()),
        }
        given = {"ledger_orders": orders, "ledger_products": products, CUTOFF: pa.table(at)}
        if store is not None:
            given[STORE] = store
        tables = {name: _in_schema(rows, SCHEMAS[name]) for name, rows in given.items()}
        if self._of_few and self.takes_few(orders, products):
            return self._of_few.run(tables)
        # Made when first asked: of most workers nobody ever does.
        self._of_many = self._of_many or _OnDuckDB(self._connection, self._text, self._types)
        return self._of_many.run(tables)

    def takes_few(self, orders: pa.Table, products: pa.Table = NO_PRODUCTS) -> bool:
        """Return whether SQLite describes the customers of some orders."""
        few = self._of_few is not None and orders.num_rows <= self._few_lines
        return few and exact(orders, products)

    def _on_sqlite(self) -> SqliteStatement | None:
        if sqlite3.sqlite_version_info < OLDEST:
            return None
        try:
            return SqliteStatement(self._text, SCHEMAS, self._types)
        except EngineNeededError:
            return None


class _OnDuckDB:
    """The statement on DuckDB, planned."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, text: str, types: Mapping[str, pa.DataType]
    ) -> None:
        self._rows = {name: Exchanged(schema.empty_table()) for name, schema in SCHEMAS.items()}
        self._connection, self._types = connection, types
        for name, rows in self._rows.items():
            connection.register(name, rows)
        connection.execute(f"prepare {STATEMENT} as {text}")

    def run(self, tables: Mapping[str, pa.Table]) -> pa.Table:
        try:
            for name, rows in tables.items():
                self._rows[name].rows = rows
            # As NumPy's arrays: a relation, the way to Arrow, takes a third of the time to be made of many columns.
            with exact_sums():
                found = self._connection.execute(f"execute {STATEMENT}").fetchnumpy()
        finally:
            # What was posted is not kept longer than it takes to answer.
            for name, schema in SCHEMAS.items():
                self._rows[name].rows = schema.empty_table()
        columns = [_column(found[name], type_) for name, type_ in self._types.items()]
        return pa.table(columns, names=list(self._types))


class WarmPool:
    """Plans kept for one feature set: as many as requests are answered at one time.

    Parameters
    ----------
    feature_set : FeatureSet
    beside : Beside
    """

    def __init__(self, feature_set: FeatureSet, beside: Beside = NOTHING_BESIDE) -> None:
        self._feature_set, self._beside = feature_set, beside
        self._engine = open_engine()
        alone(self._engine)
        self._idle: list[WarmSnapshots] = []

    @property
    def idle(self) -> int:
        """How many plans are ready and not in use."""
        return len(self._idle)

    @contextmanager
    def one(self) -> Iterator[WarmSnapshots]:
        """Give a plan to one thread; made when none is idle, and not used again after an error."""
        try:
            plan = self._idle.pop()
        except IndexError:
            plan = WarmSnapshots(self._engine.cursor(), self._feature_set, self._beside)
        yield plan
        self._idle.append(plan)


def statement(feature_set: FeatureSet, beside: Beside = NOTHING_BESIDE) -> str:
    """Return the steps that a feature set needs and its SELECT as one SELECT, for orders and products alone."""
    steps = (history.COLLAPSE, *history.CUT)
    parts = {
        "identities_resolved": NOBODY,
        **{step.table: _part(step.table, step.sql) for step in steps},
        **{table: f"{table} as ({_at(select)})" for table, select in beside.steps.items()},
    }
    select = f"select * from ({feature_set.sql(untold=UNTOLD)}) described"
    if beside.select:
        select += f" join ({beside.select}) beside using (customer_id)"
    # From the SELECT backwards, whatever is read by something that is needed.
    needed: list[str] = []
    for table, part in reversed(parts.items()):
        if any(re.search(rf"\b{table}\b", text) for text in (select, *needed)):
            needed.insert(0, part)
    listed = ",\n".join(needed)
    return f"with {listed}\n{select} order by customer_id"


def _in_schema(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    same = rows.schema.names == schema.names and rows.schema.types == schema.types
    return rows if same else rows.select(schema.names).cast(schema)


def _part(table: str, select: str) -> str:
    return f"{table} as materialized ({_at(select)})"


def _at(select: str) -> str:
    for name, value in VALUES.items():
        select = select.replace(name, value)
    return select


def _column(values: Any, type_: pa.DataType) -> pa.Array:  # noqa: ANN401 - an array, masked where it holds NULL
    if isinstance(values, np.ma.MaskedArray):
        return pa.array(values.data, type_, mask=np.ma.getmaskarray(values))
    return pa.array(values, type_)
