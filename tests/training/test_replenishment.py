"""Refills judged on what was bought after a past day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features import history
from features.cutoff import Cutoff
from ledger.errors import InputError
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from ledger.views import add_missing_tables
from models.replenishment import ReplenishmentModel
from training import fit
from training.refill_peers import PEERS, mean_gap_days
from training.replenishment import (
    OURS,
    RefillComparison,
    deciles,
    evaluate_refills,
    measure,
    precision_at_top,
)

CUTOFF = Cutoff.at_midnight(date(2024, 6, 1), "UTC")
AFTER_DAYS = 40


def bought(customers: int, seed: int = 3) -> list[tuple[str, str, int]]:
    """Return customer, product and day counted from the cutoff: milk weekly, soap monthly, some stop."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        for product, gap_days in (("milk", 7), ("soap", 30)):
            day = -random.uniform(100, 250)
            while day < AFTER_DAYS and random.random() > 0.04:
                rows.append((f"customer{number:03d}", product, int(np.floor(day))))
                day += gap_days * np.exp(0.4 * random.standard_normal())
    return sorted(set(rows))


def shop(rows: Sequence[tuple[str, str | None, int]]) -> duckdb.DuckDBPyConnection:
    """Return a ledger connection over purchases of 5.00 each."""
    at = [CUTOFF.at + timedelta(days=day, hours=9) for *_, day in rows]
    numbers = [str(number) for number in range(len(rows))]
    orders: dict[str, list[Any]] = {
        "customer_id": [customer for customer, *_ in rows],
        "order_id": numbers,
        "line_id": numbers,
        "ordered_at": at,
        "known_at": at,
        "product_id": [product for _, product, _ in rows],
        "quantity_milli": [1000] * len(rows),
        "net_minor": [500] * len(rows),
        "currency": ["EUR"] * len(rows),
        "status": ["paid"] * len(rows),
        "order_day": [CUTOFF.day + day for *_, day in rows],
        "order_hour": [9] * len(rows),
        "order_isoweekday": [instant.isoweekday() for instant in at],
    }
    products: dict[str, list[Any]] = {
        "product_id": ["milk", "soap"],
        "known_at": [datetime(2020, 1, 1, tzinfo=UTC)] * 2,
        "category": ["food", "care"],
    }
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    for table, given in ((ORDERS, orders), (PRODUCTS, products)):
        empty = [None] * len(next(iter(given.values())))
        full = {name: given.get(name, empty) for name in table.arrow_schema.names}
        connection.register(f"ledger_{table.name}", pa.table(full, schema=table.arrow_schema))
    add_missing_tables(connection)
    return connection


@pytest.fixture(scope="module")
def judged() -> dict[str, RefillComparison]:
    found = evaluate_refills(shop(bought(250)), CUTOFF, 14, seed=1)
    return {each.level: each for each in found}


def test_both_levels_are_judged_beside_every_peer(judged: dict[str, RefillComparison]) -> None:
    assert list(judged) == ["category", "product"]
    for found in judged.values():
        assert [row["method"] for row in found.methods] == [OURS, *(peer.name for peer in PEERS)]
        assert 0.2 < found.bought_share < 0.8
        assert found.pairs > 300


def test_the_model_beats_the_rules_on_pairs_that_are_as_regular_as_these(
    judged: dict[str, RefillComparison],
) -> None:
    auc, brier = (
        {row["method"]: float(row[metric]) for row in judged["product"].methods}
        for metric in ("auc", "brier")
    )
    assert auc[OURS] > auc["last + mean gap, due"]
    assert auc[OURS] > auc["purchase count"]
    assert brier[OURS] < brier["Poisson-Gamma"]


