"""One reminder a customer: what it names, when it goes out, and what is at stake."""

from typing import Any

import pyarrow as pa
import pytest

from serving.reminders import refills, suggestion
from tests.serving.reminders.ledgers import CUTOFF, Row, forecast, ledger, product, unsteadily

# The cutoff is Saturday, 1 June 2024. Two things that Ann buys about every 20 days are due.
DUE = [
    *(
        row
        for name in ("ann", "bob")
        for item in ("milk", "soap")
        for row in unsteadily((14, 28), name, item, 21)
    ),
]


def suggested(
    given: pa.Table,
    bought: list[tuple[str, str, int]] = DUE,
    products: list[Row] | None = None,
    **more: Any,  # noqa: ANN401
) -> dict[str, dict[str, Any]]:
    connection = ledger(bought, products or [], **more)
    refills.stage(connection, [given], CUTOFF, 5)
    return {row["customer_id"]: row for row in suggestion.stage(connection, CUTOFF).to_pylist()}


def test_what_is_due_comes_in_one_reminder_with_its_reasons() -> None:
    found = suggested(forecast([("ann", "milk"), ("ann", "soap"), ("bob", "soap")]))
    assert sorted(found) == ["ann", "bob"]
    assert sorted(found["ann"]["products"]) == ["milk", "soap"]
    assert found["bob"]["products"] == ["soap"]
    assert found["bob"]["reasons"] == [
        "soap: usually every 20 days, last bought on 11 May, 21 days ago, due since 31 May"
    ]


def test_a_category_is_named_only_where_none_of_its_products_is() -> None:
    both = suggested(forecast([("ann", "milk"), ("ann", "Food > Milk"), ("bob", "Food > Milk")]))
    assert (both["ann"]["products"], both["ann"]["categories"]) == (["milk"], [])
    assert (both["bob"]["products"], both["bob"]["categories"]) == ([], ["Food > Milk"])


def test_a_category_is_not_named_in_place_of_its_one_product_that_the_customer_wants_no_reminders_of() -> (
    None
):
    pause = {
        "pause_id": "p",
        "customer_id": "ann",
        "product_id": "milk",
        "paused_at": CUTOFF.plus_days(-2).at,
    }
    pause |= {"known_at": pause["paused_at"]}
    given = forecast([(name, item) for name in ("ann", "bob") for item in ("milk", "Food > Milk")])
    assert list(suggested(given, pauses=[pause])) == ["bob"]
    tool = product("milk", known_at=CUTOFF.plus_days(-2).at, replenishable=False)
    assert suggested(given, products=[tool]) == {}


def test_of_products_that_stand_in_for_each_other_one_is_named() -> None:
    bought = [*DUE, *unsteadily((14, 28), "ann", "oat", 22), ("bob", "oat", 22), ("bob", "milk", 22)]
    given = forecast([("ann", "milk"), ("ann", "oat"), ("ann", "soap")])
    found = suggested(given, bought)["ann"]
    assert len(found["products"]) == 2
    assert "soap" in found["products"]


def test_what_is_suppressed_or_not_due_or_unlikely_is_not_in_it() -> None:
    pause = {"pause_id": "p", "customer_id": "bob", "paused_at": CUTOFF.plus_days(-2).at}
    pause |= {"known_at": pause["paused_at"]}
    assert list(suggested(forecast([("ann", "milk"), ("bob", "milk")]), pauses=[pause])) == ["ann"]
    fresh = [*DUE, ("bob", "milk", 1)]
    assert list(suggested(forecast([("ann", "milk"), ("bob", "milk")]), fresh)) == ["ann"]
    assert suggested(forecast([("ann", "milk")], p=(0.04, 0.09, 0.2))) == {}


def test_what_replaces_a_product_is_named_in_its_place() -> None:
    gone = product("milk", known_at=CUTOFF.plus_days(-9).at, discontinued=True, swap_for="oat")
    found = suggested(forecast([("ann", "milk")]), products=[gone, product("oat", title="Oat drink")])["ann"]
    assert found["products"] == ["oat"]
    assert found["reasons"][0].endswith(", no longer sold, offer Oat drink")


def test_the_day_is_that_from_which_a_week_catches_most() -> None:
    early, late = (
        forecast([("ann", "milk")], p=(0.6, 0.65, 0.7)),
        forecast([("ann", "milk")], p=(0.01, 0.6, 0.7)),
    )
    assert suggested(early)["ann"]["send_on"].isoformat() == "2024-06-01"
    # From the seventh day on: 0.99 - 0.4 of a purchase, before it less.
    found = suggested(late)["ann"]
    assert found["send_on"].isoformat() == "2024-06-08"
    assert found["expected_purchases"] == pytest.approx(0.59, abs=1e-6)
    assert found["expected_value"] == pytest.approx(0.59 * 5, abs=1e-5)


def test_of_days_that_catch_as_much_it_is_the_customers_own_weekday() -> None:
    # The same hazard every day: each of the next days catches nearly as much as the first.
    even = (0.07, 1 - 0.93**2, 1 - 0.93 ** (30 / 7))
    tuesdays = [("ann", "milk", 25 + 7 * week) for week in range(0, 30, 3)]
    found = suggested(forecast([("ann", "milk")], p=even), tuesdays)["ann"]
    assert (found["weekday"], found["send_on"].isoweekday()) == (2, 2)


def test_who_ordered_once_is_told_the_stores_habit_and_who_ordered_often_his_own() -> None:
    store = [
        row for number in range(30) for row in unsteadily((14, 28), f"c{number:02d}", "soap", 24)
    ]  # Wednesdays
    often = unsteadily((14, 28), "ann", "milk", 25)  # Tuesdays
    once = [("bob", "milk", 25)]
    given = forecast([("ann", "milk"), ("bob", "milk")])
    found = suggested(given, [*store, *often, *once])
    assert {name: row["weekday"] for name, row in found.items()} == {"ann": 2, "bob": 3}


def test_the_hour_is_the_shops_local_one_and_unknown_without_times_of_day() -> None:
    given = forecast([("ann", "milk")])
    assert suggested(given, hour=17)["ann"]["hour"] == 17
    assert suggested(given, hour=0)["ann"]["hour"] is None


def test_at_most_eight_are_named_those_with_most_at_stake() -> None:
    items = [f"p{number}" for number in range(10)]
    bought = [row for item in items for row in unsteadily((14, 28), "ann", item, 21)]
    given = forecast([("ann", item) for item in items])
    stakes = pa.array([float(number) for number in range(10)])
    place = given.column_names.index("quantity")
    found = suggested(given.set_column(place, "quantity", stakes), bought)["ann"]
    assert found["products"] == ["p9", "p8", "p7", "p6", "p5", "p4", "p3", "p2"]


def test_a_customer_alone_gets_what_he_gets_beside_others_of_the_same_forecast() -> None:
    pairs = [(name, item) for name in ("ann", "bob") for item in ("milk", "soap", "Food > Milk")]
    together = suggested(forecast(pairs))
    alone = suggested(forecast([pair for pair in pairs if pair[0] == "bob"]))
    assert alone["bob"] == together["bob"]


def test_nothing_due_is_no_reminder() -> None:
    assert suggested(forecast([])) == {}
