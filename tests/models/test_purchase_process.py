"""The purchase processes give the papers' parameters, finite answers, and one-time buyers of different worth."""

import logging
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.purchase_process import (
    BgNbd,
    Histories,
    OrderValue,
    StoreRate,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_order_value,
    fit_purchase_process,
)

PAPER = BgNbd(r=0.243, alpha_weeks=4.414, a=0.793, b=2.426)


def packaged(name: str) -> Path:
    """Return a data file inside lifetimes, which is located and not imported: its datasets module needs more."""
    spec = find_spec("lifetimes")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "datasets" / name


def histories(*rows: tuple[float, float, float, float]) -> Histories:
    """Return histories of (orders, first to last day, first to cutoff, mean value)."""
    names = ["orders", "days_first_to_last_order", "days_since_first_order", "mean_order_value"]
    return Histories(pd.DataFrame(rows, columns=names, dtype=float))


def test_bg_nbd_gives_the_parameters_of_fader_hardie_and_lee_on_their_cdnow_sample() -> None:
    weeks = pd.read_csv(packaged("cdnow_customers_summary.csv"))
    fitted = fit_bg_nbd(
        weeks["frequency"].to_numpy(float),
        7 * weeks["recency"].to_numpy(float),
        7 * weeks["T"].to_numpy(float),
    )
    assert fitted is not None
    found = (fitted.r, fitted.alpha_weeks, fitted.a, fitted.b)
    assert found == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=6e-4)


def test_gamma_gamma_gives_the_parameters_of_fader_and_hardie_on_their_cdnow_sample() -> None:
    names = ["master", "customer", "day", "disks", "value"]
    lines = pd.read_csv(packaged("CDNOW_sample.txt"), sep=r"\s+", header=None, names=names)
    days = lines[lines["day"] <= 19970930].groupby(["customer", "day"])["value"].sum().reset_index()
    repeat = days[days.groupby("customer").cumcount() > 0].groupby("customer")["value"].agg(["size", "mean"])
    repeat = repeat[repeat["mean"] > 0]
    assert len(repeat) == 946
    found = fit_gamma_gamma(repeat["size"].to_numpy(float), repeat["mean"].to_numpy(float))
    assert found == pytest.approx((6.25, 3.74, 15.44), abs=6e-3)


def test_a_one_time_buyer_is_surely_active_and_yet_not_sure_to_order() -> None:
    once = histories((1, 0, 270, 20.0))
    assert PAPER.p_active(once)[0] == 1.0
    # ((4.414 + 270 / 7) / (4.414 + 360 / 7)) ** 0.243 = 0.93839
    assert PAPER.p_order(once, 90)[0] == pytest.approx(1 - 0.93839, abs=2e-5)


