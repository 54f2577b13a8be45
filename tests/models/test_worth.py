"""Orders and money agree with each other, and intervals hold the mean they are drawn around."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import gamma

from features.catalog.shipped import CATALOG
from models.next_order import NextOrder, level_log_odds
from models.purchase_process import Histories, fit_order_value, fit_purchase_process
from models.worth import OrdersAndValue
from tests.models.customers import HORIZON_DAYS, outcomes, snapshot


@pytest.fixture(scope="module")
def curve() -> NextOrder:
    frame = snapshot(600)
    process = fit_purchase_process(Histories(frame))
    return NextOrder.fit(frame, outcomes(frame), process, CATALOG.names, seed=3)


@pytest.fixture(scope="module")
def fitted(curve: NextOrder) -> OrdersAndValue:
    frame = snapshot(600)
    order_value = fit_order_value(Histories(frame))
    return OrdersAndValue.fit(frame, outcomes(frame), curve, order_value, CATALOG.names, seed=3)


def test_the_trees_bring_the_totals_of_their_own_rows_to_the_truth(
    fitted: OrdersAndValue, curve: NextOrder
) -> None:
    frame = snapshot(600)
    p_order = curve.p_order(frame, [HORIZON_DAYS])[:, 0]
    orders, _ = fitted.expected(frame, HORIZON_DAYS, p_order)
    bare, _ = replace(fitted, orders_correction=None, value_correction=None).expected(frame, HORIZON_DAYS)
    happened = outcomes(frame).orders.sum()
    assert orders.sum() == pytest.approx(happened, rel=0.1)
    assert abs(orders.sum() - happened) < abs(bare.sum() - happened)


def test_more_time_never_brings_fewer_orders_or_less_money(fitted: OrdersAndValue) -> None:
    frame = snapshot(300, seed=5)
    quarter, year = fitted.expected(frame, 90), fitted.expected(frame, 365)
    assert (year[0] >= quarter[0]).all()
    assert (year[1] >= quarter[1]).all()


def test_nobody_is_expected_to_order_less_often_than_the_curve_says(fitted: OrdersAndValue) -> None:
    frame = snapshot(300)
    alone = replace(fitted, orders_correction=None, value_correction=None)
    for each in (fitted, alone):
        for p_order in (0.1, 0.6, 0.999):
            orders, value = each.expected(frame, 90, np.full(300, p_order))
            assert (orders >= p_order).all()
            assert (value > 0).all()


def test_who_is_likelier_to_order_is_expected_to_order_more_often(fitted: OrdersAndValue) -> None:
    frame = snapshot(300)
    less, more = (fitted.expected(frame, 90, np.full(300, p_order))[0] for p_order in (0.2, 0.8))
    assert (more > less).all()
    assert np.median(more / less) == pytest.approx(2.0)  # the square root of four times as likely


def test_half_of_what_a_correction_says_of_an_older_base_together_is_taken_back(curve: NextOrder) -> None:
    today = snapshot(500, seed=8)
    today["days_since_first_order"] += 300  # a base older than any that was trained on
    today["days_since_last_order"] += 300
    placed = curve.placed(today, curve.process, curve.level)
    constant = curve.calibration.common.constant
    assert curve.correction is not None
    bare = logit(replace(curve, correction=None).p_order(today, [HORIZON_DAYS])[:, 0]) + constant
    free, held = (each.p_order(today, [HORIZON_DAYS])[:, 0] for each in (curve, placed))
    whole = level_log_odds(logit(free), expit(bare))
    assert abs(whole) > 0.05
    assert placed.calibration.common.constant - constant == pytest.approx(whole / 2, abs=1e-3)
    assert logit(held) - logit(free) == pytest.approx(whole / 2, abs=1e-3)


def test_a_year_worth_is_the_value_of_365_days(fitted: OrdersAndValue) -> None:
    frame = snapshot(10)
    curve = NextOrder(fitted.process, HORIZON_DAYS, None)
    p_order = curve.p_order(frame, [365])[:, 0]
    assert (fitted.predict(frame, curve)["clv_365d"] == fitted.expected(frame, 365, p_order)[1]).all()


def test_a_low_estimate_is_nothing_for_one_who_orders_less_often_than_not(fitted: OrdersAndValue) -> None:
    orders, value, p_order = np.array([1.0, 2.0]), np.array([50.0, 50.0]), np.array([0.5, 1.0])
    low = fitted.value_quantile(orders, value, p_order, 0.1)
    assert low[0] == 0.0
    shape = fitted.value_shape.one * 2.0**fitted.value_shape.growth
    assert low[1] == pytest.approx(gamma.ppf(0.1, shape, scale=50.0 / shape))


def test_the_quantiles_of_a_buyer_average_to_his_expected_value(fitted: OrdersAndValue) -> None:
    shares, one = (np.arange(4_000) + 0.5) / 4_000, np.ones(1)
    spread = [fitted.value_quantile(one, 80.0 * one, 0.6 * one, share)[0] for share in shares]
    assert np.mean(spread) == pytest.approx(80.0, rel=5e-3)
