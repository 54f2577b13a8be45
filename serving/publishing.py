"""Publishing a scoring run: one immutable directory, Arrow IPC sorted for binary search, and the pointer to it.

A reader sees the old run or the new one and never half of either. The tables of record are the Delta tables that
`batch` writes.
"""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import pyarrow as pa

from ledger.home import Home
from serving import arrow_file, stored_features
from serving.facts import RunFacts
from serving.pointer import point_to, sync_directory, written
from serving.segments import columns
from serving.segments.columns import Customers
from serving.store import CUSTOMERS_FILE, FACTS_FILE, FEATURES_FILE, SORTED_BY

NOT_FOLLOWED = pa.table(
    {"segment": pa.array([], pa.string()), "as_of": pa.array([], pa.timestamp("us", "UTC"))}
)


def publish(  # noqa: PLR0913 - one argument a table, by name
    home: Home,
    *,
    scores: pa.Table,
    memberships: pa.Table,
    replenishment: pa.Table,
    suggestions: pa.Table,
    demand: pa.Table,
    products: pa.Table,
    store: pa.Table,
    features: pa.Table,
    facts: RunFacts,
    trend: pa.Table = NOT_FOLLOWED,
    customers: Customers | None = None,
) -> str:
    """
    Write one run's immutable copy and point the service to it.

    Parameters
    ----------
    home : Home
    scores : pa.Table
        One row a person; of who never ordered without scores.
    memberships : pa.Table
        Open memberships: customer_id, segment, entered_at, reasons.
    replenishment : pa.Table
        Rows with customer_id, level, product_id and category; possibly none.
    suggestions : pa.Table
        As `serving.reminders.suggestion` gives it, one row a customer; possibly none.
    demand : pa.Table
        As `serving.reminders.demand` gives it; possibly none.
    products : pa.Table
        `ledger_products` as the run saw it, so that posted histories get the same categories.
    store : pa.Table
        The store's row of `features.surroundings.read_store`, so that they are compared with the same store.
    features : pa.Table
        As `serving.stored_features.selected` gives it, one row a customer: what the reasons of scores are told from.
    facts : RunFacts
    trend : pa.Table
        As `serving.segments.records.read_trend` gives it.
    customers : Customers, optional
        What new conditions are tried on; by default the scores alone.

    Returns
    -------
    str
        The run's name. The same content gets the same name, and publishing it again changes nothing.
    """
    tables = {
        "scores": scores,
        "memberships": memberships,
        "members": memberships,
        "replenishment": replenishment,
        "suggestions": suggestions,
        "demand": demand,
        "products": products,
        "store": store,
        "trend": trend,
    }
    home.published.mkdir(parents=True, exist_ok=True)
    with _publishing(home), tempfile.TemporaryDirectory(dir=home.published, prefix=".new-") as scratch:
        directory = Path(scratch) / "run"
        directory.mkdir()
        digest = hashlib.sha256(written(directory / FACTS_FILE, facts.model_dump_json(indent=1).encode()))
        for name, table in tables.items():
            digest.update(_write_sorted(directory / f"{name}.arrow", table, SORTED_BY[name]))
        digest.update(stored_features.write(directory / FEATURES_FILE, features))
        everybody = customers or Customers((scores.sort_by("customer_id"),), memberships)
        digest.update(columns.write(directory / CUSTOMERS_FILE, everybody))
        run = f"{facts.as_of.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:12]}"
        if not (home.published / run).exists():
            sync_directory(directory)
            directory.replace(home.published / run)
            sync_directory(home.published)
        point_to(home, run)
    return run


@contextmanager
def _publishing(home: Home) -> Iterator[None]:
    """Let one process publish at a time."""
    with (home.published / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for abandoned in home.published.glob(
            ".new-*"
        ):  # by a process that died while publishing: we hold its lock
            shutil.rmtree(abandoned) if abandoned.is_dir() else abandoned.unlink()
        yield


def _write_sorted(path: Path, table: pa.Table, by: tuple[str, ...]) -> bytes:
    """Write a sorted Arrow file, uncompressed so that it can be mapped, and return its SHA-256."""
    table = table.sort_by([(name, "ascending") for name in by]).combine_chunks()
    with arrow_file.written(path, table.schema) as writer:
        writer.write_table(table)
    return arrow_file.digest(path)