def test_expected_orders_equal_lifetimes_own_where_those_are_finite() -> None:
    from lifetimes import BetaGeoFitter  # noqa: PLC0415  # imported where it is compared with

    fitter = BetaGeoFitter()
    fitter.params_ = pd.Series({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    expected = fitter.conditional_expected_number_of_purchases_up_to_time(39, 2, 30.43, 38.86)
    found = PAPER.expected_orders(histories((3, 7 * 30.43, 7 * 38.86, 20.0)), 7 * 39)
    assert found[0] == pytest.approx(expected, rel=1e-12)
    assert found[0] == pytest.approx(1.226, abs=1e-3)  # the paper's worked example


@pytest.mark.parametrize("process", [PAPER, StoreRate(shape=1.0, scale_days=90.0)])
def test_answers_stay_finite_and_ordered_for_nobody_newcomers_and_the_heaviest(
    process: BgNbd | StoreRate,
) -> None:
    extremes = histories(
        (0, np.nan, np.nan, np.nan), (1, 0, 0, 1.0), (20_000, 365, 365, 5.0), (500, 100, 3_000, 5.0)
    )
    before = np.zeros(4)
    for days in (1, 7, 90, 365):
        p_order, orders = process.p_order(extremes, days), process.expected_orders(extremes, days)
        assert np.isfinite(orders).all()
        assert (p_order >= before).all()
        assert (p_order <= 1).all()
        assert (orders >= p_order - 1e-12).all()
        before = p_order


def test_a_store_rate_of_one_order_in_ninety_days_is_halved_by_ninety_silent_ones() -> None:
    rate = StoreRate(shape=1.0, scale_days=90.0)
    silent = histories((1, 0, 90, 10.0))
    assert rate.expected_orders(silent, 90)[0] == pytest.approx(0.5)  # 1 / (90 + 90) a day
    assert rate.p_order(silent, 90)[0] == pytest.approx(1 - 180 / 270)


def test_a_store_without_a_repeat_order_still_has_a_finite_rate() -> None:
    rate = StoreRate.fit(histories((1, 0, 0, 10.0)))
    assert rate.scale_days == pytest.approx(90.0)  # one prior order in a quarter of a year


def test_a_small_store_gets_its_own_rate_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    few = histories(*[(2, 30, 60, 10.0)] * 20)
    with caplog.at_level(logging.INFO):
        assert isinstance(fit_purchase_process(few), StoreRate)
    assert "20 buyers, 20 repeaters" in caplog.text


def test_a_fit_that_does_not_converge_falls_back_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Everybody came once more, on the last day: the likelihood rises for ever towards no spread at all.
    alike = histories(*[(2, 10, 10, 10.0)] * 200)
    fitted = fit_purchase_process(alike)
    assert isinstance(fitted, StoreRate)
    assert "did not converge" in caplog.text


def test_one_time_buyers_are_told_apart_by_what_they_paid() -> None:
    value = OrderValue(store_mean=30.0, prior_orders=0.5, basis="gamma_gamma")
    found = value.expected(histories((1, 0, 10, 20.0), (1, 0, 10, 200.0), (0, np.nan, np.nan, np.nan)))
    assert found == pytest.approx([(20 + 15) / 1.5, (200 + 15) / 1.5, 30.0])


def test_the_conditional_value_is_gamma_gammas_own() -> None:
    # E = (q - 1) / (p x + q - 1) * p v / (q - 1) + p x / (p x + q - 1) * m, with the paper's parameters.
    p, q, v = 6.25, 3.74, 15.44
    value = OrderValue(store_mean=p * v / (q - 1), prior_orders=(q - 1) / p, basis="gamma_gamma")
    x, m = 2.0, 22.35
    weight = p * x / (p * x + q - 1)
    expected = (1 - weight) * p * v / (q - 1) + weight * m
    assert value.expected(histories((x, 10, 20, m)))[0] == pytest.approx(expected)


def test_too_few_buyers_get_a_shrunk_mean_and_nobody_at_all_gets_nothing() -> None:
    assert fit_order_value(histories((1, 0, 5, 10.0), (2, 3, 5, 30.0))) == OrderValue(
        store_mean=20.0, prior_orders=2.0, basis="shrunk_mean"
    )
    nobody = histories((0, np.nan, np.nan, np.nan))
    assert fit_order_value(nobody).expected(nobody)[0] == 0.0


def test_a_sample_stands_for_a_store_of_many_customers_and_is_the_same_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weeks = pd.read_csv(packaged("cdnow_customers_summary.csv"))
    past = [
        weeks["frequency"].to_numpy(float),
        *(7 * weeks[name].to_numpy(float) for name in ("recency", "T")),
    ]
    whole = fit_bg_nbd(*past)
    monkeypatch.setattr("models.purchase_process.MOST_FITTED", 1_500)
    some, again = fit_bg_nbd(*past), fit_bg_nbd(*past)
    assert whole is not None
    assert some is not None
    assert some == again != whole
    everyone = Histories(
        pd.DataFrame(
            {
                "orders": past[0] + 1,
                "days_first_to_last_order": past[1],
                "days_since_first_order": past[2],
                "mean_order_value": 1.0,
            }
        )
    )
    forecast, true = (each.expected_orders(everyone, 90).sum() for each in (some, whole))
    assert forecast == pytest.approx(true, rel=0.06)
