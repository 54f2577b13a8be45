"""The published run: an immutable copy of the latest scores, read memory-mapped, and the pointer to it.

One directory a run, Arrow IPC sorted for binary search; the pointer file is replaced atomically, so that a
reader sees the old run or the new one and never half of either. The tables of record are the Delta tables
that `batch` writes.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, ValidationError

from ledger.errors import InputError
from ledger.home import Home
from models.gaps import Level
from serving import arrow_file, stored_features
from serving.segments import columns
from serving.segments.columns import CustomerColumns, Customers
from serving.stored_features import StoredFeatures

RUNS_KEPT = 3
FACTS_FILE = "run.json"
FEATURES_FILE = "features.arrow"
CUSTOMERS_FILE = "customers.arrow"
RUN_NAME = re.compile(r"[\w-]+", re.ASCII)
SORTED_BY = {
    "scores": ("customer_id",),
    "memberships": ("customer_id", "segment"),
    "members": ("segment", "customer_id"),
    "replenishment": ("customer_id", "level", "product_id", "category"),
    "suggestions": ("customer_id",),
    "demand": ("level", "product_id", "category", "date"),
    "products": ("product_id",),
    "store": ("as_of_day",),
    "trend": ("segment", "as_of"),
}
NOT_FOLLOWED = pa.table(
    {"segment": pa.array([], pa.string()), "as_of": pa.array([], pa.timestamp("us", "UTC"))}
)


Group = Literal["predicted", "history", "lifecycle"]


class SegmentFacts(BaseModel):
    """A segment as it stood in one run.

    Parameters
    ----------
    name, title, description, expression, sentence, advice : str
        What it is; the sentence is the expression in words.
    group : str
        Whether it rests on a prediction, on history alone, or is a cell of the lifecycle grid.
    size : int, customers
    value : float, currency
        Sum of clv_365d over the members.
    version : int
        Of its definition.
    entered, left : int, customers
        Since the run before.
    warning : str or None
        What is out of the ordinary about its size, in one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    group: Group
    description: str
    expression: str
    sentence: str
    advice: str
    size: int
    value: float
    version: int = 1
    entered: int = 0
    left: int = 0
    warning: str | None = None


