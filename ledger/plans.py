"""Statements over a few rows that are planned once and asked again and again.

Of a few rows, planning a long statement takes longer than running it, so a plan is kept and the rows below it are
exchanged.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

STATEMENT = "kept"
MOST_STATEMENTS = 16
"""Kept of each engine; of another one, the statement not asked for the longest time goes."""

_Key = tuple[str, str, pa.Schema]


class Exchanged:
    """Rows that a plan reads anew each time it runs, through Arrow's own interface.

    A plan over a registered table keeps that very table; one over this asks for the rows of the moment.
    """

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows of this moment."""
        return self.rows.__arrow_c_stream__(requested_schema)


def alone(engine: duckdb.DuckDBPyConnection) -> None:
    """Have an engine work in the thread that asks it: to share a few rows out to others takes longer than they do."""
    engine.execute("SET threads = 1; SET async_threads = 0")


class _Plan:
    """One statement over one relation, planned; not to be used by two threads at once."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, statement: str, relation: str, schema: pa.Schema
    ) -> None:
        self._connection = connection
        self._nobody = schema.empty_table()
        self._exchanged = Exchanged(self._nobody)
        connection.register(relation, self._exchanged)
        connection.execute(f"PREPARE {STATEMENT} AS {statement}")
        self._answers: pa.Schema = connection.sql(f"EXECUTE {STATEMENT}").to_arrow_table().schema
        if any(pa.types.is_decimal(field.type) for field in self._answers):
            raise ValueError(
                "a kept plan answers no decimals, which NumPy has not; cast them in the statement"
            )

    def run(self, rows: pa.Table) -> pa.Table:
        self._exchanged.rows = rows
        try:
            # As NumPy's arrays: of few rows, DuckDB's own way to Arrow takes longer than all the rest.
            found = self._connection.execute(f"EXECUTE {STATEMENT}").fetchnumpy()
        finally:
            # What was asked about is not kept longer than it takes to answer.
            self._exchanged.rows = self._nobody
        return pa.Table.from_arrays(
            [
                _column(values, field.type)
                for values, field in zip(found.values(), self._answers, strict=True)
            ],
            schema=self._answers,
        )


class KeptPlans:
    """Plans kept on one engine: of each statement as many as are asked for at one time.

    Parameters
    ----------
    engine : duckdb.DuckDBPyConnection
        One of its own; it is left `alone`.
    """

    def __init__(self, engine: duckdb.DuckDBPyConnection) -> None:
        alone(engine)
        self._engine = engine
        self._idle: OrderedDict[_Key, list[_Plan]] = OrderedDict()
        self._lock = threading.Lock()

    def run(self, statement: str, relation: str, rows: pa.Table) -> pa.Table:
        """Return what a statement answers of some rows.

        Parameters
        ----------
        statement : str
            A SELECT; of no decimals, nor sums of integers, unless cast.
        relation : str
            The name by which it reads the rows.
        rows : pa.Table
            Few; rows of another schema are another plan.
        """
        with self._one((statement, relation, rows.schema)) as plan:
            return plan.run(rows)

    @contextmanager
    def _one(self, key: _Key) -> Iterator[_Plan]:
        """Give a plan to one thread; made when none is idle, and not used again after an error."""
        with self._lock:
            idle = self._idle.setdefault(key, [])
            self._idle.move_to_end(key)
            while len(self._idle) > MOST_STATEMENTS:
                self._idle.popitem(last=False)
            plan = idle.pop() if idle else None
        if plan is None:
            plan = _Plan(self._engine.cursor(), *key)
        yield plan
        with self._lock:
            idle.append(plan)


def _column(values: Any, type_: pa.DataType) -> pa.Array:  # noqa: ANN401 - an array, masked where it holds NULL
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    data = np.ma.getdata(values)
    if pa.types.is_timestamp(type_):
        # An instant comes without its zone, which is UTC.
        return pa.array(data.astype(f"datetime64[{type_.unit}]"), pa.timestamp(type_.unit), mask=mask).cast(
            type_
        )
    return pa.array(data, type_, mask=mask)
