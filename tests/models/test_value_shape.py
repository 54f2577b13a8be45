"""The spread of what buyers spend is found again, and is narrower where it is made of more orders."""

import numpy as np
import pytest

from models.value_shape import EXPONENTIAL, ValueShape


def test_the_shape_of_a_gamma_is_found_again() -> None:
    drawn = np.random.default_rng(2).gamma(3.0, 1 / 3.0, 20_000)
    found = ValueShape.fit(drawn, np.ones(20_000))
    assert found.one == pytest.approx(3.0, rel=0.03)


def test_the_money_of_many_independent_orders_is_surer_than_that_of_one() -> None:
    random, orders = np.random.default_rng(3), np.repeat([1.0, 16.0], 10_000)
    found = ValueShape.fit(random.gamma(2.0 * orders, 1.0 / (2.0 * orders)), orders)
    assert (found.one, found.growth) == pytest.approx((2.0, 1.0), rel=0.03)
    assert found.at(np.array([0.2, 16.0])) == pytest.approx(
        [2.0, 32.0], rel=0.05
    )  # nobody buys less than once


def test_too_few_buyers_and_buyers_all_alike_have_a_shape_too() -> None:
    assert ValueShape.fit(np.ones(5), np.ones(5)) == EXPONENTIAL
    assert ValueShape.fit(np.ones(100), np.ones(100)).one == pytest.approx(np.exp(4.0))
