"""Each metric by a case worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.predictor import Outcomes
from training.curves import Dates, Knots
from training.metrics import METRIC, METRICS, Prediction, auc, gini, groups, judge, judged_days, outcomes_of

HAPPENED = Outcomes(
    horizon_days=90,
    next_order_days=np.array([10.0, np.nan, 80.0, np.nan]),
    orders=np.array([3.0, 0.0, 1.0, 0.0]),
    value=np.array([90.0, 0.0, 10.0, 0.0]),
)
SAID = Prediction(
    p_order=np.array([0.9, 0.2, 0.4, 0.1]),
    orders=np.array([2.0, 0.0, 1.0, 1.0]),
    value=np.array([60.0, 20.0, 30.0, 10.0]),
)


def test_every_metric_of_a_small_table() -> None:
    found = judge(SAID, HAPPENED)
    assert found["auc"] == 1.0
    assert found["brier"] == pytest.approx((0.01 + 0.04 + 0.36 + 0.01) / 4)
    assert found["orders_rmse"] == pytest.approx(np.sqrt(2 / 4))
    assert found["normalised_gini"] == pytest.approx(1.0)  # 60, 30, 20, 10 ranks the money as it came
    assert found["top_10_share"] == pytest.approx(0.9)
    assert found["top_10_lift"] == pytest.approx(2.0)  # the first of four ordered, half of all did
    assert found["orders_total_ratio"] == pytest.approx(1.0)
    assert found["value_total_ratio"] == pytest.approx(1.2)
    assert found["calibration_error"] == pytest.approx(0.35)  # 0.15 and 0.65 said, none and all of two came
    assert set(found) == {metric.name for metric in METRICS}


def test_ties_count_half_in_the_auc() -> None:
    random = np.random.default_rng(1)
    said, ordered = random.integers(0, 5, 200) / 5, random.random(200) < 0.3
    assert auc(ordered, said) == pytest.approx(roc_auc_score(ordered, said))


def test_the_curve_is_judged_day_by_day() -> None:
    # A date of day 10 is right from day 11 on, and wrong for who orders on day 80 from then until day 80.
    said = replace(SAID, curve=Dates(np.array([10.0, np.nan, 10.0, np.nan])))
    wrong = sum(1 for day in judged_days(90) if 10 < day <= 80)
    assert judge(said, HAPPENED)["integrated_brier"] == pytest.approx(wrong / 30 / 4)


def test_the_days_that_are_judged_stand_in_the_middle_of_equal_stretches() -> None:
    assert judged_days(30) == list(range(1, 31))
    assert judged_days(90) == list(range(2, 90, 3))
    assert judged_days(7) == [1, 2, 3, 4, 5, 6, 7]


def test_money_ranked_the_wrong_way_round_has_the_gini_of_its_mirror() -> None:
    value = np.array([90.0, 10.0, 0.0, 0.0])
    assert gini(np.array([1.0, 2.0, 3.0, 4.0]), value) == pytest.approx(-gini(value, value))


def test_a_window_in_which_all_ordered_has_no_auc() -> None:
    everybody = Outcomes(90, np.zeros(4), np.ones(4), np.ones(4))
    assert np.isnan(judge(SAID, everybody)["auc"])


def test_what_a_method_does_not_say_is_not_judged() -> None:
    found = judge(Prediction(SAID.p_order, None, None), HAPPENED)
    unknown = {name for name, value in found.items() if np.isnan(value)}
    assert unknown == {metric.name for metric in METRICS if metric.about != "who"}


@pytest.mark.parametrize(("customers", "sizes"), [(300, 2), (999, 2), (2_000, 4), (5_000, 10), (50_000, 10)])
def test_a_small_store_has_fewer_groups_and_never_fewer_than_two(customers: int, sizes: int) -> None:
    found = groups(np.random.default_rng(2).random(customers))
    assert len(found) == sizes
    assert sum(map(len, found)) == customers


def store_of(customers: int, seed: int) -> tuple[Knots, Outcomes]:
    """Return curves of constant rates, orders by those very rates, and what the first 90 days of it show."""
    random = np.random.default_rng(seed)
    rate = random.gamma(1.0, 1 / 20, customers)
    days = np.array([1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 75, 90])
    curve = Knots(tuple(days), -np.expm1(-np.outer(rate, days)))
    first = random.exponential(1 / rate)
    came = first < 90
    day = np.where(came, np.floor(first), np.nan)
    return curve, Outcomes(90, day, came.astype(float), came.astype(float))


def test_coverage_of_true_curves_is_80_percent_although_the_window_ends_before_most_intervals_do() -> None:
    curve, happened = store_of(40_000, seed=3)
    found = judge(Prediction(curve.at(90), None, None, curve), happened)
    assert found["timing_coverage"] == pytest.approx(0.8, abs=0.01)
    assert found["date_coverage"] == pytest.approx(0.8, abs=0.01)


def test_curves_that_are_too_steep_cover_less() -> None:
    curve, happened = store_of(40_000, seed=3)
    hasty = Knots(curve.days, 1 - (1 - curve.p) ** 2)
    found = judge(Prediction(hasty.at(90), None, None, hasty), happened)
    assert found["date_coverage"] < 0.75


def test_orders_of_daily_buyers_are_covered_in_part_by_the_day_they_come_on() -> None:
    # By the end of day 1 the order has come for certain: 0.8 of that one day lies between p10 and p90.
    daily = Knots((1, 90), np.ones((100, 2)))
    happened = Outcomes(90, np.zeros(100), np.ones(100), np.ones(100))
    assert judge(Prediction(daily.at(90), None, None, daily), happened)["timing_coverage"] == pytest.approx(
        0.8, abs=0.05
    )


def test_coverage_is_not_told_of_a_handful() -> None:
    curve, happened = store_of(90, seed=3)
    found = judge(Prediction(curve.at(90), None, None, curve), happened)
    assert np.isnan(found["timing_coverage"])
    assert np.isnan(found["date_coverage"])


def test_a_value_interval_is_right_at_80_percent_although_most_spend_nothing() -> None:
    random = np.random.default_rng(4)
    p_order = random.beta(1.0, 3.0, 40_000)
    value = np.where(random.random(40_000) < p_order, random.exponential(50.0, 40_000), 0.0)

    def below(share: float) -> np.ndarray:
        among_buyers = np.clip((share - (1 - p_order)) / p_order, 0.0, None)
        return -50.0 * np.log1p(-among_buyers)

    happened = Outcomes(90, np.where(value > 0, 1.0, np.nan), (value > 0).astype(float), value)
    right = Prediction(p_order, None, None, None, below(0.1), below(0.9))
    narrow = Prediction(p_order, None, None, None, below(0.1), below(0.9) / 2)
    assert judge(right, happened)["value_coverage"] == pytest.approx(0.8, abs=0.01)
    assert judge(narrow, happened)["value_coverage"] < 0.77


def test_some_of_the_customers_are_judged_as_if_they_were_all() -> None:
    rows = np.array([0, 1])
    found = judge(SAID.take(rows), outcomes_of(HAPPENED, rows))
    assert found["orders_total_ratio"] == pytest.approx(2 / 3)
    assert found["value_total_ratio"] == pytest.approx(80 / 90)


def test_distance_is_smaller_for_what_is_better() -> None:
    assert METRIC["auc"].distance(0.8) < METRIC["auc"].distance(0.7)
    assert METRIC["brier"].distance(0.1) < METRIC["brier"].distance(0.2)
    total = METRIC["orders_total_ratio"]
    assert total.distance(1.1) < total.distance(0.8) < total.distance(0.0)
    covered = METRIC["date_coverage"]
    assert covered.distance(0.81) < covered.distance(0.77) < covered.distance(0.9)