class RunFacts(BaseModel):
    """What one scoring run says about the shop as a whole.

    Parameters
    ----------
    release : str
    as_of, data_through : datetime
        The cutoff, and the last order known before it (None when there is none).
    currency, time_zone : str
    customers : int
        Customers scored.
    likely_to_leave : int, customers
        Members of `likely_to_churn`: churn_probability_90d above 0.66.
    money_at_stake : float, currency
        What those customers spent in the 365 days before the cutoff.
    due_this_week : int
        Refills more likely than not within 7 days, counted at the level `due_level` alone: one purchase is due
        as a product and as its category.
    due_level : "product", "category" or None
        "category" when nobody bought a product twice; None when nobody bought from a category twice either.
    honesty : str
        How far the release may be trusted, in one sentence.
    checks : tuple of str
        What the gate looked at before the release was served.
    segments : tuple of SegmentFacts
    value : float, currency
        Sum of clv_365d over all customers.
    numbers : dict of str to float
        The release's thresholds and lifecycle limits, by which conditions are judged.
    horizon_days : int, days
        Of the release, whose scores are named after it.
    changes_through : int
        Last position of the feed of changes.
    orders_a_day : float or None
        As orders arrived in the eight weeks up to the last one.
    longest_silence_days : int or None, days
        Between two days with orders, in the year up to the last one.
    posted_through : int
        Number of the last posted row that the ledger's tables had when the run read them, see `ledger.arrivals`.
    sensitive_attributes : tuple of str
        Those that the release lets segments ask for.
    recorded_events : tuple of str
        Names of the events that the shop had ever recorded, as far as a segment asks for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str
    as_of: datetime
    data_through: datetime | None
    currency: str
    time_zone: str
    customers: int
    likely_to_leave: int
    money_at_stake: float
    due_this_week: int
    due_level: Level | None = None
    honesty: str
    checks: tuple[str, ...] = ()
    segments: tuple[SegmentFacts, ...] = ()
    value: float = 0.0
    numbers: dict[str, float] = {}
    horizon_days: int = 90
    changes_through: int = 0
    orders_a_day: float | None = None
    longest_silence_days: int | None = None
    posted_through: int = 0
    sensitive_attributes: tuple[str, ...] = ()
    recorded_events: tuple[str, ...] = ()


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
        One row a customer.
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
        digest = hashlib.sha256(_write(directory / FACTS_FILE, facts.model_dump_json(indent=1).encode()))
        for name, table in tables.items():
            digest.update(_write_sorted(directory / f"{name}.arrow", table, SORTED_BY[name]))
        digest.update(stored_features.write(directory / FEATURES_FILE, features))
        everybody = customers or Customers((scores.sort_by("customer_id"),), memberships)
        digest.update(columns.write(directory / CUSTOMERS_FILE, everybody))
        run = f"{facts.as_of.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:12]}"
        if not (home.published / run).exists():
            _sync_directory(directory)
            directory.replace(home.published / run)
            _sync_directory(home.published)
        _point_to(home, run)
    return run


def _write_sorted(path: Path, table: pa.Table, by: tuple[str, ...]) -> bytes:
    """Write a sorted Arrow file, uncompressed so that it can be mapped, and return its SHA-256."""
    table = table.sort_by([(name, "ascending") for name in by]).combine_chunks()
    with arrow_file.written(path, table.schema) as writer:
        writer.write_table(table)
    return arrow_file.digest(path)


def _write(path: Path, content: bytes) -> bytes:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return content


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def _point_to(home: Home, run: str) -> None:
    """Replace the pointer and remove the runs that are no longer kept."""
    before = _read_pointer(home)
    earlier = [name for name in before.get("runs", []) if name != run][: RUNS_KEPT - 1]
    pointer = json.dumps({"run": run, "runs": [run, *earlier]}).encode()
    scratch = home.published_pointer.with_name(".new-pointer")
    _write(scratch, pointer)
    scratch.replace(home.published_pointer)
    _sync_directory(home.published)
    for path in home.published.iterdir():
        # A worker that still maps a removed run keeps reading it: the pages live until it lets go.
        if path.is_dir() and not path.name.startswith(".") and path.name not in {run, *earlier}:
            shutil.rmtree(path)


def _read_pointer(home: Home) -> dict[str, Any]:
    try:
        pointer = json.loads(home.published_pointer.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(
            f"{home.published_pointer} is not valid JSON; run `regulars score` to write it anew"
        ) from error
    if not isinstance(pointer, dict) or not RUN_NAME.fullmatch(str(pointer.get("run"))):
        raise InputError(f"{home.published_pointer} names no run; run `regulars score` to write it anew")
    return pointer


def current_run(home: Home) -> str | None:
    """Return the name of the run that is served, or None when nothing has been scored.

    Raises
    ------
    InputError
        When the pointer file is damaged.
    """
    return _read_pointer(home).get("run")


def kept_runs(home: Home) -> list[str]:
    """Return the names of the run that is served and of those before it that are kept, the newest first."""
    return [name for name in _read_pointer(home).get("runs", []) if (home.published / str(name)).is_dir()]


@dataclass(frozen=True)
class PublishedRun:
    """One run, memory-mapped.

    Parameters
    ----------
    name : str
    facts : RunFacts
    tables : mapping of str to pa.Table
        By the names of `SORTED_BY`, each sorted by its columns.
    features : StoredFeatures
        A row for each row of the scores.
    columns : CustomerColumns
        Likewise.
    home : Home
        Where it is published.
    """

    name: str
    facts: RunFacts
    tables: Mapping[str, pa.Table]
    features: StoredFeatures
    columns: CustomerColumns
    home: Home

    @classmethod
    def open(cls, home: Home, name: str | None = None) -> "PublishedRun":
        """
        Open the run that the pointer names, or another of `kept_runs`.

        Raises
        ------
        InputError
            When nothing is published or the run is damaged.
        """
        name = name or current_run(home)
        if name is None:
            raise InputError("nothing has been scored yet; run `regulars score`")
        directory = home.published / name
        try:
            facts = RunFacts.model_validate_json((directory / FACTS_FILE).read_bytes())
            tables = {table: _map(directory / f"{table}.arrow") for table in SORTED_BY}
            features = StoredFeatures.open(directory / FEATURES_FILE)
            columns_of_all = CustomerColumns.open(directory / CUSTOMERS_FILE)
        except (OSError, pa.ArrowException, ValidationError) as error:
            raise InputError(
                f"published run {name} cannot be read; run `regulars score` to write it anew"
            ) from error
        return cls(name, facts, tables, features, columns_of_all, home)

    def customer(self, customer_id: str) -> dict[str, Any] | None:
        """Return one customer's row of scores, or None when he is not in the run."""
        rows = self._rows("scores", customer_id)
        return rows[0] if rows else None

    def features_of(self, customer_id: str) -> pa.Table:
        """Return the row that a customer of the run was scored by."""
        scores = self.tables["scores"]
        place, _ = _span(scores["customer_id"], customer_id, 0, scores.num_rows)
        found = self.features.row(place)
        if found["customer_id"][0].as_py() != customer_id:
            raise ValueError("a run's features must be those of its customers, sorted as its scores are")
        return found

    def memberships_of(self, customer_id: str) -> list[dict[str, Any]]:
        """Return one customer's open memberships, by segment name."""
        return self._rows("memberships", customer_id)

    def replenishment_of(self, customer_id: str) -> pa.Table:
        """Return what one customer is expected to buy again."""
        return self._slice("replenishment", customer_id)

    def suggestion_of(self, customer_id: str) -> dict[str, Any] | None:
        """Return the reminder suggested for one customer, or None when nothing is due."""
        rows = self._rows("suggestions", customer_id)
        return rows[0] if rows else None

    def segment(self, name: str) -> SegmentFacts | None:
        """Return one segment's facts, or None when the run has no such segment."""
        return next((segment for segment in self.facts.segments if segment.name == name), None)

    def members(self, segment: str, after: str, limit: int) -> list[dict[str, Any]]:
        """
        Return the next members of a segment, by customer id.

        Parameters
        ----------
        segment : str
        after : str
            Only members whose id sorts after this one; "" starts at the first. It means the same in
            every run.
        limit : int

        Returns
        -------
        list of dict
            Memberships: customer_id, segment, entered_at, reasons.
        """
        everybody = self.memberships(segment)
        customers = everybody["customer_id"]
        first = bisect_right(range(len(customers)), after, key=lambda row: customers[row].as_py())
        return list(everybody.slice(first, limit).to_pylist())

    def memberships(self, segment: str) -> pa.Table:
        """Return all memberships of a segment, by customer id, as `members` tells them; not copied."""
        table = self.tables["members"]
        start, stop = _span(table["segment"], segment, 0, table.num_rows)
        return table.slice(start, stop - start)

    def products_of(self, product_ids: pa.Array) -> pa.Table:
        """Return the ledger's rows about some products."""
        products = self.tables["products"]
        return products.filter(pc.is_in(products["product_id"], value_set=product_ids))

    def _rows(self, name: str, customer_id: str) -> list[dict[str, Any]]:
        return list(self._slice(name, customer_id).to_pylist())

    def _slice(self, name: str, customer_id: str) -> pa.Table:
        table = self.tables[name]
        start, stop = _span(table["customer_id"], customer_id, 0, table.num_rows)
        return table.slice(start, stop - start)


def _span(column: pa.ChunkedArray, value: str, low: int, high: int) -> tuple[int, int]:
    """Return the rows [start, stop) of a sorted column that equal `value`; Python sorts as Arrow does."""

    def at(row: int) -> Any:  # noqa: ANN401 - a cell
        return column[row].as_py()

    start = bisect_left(range(high), value, lo=low, key=at)
    return start, bisect_right(range(high), value, lo=start, key=at)


def _map(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
