"""One curve from today on, from which probabilities and dates are read."""

import math

import numpy as np
import pytest

from models.gap_curve import GapCurve
from models.refill_curve import KNOTS_DAYS, RefillCurve, hazard


def gaps() -> GapCurve:
    return GapCurve(*(np.asarray([value]) for value in (math.log(20), 0.6, 0.9, 12.0)))


def curve(*probabilities: float) -> RefillCurve:
    return RefillCurve(gaps(), hazard(np.asarray([probabilities])))


def test_with_nothing_known_better_it_is_the_gap_curve() -> None:
    same = curve(*(gaps().probability(days)[0] for days in KNOTS_DAYS))
    for days in (1, 5, 7, 10, 14, 20, 30, 60, 200):
        assert same.probability(days)[0] == pytest.approx(gaps().probability(days)[0], rel=1e-9)
    for share in (0.25, 0.5, 0.75):
        assert same.days_ahead(share)[0] == gaps().gap_days(np.asarray([share]))[0] - 12


def test_what_is_known_at_a_horizon_is_said_there() -> None:
    told = curve(0.1, 0.35, 0.5)
    assert [told.probability(days)[0] for days in KNOTS_DAYS] == pytest.approx([0.1, 0.35, 0.5])


def test_it_rises_and_the_dates_are_where_the_shares_are_reached() -> None:
    told = curve(0.1, 0.35, 0.5)
    said = [told.probability(days)[0] for days in range(1, 120)]
    assert (np.diff(said) >= 0).all()
    for share in (0.05, 0.2, 0.4, 0.55):
        ahead = int(told.days_ahead(share)[0])
        assert said[ahead] >= share - 1e-9  # bought within ahead + 1 days: today is day 0
        assert ahead == 0 or said[ahead - 1] <= share + 1e-9


def test_a_share_that_never_comes_has_no_date() -> None:
    assert curve(0.01, 0.02, 0.03).days_ahead(0.95)[0] == math.inf
