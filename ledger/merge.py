"""What of a checked file is new to the ledger: added, unchanged, a correction, or in conflict with what is held."""

from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ledger.checks import REJECTED_SCHEMA, Checked
from ledger.schema import Table

CLASH = "differs from the row the ledger holds with the same key and known_at; give a later known_at to correct it"


@dataclass(frozen=True)
class Merged:
    """What to append of one file.

    Parameters
    ----------
    rows : pa.Table
        New rows and corrections, in the stored schema.
    added, unchanged, corrected : int
    rejected : pa.Table
        line, reason of rows that contradict what is held.
    """

    rows: pa.Table
    added: int
    unchanged: int
    corrected: int
    rejected: pa.Table


def merge(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    checked: Checked,
    earlier: pa.Table,
    imported_at: datetime,
) -> Merged:
    """Compare checked rows with what the ledger holds.

    A row of a new key is added. Of a known key: without a known_at of its own it is unchanged when any version held
    says the same (so an old file imported again adds nothing) and else a correction known from now; with one it is
    compared with the version in force at that instant.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        From `Ledger.connect`, made while holding the writer lock.
    table : Table
    checked : Checked
    earlier : pa.Table
        Rows about to be appended of files before this one, in the stored schema.
    imported_at : datetime
        Aware; when corrections without a known_at of their own became known.

    Returns
    -------
    Merged
    """
    fresh = checked.accepted.append_column("line", checked.lines).append_column(
        "known_given", checked.known_given
    )
    connection.register("fresh", fresh)
    connection.register("earlier", earlier)
    at = imported_at.astimezone(UTC).isoformat()
    try:
        found = connection.sql(_statement(table), params={"imported_at": at}).to_arrow_table()
    finally:
        connection.unregister("fresh")
        connection.unregister("earlier")
    return _sorted_out(table, found)


def _statement(table: Table) -> str:
    key = ", ".join(table.key)
    same = " AND ".join(f"held.{name} IS NOT DISTINCT FROM fresh.{name}" for name in table.content)
    last = "greatest(CAST($imported_at AS TIMESTAMPTZ), last_known_at + INTERVAL 1 MICROSECOND)"
    return f"""
        WITH held AS (SELECT * FROM ledger_{table.name} UNION ALL SELECT * FROM earlier),
        pairs AS (
            SELECT fresh.line, held.known_at AS held_at, fresh.known_at AS fresh_at, {same} AS same
            FROM fresh JOIN held USING ({key})
        ),
        versions AS (
            SELECT line, bool_or(same) AS ever_same, bool_or(held_at = fresh_at AND NOT same) AS clash,
                coalesce(arg_max(same, held_at) FILTER (WHERE held_at <= fresh_at), false) AS same_in_force,
                max(held_at) AS last_known_at
            FROM pairs GROUP BY line
        ),
        judged AS (
            SELECT fresh.*, last_known_at, CASE
                WHEN versions.line IS NULL THEN 'added'
                WHEN NOT known_given AND ever_same THEN 'unchanged'
                WHEN NOT known_given THEN 'corrected'
                WHEN clash THEN 'clash'
                WHEN same_in_force THEN 'unchanged'
                ELSE 'corrected' END AS verdict
            FROM fresh LEFT JOIN versions ON versions.line = fresh.line
        )
        SELECT * EXCLUDE (last_known_at) REPLACE (
            CASE WHEN verdict = 'corrected' AND NOT known_given THEN {last} ELSE known_at END AS known_at
        ) FROM judged ORDER BY line
    """


def _sorted_out(table: Table, found: pa.Table) -> Merged:
    verdict = found["verdict"]
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(verdict).to_pylist()}
    new = found.filter(pc.is_in(verdict, pa.array(["added", "corrected"])))
    lines = found.filter(pc.equal(verdict, "clash"))["line"]
    rejected = pa.table(
        {"line": lines, "reason": pa.array([CLASH] * len(lines), pa.string())}, REJECTED_SCHEMA
    )
    return Merged(
        rows=new.select(table.arrow_schema.names).cast(table.arrow_schema),
        added=counts.get("added", 0),
        unchanged=counts.get("unchanged", 0),
        corrected=counts.get("corrected", 0),
        rejected=rejected,
    )
