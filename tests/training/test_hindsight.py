"""Predictions beside what happened: the table that a reader could make by hand."""

from datetime import date

import numpy as np
import pytest

from models.predictor import Outcomes
from training.hindsight import called, judged
from training.metrics import Prediction

NAN = float("nan")


def happened(orders: list[float], value: list[float]) -> Outcomes:
    first = [1.0 if count else NAN for count in orders]
    return Outcomes(90, np.array(first), np.array(orders), np.array(value))


def test_groups_by_probability_hold_what_was_said_and_what_came() -> None:
    said = Prediction(
        np.array([0.1, 0.9, 0.3, 0.7]), np.array([0.2, 1.8, 0.4, 1.0]), np.array([2.0, 40.0, 5.0, 9.0])
    )
    found = judged(date(2024, 1, 1), "r", said, happened([0, 3, 1, 0], [0, 66.0, 10.0, 0]))
    low, high = found.groups
    assert (low.customers, low.p_order, low.ordered) == pytest.approx((2, 0.2, 0.5))
    assert (high.customers, high.p_order, high.ordered) == pytest.approx((2, 0.8, 0.5))
    assert (low.expected_orders, low.orders) == pytest.approx((0.6, 1))
    assert (high.expected_value, high.value) == (49, 66)
    assert (found.expected_ordered, found.ordered, found.customers) == pytest.approx((2.0, 2, 4))
    # Of the four pairs of one who came and one who did not, three are in the right order.
    assert found.metrics["auc"] == pytest.approx(0.75)
    assert found.metrics["brier"] == pytest.approx((0.1**2 + 0.1**2 + 0.7**2 + 0.7**2) / 4)
    assert found.metrics["orders_total_ratio"] == pytest.approx(3.4 / 4)
    assert found.metrics["value_total_ratio"] == pytest.approx(56 / 76)


def test_a_group_says_between_which_shares_luck_would_have_left_it() -> None:
    said = Prediction(np.full(1000, 0.5), np.full(1000, 0.5), np.full(1000, 1.0))
    found = judged(date(2024, 1, 1), "r", said, happened([1.0] * 1000, [1.0] * 1000))
    # 500 at 0.5: 250 give or take 1.96 times the root of 125.
    assert found.groups[0].low == pytest.approx(0.456, abs=0.002)
    assert found.groups[0].high == pytest.approx(0.544, abs=0.002)
    assert not found.groups[0].low <= found.groups[0].ordered <= found.groups[0].high


def test_of_those_called_likely_to_leave_the_ones_who_stayed_away_are_counted() -> None:
    found = called(np.array([0.9, 0.8, 0.67, 0.66, 0.1]), 0.66, happened([0, 1, 0, 0, 0], [0, 5.0, 0, 0, 0]))
    assert found is not None
    assert (found.customers, found.left, found.expected) == pytest.approx((3, 2, 2.37))
    # Clopper and Pearson's interval of 2 of 3.
    assert (found.low, found.high) == pytest.approx((0.0943, 0.9916), abs=1e-4)


def test_where_nobody_was_called_likely_to_leave_there_is_nothing_to_say() -> None:
    assert called(np.array([0.2, 0.66]), 0.66, happened([0, 1], [0, 1.0])) is None
