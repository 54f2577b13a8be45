"""What is usual for a pair: its own gaps, and what it leans on when it has few."""

import math
from pathlib import Path

import duckdb
import pytest

from serving.reminders import refills, rhythm
from tests.serving.reminders.ledgers import CUTOFF, every, forecast, ledger, many, told


def usual(connection: duckdb.DuckDBPyConnection, customer: str, item: str) -> tuple[int, int, int]:
    rhythm.stage(connection, [forecast([(customer, item)])], CUTOFF)
    ((p50, p75, p95),) = connection.execute(
        "select usual, usual_p75, usual_p95 from reminder_rows"
    ).fetchall()
    return p50, p75, p95


def test_a_customer_of_many_equal_gaps_has_that_gap() -> None:
    connection = ledger([*every(10, "ann", "milk", 3, times=30), *many(20, "milk")])
    p50, p75, p95 = usual(connection, "ann", "milk")
    assert p50 in {10, 11}  # 29 gaps of 10 days, three of the product's 20
    assert p50 <= p75 <= p95


def test_what_was_bought_once_has_the_gap_of_those_who_buy_it() -> None:
    connection = ledger([("ann", "milk", 3), *many(20, "milk", customers=40)])
    assert usual(connection, "ann", "milk")[0] in {19, 20, 21}


def test_a_product_nobody_bought_twice_has_its_categorys_gap_and_not_the_stores() -> None:
    connection = ledger([("ann", "cream", 3), *many(10, "milk", 40), *many(60, "soap", 40)])
    of_category = usual(connection, "ann", "cream")[0]
    of_store = math.exp((40 * 7 * math.log(10) + 40 * 7 * math.log(60)) / 560)
    assert of_category < of_store / 2


def test_a_store_without_any_gap_answers_with_a_month() -> None:
    assert usual(ledger([("ann", "milk", 3)]), "ann", "milk")[0] == 30


@pytest.mark.parametrize("seen", [1, 3, 30])
def test_the_more_gaps_a_pair_has_the_less_it_leans_on_others(seen: int) -> None:
    connection = ledger([*every(5, "ann", "milk", 1, times=seen + 1), *many(40, "milk", 40)])
    expected = math.exp((seen * math.log(5) + 3 * math.log(40)) / (seen + 3))
    assert usual(connection, "ann", "milk")[0] == pytest.approx(expected, rel=0.15)


def test_the_value_of_a_purchase_is_what_the_customer_paid_for_the_quantity() -> None:
    (row,) = told(ledger(every(10, "ann", "milk", 3)), ("ann", "milk"))
    assert (row["value_if_bought"], row["times_bought"]) == (5.0, 8)
    assert row["last_bought_on"].isoformat() == "2024-05-29"


def test_the_rows_of_the_forecast_come_back_in_their_order_with_their_columns() -> None:
    pairs = [("bob", "soap"), ("ann", "milk"), ("ann", "Food > Milk")]
    given = forecast(pairs)
    found = refills.stage(ledger([*every(9, "ann", "milk", 2), ("bob", "soap", 4)]), [given], CUTOFF, 5)
    assert found.column_names == [*given.column_names, *refills.ADDED.names]
    for name in ("customer_id", "product_id", "category", "p_due_7d"):
        assert found[name].to_pylist() == given[name].to_pylist()


def test_a_forecast_without_rows_is_answered_with_none() -> None:
    found = refills.stage(ledger([("ann", "milk", 3)]), [forecast([])], CUTOFF, 5)
    assert (found.num_rows, found.column_names[-1]) == (0, "value_if_bought")


def test_a_forecast_told_in_parts_is_answered_as_when_told_at_once() -> None:
    bought = [*every(9, "ann", "milk", 2), ("bob", "soap", 4), *every(20, "bob", "milk", 3)]
    whole = forecast([("ann", "milk"), ("ann", "Food > Milk"), ("bob", "soap"), ("bob", "milk")])
    parts = [whole.slice(0, 0), whole.slice(0, 1), whole.slice(1, 0), whole.slice(1)]
    at_once = refills.stage(ledger(bought), [whole], CUTOFF, 5)
    assert at_once.num_rows == 4
    assert refills.stage(ledger(bought), iter(parts), CUTOFF, 5).equals(at_once)


def test_rows_kept_on_disk_are_those_that_would_be_in_memory(tmp_path: Path) -> None:
    bought = [*every(9, "ann", "milk", 2), ("bob", "soap", 4)]
    whole = forecast([("ann", "milk"), ("ann", "Food > Milk"), ("bob", "soap")])
    held = refills.stage(ledger(bought), [whole], CUTOFF, 5)
    kept = refills.stage(ledger(bought), [whole], CUTOFF, 5, tmp_path)
    (tmp_path / "refills.arrow").unlink()
    assert kept.num_rows == 3
    assert kept.equals(held)
    assert kept.schema == held.schema
