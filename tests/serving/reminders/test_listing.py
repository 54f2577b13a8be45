"""Choosing among refills and paging through them."""

from datetime import date

import pyarrow as pa
import pytest

from serving.reminders import listing
from serving.reminders.listing import START, Place, Wanted, page, place_of

# customer, level, product, category, state, suppressed, median date, offered instead
ROWS = [
    ("ann", "category", None, "Food > Milk", "due_now", None, date(2024, 6, 3), None),
    ("ann", "product", "milk", "Food > Milk", "due_now", "paused", date(2024, 6, 3), None),
    ("ann", "product", "old", "Food > Milk", "late", None, None, "milk"),
    ("bob", "category", None, "Food", "late", None, date(2024, 6, 9), None),
    ("bob", "product", "soap", None, "not_due", None, date(2024, 7, 1), None),
    ("bob", "product", "tea", "Foods", None, None, None, None),
]
NAMES = [
    *("customer_id", "level", "product_id", "category"),
    *("state", "suppressed_because", "next_purchase_p50", "offer_product_id"),
]
TABLE = pa.Table.from_pylist(
    [dict(zip(NAMES, row, strict=True)) for row in ROWS],
    schema=pa.schema([(name, pa.date32() if name == "next_purchase_p50" else pa.string()) for name in NAMES]),
)


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        (Wanted(), [0, 1, 2, 3, 4, 5]),
        (Wanted(customer="bob"), [3, 4, 5]),
        (Wanted(customer="bo"), []),
        (Wanted(product="milk"), [1, 2]),  # also where it is offered in place of another
        (Wanted(category="Food"), [0, 1, 2, 3]),  # and beneath it; Foods is another
        (Wanted(category="Food > Milk", level="category"), [0]),
        (Wanted(states=("late", "not_due")), [2, 3, 4]),
        (Wanted(suppressed=True), [1]),
        (Wanted(suppressed=False, states=("due_now",)), [0]),
        (Wanted(due_from=date(2024, 6, 3), due_to=date(2024, 6, 9)), [0, 1, 3]),
        (Wanted(due_from=date(2024, 6, 4)), [3, 4]),
        (Wanted(product="nothing"), []),
    ],
)
def test_rows_are_chosen_by_everything_that_is_asked(wanted: Wanted, places: list[int]) -> None:
    assert wanted.among(TABLE).equals(TABLE.take(pa.array(places, pa.int64())))


@pytest.mark.parametrize("block_rows", [1, 2, 100])
@pytest.mark.parametrize("wanted", [Wanted(), Wanted(category="Food"), Wanted(states=("late",))])
def test_pages_hold_every_row_once_and_in_order(
    wanted: Wanted, block_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "BLOCK_ROWS", block_rows)
    found, after = [], START
    while rows := page(TABLE, wanted, after, 2):
        assert len(rows) <= 2
        found += rows
        after = place_of(rows[-1])
    assert found == wanted.among(TABLE).to_pylist()


def test_a_place_means_the_same_when_rows_before_it_are_gone() -> None:
    after = Place("ann", "product", "milk")
    left = TABLE.take([2, 3, 4, 5])
    assert page(left, Wanted(), after, 1) == page(TABLE, Wanted(), after, 1)
