"""The Delta tables of record that a scoring run writes: scores, refills, reminders, demand, memberships."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake

AS_OF = pa.timestamp("us", tz="UTC")


def replace_as_of(path: Path, table: pa.Table, as_of: datetime) -> None:
    """
    Write one run's rows in place of those it wrote before for the same `as_of`.

    Parameters
    ----------
    path : Path
        Directory of the Delta table; made when missing.
    table : pa.Table
        The rows, with a column `as_of` that is `as_of` in each. New columns are added to the table.
    as_of : datetime
    """
    if not DeltaTable.is_deltatable(str(path)):
        write_deltalake(str(path), table, mode="overwrite")
        return
    # A text literal: delta-rs 1.6 types `timestamp '...'` in nanoseconds and then cannot compare it.
    at = f"{as_of.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    write_deltalake(str(path), table, mode="overwrite", predicate=f"as_of = '{at}'", schema_mode="merge")


def replace_all(path: Path, table: pa.Table) -> None:
    """Write a whole table in one commit; earlier states stay readable by version."""
    write_deltalake(str(path), table, mode="overwrite", schema_mode="overwrite")


def read(path: Path) -> pa.Table | None:
    """Return a whole table, or None when it was never written."""
    return DeltaTable(str(path)).to_pyarrow_table() if DeltaTable.is_deltatable(str(path)) else None


def newest_as_of(path: Path) -> datetime | None:
    """Return the latest `as_of` in a table, or None when there is none."""
    if not DeltaTable.is_deltatable(str(path)):
        return None
    newest: datetime | None = pc.max(
        DeltaTable(str(path)).to_pyarrow_table(columns=["as_of"])["as_of"]
    ).as_py()
    return newest


def read_newest(path: Path) -> pa.Table | None:
    """Return the rows of the latest `as_of`, or None when there are none."""
    newest = newest_as_of(path)
    return None if newest is None else read_as_of(path, newest)


def read_as_of(path: Path, as_of: datetime, columns: Sequence[str] | None = None) -> pa.Table | None:
    """Return the rows of one `as_of`, of all columns or of some; None when the table was never written."""
    if not DeltaTable.is_deltatable(str(path)):
        return None
    at = pa.scalar(as_of, AS_OF)
    wanted = None if columns is None else list(columns)
    return DeltaTable(str(path)).to_pyarrow_table(filters=pc.field("as_of") == at, columns=wanted)


def with_run(table: pa.Table, as_of: datetime, release: str) -> pa.Table:
    """Add `as_of` and `release` after the first column."""
    rows = table.num_rows
    table = table.add_column(1, "as_of", pa.array([as_of] * rows, AS_OF))
    return table.add_column(2, "release", pa.array([release] * rows, pa.string()))
