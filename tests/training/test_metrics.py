"""Each metric by a case worked out by hand."""

import numpy as np
import pytest

from models.predictor import Outcomes
from training.metrics import METRICS, Prediction, curve_days, gini, judge

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
    curve=np.tile([0.5] * 9, (4, 1)),
)


def test_every_metric_of_a_small_table() -> None:
    found = judge(SAID, HAPPENED)
    assert found["auc"] == 1.0
    assert found["brier"] == pytest.approx((0.01 + 0.04 + 0.36 + 0.01) / 4)
    assert found["integrated_brier"] == pytest.approx(0.25)
    assert found["orders_rmse"] == pytest.approx(np.sqrt(2 / 4))
    assert found["normalised_gini"] == pytest.approx(1.0)  # 60, 30, 20, 10 ranks the money as it came
    assert found["top_10_share"] == pytest.approx(0.9)
    assert found["orders_total_ratio"] == pytest.approx(1.0)
    assert found["value_total_ratio"] == pytest.approx(1.2)
    assert found["calibration_error"] == pytest.approx(0.6)


def test_money_ranked_the_wrong_way_round_has_the_gini_of_its_mirror() -> None:
    value = np.array([90.0, 10.0, 0.0, 0.0])
    assert gini(np.array([1.0, 2.0, 3.0, 4.0]), value) == pytest.approx(-gini(value, value))


def test_a_window_in_which_all_ordered_has_no_auc() -> None:
    everybody = Outcomes(90, np.zeros(4), np.ones(4), np.ones(4))
    assert np.isnan(judge(SAID, everybody)["auc"])


def test_a_method_without_a_curve_has_no_integrated_brier() -> None:
    assert np.isnan(judge(Prediction(SAID.p_order, SAID.orders, SAID.value), HAPPENED)["integrated_brier"])


def test_curves_are_compared_up_to_the_horizon() -> None:
    assert curve_days(90) == [10, 20, 30, 40, 50, 60, 70, 80, 90]


def test_distance_is_smaller_for_what_is_better() -> None:
    metrics = {metric.name: metric for metric in METRICS}
    assert metrics["auc"].distance(0.8) < metrics["auc"].distance(0.7)
    assert metrics["brier"].distance(0.1) < metrics["brier"].distance(0.2)
    total = metrics["orders_total_ratio"]
    assert total.distance(1.1) < total.distance(0.8) < total.distance(0.0)
