"""What it costs to follow segments: `python benchmarks/movement.py [CUSTOMERS]`, 100,000 by default.

Made-up memberships in 80 segments, as many a customer as the library gives, of which one in twenty changes from one run
to the next. Beside what a run does, the same difference by one DuckDB join of both runs' tables, reasons and all.
A new condition is then tried on everybody, over as many columns as a run keeps.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.catalog.shipped import CATALOG
from ledger.home import Home
from models.scores import SCORES
from regulars.terminal import show
from segments.movement import ENTERED
from serving.facts import RunFacts, SegmentFacts
from serving.publishing import publish
from serving.segments.columns import Customers
from serving.segments.feed import Feed
from serving.segments.preview import Trial
from serving.segments.records import record
from serving.segments.trend import members_on
from serving.store import PublishedRun
from serving.stored_features import selected

SEED = 7
SEGMENTS = 80
A_CUSTOMER = 8  # memberships on average: one in each of three partitions, and some of the others
MOVES = 0.05
START = datetime(2024, 1, 1, tzinfo=UTC)
CONDITION = "orders >= 3 and days_since_last_order > 60 and in_top(clv_365d, 20)"
TEXT: dict[str, Any] = {
    "title": "T",
    "description": "D.",
    "expression": "orders >= 1",
    "sentence": "s",
    "advice": "A.",
}

JOINED = """
    SELECT count(*) FILTER (b.segment IS NULL), count(*) FILTER (a.segment IS NULL)
    FROM before a FULL JOIN after b ON a.customer_id = b.customer_id AND a.segment = b.segment
"""


@dataclass
class Taken:
    """Seconds that steps took."""

    rows: list[dict[str, str | float]]

    def time(self, step: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the step gives
        """Do a step and note its seconds."""
        wall, cpu = time.perf_counter(), time.process_time()
        found = call()
        self.rows.append(
            {"step": step, "seconds": time.perf_counter() - wall, "CPU s": time.process_time() - cpu}
        )
        return found


def memberships(ids: pa.Array, inside: npt.NDArray[np.bool_], names: pa.Array, run: int) -> pa.Table:
    """Return the memberships of a run, each with two reasons."""
    who, which = np.nonzero(inside)
    texts = pa.array([f"predicted chance of leaving is {n % 100} % (over {run} %)" for n in range(2_000)])
    reasons = texts.take(pa.array(np.arange(2 * len(who)) * 7919 % 2_000))
    offsets = pa.array(np.arange(0, 2 * len(who) + 1, 2, dtype=np.int32))
    return pa.table(
        {
            "customer_id": ids.take(pa.array(who)),
            "segment": names.take(pa.array(which)),
            "reasons": pa.ListArray.from_arrays(offsets, reasons),
        }
    )


def facts(inside: npt.NDArray[np.bool_], names: pa.Array, as_of: datetime) -> RunFacts:
    """Return a run's facts."""
    sizes = dict(zip(names.to_pylist(), inside.sum(axis=0).tolist(), strict=True))
    segments = tuple(
        SegmentFacts(name=name, group="history", size=size, value=float(size), **TEXT)
        for name, size in sizes.items()
    )
    return RunFacts(
        release="r1", as_of=as_of, data_through=as_of, currency="EUR", time_zone="UTC", customers=len(inside),
        likely_to_leave=0, money_at_stake=0.0, due_this_week=0, honesty="Made up.", segments=segments,
    )  # fmt: skip


def no_causes(changes: pa.Table) -> pa.Table:
    """Leave causes out: benchmarks of them need a store's features."""
    nothing = pa.array([[]] * changes.num_rows, pa.list_(pa.string()))
    cause = pa.array(["condition"], pa.string()).take(pa.array(np.zeros(changes.num_rows, dtype=int)))
    return changes.append_column("cause", cause).append_column("changed", nothing)


def described(ids: pa.Array, random: np.random.Generator) -> pa.Table:
    """Return a row a customer with every feature and score: small whole numbers, and amounts."""
    rows = len(ids)
    counts = random.geometric(0.3, rows).astype(float)
    columns = {name: counts + place for place, name in enumerate(CATALOG.names)}
    columns["days_since_last_order"] = random.integers(0, 400, rows).astype(float)
    columns |= {score.name: random.gamma(0.7, 80.0, rows).round(2) for score in SCORES}
    return pa.table({"customer_id": ids, **columns})


