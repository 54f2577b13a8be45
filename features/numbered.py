"""The history of orders staged with numbers for ids (`features.numbers`), for some of the customers or for all."""

import math

import duckdb
import pyarrow as pa

from features import history
from features.cutoff import Cutoff
from features.numbers import CATEGORIES, CUSTOMERS, PRODUCTS, fill, name
from ledger import identity

LINES = "numbered_lines"
SNAPSHOT = name("history_snapshot")
LINES_AT_ONCE = 1_250_000  # staged in about 400 MB
MOST_TURNS = 16  # each reads through all lines

_RESOLVED = f"""
create or replace temp table {name(identity.RESOLVED.table)} as
select a.number as anonymous_id, k.number as customer_id
from {identity.RESOLVED.table} i
join {CUSTOMERS} a on i.anonymous_id = a.id
join {CUSTOMERS} k on i.customer_id = k.id
"""
_DAYS = f"""
select customer_id, order_day, sum(gross_minor)::bigint as paid, sum(refund_minor)::bigint as refunded
from {name(history.BASKETS.table)}
group by customer_id, order_day
"""


def lines_as_collapsed() -> str:
    """Return the SELECT of the collapsed lines with numbers for ids; after `features.numbers.assign`."""
    # Narrow, for it is the largest: what a cutoff makes of it is cast by the steps to what features reckon with.
    return f"""
        select k.number as customer_id, p.number as product_id,
            l.status::enum('paid', 'refunded', 'cancelled') as status,
            l.order_day::int as order_day, l.order_hour::tinyint as order_hour,
            l.net_minor, l.discount_minor, l.quantity_milli, l.from_at, l.until_at
        from ({history.COLLAPSE.sql}) l
        join {CUSTOMERS} k on l.customer_id = k.id
        left join {PRODUCTS} p on l.product_id = p.id"""


def collapse(connection: duckdb.DuckDBPyConnection) -> None:
    """Say from when to when each order's row was in force, as `features.history.collapse` does.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        On which `features.numbers.assign` has run since the ledger's views were last changed.
    """
    connection.execute(f"create or replace temp table {LINES} as {lines_as_collapsed()}")


def customers(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many numbers were assigned; they begin at 1."""
    return _count(connection, CUSTOMERS)


def lines(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many lines were collapsed."""
    return _count(connection, LINES)


def in_turn(connection: duckdb.DuckDBPyConnection, share: float = 1.0) -> list[range]:
    """Return ranges of customers' numbers with about `LINES_AT_ONCE` lines each, or more; at least one.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Collapsed.
    share : float
        Of the customers, those whose lines are read.
    """
    turns = min(math.ceil(lines(connection) * share / LINES_AT_ONCE), MOST_TURNS) or 1
    size = -(-customers(connection) // turns) or 1
    return [range(first, first + size) for first in range(1, turns * size + 1, size)]


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from {table}").fetchall()
    return int(found[0][0])


def cut(
    connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, some: range | None = None, read: str = LINES
) -> None:
    """Stage the history of orders as of a cutoff; as `features.history.cut`, after `features.numbers.assign`.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With ids that are numbered and lines that are collapsed.
    cutoff : Cutoff
    some : range, optional
        Of the customers to describe, whatever ids theirs are; by default all are.
    read : str
        What holds the collapsed lines of at least these: by default the table that `collapse` fills.
    """
    resolve(connection, cutoff)
    _view(connection, some, read)
    for step in history.CUT:
        if step is not history.IDS:
            fill(connection, step, history.values(cutoff))


def _view(connection: duckdb.DuckDBPyConnection, some: range | None, read: str) -> None:
    for relation, rows in (
        (history.COLLAPSE.table, f"select * from {read}"),
        (history.IDS.table, f"select number as customer_id, from_at from {CUSTOMERS}"),
    ):
        connection.execute(
            f"create or replace temp view {name(relation)} as "
            + (rows if some is None else among(rows, some))
        )


def days_apart(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> pa.Table:
    """Return what every id bought on each day as known before a cutoff, by itself, whoever it is known to be.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        As of `cut`.
    cutoff : Cutoff

    Returns
    -------
    pyarrow.Table
        customer_id (its number), order_day, paid and refunded (hundredths of the currency, not negative).
    """
    identity.stage_nobody(connection)
    connection.execute(_RESOLVED)
    parts = []
    for some in in_turn(connection):
        _view(connection, some, LINES)
        fill(connection, history.BASKETS, history.values(cutoff))
        parts.append(connection.sql(_DAYS).to_arrow_table())
    return pa.concat_tables(parts)


def ids(connection: duckdb.DuckDBPyConnection) -> pa.ChunkedArray:
    """Return the ids that were given numbers: the first has 1."""
    return connection.sql(f"select id from {CUSTOMERS} order by number").to_arrow_table()["id"]


def resolve(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> None:
    """Say by number who is who as of a cutoff."""
    identity.stage(connection, cutoff.at)
    connection.execute(_RESOLVED)


def among(rows: str, some: range) -> str:
    """Return those rows of a SELECT whose customer, whatever id they have, is among some numbers."""
    return (
        f"select l.* from ({rows}) l "
        f"left join {name(identity.RESOLVED.table)} i on l.customer_id = i.anonymous_id "
        f"where coalesce(i.customer_id, l.customer_id) between {some.start} and {some.stop - 1}"
    )


def restore(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill `history_items` and `history_orders` as `features.history.stage` does, of the cutoff that `cut` staged."""
    orders, items = history.ORDERS.table, history.ITEMS.table
    for table, ids, joins in (
        (orders, "k.id as customer_id", ""),
        (
            items,
            "k.id as customer_id, p.id as product_id, c.id as category",
            f"join {PRODUCTS} p on r.product_id = p.number left join {CATEGORIES} c on r.category = c.number",
        ),
    ):
        connection.execute(
            f"create or replace temp table {table} as select r.* replace ({ids}) from {name(table)} r "
            f"join {CUSTOMERS} k on r.customer_id = k.number {joins}"
        )


def drop(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the lines that `collapse` has filled and what `cut` has cut from them; the numbers stay."""
    for table in (LINES, *(name(step.table) for step in history.CUT if step is not history.IDS)):
        connection.execute(f"drop table if exists {table}")


def read(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return what `SNAPSHOT` holds, sorted by customer."""
    return connection.sql(
        f"select k.id as customer_id, s.* exclude (customer_id) from {SNAPSHOT} s "
        f"join {CUSTOMERS} k on s.customer_id = k.number order by s.customer_id"
    ).to_arrow_table()
