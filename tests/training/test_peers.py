"""Peers answer in their fairest form, from nothing that came after the test cutoff."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.cutoff import Cutoff
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from models.next_order import NextOrder
from models.predictor import Outcomes
from models.purchase_process import Histories, StoreRate, fit_order_value
from models.worth import OrdersAndValue
from tests.conftest import SHOP_CUTOFF, SHOP_HORIZON_DAYS, SHOP_SEED
from training.dataset import Dataset
from training.fit import CustomerPredictors
from training.peers.case import Case
from training.peers.rules import RuleTable, hiatus, own_gap, rfm
from training.peers.shipped import PEERS, answers
from training.peers.waiting import by_order_count, mean_gap

FIRST_DAY = datetime(2024, 1, 1, 12, tzinfo=UTC)


def frame(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype=float)


def bare(dataset: Dataset, cutoff: Cutoff) -> CustomerPredictors:
    """Return predictors without trees, which take no time to fit."""
    past = Histories(dataset.snapshot(cutoff))
    process = StoreRate.fit(past)
    worth = OrdersAndValue(process, fit_order_value(past), dataset.horizon_days, None, None)
    return CustomerPredictors(NextOrder(process, dataset.horizon_days, None), worth)


def case_of(ledger: Ledger, cutoff: Cutoff, horizon_days: int) -> Case:
    dataset = Dataset(ledger.connect(), cutoff.plus_days(horizon_days), horizon_days)
    return Case(dataset, cutoff, SHOP_SEED, bare(dataset, cutoff))


@pytest.fixture
def four_customers(tmp_path: Path) -> Case:
    """Return a shop of four: a waits 10 days and comes again, b, c and d bought once; as of day 30."""
    bought = [("a", 0), ("a", 10), ("b", 5), ("c", 10), ("d", 25), ("a", 33), ("c", 34)]
    rows = [
        {
            "customer_id": name,
            "order_id": f"{name}{day}",
            "ordered_at": (FIRST_DAY + timedelta(days=day)).isoformat(),
            "net_amount": "10.00",
        }
        for name, day in bought
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "orders.csv", index=False)
    ledger = Ledger(Home(tmp_path / "home"))
    import_files(
        ledger,
        ORDERS,
        [tmp_path / "orders.csv"],
        imported_at=datetime(2025, 1, 1, tzinfo=UTC),
        currency="EUR",
        time_zone="UTC",
    )
    return case_of(ledger, Cutoff.at_midnight((FIRST_DAY + timedelta(days=30)).date(), "UTC"), 10)


def of_customer(case: Case, values: np.ndarray) -> dict[str, float]:
    return dict(zip(case.snapshot["customer_id"], values.tolist(), strict=True))


def test_kaplan_meier_counts_who_still_waits_and_conditions_on_the_wait(four_customers: Case) -> None:
    said = by_order_count(four_customers)
    # After one order, one of the three that waited for 10 days came back on the tenth: a of a, b, c.
    # d, who has waited for 4 days, comes within 10 days with 1 in 3; b and c have waited for longer.
    # Nobody has come back after two orders: a is not expected.
    assert of_customer(four_customers, said.p_order) == pytest.approx({"a": 0, "b": 0, "c": 0, "d": 1 / 3})


def test_kaplan_meiers_curve_steps_on_the_day_on_which_others_came_back(four_customers: Case) -> None:
    curve = by_order_count(four_customers).curve
    assert curve is not None
    # d bought on day 25, so the tenth day after it is day 35: the sixth day from the cutoff on.
    assert of_customer(four_customers, curve.at(5))["d"] == 0.0
    assert of_customer(four_customers, curve.at(6))["d"] == pytest.approx(1 / 3)


def test_mean_gap_prints_the_last_order_plus_the_own_gap_or_the_stores_and_today_when_it_is_past(
    four_customers: Case,
) -> None:
    said = mean_gap(four_customers)
    assert said.curve is not None
    # a, b and c were due on days 20, 15 and 20; d is due on day 35, the sixth day of the window.
    assert of_customer(four_customers, said.curve.at(1)) == {"a": 1, "b": 1, "c": 1, "d": 0}
    assert of_customer(four_customers, said.curve.at(5))["d"] == 0.0
    assert of_customer(four_customers, said.curve.at(6))["d"] == 1.0


def test_a_rule_says_what_happened_to_its_group_before() -> None:
    rank = np.array([1.0, 1.0, 2.0, 2.0])
    happened = Outcomes(
        90,
        np.array([np.nan, 5.0, 5.0, 5.0]),
        np.array([0.0, 1.0, 2.0, 4.0]),
        np.array([0.0, 10.0, 20.0, 60.0]),
    )
    table = RuleTable.fit(rank, happened)
    said = table.predict(np.array([2.0, 1.0, 0.0]))
    assert said.p_order.tolist() == [1.0, 0.5, 0.5]
    assert said.orders is not None
    assert said.value is not None
    assert said.orders.tolist() == [3.0, 0.5, 0.5]
    assert said.value.tolist() == [40.0, 5.0, 5.0]


def test_a_rank_that_is_unknown_falls_in_the_lowest_group() -> None:
    happened = Outcomes(90, np.array([np.nan, 1.0]), np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    table = RuleTable.fit(np.array([1.0, 2.0]), happened)
    assert table.predict(np.array([np.nan])).p_order.tolist() == [0.0]


def test_the_hiatus_rule_prefers_who_bought_last() -> None:
    rank = hiatus(frame(days_since_last_order=[3.0, 30.0]))
    assert rank[0] > rank[1]


def test_the_own_gap_rule_measures_silence_in_gaps_and_borrows_the_stores_for_one_time_buyers() -> None:
    found = own_gap(frame(days_since_last_order=[20.0, 20.0, 20.0], mean_gap_days=[10.0, 30.0, np.nan]))
    assert found == pytest.approx([-2.0, -2 / 3, -1.0])  # the store's mean gap is 20


def test_rfm_adds_the_three_fifths() -> None:
    columns = {"days_since_last_order": [50.0, 40.0, 30.0, 20.0, 10.0]}
    columns |= {"orders": [1.0, 2.0, 3.0, 4.0, 5.0], "spend": [10.0, 20.0, 30.0, 40.0, 50.0]}
    assert rfm(frame(**columns)).tolist() == [3.0, 6.0, 9.0, 12.0, 15.0]


def test_a_young_store_has_no_peer_that_learns_from_windows(four_customers: Case) -> None:
    names = [name for name, _ in answers(four_customers, every=False)]
    assert names == [
        "without_trees",
        "kaplan_meier",
        "mean_gap",
    ]  # and too few customers for BG/NBD to converge


@pytest.mark.slow
def test_no_peer_sees_what_came_after_the_test_cutoff(shop_home: Home) -> None:
    test = SHOP_CUTOFF.plus_days(-SHOP_HORIZON_DAYS)
    whole = case_of(Ledger(shop_home), test, SHOP_HORIZON_DAYS)
    only_before = Dataset(Ledger(shop_home).connect(), test, SHOP_HORIZON_DAYS)
    blind = Case(only_before, test, SHOP_SEED, whole.ours)
    for peer in PEERS:
        one, other = peer.answer(whole), peer.answer(blind)
        assert one is not None, peer.name
        assert other is not None, peer.name
        np.testing.assert_array_equal(one.p_order, other.p_order, err_msg=peer.name)
        if one.value is not None and other.value is not None:
            np.testing.assert_array_equal(one.value, other.value, err_msg=peer.name)


@pytest.mark.slow
def test_every_answer_is_a_probability_that_rises_with_the_horizon(shop_home: Home) -> None:
    case = case_of(Ledger(shop_home), SHOP_CUTOFF.plus_days(-SHOP_HORIZON_DAYS), SHOP_HORIZON_DAYS)
    for name, said in answers(case, every=True):
        assert ((said.p_order >= 0) & (said.p_order <= 1)).all(), name
        if said.curve is not None:
            days = np.column_stack([said.curve.at(day) for day in range(SHOP_HORIZON_DAYS + 1)])
            assert (np.diff(days, axis=1) >= -1e-12).all(), name
            np.testing.assert_allclose(days[:, -1], said.p_order, atol=1e-9, err_msg=name)


def test_a_store_whose_one_customer_never_came_again_is_compared_without_boosting(tmp_path: Path) -> None:
    line = {"customer_id": "a", "order_id": "a0", "ordered_at": FIRST_DAY.isoformat(), "net_amount": "10.00"}
    pd.DataFrame([line]).to_csv(tmp_path / "orders.csv", index=False)
    ledger = Ledger(Home(tmp_path / "home"))
    import_files(
        ledger,
        ORDERS,
        [tmp_path / "orders.csv"],
        imported_at=datetime(2026, 1, 1, tzinfo=UTC),
        currency="EUR",
        time_zone="UTC",
    )
    case = case_of(ledger, Cutoff(FIRST_DAY + timedelta(days=300), "UTC"), 30)
    assert case.cutoffs
    assert not [name for name, _ in answers(case, every=True) if name.startswith("lightgbm")]
