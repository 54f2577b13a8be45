"""Scoring runs made up of who is in which segment, recorded and published as real ones are."""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from ledger.home import Home
from segments.movement import ENTERED
from serving.facts import RunFacts, SegmentFacts
from serving.publishing import publish
from serving.segments.columns import Customers
from serving.segments.records import record
from serving.store import PublishedRun
from serving.stored_features import selected

Pair = tuple[str, str]
TEXT: dict[str, Any] = {
    "title": "T",
    "description": "D.",
    "expression": "orders >= 3",
    "sentence": "s",
    "advice": "A.",
}


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=UTC)


def members(pairs: Collection[Pair]) -> pa.Table:
    ordered = sorted(pairs)
    return pa.table(
        {
            "customer_id": pa.array([who for who, _ in ordered], pa.string()),
            "segment": pa.array([segment for _, segment in ordered], pa.string()),
            "reasons": pa.array([[f"why {who}"] for who, _ in ordered], pa.list_(pa.string())),
        }
    )


def facts(pairs: Collection[Pair], number: int) -> RunFacts:
    names = sorted({segment for _, segment in pairs} | {"x", "y"})
    sizes = {name: sum(segment == name for _, segment in pairs) for name in names}
    return RunFacts(
        release="r1",
        as_of=day(number),
        data_through=day(number),
        currency="EUR",
        time_zone="UTC",
        customers=9,
        likely_to_leave=0,
        money_at_stake=0.0,
        due_this_week=0,
        honesty="Rough.",
        segments=tuple(
            SegmentFacts(name=name, group="history", size=size, value=10.0 * size, **TEXT)
            for name, size in sizes.items()
        ),
    )


def no_causes(changes: pa.Table) -> pa.Table:
    causes = ["condition" if kind == ENTERED else "limits" for kind in changes["kind"].to_pylist()]
    nothing = pa.array([[]] * len(causes), pa.list_(pa.string()))
    return changes.append_column("cause", pa.array(causes, pa.string())).append_column("changed", nothing)


def follow(home: Home, pairs: Collection[Pair], number: int) -> PublishedRun:
    """Record and publish a run of a day."""
    said = facts(pairs, number)
    recorded = record(home, members(pairs), said, {each.name: 1 for each in said.segments}, no_causes)
    through = max(recorded.trend["through"].to_pylist())
    scores = pa.table({"customer_id": list("abcdefghi"), "clv_365d": [float(n) for n in range(9)]})
    publish(
        home,
        scores=scores,
        memberships=recorded.present.drop_columns(["left_at"]),
        replenishment=empty("customer_id", "level", "product_id", "category"),
        suggestions=empty("customer_id"),
        demand=empty("level", "product_id", "category", "date"),
        products=empty("product_id"),
        store=pa.table({"as_of_day": [1]}),
        features=selected(scores, []),
        facts=said.model_copy(update={"changes_through": through}),
        trend=recorded.trend.drop_columns(["sequence"]),
        customers=Customers((scores,), recorded.present),
    )
    return PublishedRun.open(home)


def empty(*columns: str) -> pa.Table:
    return pa.table({column: pa.array([], pa.string()) for column in columns})


def files_of(path: Path) -> list[Path]:
    return sorted(path.glob("*.parquet"))
