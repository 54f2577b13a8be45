"""The Pareto/NBD model gives the papers' parameters and lifetimes' answers, and stays finite where those do not."""

import logging

import numpy as np
import pandas as pd
import pytest

from models.pareto_nbd import MOST_PATTERNS, ParetoNbd, fit_pareto_nbd
from tests.models.test_purchase_process import histories, packaged

PAPER = ParetoNbd(r=0.553, alpha_weeks=10.58, s=0.606, beta_weeks=11.67)
SOME = histories((3, 7 * 30.43, 7 * 38.86, 20), (1, 0, 270, 20), (30, 200, 270, 20), (1, 0, 0, 20))


@pytest.mark.slow
def test_it_gives_the_parameters_of_the_paper_on_its_cdnow_sample() -> None:
    weeks = pd.read_csv(packaged("cdnow_customers_summary.csv"))
    fitted = fit_pareto_nbd(
        weeks["frequency"].to_numpy(float),
        # The file has hundredths of weeks, the paper had days.
        np.round(7 * weeks["recency"].to_numpy(float)),
        np.round(7 * weeks["T"].to_numpy(float)),
    )
    assert fitted is not None
    assert (fitted.r, fitted.s) == pytest.approx((0.553, 0.606), abs=6e-4)
    assert (fitted.alpha_weeks, fitted.beta_weeks) == pytest.approx((10.58, 11.67), abs=6e-3)


def test_its_answers_are_those_of_lifetimes_where_those_are_finite() -> None:
    from lifetimes import ParetoNBDFitter  # noqa: PLC0415  # imported where it is compared with

    peer = ParetoNBDFitter()
    peer.params_ = pd.Series({"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67})
    weeks = (SOME.frequency, SOME.recency_days / 7, SOME.age_days / 7)
    expected = peer.conditional_expected_number_of_purchases_up_to_time(39, *weeks)
    assert PAPER.p_active(SOME) == pytest.approx(peer.conditional_probability_alive(*weeks), rel=1e-5)
    assert PAPER.expected_orders(SOME, 7 * 39) == pytest.approx(expected, rel=1e-5)
    none = [
        peer.conditional_probability_of_n_purchases_up_to_time(0, 39, *each)
        for each in zip(*weeks, strict=True)
    ]
    assert PAPER.p_order(SOME, 7 * 39)[:3] == pytest.approx([1 - float(each) for each in none[:3]], rel=1e-4)


def test_its_answers_stay_finite_and_ordered_for_nobody_newcomers_and_the_heaviest() -> None:
    extremes = histories(
        (0, np.nan, np.nan, np.nan), (1, 0, 0, 1.0), (20_000, 365, 365, 5.0), (500, 100, 3_000, 5.0)
    )
    before = np.zeros(4)
    for days in (1, 7, 90, 365):
        p_order, orders = PAPER.p_order(extremes, days), PAPER.expected_orders(extremes, days)
        assert np.isfinite(orders).all()
        assert (p_order >= before).all()
        assert (p_order <= 1).all()
        assert (orders >= p_order).all()
        before = p_order


def test_drop_out_rates_of_shape_one_are_the_limit_of_those_beside_it() -> None:
    at, beside = (PAPER.model_copy(update={"s": s}).expected_orders(SOME, 90) for s in (1.0, 1.0 + 1e-5))
    assert at == pytest.approx(beside, rel=1e-4)


def test_it_finds_again_what_a_store_was_made_of() -> None:
    random = np.random.default_rng(5)
    customers = MOST_PATTERNS + 5_000  # so that a sample stands for them
    age = random.uniform(50, 400, customers)
    rate, left = (
        random.gamma(0.8, 1 / 90, customers),
        random.exponential(1 / random.gamma(0.9, 1 / 300, customers)),
    )
    seen = np.minimum(age, left)
    frequency = random.poisson(rate * seen)
    last = seen * random.random(customers) ** (1 / np.maximum(frequency, 1))
    fitted = fit_pareto_nbd(frequency.astype(float), np.where(frequency > 0, last, 0.0), age)
    assert fitted is not None
    assert (fitted.r, fitted.alpha_weeks * 7) == pytest.approx((0.8, 90), rel=0.1)
    assert fitted.s / fitted.beta_weeks / 7 == pytest.approx(0.9 / 300, rel=0.15)


def test_a_fit_that_does_not_converge_gives_none_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    once_more_after_ten_days = (np.full(200, 1.0), np.full(200, 10.0), np.full(200, 10.0))
    with caplog.at_level(logging.WARNING):
        assert fit_pareto_nbd(*once_more_after_ten_days) is None  # all alike: no spread of rates can be seen
    assert "Pareto/NBD did not converge" in caplog.text


def test_a_store_that_nobody_leaves_still_has_a_model() -> None:
    random = np.random.default_rng(6)
    age = random.uniform(200, 400, 2_000)
    frequency = random.poisson(random.gamma(0.8, 1 / 60, 2_000) * age)
    last = age * random.random(2_000) ** (1 / np.maximum(frequency, 1))
    fitted = fit_pareto_nbd(frequency.astype(float), np.where(frequency > 0, last, 0.0), age)
    assert fitted is not None
    assert fitted.s / fitted.beta_weeks < 1e-3
