"""What of checked rows is new to the ledger: added, unchanged, a correction, or in conflict with what is held."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np

from ledger.check_statement import key_hash, said_hash
from ledger.keys import files_that_may_hold
from ledger.schema import Table
from ledger.store import relation

CLASH = "differs from the row the ledger holds with the same key and known_at; give a later known_at to correct it"
FEW_ROWS = 50_000  # for more, reading every file once is as quick as looking where their keys may be


def judge(  # noqa: PLR0913 - one a thing that the answer depends on
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    given: Sequence[str],
    *,
    fresh: str,
    repeated: str,
    held: Sequence[Path],
    imported_at: datetime,
    beside: str | None = None,
) -> str:
    """Compare accepted rows with what the ledger holds.

    A row of a new key is added. Of a known key: without a known_at of its own it is unchanged when any version held
    says the same (so an old file imported again adds nothing) and else a correction known from now; with one it is
    compared with the version in force at that instant. Only the columns given are compared: a file without a column
    says nothing about it, and a correction takes it over from the version in force.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    table : Table
    given : sequence of str
        Plain-format columns that the rows' file has.
    fresh : str
        Relation of accepted rows: line, key, said, known_given and the stored columns.
    repeated : str
        Relation of the keys that come more than once in `fresh`, each with a known_at of its own.
    held : sequence of Path
        The table's data files; read while holding the writer lock.
    imported_at : datetime
        Aware; when corrections without a known_at of their own became known.
    beside : str, optional
        Relation of rows in the stored schema that count as held too.

    Returns
    -------
    str
        SQL of the rows with `verdict`: added, corrected, unchanged or clash.
    """
    may_hold = _files_worth_reading(connection, table, fresh, held)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE held AS {_held(table, given, fresh, may_hold, beside)}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE judged AS {_judged(table, given, fresh, repeated)}",
        {"imported_at": imported_at.astimezone(UTC).isoformat()},
    )
    (judged,) = connection.execute("SELECT count(*) FROM judged").fetchall()[0]
    if not judged:
        return f"SELECT *, 'added' AS verdict FROM {fresh}"
    others = f"SELECT *, 'added' AS verdict FROM {fresh} WHERE key NOT IN (SELECT key FROM judged)"
    return f"{others} UNION ALL BY NAME SELECT * FROM judged"


def filled(table: Table, given: Sequence[str], fresh: str, held: Sequence[Path]) -> str:
    """Return SQL of accepted rows whose empty cells are filled by what was last known before them.

    Parameters
    ----------
    table : Table
    given : sequence of str
        Plain-format columns that the rows have.
    fresh : str
        As for `judge`.
    held : sequence of Path
        The table's data files.
    """
    columns = [c.name for c in table.given if c.given in given and c.name in table.content]
    last = "".join(f", arg_max(held.{name}, held.known_at) AS last_{name}" for name in columns)
    values = ", ".join(f"coalesce(asked.{name}, last_{name}) AS {name}" for name in columns)
    dropped = ", ".join(f"last_{name}" for name in columns)
    same_key = " AND ".join(f"held.{name} IS NOT DISTINCT FROM asked.{name}" for name in table.key)
    return f"""
        WITH known AS (
            SELECT asked.line, asked.key{last} FROM {fresh} AS asked JOIN ({relation(table, held)}) AS held
            ON {same_key} AND held.known_at <= asked.known_at GROUP BY asked.line, asked.key
        ),
        whole AS (
            SELECT asked.* EXCLUDE ({dropped}) REPLACE ({values})
            FROM (SELECT * FROM {fresh} AS rows LEFT JOIN known USING (line, key)) AS asked
        )
        SELECT * REPLACE ({said_hash(table, given)} AS said) FROM whole
    """


def _files_worth_reading(
    connection: duckdb.DuckDBPyConnection, table: Table, fresh: str, held: Sequence[Path]
) -> Sequence[Path]:
    (rows,) = connection.execute(f"SELECT count(*) FROM {fresh}").fetchall()[0]
    if not held or rows > FEW_ROWS:
        return held
    hashed = connection.sql(f"SELECT DISTINCT hash({table.key[0]}) AS hashed FROM {fresh}").fetchnumpy()
    return files_that_may_hold(connection, table, held, hashed["hashed"].astype(np.uint64))


def _taken_over(table: Table, given: Sequence[str]) -> list[str]:
    """Return the stored columns of which the file says nothing."""
    return [c.name for c in table.given if c.given not in given and c.name in table.content]


def _held(table: Table, given: Sequence[str], fresh: str, files: Sequence[Path], beside: str | None) -> str:
    """Return SQL of the versions held of the keys that come."""
    columns = [*table.key, "known_at", *_taken_over(table, given)]
    rows = relation(table, files) + (
        f" UNION ALL SELECT {', '.join(table.names)} FROM {beside}" if beside else ""
    )
    return (
        f"SELECT {key_hash(table)} AS key, {said_hash(table, given)} AS said, {', '.join(columns)} "
        f"FROM ({rows}) WHERE {key_hash(table)} IN (SELECT key FROM {fresh})"
    )


def _judged(table: Table, given: Sequence[str], fresh: str, repeated: str) -> str:
    """Return SQL of the rows whose key is held or comes more than once, with verdict and what they take over."""
    taken = _taken_over(table, given)
    in_force = "held.known_at <= asked.known_at OR NOT asked.known_given"
    carried = "".join(
        f", arg_max({{'value': held.{name}}}, held.known_at) FILTER ({in_force}) AS held_{name}"
        for name in taken
    )
    replaced = "".join(
        f", CASE WHEN held_{name} IS NULL THEN {name} ELSE held_{name}.value END AS {name}" for name in taken
    )
    dropped = "".join(f", held_{name}" for name in taken)
    # The hash finds the rows; the key itself decides, as two hashes may meet.
    same_key = " AND ".join(f"held.{name} IS NOT DISTINCT FROM asked.{name}" for name in table.key)
    last = "greatest(CAST($imported_at AS TIMESTAMPTZ), last_known_at + INTERVAL 1 MICROSECOND)"
    found = ("ever_same", "clashes", "same_in_force", "in_force_at", "last_known_at", "settled")
    return f"""
        WITH asked AS (SELECT * FROM {fresh} WHERE key IN (SELECT key FROM held UNION ALL SELECT key FROM {repeated})),
        versions AS (
            SELECT asked.line, asked.key, bool_or(held.said = asked.said) AS ever_same,
                bool_or(held.known_at = asked.known_at AND held.said <> asked.said) AS clashes,
                arg_max(held.said = asked.said, held.known_at)
                    FILTER (held.known_at <= asked.known_at) AS same_in_force,
                max(held.known_at) FILTER (held.known_at <= asked.known_at) AS in_force_at,
                max(held.known_at) AS last_known_at{carried}
            FROM asked JOIN held ON held.key = asked.key AND {same_key} GROUP BY asked.line, asked.key
        ),
        beside_held AS (
            SELECT asked.* REPLACE (CASE WHEN known_given OR last_known_at IS NULL THEN known_at ELSE {last} END
                    AS known_at{replaced}),
                versions.* EXCLUDE (line, key{dropped}), CASE
                WHEN NOT known_given AND ever_same THEN 'unchanged'
                WHEN NOT known_given AND last_known_at IS NOT NULL THEN 'corrected'
                WHEN clashes THEN 'clash' END AS settled
            FROM asked LEFT JOIN versions USING (line, key)
        ),
        verdicts AS (
            SELECT *, CASE
                WHEN settled IS NOT NULL THEN settled
                WHEN turn > 1 THEN CASE WHEN said = first_said THEN 'unchanged' ELSE 'clash' END
                WHEN last_known_at IS NULL AND before_at IS NULL THEN 'added'
                WHEN before_at >= in_force_at OR (before_at IS NOT NULL AND in_force_at IS NULL)
                    THEN CASE WHEN as_before THEN 'unchanged' ELSE 'corrected' END
                WHEN same_in_force THEN 'unchanged'
                ELSE 'corrected' END AS verdict
            FROM ({_beside_each_other(table, repeated)})
        )
        SELECT * EXCLUDE ({", ".join(found)}, speaks, turn, first_said, as_before, before_at) FROM verdicts
    """


def _beside_each_other(table: Table, repeated: str) -> str:
    """Return SQL of `beside_held` with what the file itself says at the same instant (`turn`) and before it.

    Only rows that speak for an instant count: neither those that clash, nor those that were known already.
    """
    key = ", ".join(table.key)
    speaks = "settled IS NULL OR settled = 'corrected'"
    return f"""
        SELECT *, lag(said) OVER earlier = said AS as_before, lag(known_at) OVER earlier AS before_at
        FROM (
            SELECT *, {speaks} AS speaks, row_number() OVER instant AS turn,
                first_value(said) OVER instant AS first_said
            FROM beside_held WHERE key IN (SELECT key FROM {repeated})
            WINDOW instant AS (PARTITION BY {key}, known_at, {speaks} ORDER BY settled NULLS LAST, line)
        )
        WINDOW earlier AS (PARTITION BY {key}, speaks AND turn = 1 ORDER BY known_at)
        UNION ALL BY NAME
        SELECT *, true AS speaks, 1 AS turn, said AS first_said, NULL AS as_before, NULL AS before_at
        FROM beside_held WHERE key NOT IN (SELECT key FROM {repeated})
    """
