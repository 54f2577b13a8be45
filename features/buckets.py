"""A snapshot in buckets of customers, one after another: memory is a bucket's, whatever the ledger's size.

Lines are collapsed once and written apart by a hash of who bought. Who that is may change with the cutoff: ids that
were ever said to be somebody lie in a part of their own, of which each bucket reads its own customers.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from features import history, snapshot, surroundings
from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.feature import FeatureSet
from ledger import identity

LINES = history.COLLAPSE.table
JOINED = -1
LINES_A_BUCKET = 5_000_000  # staged in about 1 GB


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
    _write(connection, folder, buckets)
    identity.stage(connection, cutoff.at)  # whose the joined lines are; `cut` stages the same again
    try:
        for bucket in range(buckets):
            connection.execute(f"create or replace temp view {LINES} as {_bucket(folder, bucket, buckets)}")
            snapshot.cut(connection, cutoff, feature_set, store)
            yield snapshot.read(connection)
    finally:
        connection.execute(f"drop view if exists {LINES}")


def _store(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> pa.Table:
    """Return the store's row, for which all customers are staged at once; what memory does not take is spilled."""
    snapshot.collapse(connection)
    history.cut(connection, cutoff)
    surroundings.cut(connection, cutoff)
    return surroundings.read_store(connection)


def _write(connection: duckdb.DuckDBPyConnection, folder: Path, buckets: int) -> None:
    into = str(folder).replace("'", "''")
    connection.execute(f"drop table if exists {LINES}")
    connection.execute(f"""
        copy (
            select l.*, case when i.anonymous_id is null then {_hashed("l.customer_id", buckets)} else {JOINED} end
                as bucket
            from ({history.COLLAPSE.sql}) l
            left join (select distinct anonymous_id from ledger_identities) i on l.customer_id = i.anonymous_id
        ) to '{into}' (format parquet, partition_by (bucket), overwrite_or_ignore true)""")


def _bucket(folder: Path, bucket: int, buckets: int) -> str:
    parts = [f"select * from {_read(found)}" for found in _files(folder, bucket)]
    mine = f"{_hashed('coalesce(i.customer_id, l.customer_id)', buckets)} = {bucket}"
    whose = "left join identities_resolved i on l.customer_id = i.anonymous_id"
    parts += [f"select l.* from {_read(found)} l {whose} where {mine}" for found in _files(folder, JOINED)]
    return " union all ".join(parts) or f"select * from ({history.COLLAPSE.sql}) where false"


def _files(folder: Path, bucket: int) -> list[Path]:
    return sorted((folder / f"bucket={bucket}").glob("*.parquet"))


def _read(path: Path) -> str:
    quoted = str(path).replace("'", "''")
    return f"read_parquet('{quoted}', hive_partitioning = false)"


def _hashed(who: str, buckets: int) -> str:
    return f"cast(hash({who}) % {buckets} as bigint)"
