"""The factor on a pair's hazard, learnt from windows that are over."""

from dataclasses import replace

import numpy as np
import pytest

from models.gap_curve import curves, fit_gaps
from models.gaps import Days, Items
from models.pair_history import pairs_as_of
from models.rebuy_hazard import COVARIATES, HazardScale, covariates, fit_scale


def described(count: int, seed: int = 1) -> np.ndarray:
    """Return covariates whose first column, the log hazard, gives 5 to 30 % a window."""
    random = np.random.default_rng(seed)
    table = random.normal(size=(count, len(COVARIATES)))
    table[:, 0] = np.log(-np.log1p(-random.uniform(0.05, 0.3, count)))
    return table


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.0])
def test_the_factor_is_how_much_more_often_pairs_are_rebought_than_their_curves_say(truth: float) -> None:
    table = described(60_000)
    happens = -np.expm1(-truth * np.exp(table[:, 0]))
    scale = fit_scale(table, np.random.default_rng(2).random(60_000) < happens)
    assert scale is not None
    assert np.median(scale.factor(table)) == pytest.approx(truth, rel=0.05)


def test_a_covariate_that_matters_is_found() -> None:
    table = described(60_000)
    happens = -np.expm1(-np.exp(table[:, 0] + 0.4 * table[:, 5]))
    scale = fit_scale(table, np.random.default_rng(2).random(60_000) < happens)
    assert scale is not None
    assert (scale.coefficients[1:] / scale.spread)[5] == pytest.approx(0.4, abs=0.04)


@pytest.mark.parametrize(("pairs", "rebought"), [(199, 100), (1000, 49), (1000, 951)])
def test_too_little_to_learn_from_gives_no_factor(pairs: int, rebought: int) -> None:
    assert fit_scale(described(pairs), np.arange(pairs) < rebought) is None


def test_coefficients_read_back_are_the_same_to_the_last_bit() -> None:
    scale = fit_scale(described(400), np.arange(400) % 3 == 0)
    assert scale is not None
    table = described(50, seed=9)
    assert (HazardScale.from_json_dict(scale.to_json_dict()).factor(table) == scale.factor(table)).all()


def test_an_item_that_everybody_buys_again_has_finite_covariates() -> None:
    items = Items(np.asarray(["milk"], dtype=object), np.asarray(["food"], dtype=object))
    rows = [(customer, 0, day) for customer in range(30) for day in range(800, 1000, 10)]
    customer, item, day = (np.asarray(column) for column in zip(*rows, strict=True))
    days = Days(customer, item, day, np.ones(len(day)), np.full(len(day), 500.0), customer, day)
    pairs = pairs_as_of(days, items, 1000)
    fitted = fit_gaps(pairs, items, 1)
    sure = replace(fitted, rebuy_share=np.ones_like(fitted.rebuy_share))
    paths = sure.paths(items)[pairs["item"].to_numpy()]
    told = covariates(sure, paths, curves(sure, paths, pairs), pairs)
    assert told.shape == (30, len(COVARIATES))
    assert np.isfinite(told).all()
