"""The one check of rows on their way in, as one SQL statement: importers and the scoring API get the same answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ledger.engine import open_engine
from ledger.schema import INSTANT_TYPE, ORDERS, PRODUCTS, SQL_TYPES, Column, Table
from ledger.store import Shop

FUTURE_ALLOWED = timedelta(days=1)  # clocks and zones of a shop's systems differ by hours, not days
RAW = "raw_rows"
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


def check(
    table: Table,
    raw: pa.Table,
    shop: Shop,
    imported_at: datetime,
    connection: duckdb.DuckDBPyConnection | None = None,
    place: str = "line",
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
    latest = (imported_at + FUTURE_ALLOWED).astimezone(UTC)
    engine = connection or open_engine()
    engine.register(RAW, raw.select(["line", *given]))
    try:
        found = engine.sql(
            _statement(table, given, shop, place), params={"latest": latest.isoformat()}
        ).to_arrow_table()
    finally:
        engine.unregister(RAW)
        if connection is None:
            engine.close()
    return _split(table, found)


def _split(table: Table, found: pa.Table) -> Checked:
    accepted = pc.is_null(found["reason"])
    good = found.filter(accepted)
    bad = found.filter(pc.invert(accepted)).select(REJECTED_SCHEMA.names).cast(REJECTED_SCHEMA)
    stored = good.select(table.arrow_schema.names).cast(table.arrow_schema)
    return Checked(stored, good["line"], good["known_given"], bad)


@lru_cache(maxsize=64)
def _statement(table: Table, given: tuple[str, ...], shop: Shop, place: str) -> str:
    """Return the check of one table for rows with these columns.

    Texts are trimmed, cells read, defaults filled in, rules applied; then what one row says of another.
    """
    steps = [
        f"texts AS (SELECT line, {_texts(table, given)} FROM {RAW})",
        f"cells AS (SELECT *, {_values(table, given, shop)} FROM texts)",
        f"filled AS (SELECT line, {_filled(table, shop)}, {_refusal(table, given)} AS reason FROM cells)",
        f"ruled AS (SELECT * REPLACE ({_ruled(table)} AS reason), {_derived(table)} FROM filled)",
    ]
    last = "ruled"
    if "line_id" in table.key:
        steps += _numbering(place)
        last = "numbered"
    if "line_id" not in table.key or "line_id" in given:
        steps += _uniqueness(table, last, place)
        last = "unique_rows"
    stored = ", ".join(column.name for column in table.columns)
    return f"WITH {', '.join(steps)} SELECT line, known_given, reason, {stored} FROM {last} ORDER BY line"


def _texts(table: Table, given: tuple[str, ...]) -> str:
    return ", ".join(
        f"nullif(trim({column.given}, ' \t'), '') AS {column.given}_text"
        for column in table.given
        if column.given in given
    )


def _values(table: Table, given: tuple[str, ...], shop: Shop) -> str:
    def value(column: Column) -> str:
        if column.given not in given or column.reads is None:
            return f"CAST(NULL AS {SQL_TYPES[str(column.type)]})"
        return column.reads.sql.format(
            text=f"{column.given}_text", zone=shop.time_zone, currency=shop.currency
        )

    return ", ".join(f"{value(column)} AS {column.name}" for column in table.given)


def _filled(table: Table, shop: Shop) -> str:
    def filled(column: Column) -> str:
        if column.default is None:
            return column.name
        return f"coalesce({column.name}, {column.default.format(currency=shop.currency)}) AS {column.name}"

    local = f"ordered_at AT TIME ZONE '{shop.time_zone}'" if "ordered_at" in table.names else "NULL"
    columns = [filled(column) for column in table.given]
    return ", ".join([*columns, "known_at IS NOT NULL AS known_given", f"{local} AS local_at"])


def _refusal(table: Table, given: tuple[str, ...]) -> str:
    """Return SQL for the first thing wrong with a row's cells, NULL when nothing is."""
    cases = []
    for column in table.given:
        if column.given not in given or column.reads is None:
            continue
        text = f"{column.given}_text"
        if column.required:
            cases.append((f"{text} IS NULL", f"{column.given} is empty"))
        cases.append(
            (f"{text} IS NOT NULL AND {column.name} IS NULL", f"{column.given} {column.reads.wrong}")
        )
        if column.type == INSTANT_TYPE:
            cases.append(
                (f"{column.name} < TIMESTAMPTZ '1970-01-01 00:00:00+00'", f"{column.given} is before 1970")
            )
            cases.append(
                (f"{column.name} > CAST($latest AS TIMESTAMPTZ)", f"{column.given} is in the future")
            )
    return _first_of(cases)