def main(customers: int) -> None:
    """Print what each step took."""
    random = np.random.default_rng(SEED)
    ids = pa.array([f"c{number:08d}" for number in range(customers)])
    names = pa.array([f"segment_{number:02d}" for number in range(SEGMENTS)])
    shares = random.uniform(0.2, 1.8, SEGMENTS) * A_CUSTOMER / SEGMENTS
    inside = random.random((customers, SEGMENTS), dtype=np.float32) < shares
    taken = Taken([])
    with tempfile.TemporaryDirectory(prefix="regulars-movement-") as directory:
        home = Home(Path(directory))
        before = memberships(ids, inside, names, 1)
        versions = dict.fromkeys(names.to_pylist(), 1)
        first = facts(inside, names, START)
        step = f"first run: {before.num_rows:,} memberships, all of them new"
        taken.time(step, partial(record, home, before, first, versions, no_causes))
        # As many leave as enter.
        moving = random.random(inside.shape, dtype=np.float32)
        inside = np.where(inside, moving >= MOVES / 2, moving < shares * MOVES / 2)
        after, said = memberships(ids, inside, names, 2), facts(inside, names, START + timedelta(days=1))
        recorded = taken.time(
            "second run: entered, left, stays and feed",
            partial(record, home, after, said, versions, no_causes),
        )
        with duckdb.connect() as connection:
            connection.register("before", before)
            connection.register("after", after)
            counts = taken.time(
                "peer: one join of both runs, nothing kept", lambda: connection.sql(JOINED).fetchall()
            )
        changes = sum(
            row["entered"] + row["left"] for row in recorded.trend.to_pylist() if row["as_of"] == said.as_of
        )
        del before, after, moving
        _ask(home, taken, recorded, said, described(ids, random))
        files = sum(path.stat().st_size for path in home.path.rglob("customers.arrow"))
    show(
        taken.rows,
        title=f"{customers:,} customers, {SEGMENTS} segments, {changes:,} changes (the peer counts {counts[0]})",
    )
    print(
        f"columns of everybody: {files / 1e6:,.0f} MB; peak memory {getrusage(RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB"
    )


def _ask(home: Home, taken: Taken, recorded: Any, said: RunFacts, frame: pa.Table) -> None:  # noqa: ANN401
    scores = frame.select(["customer_id", *(score.name for score in SCORES)]).append_column(
        "confidence", pa.repeat(pa.scalar("model"), frame.num_rows)
    )
    nothing = {
        name: pa.array([], pa.string()) for name in ("customer_id", "level", "product_id", "category", "date")
    }
    empty = pa.table(nothing)
    through = max(recorded.trend["through"].to_pylist())
    everybody = Customers((frame,), recorded.present)
    taken.time(
        "publish, columns of everybody included",
        lambda: publish(
            home, scores=scores, memberships=recorded.present.drop_columns(["left_at"]), replenishment=empty,
            suggestions=empty, demand=empty, products=empty, store=pa.table({"as_of_day": [1]}),
            features=selected(frame, []), facts=said.model_copy(update={"changes_through": through}),
            trend=recorded.trend, customers=everybody,
        ),
    )  # fmt: skip
    run = PublishedRun.open(home)
    found = taken.time("preview of a new condition, with overlap", lambda: Trial.of(run, CONDITION).preview())
    taken.time("preview again", lambda: Trial.of(run, CONDITION).preview())
    page = taken.time(
        "a page of 1,000 changes of a segment", lambda: Feed.of(run).read("segment_07", None, 1_000)
    )
    taken.time("the next page", lambda: Feed.of(run).read("segment_07", page.token, 1_000))
    taken.time("a page of members of the day before", lambda: members_on(run, "segment_07", START, "", 1_000))
    assert found.count  # noqa: S101 - a benchmark of nothing is none
    assert page.changes[0]["kind"] == ENTERED  # noqa: S101 - likewise


if __name__ == "__main__":
    main(int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 100_000)
