"""What segments may ask of a customer's refills."""

from typing import Any

import pyarrow as pa

from segments.assign import assign
from segments.segment import Segment
from segments.vocabulary import REFILLS, vocabulary
from serving.reminders import membership, refills, suggestion
from tests.serving.reminders.ledgers import CUTOFF, forecast, ledger, unsteadily

DUE = [row for item in ("milk", "soap") for row in unsteadily((14, 28), "ann", item, 21)]


def columns(given: pa.Table, bought: list[tuple[str, str, int]] = DUE, **more: Any) -> pa.Table:  # noqa: ANN401
    connection = ledger(bought, **more)
    refills.stage(connection, [given], CUTOFF, 5)
    suggestions = suggestion.stage(connection, CUTOFF)
    return membership.columns(connection, pa.chunked_array([["ann", "bob"]]), suggestions)


def test_refills_are_counted_by_state_and_a_product_and_its_category_are_one() -> None:
    ann, bob = columns(forecast([("ann", "milk"), ("ann", "Food > Milk"), ("ann", "soap")])).to_pylist()
    assert (ann["refills_due_now"], ann["refills_late"]) == (2, 0)
    assert sorted(ann["due_now_items"].split("\n")) == ["", "", "Food > Milk", "milk", "soap"]
    assert ann["reminder_value"] > 0
    assert (bob["refills_due_now"], bob["due_now_items"], bob["reminder_value"]) == (0, "", 0)


def test_the_columns_are_those_of_the_vocabulary() -> None:
    assert set(columns(forecast([])).column_names) == {"customer_id", *(column.name for column in REFILLS)}


def test_what_must_not_be_reminded_or_is_unlikely_counts_nowhere() -> None:
    at = CUTOFF.plus_days(-2).at
    paused = {"pause_id": "p", "customer_id": "ann", "product_id": "milk", "paused_at": at, "known_at": at}
    (ann, _) = columns(forecast([("ann", "milk"), ("ann", "soap")]), pauses=[paused]).to_pylist()
    assert (ann["refills_due_now"], ann["due_now_items"]) == (1, "\nsoap\n")
    (ann, _) = columns(forecast([("ann", "milk")], p=(0.01, 0.05, 0.1))).to_pylist()
    assert ann["refills_due_now"] == 0


def test_lost_is_what_was_bought_again_before() -> None:
    others = [row for number in range(6) for row in unsteadily((14, 28), f"o{number}", "milk", 1)]
    bought = [*others, ("ann", "soap", 3), ("ann", "milk", 300), ("bob", "soap", 3)]
    bought += [("bob", "milk", day) for day in (300, 320, 340)]
    ann, bob = columns(forecast([("ann", "milk"), ("bob", "milk")]), bought).to_pylist()
    assert (ann["refills_lost"], bob["refills_lost"], bob["lost_items"]) == (0, 1, "\nmilk\n")


def test_a_segment_asks_who_is_due_for_a_product_by_its_whole_name() -> None:
    frame = columns(forecast([("ann", "milk"), ("ann", "soap")]))
    text = {"title": "T", "description": "D.", "advice": "A."}
    segments = [
        Segment(name="for_milk", expression="includes(due_now_items, 'milk')", **text),
        Segment(name="for_part", expression="includes(due_now_items, 'mil')", **text),
        Segment(name="not_milk", expression="not includes(due_now_items, 'milk')", **text),
    ]
    found = assign(frame, segments, {}, {}, vocabulary([])).to_pylist()
    assert [(row["customer_id"], row["segment"]) for row in found] == [
        ("ann", "for_milk"),
        ("bob", "not_milk"),
    ]
    assert found[0]["reasons"] in (
        ["list of refills due now is “milk”, “soap” (one that holds “milk”)"],
        ["list of refills due now is “soap”, “milk” (one that holds “milk”)"],
    )
