from datetime import UTC, datetime

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.engine import open_engine
from segments.movement import STAYS, Moved, move, present_on
from tests.segments.stays_reference import Pair, Reference, Stay


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=UTC)


def members(pairs: set[Pair], reason: str = "why") -> pa.Table:
    customers, segments = ([pair[place] for pair in sorted(pairs)] for place in (0, 1))
    return pa.table(
        {
            "customer_id": pa.array(customers, pa.string()),
            "segment": pa.array(segments, pa.string()),
            "reasons": pa.array([[reason]] * len(pairs), pa.list_(pa.string())),
        }
    )


def run(recorded: pa.Table, pairs: set[Pair], number: int, reason: str = "why") -> tuple[pa.Table, Moved]:
    """Move all stays to a day and return them with what was moved."""
    with open_engine() as connection:
        connection.register("recorded", recorded)
        moved = move(connection, members(pairs, reason), day(number))
    return pa.concat_tables([moved.present, moved.ended]), moved


def rows(stays: pa.Table) -> list[Stay]:
    told = [
        (
            row["customer_id"],
            row["segment"],
            row["entered_at"].day,
            row["left_at"].day if row["left_at"] else None,
        )
        for row in stays.to_pylist()
    ]
    return sorted(told, key=lambda stay: stay[:3])


def changes(moved: Moved) -> list[tuple[str, str, str, list[str]]]:
    return [tuple(row.values()) for row in moved.changes.to_pylist()]


NOBODY = STAYS.empty_table()


def test_entering_staying_leaving_and_coming_back_are_told_apart() -> None:
    first, entering = run(NOBODY, {("a", "s"), ("b", "s")}, 1, "first")
    second, leaving = run(first, {("a", "s")}, 2, "second")
    third, back = run(second, {("a", "s"), ("b", "s")}, 3, "third")
    assert rows(third) == [("a", "s", 1, None), ("b", "s", 1, 2), ("b", "s", 3, None)]
    assert changes(entering) == [("a", "s", "entered", ["first"]), ("b", "s", "entered", ["first"])]
    assert changes(leaving) == [("b", "s", "left", ["first"])]
    assert changes(back) == [("b", "s", "entered", ["third"])]
    reasons = {(row["customer_id"], row["entered_at"].day): row["reasons"] for row in third.to_pylist()}
    assert reasons == {("a", 1): ["third"], ("b", 1): ["first"], ("b", 3): ["third"]}


def test_a_run_done_again_replaces_stays_and_tells_only_what_it_corrects() -> None:
    before, _ = run(NOBODY, {("a", "s")}, 1)
    wrong, _ = run(before, {("b", "s")}, 2)
    right, told = run(wrong, {("a", "s"), ("c", "s")}, 2)
    assert rows(right) == [("a", "s", 1, None), ("c", "s", 2, None)]
    assert [(who, kind) for who, _, kind, _ in changes(told)] == [
        ("a", "entered"),
        ("b", "left"),
        ("c", "entered"),
    ]


def test_members_of_before_the_feed_began_are_told_once_and_keep_since_when() -> None:
    before, _ = run(NOBODY, {("a", "s")}, 1)
    with open_engine() as connection:
        connection.register("recorded", before)
        moved = move(connection, members({("a", "s")}), day(2), told=False)
    assert [(who, kind) for who, _, kind, _ in changes(moved)] == [("a", "entered")]
    assert rows(moved.present) == [("a", "s", 1, None)]


PAIRS = st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")))
RUNS = st.lists(st.tuples(st.booleans(), PAIRS), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(runs=RUNS)
def test_any_runs_some_done_again_tell_who_was_in_on_every_day_and_every_change_once(
    runs: list[tuple[bool, set[Pair]]],
) -> None:
    stays, reference, heard, number = NOBODY, Reference(), set[Pair](), 1
    for again, pairs in runs:
        number += 0 if again else 2
        stays, moved = run(stays, pairs, number)
        reference.run(number, pairs)
        for who, segment, kind, _ in changes(moved):
            # Nobody is added who is there or removed who is not: each change is told once.
            assert ((who, segment) in heard) is (kind == "left")
            heard ^= {(who, segment)}
        assert heard == pairs
        assert changes(run(stays, pairs, number)[1]) == []
    assert rows(stays) == reference.stays()
    with open_engine() as connection:
        connection.register("recorded", stays)
        for instant in range(1, number + 2):
            found = present_on(connection, day(instant)).to_pylist()
            assert {(row["customer_id"], row["segment"]) for row in found} == reference.members_on(instant)