def _ruled(table: Table) -> str:
    rules = _first_of([(rule.refused_when, rule.reason) for rule in table.rules])
    return f"coalesce(reason, {rules})"


def _first_of(cases: Sequence[tuple[str, str]]) -> str:
    told = " ".join(f"WHEN {condition} THEN {_quoted(reason)}" for condition, reason in cases)
    return f"CASE {told} END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _derived(table: Table) -> str:
    """Return the columns that follow from others, and a hash of what a row says beside its key."""
    said = ", ".join(column.name for column in table.given if column.name not in table.key)
    derived = [f"{column.derived} AS {column.name}" for column in table.columns if column.derived]
    return ", ".join([*derived, f"hash({said}) AS said"])


def _numbering(place: str) -> list[str]:
    """Return the steps that number lines without a line_id and refuse exact duplicates among them.

    The hash is compared within one order only, so that two of a million rows meeting by chance does not matter.
    """
    duplicate = f"'duplicate of {place} ' || twin || '; give line_id to keep both'"
    return [
        "open_rows AS (SELECT *, reason IS NULL AND line_id IS NULL AS unnumbered FROM ruled)",
        "twins AS (SELECT *, min(line) OVER (PARTITION BY order_id, said, status, unnumbered) AS twin FROM open_rows)",
        f"single AS (SELECT * REPLACE (CASE WHEN unnumbered AND twin < line THEN {duplicate} ELSE reason END AS reason) "
        "FROM twins)",
        "numbered AS (SELECT * REPLACE (CASE WHEN unnumbered AND reason IS NULL THEN coalesce(product_id, '') || '#' || "
        "row_number() OVER (PARTITION BY order_id, product_id, status, unnumbered AND reason IS NULL ORDER BY line) "
        "ELSE line_id END AS line_id) FROM single)",
    ]


def _uniqueness(table: Table, rows: str, place: str) -> list[str]:
    """Return the steps that refuse a second row of the same key."""
    key = ", ".join(table.key)
    conflict = (
        f"'conflicts with {place} ' || first_line || ': the same {' and '.join(table.key)}, other values'"
    )
    told = f"CASE WHEN first_said = said THEN 'duplicate of {place} ' || first_line ELSE {conflict} END"
    return [
        f"keyed AS (SELECT *, first_value(line) OVER same_key AS first_line, first_value(said) OVER same_key AS first_said "
        f"FROM {rows} WINDOW same_key AS (PARTITION BY {key}, reason IS NULL ORDER BY line))",
        f"unique_rows AS (SELECT * REPLACE (CASE WHEN reason IS NULL AND first_line < line THEN {told} "
        "ELSE reason END AS reason) FROM keyed)",
    ]


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
    names = [column.given for column in ORDERS.given]
    texts: dict[str, list[str | None]] = {name: [] for name in names}
    lines: list[int] = []
    refused: list[tuple[int, str]] = []
    for index, record in enumerate(records):
        reason = _why_unreadable(record, names)
        if reason:
            refused.append((index, reason))
            continue
        lines.append(index)
        for name in names:
            texts[name].append(_text(record.get(name)))
    raw = pa.table(
        {"line": pa.array(lines, pa.int64()), **{k: pa.array(v, pa.string()) for k, v in texts.items()}}
    )
    checked = check(ORDERS, raw, shop, imported_at, connection, place="record")
    early = pa.Table.from_pydict(
        {"line": [line for line, _ in refused], "reason": [reason for _, reason in refused]}, REJECTED_SCHEMA
    )
    rejected = pa.concat_tables([checked.rejected, early]).sort_by("line")
    return Checked(checked.accepted, checked.lines, checked.known_given, rejected)


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
