"""What a scoring run changes: who is in each segment since when, whose stay ended, who entered and who left.

Two things are told apart. A stay, from `entered_at` to `left_at`, is what was the case: a run done again at the same
instant replaces what the one before it said. A change is what was told: the difference between what was recorded and
what is recorded now, so that whoever has heard every change knows the present, corrections included.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

INSTANT: Final = pa.timestamp("us", tz="UTC")
STAYS: Final = pa.schema(
    [
        ("customer_id", pa.string()),
        ("segment", pa.string()),
        ("entered_at", INSTANT),
        ("left_at", INSTANT),
        ("reasons", pa.list_(pa.string())),
    ]
)
"""Memberships over time; `left_at` is null while somebody is in."""
CHANGES: Final = pa.schema(
    [
        ("customer_id", pa.string()),
        ("segment", pa.string()),
        ("kind", pa.string()),
        ("reasons", pa.list_(pa.string())),
    ]
)
"""`kind` is "entered" or "left"; the reasons are those he is in for, or was."""
ENTERED, LEFT = "entered", "left"

# `recorded` before the instant: what a run at the same instant opened is not there, and what it closed is open.
BEFORE = """
    CREATE OR REPLACE TEMP VIEW stays_before AS
    SELECT customer_id, segment, entered_at, reasons FROM recorded
    WHERE entered_at < '{as_of}' AND (left_at IS NULL OR left_at >= '{as_of}')
"""
SINCE = """
    SELECT n.place, epoch_us(b.entered_at) AS entered_us
    FROM members_now n JOIN stays_before b ON n.customer_id = b.customer_id AND n.segment = b.segment
"""
ENDED = """
    SELECT customer_id, segment, entered_at, left_at, reasons FROM recorded WHERE left_at < '{as_of}'
    UNION ALL
    SELECT b.customer_id, b.segment, b.entered_at, TIMESTAMPTZ '{as_of}', b.reasons
    FROM stays_before b ANTI JOIN members_now n ON n.customer_id = b.customer_id AND n.segment = b.segment
    ORDER BY customer_id, segment, entered_at
"""
CHANGED = """
    WITH told AS (SELECT customer_id, segment, reasons FROM recorded WHERE left_at IS NULL AND {told})
    SELECT customer_id, segment, 'entered' AS kind, reasons
    FROM members_now n ANTI JOIN told t ON n.customer_id = t.customer_id AND n.segment = t.segment
    UNION ALL
    SELECT customer_id, segment, 'left' AS kind, reasons
    FROM told t ANTI JOIN members_now n ON n.customer_id = t.customer_id AND n.segment = t.segment
    ORDER BY segment, customer_id
"""


@dataclass(frozen=True)
class Moved:
    """The memberships after a run, and what it changed.

    Parameters
    ----------
    present : Table
        Columns of `STAYS`, `left_at` null: who is in now, in the order of the assignments.
    ended : Table
        Columns of `STAYS`: stays that are over, among those that were looked at, sorted by customer.
    changes : Table
        Columns of `CHANGES`, sorted by segment and customer: against what was recorded before the run.
    """

    present: pa.Table
    ended: pa.Table
    changes: pa.Table


def move(
    connection: duckdb.DuckDBPyConnection, assignments: pa.Table, as_of: datetime, *, told: bool = True
) -> Moved:
    """Bring memberships to an instant.

    Who is still in a segment keeps his `entered_at` and gets the reasons of today; who no longer is keeps his last
    reasons; who comes back begins a new stay.

    Parameters
    ----------
    connection : DuckDBPyConnection
        In UTC, with a relation `recorded` of the columns of `STAYS`: every stay that is not over, and every one that
        ended at `as_of`. Others in it are handed back as they are.
    assignments : Table
        Memberships of this run, from `segments.assign`: customer_id, segment, reasons; each pair once.
    as_of : datetime
        The run's cutoff; aware, and not before any other instant of the stays. A run at the same instant as the last
        one replaces it.
    told : bool
        Whether what is recorded was told as changes; otherwise everybody who is in is told to have entered.
    """
    at = as_of.isoformat()
    numbered = assignments.append_column("place", pa.array(np.arange(assignments.num_rows)))
    connection.register("members_now", numbered)
    connection.execute(BEFORE.format(as_of=at))
    present = _present(connection, assignments, as_of)
    ended = connection.sql(ENDED.format(as_of=at)).to_arrow_table().cast(STAYS)
    changes = connection.sql(CHANGED.format(told="true" if told else "false")).to_arrow_table().cast(CHANGES)
    connection.unregister("members_now")
    return Moved(present, ended, changes)


def _present(connection: duckdb.DuckDBPyConnection, assignments: pa.Table, as_of: datetime) -> pa.Table:
    """Return the assignments with since when; their reasons, most of the bytes, are not touched."""
    entered = np.full(assignments.num_rows, int(as_of.timestamp()) * 1_000_000 + as_of.microsecond)
    found = connection.execute(SINCE).fetchnumpy()
    entered[found["place"]] = found["entered_us"]
    columns = {
        "customer_id": assignments["customer_id"],
        "segment": assignments["segment"],
        "entered_at": pa.array(entered).cast(pa.timestamp("us")).cast(INSTANT),
        "left_at": pa.nulls(assignments.num_rows, INSTANT),
        "reasons": assignments["reasons"],
    }
    return pa.table(columns).cast(STAYS)


def present_on(connection: duckdb.DuckDBPyConnection, on: datetime, segment: str | None = None) -> pa.Table:
    """Return who was in on an instant: customer_id, segment, entered_at, reasons, sorted by customer and segment.

    Parameters
    ----------
    connection : DuckDBPyConnection
        In UTC, with a relation `recorded` of every stay.
    on : datetime
        Aware. What the last run at or before it said.
    segment : str, optional
        Of this segment alone.
    """
    query = """
        SELECT customer_id, segment, entered_at, reasons FROM recorded
        WHERE entered_at <= $on AND (left_at IS NULL OR left_at > $on) AND ($segment IS NULL OR segment = $segment)
        ORDER BY customer_id, segment
    """
    found = connection.sql(query, params={"on": on, "segment": segment}).to_arrow_table()
    return found.cast(pa.schema([STAYS.field(name) for name in found.column_names]))
