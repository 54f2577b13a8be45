"""The one check of rows on their way in, as one SQL statement: importers and the scoring API get the same answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ledger.check_statement import RAW, statement, statement_of_each
from ledger.engine import open_engine
from ledger.plans import KeptPlans
from ledger.schema import INSTANT_TYPE, Table
from ledger.shop import Shop
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

FUTURE_ALLOWED = timedelta(days=1)  # clocks and zones of a shop's systems differ by hours, not days
TEXT_KEPT = 1001  # one more than the longest text a column takes
LONGEST_INTEGER_BITS = 256
EXACT_FLOATS = 2.0**53
REJECTED_SCHEMA = pa.schema([("line", pa.int64()), ("reason", pa.string())])


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Parameters
    ----------
    accepted : pa.Table
        Rows in the stored schema, in the order of their lines.
    lines : (n,) pa.ChunkedArray of int64
        Line of each accepted row.
    known_given : (n,) pa.ChunkedArray of bool
        Whether each accepted row gave its own known_at.
    rejected : pa.Table
        line, reason; in the order of lines.
    """

    accepted: pa.Table
    lines: pa.ChunkedArray
    known_given: pa.ChunkedArray
    rejected: pa.Table


def check_orders(
    raw: pa.Table, shop: Shop, imported_at: datetime, connection: duckdb.DuckDBPyConnection | None = None
) -> Checked:
    """Check order lines; see `check`."""
    return check(ORDERS, raw, shop, imported_at, connection)


def check_products(
    raw: pa.Table, shop: Shop, imported_at: datetime, connection: duckdb.DuckDBPyConnection | None = None
) -> Checked:
    """Check product rows; see `check`."""
    return check(PRODUCTS, raw, shop, imported_at, connection)


def check(  # noqa: PLR0913 - one a thing that the answer depends on, and the engine
    table: Table,
    raw: pa.Table,
    shop: Shop,
    imported_at: datetime,
    connection: duckdb.DuckDBPyConnection | None = None,
    *,
    place: str = "line",
    plans: KeptPlans | None = None,
) -> Checked:
    """Read and check rows of text.

    Parameters
    ----------
    table : Table
    raw : pa.Table
        `line` (int64, unique) and any of the table's plain-format columns, as text; other columns are ignored.
    shop : Shop
    imported_at : datetime
        Aware; what lies more than a day after it is refused.
    connection : duckdb.DuckDBPyConnection, optional
        A connection of `open_engine` or a cursor of one, not in use by another thread; saves making one.
    place : str
        What `line` counts, as told in reasons: line, row or record.
    plans : KeptPlans, optional
        For few rows, again and again: the check is planned once and kept, and `connection` is not used.

    Returns
    -------
    Checked

    Raises
    ------
    ValueError
        When a required column is not among the given ones: a file's header is checked before.
    """
    given = tuple(column.given for column in table.given if column.given in raw.column_names)
    missing = [column.given for column in table.given if column.required and column.given not in given]
    if missing:
        raise ValueError(f"columns {', '.join(missing)} are required")
    latest = pa.repeat(pa.scalar(imported_at + FUTURE_ALLOWED, INSTANT_TYPE), raw.num_rows)
    rows, text = (
        raw.select(["line", *given]).append_column("latest", latest),
        statement(table, given, shop, place),
    )
    if plans is not None:
        # To compare a few rows takes three times as long as to read them; most have nothing to be compared with.
        each = plans.run(statement_of_each(table, given, shop), RAW, rows)
        lone = pc.count_distinct(each["key"]).as_py() == each.num_rows
        return _split(table, each if lone else plans.run(text, RAW, rows))
    engine = connection or open_engine()
    engine.register(RAW, rows)
    try:
        found = _execute(engine, text)
    finally:
        engine.unregister(RAW)
        if connection is None:
            engine.close()
    return _split(table, found)


def _execute(engine: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
    """Run a check, planned once: a relation over a SELECT plans it twice, to describe it and to run it.

    The plan is not for the next rows: it holds on to the Arrow table that the view named when it was made.
    """
    engine.execute(f"PREPARE checking AS {text}")
    try:
        return engine.sql("EXECUTE checking").to_arrow_table()
    finally:
        engine.execute("DEALLOCATE checking")


def _split(table: Table, found: pa.Table) -> Checked:
    # Most requests are of a few lines with nothing wrong: to sort them out would take as long as to read them.
    good, bad = found, REJECTED_SCHEMA.empty_table()
    if found["reason"].null_count < found.num_rows:
        accepted = pc.is_null(found["reason"])
        good = found.filter(accepted)
        bad = found.filter(pc.invert(accepted)).select(REJECTED_SCHEMA.names).cast(REJECTED_SCHEMA)
    stored = pa.table([good[name] for name in table.names], schema=table.arrow_schema)
    return Checked(stored, good["line"], good["known_given"], bad)


def records_to_orders(
    records: Sequence[Any],
    shop: Shop,
    imported_at: datetime,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> Checked:
    """Check one posted history.

    Parameters
    ----------
    records : sequence
        Plain-format order lines as parsed JSON; anything may be in it. Keys that are no column are ignored.
    shop : Shop
    imported_at : datetime
        Aware; the request's instant.
    connection : duckdb.DuckDBPyConnection, optional
        As in `check`.

    Returns
    -------
    Checked
        `line` is the record's index, from 0.
    """
    cells: dict[str, list[str | None]] = {column.given: [] for column in ORDERS.given}
    lines: list[int] = []
    refused: list[dict[str, object]] = []
    for index, record in enumerate(records):
        reason = _why_unreadable(record, tuple(cells))
        if reason:
            refused.append({"line": index, "reason": reason})
            continue
        lines.append(index)
        for name, texts in cells.items():
            texts.append(_text(record.get(name)))
    required = {column.given for column in ORDERS.given if column.required}
    given = {name: texts for name, texts in cells.items() if name in required or any(texts)}
    arrays = {name: pa.array(texts, pa.string()) for name, texts in given.items()}
    raw = pa.table({"line": pa.array(lines, pa.int64()), **arrays})
    checked = check(ORDERS, raw, shop, imported_at, connection, place="record")
    unreadable = pa.Table.from_pylist(refused, REJECTED_SCHEMA)
    return replace(checked, rejected=pa.concat_tables([checked.rejected, unreadable]).sort_by("line"))


def _why_unreadable(record: object, names: Sequence[str]) -> str | None:
    """Return why a record's cells cannot be made texts, or None when they can."""
    if not isinstance(record, Mapping):
        return "not an object of order columns"
    for name in names:
        value = record.get(name)
        if isinstance(value, str):
            if not _is_unicode(value):
                return f"{name} holds half a surrogate pair, which is no character"
        elif isinstance(value, bool) or not isinstance(value, int | float | datetime | date | Decimal | None):
            return f"{name} should be text or a number"
    return None


def _is_unicode(text: str) -> bool:
    try:
        text[:TEXT_KEPT].encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(value: object) -> str | None:
    """Return a scalar's text as a Parquet file of the same values gives it."""
    if value is None:
        return None
    if isinstance(value, str):
        return value[:TEXT_KEPT]  # longer than any column allows, so what is cut off cannot change the answer
    if isinstance(value, int) and value.bit_length() > LONGEST_INTEGER_BITS:
        return "number too long to write out"  # Python refuses to write integers of more than 4,300 digits
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_FLOATS:
        return str(int(value))
    return str(value)
