"""How fast segments are: everybody assigned with reasons, and one customer explained.

    python benchmarks/segment_speed.py [--customers N]

The library is repeated under other names up to 80 segments. Customers are made up, every column that a segment asks for
at random, as a scoring run has them once scores exist. Beside it, in the same run, what a team without an engine for
segments does: one query a segment, of the members' ids alone and without any reason. A million customers need 4 GB.
"""

import argparse
import resource
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from features.catalog.shipped import CATALOG
from models.scores import SCORES
from segments.assign import compile_segments, customers_sql, measured_in, parse_all
from segments.derived import inputs_of
from segments.explain import Explainer
from segments.expression import Expression
from segments.resolve import thresholds
from segments.segment import Segment, load_library
from segments.vocabulary import DERIVED, SegmentColumn, vocabulary

SEGMENTS = 80
EXPLAINED = 200
UNKNOWN = 0.1
Found = TypeVar("Found")
LIMITS = {f"{limit}_{count}": days for count in range(4) for limit, days in (("A", 40.0), ("C", 150.0))}
TOPS = {
    "probability": 1.0,
    "share": 1.0,
    "orders": 8.0,
    "categories": 6.0,
    "refills": 3.0,
    "flag": 2.0,
    "": 3.0,
}
TEXTS = ["mobile", "desktop", "loyal_active", "one_timer_churned", "champions", "dormant", None]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=100_000)
    given = parser.parse_args()
    columns = vocabulary((*CATALOG, *SCORES), "EUR")
    library = load_library()
    segments = [*library, *(_again(each) for each in library[: SEGMENTS - len(library)])][:SEGMENTS]
    parsed = parse_all(segments, columns)
    frame = _customers(given.customers, columns, segments)
    known = {**thresholds(parsed.values(), frame.slice(0, 200_000)), **LIMITS}
    assigner = compile_segments(segments, columns, known, {})
    members, spent = _timed(lambda: assigner.assign(frame))
    print(f"{given.customers:,} customers, {len(segments)} segments")
    _show("assigned with reasons", spent, f"{members.num_rows:,} memberships")
    found, spent = _timed(lambda: _one_by_one(frame, parsed, columns, known))
    _show(f"{len(segments)} separate queries, ids only", spent, f"{found:,} memberships")
    explainer, spent = _timed(
        lambda: Explainer(segments, columns, known, scores=[score.name for score in SCORES])
    )
    _show("explanations prepared", spent, "once a release")
    facts = frame.slice(0, EXPLAINED).to_pylist()
    walls, begun = [], time.process_time()
    for each in facts:
        start = time.perf_counter()
        explainer.explain(each)
        walls.append(1000 * (time.perf_counter() - start))
    cpu = 1000 * (time.process_time() - begun) / len(facts)
    print(
        f"  one customer, all explained: median {np.median(walls):.1f} ms, p99 {np.quantile(walls, 0.99):.1f} ms, "
        f"{cpu:.1f} ms of CPU"
    )
    print(f"  at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB of memory")


def _again(segment: Segment) -> Segment:
    return segment.model_copy(update={"name": f"{segment.name}_2"})


def _customers(count: int, columns: dict[str, SegmentColumn], segments: list[Segment]) -> pa.Table:
    """Return customers with a value at random in every column that is asked for, a tenth of them unknown."""
    random = np.random.default_rng(7)
    parsed = parse_all(segments, columns).values()
    asked = {**columns, **{each.name: each for each in measured_in(parsed)}}
    names = inputs_of(name for each in parsed for name in each.columns) - {each.name for each in DERIVED}
    filled: dict[str, pa.Array] = {"customer_id": pa.array([f"c{number:07d}" for number in range(count)])}
    for name in sorted(names):
        column = asked[name]
        if column.unit == "text":
            filled[name] = pa.array(TEXTS).take(pa.array(random.integers(0, len(TEXTS), count)))
            continue
        top = TOPS.get(column.unit, 400.0)
        values = (random.random(count) * top).astype(np.float64)
        if top > 1:
            values = np.floor(values)
        filled[name] = pa.array(values, mask=random.random(count) < UNKNOWN)
    return pa.table(filled)


def _one_by_one(
    frame: pa.Table,
    parsed: Mapping[str, Expression],
    columns: Mapping[str, SegmentColumn],
    known: Mapping[str, float],
) -> int:
    """Ask for each segment by itself; return how many memberships there are."""
    found = 0
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        for expression in parsed.values():
            customers, _ = customers_sql([expression], columns, known)
            query = f"SELECT customer_id FROM ({customers}) WHERE {expression.sql(known)}"
            found += connection.sql(query).to_arrow_table().num_rows
    return found


def _timed(work: Callable[[], Found]) -> tuple[Found, tuple[float, float]]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, (time.perf_counter() - wall, time.process_time() - cpu)


def _show(what: str, spent: tuple[float, float], told: str) -> None:
    wall, cpu = spent
    print(f"  {what:32} {wall:7.2f} s, {cpu:7.2f} s of CPU, {told}")


if __name__ == "__main__":
    main()
