"""Memberships over time: who entered which segment when, and who left."""

from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ledger.errors import InputError

HISTORY = pa.schema(
    [
        ("customer_id", pa.string()),
        ("segment", pa.string()),
        ("entered_at", pa.timestamp("us", tz="UTC")),
        ("left_at", pa.timestamp("us", tz="UTC")),
        ("reasons", pa.list_(pa.string())),
    ]
)

# First the state before this run: rows that an earlier run at the same instant opened are dropped and those
# it closed are opened again, so that a run done twice, or corrected and done again, replaces itself.
ADVANCE = """
    WITH before AS (
        SELECT customer_id, segment, entered_at, nullif(left_at, $as_of) AS left_at, reasons
        FROM previous WHERE entered_at < $as_of
    ),
    gone AS (SELECT * FROM before WHERE left_at IS NOT NULL),
    still AS (SELECT * FROM before WHERE left_at IS NULL)
    SELECT * FROM gone
    UNION ALL
    SELECT coalesce(still.customer_id, now.customer_id), coalesce(still.segment, now.segment),
           coalesce(still.entered_at, $as_of),
           CASE WHEN now.customer_id IS NULL THEN $as_of END,
           CASE WHEN now.customer_id IS NULL THEN still.reasons ELSE now.reasons END
    FROM still FULL JOIN now ON still.customer_id = now.customer_id AND still.segment = now.segment
    ORDER BY customer_id, segment, entered_at
"""


def advance(previous: pa.Table, current: pa.Table, as_of: datetime) -> pa.Table:
    """Return the membership history after a run.

    Who is still in a segment keeps his `entered_at` and gets the reasons of today; who no longer is gets
    `left_at` and keeps his last reasons; who comes back gets a new row.

    Parameters
    ----------
    previous : Table
        The history so far: the columns of `HISTORY`; no rows before the first run.
    current : Table
        Memberships of this run, from `segments.assign`: customer_id, segment, reasons; each pair once.
    as_of : datetime
        The run's cutoff; aware. A run at the same instant as the last one replaces it.

    Returns
    -------
    Table
        Columns of `HISTORY`, sorted by customer, segment and time.

    Raises
    ------
    InputError
        When the history already reaches past `as_of`.
    """
    before = previous.select(HISTORY.names).cast(HISTORY)
    _refuse_to_rewrite(before, as_of)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("previous", before)
        connection.register("now", current)
        advanced = connection.sql(ADVANCE, params={"as_of": as_of})
        return advanced.to_arrow_table().cast(HISTORY)


def no_history() -> pa.Table:
    """Return the history before the first run."""
    return HISTORY.empty_table()


def _refuse_to_rewrite(previous: pa.Table, as_of: datetime) -> None:
    """Refuse a run that lies before what is known already."""
    known = [pc.max(previous[name]).as_py() for name in ("entered_at", "left_at")]
    last = max((instant for instant in known if instant is not None), default=as_of)
    if last > as_of:
        raise InputError(
            f"memberships are already known up to {last.isoformat()}, and a run as of {as_of.isoformat()} "
            "would rewrite them; score as of that instant or later"
        )