def test_dates_are_judged_where_later_purchases_are_known(judged: dict[str, RefillComparison]) -> None:
    dates = judged["product"].dates
    assert dates["followed_days"] == AFTER_DAYS
    # both days count, and a day is much of a week: somewhat more than a half
    assert 0.45 < dates["between_p25_and_p75"] < 0.7
    assert dates["median_error_days"] < 7
    # of those who do not come back, last + mean gap says "now" for ever
    assert dates["mean_error_days_of_all"] < dates["last_mean_gap_mean_error_days_of_all"]


def test_orders_without_products_are_refused_with_what_to_import() -> None:
    nameless = [(customer, None, day) for customer, _, day in bought(5)]
    with pytest.raises(InputError, match=r"no order line names a product.*--map product_id=NAME"):
        evaluate_refills(shop(nameless), CUTOFF, 14, seed=1)


def test_a_horizon_that_is_not_over_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match=r"orders end \d+ days before .* choose an earlier --as-of"):
        evaluate_refills(shop(bought(20)), CUTOFF, 60, seed=1)


def test_a_store_where_nobody_bought_anything_twice_is_told_so() -> None:
    once = [("anna", "milk", -30), ("ben", "milk", -20), ("cleo", "milk", 20)]
    with pytest.raises(InputError, match="nobody had bought a product on two days"):
        evaluate_refills(shop(once), CUTOFF, 14, seed=1)


def test_what_is_bought_after_the_cutoff_changes_no_forecast() -> None:
    rows = bought(60)
    other = [row for row in rows if row[2] < 0] + [("customer000", "milk", AFTER_DAYS - 1)]
    scores = [
        [group["predicted"] for group in evaluate_refills(shop(each), CUTOFF, 14, seed=1)[1].deciles]
        for each in (rows, other)
    ]
    assert scores[0] == scores[1]


def pairs(*rows: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["item", "customer"])


def test_the_top_fifty_are_those_of_items_with_two_hundred_pairs() -> None:
    large, small = (
        pairs(*((0, customer) for customer in range(200))),
        pairs(*((1, number) for number in range(199))),
    )
    both = pd.concat([large, small], ignore_index=True)
    score = -both["customer"].to_numpy(float)
    happened = (both["customer"] < 20).to_numpy().astype(np.float64)
    happened[200:] = 1.0  # every pair of the small item, which does not count
    assert precision_at_top(both, score, happened) == 20 / 50


def test_deciles_compare_what_was_said_with_what_happened() -> None:
    score = np.repeat(np.arange(10) / 10, 100)
    happened = np.zeros(1000)
    happened[900:950] = 1.0
    groups = deciles(score, happened)
    assert groups[-1] == {"predicted": pytest.approx(0.9), "observed": 0.5}
    assert groups[0] == {"predicted": 0.0, "observed": 0.0}
    measured = measure(pairs(*((0, number) for number in range(1000))), score, happened, probability=True)
    assert measured["worst_decile"] == pytest.approx(0.8)  # nothing of the ninth tenth, at 0.8, was bought
    assert measured["brier"] == pytest.approx(np.mean((score - happened) ** 2))


def test_the_mean_gap_is_the_span_over_the_gaps() -> None:
    frame = pd.DataFrame(
        {"full_age_days": [50.0, 7.0], "elapsed_days": [10.0, 7.0], "days_bought": [5.0, 1.0]}
    )
    gap = mean_gap_days(frame)
    assert gap[0] == 10.0  # 40 days over 4 gaps
    assert np.isnan(gap[1])


@pytest.mark.parametrize("seed", [3, 4])
def test_refills_of_a_release_are_learnt_with_its_seed(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    learnt_with: list[tuple[Any, int]] = []
    monkeypatch.setattr(history, "stage", lambda *_: None)
    monkeypatch.setattr(ReplenishmentModel, "fit", lambda *asked: learnt_with.append(asked))
    dataset = SimpleNamespace(connection="ledger", stage=lambda _as_of: None)
    customers = SimpleNamespace(next_order=None, worth=None)
    fit.fit_all(cast("Any", dataset), CUTOFF, cast("Any", customers), seed)
    assert learnt_with == [("ledger", seed)]
