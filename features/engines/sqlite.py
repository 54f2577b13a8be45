"""The features of a few customers on SQLite: the statement that DuckDB runs, in SQLite's spelling.

Of fifty lines, most of DuckDB's time goes into setting up what it then computes at once: it is made for millions.
SQLite is made for few, and needs a fifth of that for all of it. Nothing is defined twice: the text is transpiled by
sqlglot, and `tests/features/test_warm.py` holds both to the same bits.
"""

import math
import sqlite3
import weakref
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot import exp

OLDEST = (3, 35, 0)
"""The first SQLite that knows all the words of the steps (MATERIALIZED)."""
MOST_EXACT = 2**62
"""SQLite counts in 64 bits; beyond them it goes on in floats, without a word."""


class EngineNeededError(Exception):
    """What is asked is left to DuckDB: SQLite has no word for it."""


class SqliteStatement:
    """A SELECT over a few rows, prepared once; not to be used by two threads at once.

    Parameters
    ----------
    text : str
        In DuckDB's spelling.
    schemas : mapping of str to pa.Schema
        The tables that it reads.
    types : mapping of str to pa.DataType
        The columns that it answers.

    Raises
    ------
    EngineNeededError
        When SQLite does not understand it.
    """

    def __init__(self, text: str, schemas: Mapping[str, pa.Schema], types: Mapping[str, pa.DataType]) -> None:
        self._types = types
        # Transactions are begun here and not by Python. Another thread may ask next.
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._connection.close)
        # Not every SQLite was built with it.
        self._connection.create_function("sqrt", 1, math.sqrt, deterministic=True)
        for name, arguments in (("median", 1), ("percentile_cont", 2)):
            self._connection.create_aggregate(name, arguments, _Quantile)  # type: ignore[arg-type] # of whole numbers
        for name, schema in schemas.items():
            self._connection.execute(f"CREATE TABLE {name} ({', '.join(schema.names)})")
        self._text = translated(text)
        try:
            self._connection.execute(f"EXPLAIN {self._text}")
        except sqlite3.Error as error:
            raise EngineNeededError(str(error)) from error

    def run(self, tables: Mapping[str, pa.Table]) -> pa.Table:
        """
        Return what the statement answers of some rows.

        Parameters
        ----------
        tables : mapping of str to pa.Table
            In their schemas; one that is not given is empty. Of numbers that are `exact`.
        """
        self._connection.execute("BEGIN")
        try:
            for name, table in tables.items():
                places = ", ".join("?" * table.num_columns)
                self._connection.executemany(f"INSERT INTO {name} VALUES ({places})", _rows(table))
            found = self._connection.execute(self._text).fetchall()
        finally:
            # What was posted is not kept longer than it takes to answer.
            self._connection.execute("ROLLBACK")
        columns = zip(*found, strict=True) if found else [()] * len(self._types)
        arrays = [
            pa.array(values, type_) for values, type_ in zip(columns, self._types.values(), strict=True)
        ]
        return pa.table(arrays, names=list(self._types))


def exact(orders: pa.Table, products: pa.Table) -> bool:
    """Return whether 64 bits hold every number that the steps make of some rows.

    The largest are the squares of what all lines come to, times their number: what a spread is made of.
    """
    amounts = [orders[name] for name in ("net_minor", "discount_minor", "quantity_milli")]
    # As floats, which overflow for nobody; prices count once for each line, as they are multiplied by quantities.
    sums = [pc.sum(pc.abs(each.cast(pa.float64()))).as_py() or 0.0 for each in amounts]
    price = pc.max(pc.abs(products["price_minor"].cast(pa.float64()))).as_py() or 0.0
    largest: float = 1 + max(*sums, price)
    return bool((1 + orders.num_rows) * largest * largest < MOST_EXACT)


def translated(text: str) -> str:
    """Return a statement of DuckDB's in SQLite's spelling.

    Raises
    ------
    EngineNeededError
        When a part of it has none.
    """
    return sqlglot.parse_one(text, read="duckdb").transform(_spelt).sql("sqlite")


def _spelt(node: exp.Expr) -> exp.Expr:
    """Replace what sqlglot would leave, or spell so that it means another number."""
    if isinstance(node, exp.Extract):
        return _month(node)
    # In place, for what replaces a node is not walked through again.
    if isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.DECIMAL:
        node.set("to", exp.DataType.build("bigint"))
    # SQLite knows no sizes and may take the tables of a join in the order in which it compares each row with each.
    if isinstance(node, exp.Join) and not node.side and node.args.get("on") is not None:
        node.set("kind", "CROSS")
    # DuckDB's way from a wide integer to the nearest double is by its text; SQLite's integers are none.
    by_text = isinstance(node, exp.Cast) and node.to.is_type("double") and isinstance(node.this, exp.Cast)
    if by_text and node.this.to.is_type("text", "varchar"):
        node.set("this", node.this.this)
    # Rows that meet in their hash are compared after; a text of all parts is as good.
    if isinstance(node, exp.Anonymous) and node.name.lower() == "hash":
        return exp.func("printf", exp.Literal.string("%s|" * len(node.expressions)), *node.expressions)
    return node


def _month(node: exp.Extract) -> exp.Expr:
    """Return the month of a day that is counted from 1970."""
    days = node.expression.expression if isinstance(node.expression, exp.Add) else None
    if node.name.lower() != "month" or days is None:
        raise EngineNeededError(node.sql("duckdb"))
    seconds = exp.Mul(this=exp.paren(days.transform(_spelt)), expression=exp.Literal.number(86_400))
    parts = (exp.Literal.string("%m"), seconds, exp.Literal.string("unixepoch"))
    return exp.cast(exp.func("strftime", *parts), "bigint")


def _rows(table: pa.Table) -> Sequence[tuple[object, ...]]:
    """Return rows as SQLite takes them: an instant is the microseconds since 1970."""
    columns = (
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in table.columns
    )
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


class _Quantile:
    """The value below which a share of the values lies, between two of them where it falls between."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._share = 0.5

    def step(self, value: float | None, share: float = 0.5, /) -> None:
        self._share = share
        if value is not None:
            self._values.append(value)

    def finalize(self) -> float | None:
        if not self._values:
            return None
        values = sorted(self._values)
        place = (len(values) - 1) * self._share
        below = int(place)
        above = values[min(below + 1, len(values) - 1)]
        return values[below] + (above - values[below]) * (place - below)
