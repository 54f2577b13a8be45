"""The tables that follow segments over time: stays, changes and trend, written by each scoring run as if in one step.

Changes and trend are written first and count from the moment the stays are committed, under the number of the run. A
run that is killed in between leaves rows of a number that nobody has seen; the next one removes them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ledger import delta
from ledger.engine import bound, open_engine
from ledger.errors import InputError
from ledger.home import Home
from ledger.quoting import text as quoted
from ledger.workspace import workspace
from segments.movement import CHANGES, INSTANT, STAYS, Moved, move
from serving.facts import RunFacts

TOLD: Final = pa.schema(
    [
        ("position", pa.int64()),
        ("sequence", pa.int64()),
        ("at", INSTANT),
        *CHANGES,
        ("version", pa.int32()),
        ("cause", pa.string()),
        ("changed", pa.list_(pa.string())),
    ]
)
"""Who entered and left, in the order of the feed; `cause` and `changed` are of `serving.segments.causes`."""
TREND: Final = pa.schema(
    [
        ("sequence", pa.int64()),
        ("as_of", INSTANT),
        ("release", pa.string()),
        ("segment", pa.string()),
        ("version", pa.int32()),
        ("size", pa.int64()),
        ("value", pa.float64()),
        ("entered", pa.int64()),
        ("left", pa.int64()),
        ("through", pa.int64()),
    ]
)
"""A row a run and segment, and one of all customers named ""; `through` is the last position of the feed by then."""
EVERYBODY: Final = ""

FILES_AT_MOST = 64  # a year of daily runs would else be opened file by file
ROWS_A_GROUP = 50_000  # what is read to find one page of a segment's changes
MERGED_BELOW_ROWS = 1_000_000  # larger files gain nothing by being one

Causes = Callable[[pa.Table], pa.Table]
"""From changes to the same with `cause` and `changed`, which say what was behind each."""


@dataclass(frozen=True)
class Recorded:
    """What a run left behind.

    Parameters
    ----------
    sequence : int
        The run's number, from 1; every run has its own, also one that is done again.
    present : Table
        Columns of `segments.movement.STAYS`: who is in now.
    trend : Table
        Columns of `TREND`: every run so far, one a cutoff, by time and segment.
    """

    sequence: int
    present: pa.Table
    trend: pa.Table


@dataclass(frozen=True)
class _StayFile:
    path: Path
    open: bool
    last_left: datetime | None


def record(
    home: Home, assignments: pa.Table, facts: RunFacts, versions: Mapping[str, int], causes: Causes
) -> Recorded:
    """
    Bring stays, changes and trend to a run's cutoff.

    What is read and written is bounded by who is in now and who moved, not by how long the shop has been followed.
    Call it while nobody else scores or erases (`serving.lock.alone`).

    Parameters
    ----------
    home : Home
    assignments : Table
        From `segments.assign`: customer_id, segment, reasons.
    facts : RunFacts
        Cutoff, release, and each segment's size and value.
    versions : mapping of str to int
        Each segment's definition, by name.
    causes : callable

    Raises
    ------
    InputError
        When a later cutoff is recorded already.
    """
    sequence = delta.run_of(home.memberships) + 1
    trend = read_trend(home)
    _refuse_to_rewrite(home, trend, facts.as_of)
    with workspace(home) as spill, open_engine() as connection:
        bound(connection, spill)
        replaced = _view_recorded(connection, home.memberships, facts.as_of)
        moved = move(connection, assignments, facts.as_of, told=sequence > 1)
    last = pc.max(trend["through"]).as_py() or 0
    last_versions = {row["segment"]: row["version"] for row in trend.to_pylist()}
    told = _told(causes(moved.changes), sequence, facts.as_of, {**last_versions, **versions}, last)
    _append(home.movements, told, sequence)
    _append(home.trend, _trend_of(moved, facts, versions, sequence, last + told.num_rows), sequence)
    _commit_stays(home.memberships, moved, replaced, sequence)
    return Recorded(sequence, moved.present, read_trend(home))


def read_trend(home: Home, through: int | None = None) -> pa.Table:
    """Return the trend by time and segment; of a cutoff that was done again, what the last run said.

    Parameters
    ----------
    home : Home
    through : int, optional
        Number of a run; later ones are left out. By default the last that was completed.
    """
    whole = delta.run_of(home.memberships)
    last = whole if through is None else min(through, whole)
    with open_engine() as connection:
        connection.register("written", _read(home.trend, TREND))
        query = f"""
            SELECT * FROM written WHERE sequence <= {last}
            QUALIFY sequence = max(sequence) OVER (PARTITION BY as_of) ORDER BY as_of, segment
        """
        return connection.sql(query).to_arrow_table().cast(TREND)


def view_stays(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Make all stays the relation `recorded` of a connection."""
    files = delta.files_at(home.memberships, delta.version_of(home.memberships))
    view_files(connection, "recorded", files, STAYS)


