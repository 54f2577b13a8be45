"""Which data files may hold given keys: sorted hashes beside each large file, so that a small append reads few rows.

An index is derived from its file and can be deleted at any time. DuckDB's hash may change with its version, so each
version has indexes of its own.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from ledger.schema import Table
from ledger.store import relation

WORTH_AN_INDEX = 100_000  # rows; a smaller file is read in a few milliseconds
Hashes = npt.NDArray[np.uint64]


def files_that_may_hold(
    connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[Path], wanted: Hashes
) -> list[Path]:
    """Return the files that hold a row whose first key column has one of the hashes, and all files without an index.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    table : Table
    files : sequence of Path
        Data files of the table.
    wanted : (n,) uint64
        DuckDB's hash of first key columns.
    """
    return [path for path in files if _may_hold(connection, table, path, wanted)]


def index(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[Path]) -> None:
    """Make the indexes of new files, so that the next append need not wait for them."""
    for path in files:
        if _is_large(path):
            _index_of(connection, table, path)


def _is_large(path: Path) -> bool:
    return bool(pq.read_metadata(path).num_rows >= WORTH_AN_INDEX)


def _may_hold(connection: duckdb.DuckDBPyConnection, table: Table, path: Path, wanted: Hashes) -> bool:
    if not _is_large(path):
        return True
    hashes = _index_of(connection, table, path)
    places = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
    return bool((hashes[places] == wanted).any())


def _index_of(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> Hashes:
    """Return the sorted hashes of a file's keys, mapped from the disk; made when they are not there."""
    # A name with an underscore before it is no part of the Delta table.
    directory = path.parent / "_keys" / f"duckdb-{duckdb.__version__}"
    stored = directory / f"{path.stem}.npy"
    if not stored.exists():
        rows = relation(table, [path])
        select = f"SELECT DISTINCT hash({table.key[0]}) AS hashed FROM ({rows}) ORDER BY hashed"
        hashes = connection.sql(select).fetchnumpy()["hashed"].astype(np.uint64)
        directory.mkdir(parents=True, exist_ok=True)
        draft = stored.with_suffix(".draft")
        with draft.open("wb") as handle:
            np.save(handle, hashes, allow_pickle=False)
        draft.replace(stored)
    mapped: Hashes = np.load(stored, mmap_mode="r", allow_pickle=False)
    return mapped
