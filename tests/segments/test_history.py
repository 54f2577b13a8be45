from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError
from segments.history import advance, no_history

Row = tuple[str, str, int, int | None, list[str]]


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=UTC)


def members(pairs: set[tuple[str, str]], reason: str = "why") -> pa.Table:
    customers, segments = ([pair[place] for pair in sorted(pairs)] for place in (0, 1))
    return pa.table(
        {
            "customer_id": pa.array(customers, pa.string()),
            "segment": pa.array(segments, pa.string()),
            "reasons": pa.array([[reason]] * len(pairs), pa.list_(pa.string())),
        }
    )


def rows(history: pa.Table) -> list[Row]:
    return [
        (
            row["customer_id"],
            row["segment"],
            row["entered_at"].day,
            row["left_at"] and row["left_at"].day,
            row["reasons"],
        )
        for row in history.to_pylist()
    ]


def test_entering_staying_leaving_and_coming_back_are_told_apart() -> None:
    first = advance(no_history(), members({("a", "s"), ("b", "s")}, "first"), day(1))
    second = advance(first, members({("a", "s")}, "second"), day(2))
    third = advance(second, members({("a", "s"), ("b", "s")}, "third"), day(3))
    assert rows(first) == [("a", "s", 1, None, ["first"]), ("b", "s", 1, None, ["first"])]
    assert rows(second) == [("a", "s", 1, None, ["second"]), ("b", "s", 1, 2, ["first"])]
    assert rows(third) == [
        ("a", "s", 1, None, ["third"]),
        ("b", "s", 1, 2, ["first"]),
        ("b", "s", 3, None, ["third"]),
    ]


def test_a_run_done_again_at_the_same_instant_with_other_members_replaces_itself() -> None:
    before = advance(no_history(), members({("a", "s")}), day(1))
    wrong = advance(before, members({("b", "s")}), day(2))
    assert rows(advance(wrong, members({("a", "s")}), day(2))) == [("a", "s", 1, None, ["why"])]


def test_a_run_before_the_last_one_is_refused() -> None:
    known = advance(no_history(), members({("a", "s")}), day(5))
    with pytest.raises(InputError, match=r"already known up to 2024-01-05.*as of 2024-01-04.*would rewrite"):
        advance(known, members(set()), day(4))


PAIRS = st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")))


@settings(max_examples=25, deadline=None)
@given(runs=st.lists(PAIRS, min_size=1, max_size=4))
def test_the_history_tells_who_was_in_which_segment_after_every_run(runs: list[set[tuple[str, str]]]) -> None:
    history = no_history()
    for number, pairs in enumerate(runs, start=1):
        history = advance(history, members(pairs), day(number))
        assert advance(history, members(pairs), day(number)).equals(history)
    told = rows(history)
    for number, pairs in enumerate(runs, start=1):
        within = [
            (who, what)
            for who, what, entered, left, _ in told
            if entered <= number and (left is None or number < left)
        ]
        assert sorted(within) == sorted(pairs)
