"""A snapshot in buckets of customers, one after another, for ledgers whose lines do not fit into memory.

Lines are collapsed once and written apart by who bought. Who that is may change with the cutoff: ids that were ever
said to be somebody lie in a part of their own, of which each bucket reads its own customers.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from features import numbered, numbers, snapshot, surroundings
from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.feature import FeatureSet
from ledger import quoting

JOINED = -1
LINES_A_BUCKET = 5_000_000


def buckets_for(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many buckets a ledger's lines take; 1 when they may as well be read at once."""
    found = connection.execute("select count(*) from ledger_orders").fetchall()
    return int(max(1, -(-found[0][0] // LINES_A_BUCKET)))


def in_buckets(
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    folder: Path,
    buckets: int,
    feature_set: FeatureSet = CATALOG,
) -> Iterator[pa.Table]:
    """Describe every customer, a bucket at a time; together they are what `features.snapshot.compute` gives.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views of the ledger's tables; bounded by `ledger.engine.bound` where memory is.
    cutoff : Cutoff
    folder : Path
        Empty and the caller's own; it is left with the collapsed lines in it.
    buckets : int
    feature_set : FeatureSet

    Yields
    ------
    pyarrow.Table
        As of `compute`: sorted by customer within the bucket.

    Raises
    ------
    InputError
        When amounts are too large to be added up exactly.
    """
    store = _store(connection, cutoff) if feature_set.looks_around else None
    numbers.assign(connection)
    size = max(1, -(-numbered.customers(connection) // buckets))
    _write(connection, folder, size)
    for bucket in range(buckets):
        mine = range(bucket * size + 1, (bucket + 1) * size + 1)
        lines = _bucket(folder, bucket)
        snapshot.cut(connection, cutoff, feature_set, store, some=mine, lines=lines)
        yield numbered.read(connection)


def _store(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> pa.Table:
    """Return the store's row, for which all customers are staged at once; what memory does not take is spilled."""
    snapshot.collapse(connection)
    numbered.cut(connection, cutoff)
    surroundings.cut(connection, cutoff)
    return surroundings.read_store(connection)


def _write(connection: duckdb.DuckDBPyConnection, folder: Path, size: int) -> None:
    connection.execute(f"drop table if exists {numbered.LINES}")
    connection.execute(f"""
        copy (
            select l.*, case when i.number is null then (l.customer_id - 1) // {size} else {JOINED} end as bucket
            from ({numbered.lines_as_collapsed()}) l
            left join (
                select distinct k.number from ledger_identities i join {numbers.CUSTOMERS} k on i.anonymous_id = k.id
            ) i on l.customer_id = i.number
        ) to {quoting.text(folder)} (format parquet, partition_by (bucket), overwrite_or_ignore true)""")


def _bucket(folder: Path, bucket: int) -> str:
    """Return what holds a bucket's lines, and those of all ids that may be anybody's."""
    found = [
        path for part in (bucket, JOINED) for path in sorted((folder / f"bucket={part}").glob("*.parquet"))
    ]
    files = ", ".join(quoting.text(path) for path in found)
    nothing = f"({numbered.lines_as_collapsed()} limit 0)"
    return f"read_parquet([{files}], hive_partitioning = false)" if found else nothing
