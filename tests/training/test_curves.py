"""Curves answer for any day, and only for what they were given."""

import numpy as np
import pytest

from training.curves import Dates, Knots, Waiting, curve_days


def test_between_two_knots_the_hazard_is_constant() -> None:
    curve = Knots((10, 30), np.array([[0.5, 0.75]]))
    # surviving 1, 1/2, 1/4: half of the square root of each step at its middle
    assert curve.at(5) == pytest.approx([1 - 0.5**0.5])
    assert curve.at(20) == pytest.approx([1 - 0.5 * 0.5**0.5])


def test_a_curve_says_at_its_knots_what_it_was_given_and_nothing_more_beyond_them() -> None:
    curve = Knots((10, 30), np.array([[0.2, 0.6], [0.0, 1.0]]))
    assert curve.at(10) == pytest.approx([0.2, 0.0])
    assert curve.at(np.array([0.0, 40.0])) == pytest.approx([0.0, 1.0])


def test_a_day_for_each_customer_is_answered_with_his_own() -> None:
    curve = Knots((10, 30), np.array([[0.2, 0.6], [0.1, 0.9]]))
    assert curve.at(np.array([30.0, 10.0])) == pytest.approx([0.6, 0.1])
    assert curve.take(np.array([1])).at(30) == pytest.approx([0.9])


def test_a_date_counts_once_its_day_is_over() -> None:
    dates = Dates(np.array([0.0, 3.0, np.nan]))
    assert dates.at(1).tolist() == [1.0, 0.0, 0.0]
    assert dates.at(4).tolist() == [1.0, 1.0, 0.0]


def test_days_waited_condition_the_groups_curve() -> None:
    # Half of all come back after 1 day, another quarter after 3, the rest never.
    surviving = np.array([[1.0, 0.5, 0.5, 0.25]])
    fresh, late = 1.0, 3.0
    curve = Waiting(surviving, np.array([0, 0, 0]), np.array([fresh, late, np.nan]))
    assert curve.at(1) == pytest.approx(
        [0.5, 0.5, 0.0]
    )  # day 1 itself; day 3 of the half that is left; no order
    assert curve.at(100) == pytest.approx([0.75, 0.5, 0.0])


def test_who_waited_longer_than_anybody_before_is_not_expected() -> None:
    gone = Waiting(np.array([[1.0, 0.0]]), np.array([0]), np.array([9.0]))
    assert gone.at(30).tolist() == [0.0]


def test_smooth_curves_are_asked_for_up_to_the_horizon() -> None:
    assert curve_days(30) == [1, 2, 3, 5, 7, 10, 14, 21, 30]
    assert curve_days(181)[-3:] == [150, 180, 181]
