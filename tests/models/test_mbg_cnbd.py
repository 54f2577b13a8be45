"""MBG/CNBD-k gives the published parameters, lifetimes' answers at k = 1, and what simulated customers do at any k."""

import logging

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import gamma

from models.histories import Histories
from models.mbg_cnbd import MOST_PATTERNS, MbgCnbd, _log_likelihood_and_slopes, fit_mbg_cnbd
from tests.models.test_purchase_process import histories, packaged

PAPER = MbgCnbd(k=1.0, r=0.525, alpha_weeks=6.183, a=0.891, b=1.614)
BTYDPLUS = MbgCnbd(k=3.0, r=0.85, alpha_weeks=1.45, a=0.79, b=2.42)
SOME = histories((3, 7 * 30.43, 7 * 38.86, 20), (1, 0, 270, 20), (30, 200, 270, 20), (101, 300, 302, 20))


def simulated(
    model: MbgCnbd, customers: int, weeks: float, ahead_weeks: float, seed: int
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return snapshot rows, the days to the next order (NaN for none) and the orders of the time ahead."""
    random = np.random.default_rng(seed)
    rate = random.gamma(model.r, 1.0 / model.alpha_weeks, customers)
    leaving = random.beta(model.a, model.b, customers)
    age = random.uniform(weeks / 3.0, weeks, customers)
    stays = random.random(customers) >= leaving
    at, last, orders, ahead = (
        np.zeros(customers),
        np.zeros(customers),
        np.ones(customers),
        np.zeros(customers),
    )
    following = np.full(customers, np.nan)
    while len(going := np.flatnonzero(stays & (at < age + ahead_weeks))):
        at[going] += random.gamma(model.k, 1.0 / rate[going])
        past, soon = (
            going[at[going] <= age[going]],
            going[(at[going] > age[going]) & (at[going] < age[going] + ahead_weeks)],
        )
        orders[past] += 1
        last[past] = at[past]
        ahead[soon] += 1
        following[soon] = np.fmin(following[soon], 7 * (at[soon] - age[soon]))
        stays[going] = random.random(len(going)) >= leaving[going]
    frame = pd.DataFrame(
        {
            "orders": orders,
            "days_first_to_last_order": 7 * last,
            "days_since_first_order": 7 * age,
            "mean_order_value": 10.0,
        }
    )
    return frame, following, ahead


def test_at_k_one_it_gives_the_published_parameters_of_the_mbg_nbd_on_the_cdnow_sample() -> None:
    weeks = pd.read_csv(packaged("cdnow_customers_summary.csv"))
    fitted = fit_mbg_cnbd(
        1.0,
        weeks["frequency"].to_numpy(float),
        np.round(7 * weeks["recency"].to_numpy(float)),
        np.round(7 * weeks["T"].to_numpy(float)),
    )
    assert fitted is not None
    # As published with Batislam, Denizel and Filiztekin (2007) and in lifetimes' own tests.
    assert (fitted.r, fitted.alpha_weeks) == pytest.approx((0.525, 6.183), abs=1e-3)
    assert (fitted.a, fitted.b) == pytest.approx((0.891, 1.614), abs=1e-3)


def test_at_k_one_its_answers_are_those_of_lifetimes() -> None:
    from lifetimes import ModifiedBetaGeoFitter  # noqa: PLC0415  # imported where it is compared with

    peer = ModifiedBetaGeoFitter()
    peer.params_ = pd.Series({"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614})
    weeks = (SOME.frequency, SOME.recency_days / 7, SOME.age_days / 7)
    assert PAPER.p_active(SOME) == pytest.approx(peer.conditional_probability_alive(*weeks), rel=1e-4)
    for ahead in (4, 13, 52):
        expected = peer.conditional_expected_number_of_purchases_up_to_time(ahead, *weeks)
        assert PAPER.expected_orders(SOME, 7 * ahead) == pytest.approx(expected, rel=0.01)


def test_the_chance_of_silence_is_that_of_a_gamma_gap_mixed_over_the_customers_rate() -> None:
    model = MbgCnbd(k=0.7, r=0.6, alpha_weeks=9.0, a=1e-9, b=1.0)  # nobody leaves
    past = histories((5, 7 * 20.0, 7 * 25.0, 20))
    shape, scale = 0.6 + 0.7 * 4, 9.0 + 20.0

    def longer(gap_weeks: float) -> float:
        def mixed(rate: float) -> float:
            return float(gamma.sf(gap_weeks, 0.7, scale=1 / rate) * gamma.pdf(rate, shape, scale=1 / scale))

        return quad(mixed, 0, np.inf)[0]

    # Silent for 5 weeks already, and for 13 more.
    assert model.p_order(past, 7 * 13)[0] == pytest.approx(1 - longer(18.0) / longer(5.0), abs=1e-5)


@pytest.mark.parametrize("model", [BTYDPLUS, MbgCnbd(k=0.6, r=0.5, alpha_weeks=6.0, a=0.5, b=1.4)])
def test_it_expects_what_simulated_customers_then_do(model: MbgCnbd) -> None:
    frame, following, ahead = simulated(model, 20_000, 50.0, 13.0, seed=3)
    past = Histories(frame)
    p_order, orders, heavy = (
        model.p_order(past, 91),
        model.expected_orders(past, 91),
        frame["orders"].to_numpy() > 5,
    )
    for some in (heavy, ~heavy):
        assert p_order[some].mean() == pytest.approx(np.isfinite(following[some]).mean(), rel=0.04)
        assert orders[some].mean() == pytest.approx(ahead[some].mean(), rel=0.04)


def test_it_finds_again_what_a_store_was_made_of() -> None:
    frame, *_ = simulated(BTYDPLUS, MOST_PATTERNS + 2_000, 60.0, 0.0, seed=4)
    past = Histories(frame)
    fitted = fit_mbg_cnbd(3.0, past.frequency, past.recency_days, past.age_days)
    assert fitted is not None
    assert (fitted.r, fitted.alpha_weeks) == pytest.approx((0.85, 1.45), rel=0.1)
    assert fitted.a / (fitted.a + fitted.b) == pytest.approx(0.79 / (0.79 + 2.42), rel=0.1)


@pytest.mark.parametrize("k", [0.6, 1.0, 2.0])
def test_its_answers_stay_finite_and_ordered_for_nobody_newcomers_and_the_heaviest(k: float) -> None:
    extremes = histories(
        (0, np.nan, np.nan, np.nan), (1, 0, 0, 1.0), (20_000, 365, 365, 5.0), (500, 100, 3_000, 5.0)
    )
    model = PAPER.model_copy(update={"k": k})
    assert (model.rate_per_day(extremes) > 0).all()
    before = np.zeros(4)
    for days in (1, 7, 90, 365):
        p_order, orders = model.p_order(extremes, days), model.expected_orders(extremes, days)
        assert np.isfinite(orders).all()
        assert (p_order >= before).all()
        assert (p_order <= 1).all()
        assert (orders >= p_order).all()
        before = p_order


def test_one_customer_is_told_the_same_as_among_many() -> None:
    alone = [PAPER.expected_orders(histories(row), 90)[0] for row in ((3, 213, 272, 20), (1, 0, 270, 20))]
    together = PAPER.expected_orders(histories((3, 213, 272, 20), (1, 0, 270, 20)), 90)
    assert list(together) == alone


def test_a_fit_that_does_not_converge_gives_none_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    once_more_after_ten_days = (np.full(200, 1.0), np.full(200, 10.0), np.full(200, 10.0))
    with caplog.at_level(logging.WARNING):
        assert (
            fit_mbg_cnbd(1.0, *once_more_after_ten_days) is None
        )  # all alike: no spread of rates can be seen
    assert "MBG/CNBD-1 did not converge" in caplog.text


@pytest.mark.parametrize("k", [0.55, 1.0, 2.0])
def test_the_slopes_of_the_likelihood_are_those_of_its_differences(k: float) -> None:
    random = np.random.default_rng(1)
    x = random.poisson(1.5, 300).astype(float)
    age = random.uniform(10.0, 500.0, 300)
    t_x = np.where(x > 0, age * random.uniform(0.0, 1.0, 300), 0.0)
    t_x[:20] = age[:20]  # the last order a moment ago
    shapes = np.array([0.6, 7.0, 0.4, 1.2])
    _, slopes = _log_likelihood_and_slopes(k, shapes, x, t_x, age)
    for place, step in enumerate(np.eye(4) * 1e-5):
        above, _ = _log_likelihood_and_slopes(k, shapes + step, x, t_x, age)
        below, _ = _log_likelihood_and_slopes(k, shapes - step, x, t_x, age)
        assert slopes[place] == pytest.approx((above - below) / 2e-5, rel=1e-6, abs=1e-6)


def test_of_nobody_nothing_is_said() -> None:
    process = MbgCnbd(k=0.7, r=0.5, alpha_weeks=9.0, a=0.5, b=1.0)
    columns = ["orders", "days_first_to_last_order", "days_since_first_order", "mean_order_value"]
    nobody = Histories(pd.DataFrame(columns=columns, dtype=float))
    assert process.p_order(nobody, 90).shape == process.expected_orders(nobody, 90).shape == (0,)
