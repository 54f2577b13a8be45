import math
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest

from segments.causes import Described, with_causes
from segments.expression import parse
from segments.movement import CHANGES
from segments.vocabulary import SegmentColumn

WHEN = "orders >= 3 and days_since_last_order > 30"


def described(known: Mapping[str, float] | None = None, **rows: tuple[float, float]) -> Described:
    """Describe customers by name: their orders, and the days since the last."""
    orders, days = ([row[place] for row in rows.values()] for place in (0, 1))
    frame = pa.table({"customer_id": list(rows), "orders": orders, "days_since_last_order": days})
    return Described(frame, known or {})


def changed(*movers: tuple[str, str], segment: str = "s") -> pa.Table:
    rows = [{"customer_id": who, "segment": segment, "kind": kind, "reasons": []} for who, kind in movers]
    return pa.Table.from_pylist(rows, CHANGES)


def told(table: pa.Table) -> list[tuple[str, list[str]]]:
    return list(zip(table["cause"].to_pylist(), table["changed"].to_pylist(), strict=True))


def test_who_leaves_is_told_the_condition_that_no_longer_holds_with_his_own_value(
    columns: dict[str, SegmentColumn],
) -> None:
    now, before = described(a=(4.0, 2.0)), described(a=(3.0, 45.0))
    found = with_causes(changed(("a", "left")), {"s": parse(WHEN, columns)}, columns, now=now, before=before)
    assert told(found) == [("condition", ["the last order was 2 days ago (at most 30 days ago)"])]


def test_who_enters_is_told_the_condition_that_did_not_hold_before(columns: dict[str, SegmentColumn]) -> None:
    now, before = described(a=(4.0, 31.0), b=(3.0, 40.0)), described(a=(4.0, 1.0), b=(2.0, 33.0))
    movers = changed(("b", "entered"), ("a", "entered"))
    found = with_causes(movers, {"s": parse(WHEN, columns)}, columns, now=now, before=before)
    assert told(found) == [
        ("condition", ["number of orders is 3 (at least 3)"]),
        ("condition", ["the last order was 31 days ago (more than 30 days ago)"]),
    ]


def test_without_the_run_before_every_condition_that_holds_may_have_been_the_one(
    columns: dict[str, SegmentColumn],
) -> None:
    now = described(a=(4.0, 31.0))
    found = with_causes(changed(("a", "entered")), {"s": parse(WHEN, columns)}, columns, now=now, before=None)
    assert told(found) == [
        (
            "condition",
            [
                "number of orders is 4 (at least 3)",
                "the last order was 31 days ago (more than 30 days ago)",
            ],
        )
    ]


def test_of_alternatives_that_all_fail_each_is_told_and_what_is_unknown_is_said_to_be(
    columns: dict[str, SegmentColumn],
) -> None:
    text = "orders = 1 or days_since_last_order > 30"
    now, before = described(a=(2.0, math.nan)), described(a=(1.0, 3.0))
    found = with_causes(changed(("a", "left")), {"s": parse(text, columns)}, columns, now=now, before=before)
    ((cause, texts),) = told(found)
    assert cause == "condition"
    assert texts == [
        "number of orders is 2 (not 1)",
        "unknown whether the last order was more than 30 days ago",
    ]


@pytest.mark.parametrize(
    ("kind", "now", "before", "cause"),
    [
        ("entered", {"a": (4.0, 31.0)}, {"b": (4.0, 31.0)}, "new"),
        ("left", {"b": (4.0, 31.0)}, {"a": (4.0, 31.0)}, "gone"),
    ],
)
def test_customers_who_appear_and_disappear_are_called_so(
    columns: dict[str, SegmentColumn],
    kind: str,
    now: dict[str, Any],
    before: dict[str, Any],
    cause: str,
) -> None:
    parsed = {"s": parse(WHEN, columns)}
    found = with_causes(
        changed(("a", kind)), parsed, columns, now=described(**now), before=described(**before)
    )
    assert told(found) == [(cause, [])]


def test_a_number_of_the_store_that_moves_across_a_customer_is_the_cause(
    columns: dict[str, SegmentColumn],
) -> None:
    parsed = {"s": parse("in_top(orders, 10)", columns)}
    now = described({"orders:90.0": 3.0, "orders:known": 1.0}, a=(4.0, 9.0))
    before = described({"orders:90.0": 5.0, "orders:known": 1.0}, a=(4.0, 9.0))
    found = with_causes(changed(("a", "entered")), parsed, columns, now=now, before=before)
    assert told(found) == [("limits", ["number of orders is 4 (in the top 10 %)"])]
    grown = described({"orders:90.0": 3.0, "orders:known": 1.0}, a=(2.0, 9.0))
    found = with_causes(changed(("a", "entered")), parsed, columns, now=now, before=grown)
    assert told(found) == [("condition", ["number of orders is 4 (in the top 10 %)"])]


def test_segments_that_begin_end_or_are_defined_anew_are_told_as_such(
    columns: dict[str, SegmentColumn],
) -> None:
    now = described(a=(4.0, 31.0))
    movers = pa.concat_tables(
        [
            changed(("a", "entered"), segment="begun"),
            changed(("a", "left"), segment="ended"),
            changed(("a", "left"), segment="edited"),
        ]
    )
    found = with_causes(movers, {}, columns, now=now, before=now, redefined=["edited"])
    assert [cause for cause, _ in told(found)] == ["started", "ended", "definition"]


def test_a_column_that_was_not_brought_back_leaves_the_cause_untold(
    columns: dict[str, SegmentColumn],
) -> None:
    parsed = {"s": parse("spend_365d > 10", columns)}
    now = described(a=(4.0, 31.0))
    found = with_causes(changed(("a", "entered")), parsed, columns, now=now, before=None)
    assert told(found) == [("condition", [])]
