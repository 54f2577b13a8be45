"""One Delta table's files: which there are at a version, and a commit that adds some and takes others away.

Data files are written by DuckDB or Arrow; here they only enter the table's log, without statistics of their values:
a log that repeats what customers are called could not forget them.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.transaction import AddAction, RemoveAction

NAMED = re.compile(r"part-(\d{10})-[0-9a-f]{32}\.parquet")
RUNS = "regulars-runs"
NO_STATISTICS = {"delta.dataSkippingNumIndexedCols": "0"}


def version_of(directory: Path) -> int | None:
    """Return the latest version of a table, or None when there is no table."""
    if not DeltaTable.is_deltatable(str(directory)):
        return None
    return int(DeltaTable(str(directory)).version())


def run_of(directory: Path) -> int:
    """Return the number of the last run that was committed whole, 0 before the first."""
    if not DeltaTable.is_deltatable(str(directory)):
        return 0
    return int(DeltaTable(str(directory)).transaction_version(RUNS) or 0)


def files_at(directory: Path, version: int | None) -> list[Path]:
    """Return the data files of a version, oldest first; none of no version."""
    if version is None:
        return []
    uris = DeltaTable(str(directory), version=version).file_uris()
    # Only the name is taken: the library percent-encodes the directories of local paths.
    return sorted(directory / PurePosixPath(uri).name for uri in uris)


def new_file(directory: Path) -> Path:
    """Return the path of a data file to be written; names sort by when they were given."""
    directory.mkdir(parents=True, exist_ok=True)
    given = (NAMED.fullmatch(path.name) for path in directory.glob("part-*.parquet"))
    newest = max((int(found[1]) for found in given if found), default=0)
    return directory / f"part-{newest + 1:010d}-{uuid4().hex}.parquet"


def commit(  # noqa: PLR0913 - a table, what changes in it, and in whose name
    directory: Path,
    schema: pa.Schema,
    version: int | None,
    add: Sequence[Path],
    remove: Sequence[Path],
    *,
    run: int | None = None,
) -> int:
    """Make the files of a version, less some and with others, the table's latest version, in one step.

    What a killed writer committed after `version` is taken back in the same step.

    Parameters
    ----------
    directory : Path
    schema : pa.Schema
        Of the table.
    version : int or None
        On which the new one builds; None for an empty table.
    add, remove : sequence of Path
        Complete Parquet files in `directory`; files of `version`.
    run : int, optional
        Number of the run that the commit completes; `run_of` tells it from then on.

    Returns
    -------
    int
        The new version.
    """
    if not DeltaTable.is_deltatable(str(directory)):
        DeltaTable.create(str(directory), schema, configuration=NO_STATISTICS)
    table = DeltaTable(str(directory))
    latest = set(files_at(directory, table.version()))
    wanted = (set(files_at(directory, version)) - set(remove)) | set(add)
    changes: list[AddAction | RemoveAction] = [_added(path) for path in sorted(wanted - latest)]
    changes += [_removed(path) for path in sorted(latest - wanted)]
    if changes:
        properties = CommitProperties(app_transactions=[Transaction(RUNS, run)]) if run is not None else None
        table.create_write_transaction(changes, "append", schema, commit_properties=properties)
    return int(DeltaTable(str(directory)).version())  # the object that wrote still names the version before


def _added(path: Path) -> AddAction:
    found = path.stat()
    statistics = json.dumps({"numRecords": pq.read_metadata(path).num_rows})
    return AddAction(path.name, found.st_size, {}, found.st_mtime_ns // 1_000_000, True, statistics)  # noqa: FBT003


def _removed(path: Path) -> RemoveAction:
    # The log demands a moment; nothing here reads it. The file system's saves asking a clock.
    moment = (path.parent / "_delta_log").stat().st_mtime_ns // 1_000_000
    return RemoveAction(path=path.name, deletion_timestamp=moment, data_change=True)


def forget(directory: Path, keep: Sequence[Path], older_than_seconds: float) -> None:
    """Remove the data files that do not count, of earlier versions and of killed writers.

    Parameters
    ----------
    directory : Path
    keep : sequence of Path
        The files that count.
    older_than_seconds : float, seconds
        Than the newest data file: who is reading an earlier version keeps his files for so long.
    """
    written = {path: path.stat().st_mtime for path in directory.glob("*.parquet")}
    newest = max(written.values(), default=0.0)
    for path in set(written) - set(keep):
        if newest - written[path] >= older_than_seconds:
            path.unlink()
