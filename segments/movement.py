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
import pyarrow.compute as pc

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
DONE_AGAIN = "SELECT count(*) > 0 FROM recorded WHERE entered_at = '{as_of}' OR left_at = '{as_of}'"
# One pass over both, of keys alone: the reasons are most of the bytes, and only those of who left are asked for.
BESIDE = """
    SELECT n.place, epoch_us(b.entered_at) AS entered_us,
           CASE WHEN n.place IS NULL THEN b.customer_id END AS customer_id,
           CASE WHEN n.place IS NULL THEN b.segment END AS segment
    FROM stays_before b FULL JOIN members_now n ON n.customer_id = b.customer_id AND n.segment = b.segment
"""
ENDED = """
    SELECT customer_id, segment, entered_at, left_at, reasons FROM recorded WHERE left_at < '{as_of}'
    UNION ALL
    SELECT b.customer_id, b.segment, b.entered_at, TIMESTAMPTZ '{as_of}', b.reasons
    FROM stays_before b SEMI JOIN members_gone g ON g.customer_id = b.customer_id AND g.segment = b.segment
    ORDER BY customer_id, segment, entered_at
"""
CHANGED = """
    WITH told AS (SELECT customer_id, segment, reasons FROM recorded WHERE left_at IS NULL AND {told})
    SELECT customer_id, segment, 'entered' AS kind, reasons
    FROM members_now n ANTI JOIN told t ON n.customer_id = t.customer_id AND n.segment = t.segment
    UNION ALL
    SELECT customer_id, segment, 'left' AS kind, reasons
    FROM told t ANTI JOIN members_now n ON n.customer_id = t.customer_id AND n.segment = t.segment
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
    ((again,),) = connection.execute(DONE_AGAIN.format(as_of=at)).fetchall()
    beside = connection.sql(BESIDE).to_arrow_table()
    gone = beside.filter(pc.is_null(beside["place"]))
    connection.register("members_gone", gone)
    ended = connection.sql(ENDED.format(as_of=at)).to_arrow_table().cast(STAYS)
    present, entered = _present(assignments, beside, as_of)
    if again or not told:
        changes = connection.sql(CHANGED.format(told="true" if told else "false")).to_arrow_table()
    else:
        changes = _changes(assignments.take(entered), ended, as_of)
    connection.unregister("members_now")
    connection.unregister("members_gone")
    return Moved(
        present,
        ended,
        changes.cast(CHANGES).sort_by([("segment", "ascending"), ("customer_id", "ascending")]),
    )


def _present(assignments: pa.Table, beside: pa.Table, as_of: datetime) -> tuple[pa.Table, pa.Array]:
    """Return the assignments with since when, and the rows of those who were not in before."""
    now = int(as_of.timestamp()) * 1_000_000 + as_of.microsecond
    stayed = beside.filter(pc.and_(pc.is_valid(beside["place"]), pc.is_valid(beside["entered_us"])))
    entered = np.full(assignments.num_rows, now)
    entered[stayed["place"].to_numpy()] = stayed["entered_us"].to_numpy()
    columns = {
        "customer_id": assignments["customer_id"],
        "segment": assignments["segment"],
        "entered_at": pa.array(entered).cast(pa.timestamp("us")).cast(INSTANT),
        "left_at": pa.nulls(assignments.num_rows, INSTANT),
        "reasons": assignments["reasons"],
    }
    return pa.table(columns).cast(STAYS), pa.array(np.flatnonzero(entered == now))


def _changes(entered: pa.Table, ended: pa.Table, as_of: datetime) -> pa.Table:
    """Return changes where nothing was said of the instant before."""
    left = ended.filter(pc.equal(ended["left_at"], pa.scalar(as_of, INSTANT)))
    kinds = [(ENTERED, entered), (LEFT, left)]
    return pa.concat_tables(
        [
            pa.table(
                {
                    "customer_id": rows["customer_id"],
                    "segment": rows["segment"],
                    "kind": pa.array([kind] * rows.num_rows, pa.string()),
                    "reasons": rows["reasons"],
                }
            ).cast(CHANGES)
            for kind, rows in kinds
        ]
    )


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