def view_past(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Lay what earlier runs recorded beside a ledger's tables, as `segments.known.PAST` has it."""
    files = delta.files_at(home.memberships, delta.version_of(home.memberships))
    view_files(connection, "segment_stays", files, STAYS)
    trend = read_trend(home).select(["segment", "as_of"])
    connection.register("segment_runs", trend)


def _refuse_to_rewrite(home: Home, trend: pa.Table, as_of: datetime) -> None:
    last = pc.max(trend["as_of"]).as_py()
    if last is None:  # recorded before runs were numbered, if at all
        with open_engine() as connection:
            view_stays(connection, home)
            query = "SELECT max(greatest(entered_at, left_at)) FROM recorded"
            (last,) = connection.execute(query).fetchall()[0]
    if last is not None and last > as_of:
        raise InputError(
            f"memberships are already known up to {last.isoformat()}, and a run as of {as_of.isoformat()} "
            "would rewrite them; score as of that instant or later"
        )


def _view_recorded(connection: duckdb.DuckDBPyConnection, path: Path, as_of: datetime) -> list[Path]:
    """Show what a run as of an instant may change, and return the files that hold it."""
    files = [_stay_file(file) for file in delta.files_at(path, delta.version_of(path))]
    over = [file for file in files if not file.open]
    many = len(over) > FILES_AT_MOST
    looked_at = [
        file.path
        for file in files
        if file.open or many or (file.last_left is not None and file.last_left >= as_of)
    ]
    view_files(connection, "recorded", looked_at, STAYS)
    return looked_at


def _stay_file(path: Path) -> _StayFile:
    """Say from a file's footer whether it holds stays that are not over, and when the last of the others ended."""
    metadata = pq.read_metadata(path)
    place = metadata.schema.to_arrow_schema().names.index("left_at")
    statistics = [
        metadata.row_group(group).column(place).statistics for group in range(metadata.num_row_groups)
    ]
    known = all(each is not None and each.null_count is not None for each in statistics)
    is_open = not known or any(each.null_count for each in statistics)
    ends = [each.max for each in statistics if each is not None and each.has_min_max]
    return _StayFile(path, is_open, max(ends, default=None))


def _told(changes: pa.Table, sequence: int, at: datetime, versions: Mapping[str, int], last: int) -> pa.Table:
    rows = changes.num_rows
    known = pa.array(list(versions), pa.string()), pa.array(list(versions.values()), pa.int32())
    version = known[1].take(pc.index_in(changes["segment"], value_set=known[0]))
    added = {
        "position": pa.array(range(last + 1, last + 1 + rows), pa.int64()),
        "sequence": pa.array([sequence] * rows, pa.int64()),
        "at": pa.array([at] * rows, INSTANT),
        "version": version,
    }
    named = {
        name: added.get(name, changes[name] if name in changes.column_names else None) for name in TOLD.names
    }
    return pa.table(named).cast(TOLD)


def _trend_of(
    moved: Moved, facts: RunFacts, versions: Mapping[str, int], sequence: int, through: int
) -> pa.Table:
    entered = _counts(moved.present, "entered_at", facts.as_of)
    left = _counts(moved.ended, "left_at", facts.as_of)
    sized = {each.name: (each.size, each.value) for each in facts.segments}
    gone = {name: (0, 0.0) for name in left if name not in sized}
    rows = [
        {
            "segment": name,
            "version": versions.get(name),
            "size": size,
            "value": value,
            "entered": entered.get(name, 0),
            "left": left.get(name, 0),
        }
        for name, (size, value) in (sized | gone).items()
    ]
    rows.append(
        {"segment": EVERYBODY, "size": facts.customers, "value": facts.value, "entered": 0, "left": 0}
    )
    run = {"sequence": sequence, "as_of": facts.as_of, "release": facts.release, "through": through}
    return pa.Table.from_pylist([run | row for row in rows], TREND)


def _counts(stays: pa.Table, instant: str, as_of: datetime) -> dict[str, int]:
    mine = stays.filter(pc.equal(stays[instant], pa.scalar(as_of, INSTANT)))
    return {row["values"]: row["counts"] for row in pc.value_counts(mine["segment"]).to_pylist()}


def _commit_stays(path: Path, moved: Moved, replaced: Sequence[Path], sequence: int) -> None:
    added = [_written(path, moved.present)]
    if moved.ended.num_rows:
        added.append(_written(path, moved.ended))
    delta.commit(path, STAYS, delta.version_of(path), added, replaced, run=sequence)
    _forget(path)


def _append(path: Path, rows: pa.Table, sequence: int) -> None:
    """Add one run's rows; what a killed run of the same number had written is taken back."""
    files = delta.files_at(path, delta.version_of(path))
    removed = [file for file in files if _first_run(file) >= sequence]
    kept = [file for file in files if file not in removed]
    small = [file for file in kept if pq.read_metadata(file).num_rows < MERGED_BELOW_ROWS]
    if len(small) > FILES_AT_MOST:
        rows = pa.concat_tables([*(pq.read_table(file, schema=rows.schema) for file in small), rows])
        rows = rows.sort_by("position" if "position" in rows.column_names else "sequence")
        removed += small
    delta.commit(path, rows.schema, delta.version_of(path), [_written(path, rows)], removed)
    _forget(path)


def _first_run(file: Path) -> int:
    found = pc.min(pq.read_table(file, columns=["sequence"])["sequence"]).as_py()
    return int(found) if found is not None else 0


def _written(path: Path, rows: pa.Table) -> Path:
    file = delta.new_file(path)
    pq.write_table(rows, file, compression="zstd", compression_level=1, row_group_size=ROWS_A_GROUP)
    return file


def _forget(path: Path) -> None:
    """Remove the files of the versions before, an hour after something newer was written."""
    delta.forget(path, delta.files_at(path, delta.version_of(path)), older_than_seconds=3600)


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    files = delta.files_at(path, delta.version_of(path))
    return pa.concat_tables([schema.empty_table(), *(pq.read_table(file, schema=schema) for file in files)])


def view_files(
    connection: duckdb.DuckDBPyConnection, name: str, files: Sequence[Path], schema: pa.Schema
) -> None:
    """Make Parquet files a relation of a connection; an empty one when there are none."""
    if files:
        named = ", ".join(quoted(str(file)) for file in files)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM read_parquet([{named}])")
    else:
        connection.register(name, schema.empty_table())
