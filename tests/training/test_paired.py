"""A lead is told with its noise."""

import numpy as np
import pytest

from models.predictor import Outcomes
from training.curves import Knots
from training.metrics import Prediction, auc, brier_losses
from training.paired import Paired, leads, placements


def window(ordered: list[int]) -> Outcomes:
    came = np.array(ordered, dtype=float)
    return Outcomes(90, np.where(came > 0, 1.0, np.nan), came, came)


def said(*p_order: float) -> Prediction:
    return Prediction(np.array(p_order), None, None)


def found(ours: Prediction, rival: Prediction, happened: Outcomes) -> dict[str, Paired]:
    return {each.metric: each for each in leads(ours, {"rival": rival}, happened)}


def test_the_lead_in_brier_is_the_mean_of_the_customers_differences_with_its_standard_error() -> None:
    lead = found(said(1.0, 0.0, 0.5, 0.5), said(0.5, 0.5, 0.5, 0.5), window([1, 0, 1, 0]))["brier"]
    gained = np.array([0.25, 0.25, 0.0, 0.0])
    assert lead.lead == pytest.approx(0.125)
    assert lead.noise == pytest.approx(gained.std(ddof=1) / 2)


def test_a_rival_that_is_better_has_the_lead_with_a_minus() -> None:
    assert found(said(0.5, 0.5), said(1.0, 0.0), window([1, 0]))["brier"].lead == pytest.approx(-0.25)


def test_placements_have_the_auc_for_a_mean_on_either_side() -> None:
    random = np.random.default_rng(5)
    p, ordered = random.integers(0, 20, 300) / 20, random.random(300) < 0.4
    of_ordering, of_others = placements(ordered, p)
    assert of_ordering.mean() == pytest.approx(auc(ordered, p))
    assert of_others.mean() == pytest.approx(auc(ordered, p))


def test_the_noise_of_a_lead_in_auc_is_how_it_scatters_over_stores_of_the_same_kind() -> None:
    scattered, told = [], []
    for seed in range(300):
        random = np.random.default_rng(seed)
        truth = random.beta(1, 3, 400)
        came = random.random(400) < truth
        ours, rival = (truth + random.normal(0, spread, 400) for spread in (0.1, 0.3))
        lead = found(said(*ours), said(*rival), window(came.astype(int).tolist()))["auc"]
        scattered.append(lead.lead)
        told.append(lead.noise)
    assert np.mean(told) == pytest.approx(np.std(scattered), rel=0.1)


def test_curves_are_compared_where_both_have_one() -> None:
    curve = Knots((90,), np.full((4, 1), 0.5))
    happened = window([1, 0, 1, 0])
    with_curve = Prediction(np.full(4, 0.5), None, None, curve)
    assert "integrated_brier" in found(with_curve, with_curve, happened)
    assert "integrated_brier" not in found(with_curve, said(0.5, 0.5, 0.5, 0.5), happened)


def test_a_window_in_which_nobody_ordered_has_no_lead_in_auc() -> None:
    assert set(found(said(0.1, 0.2), said(0.2, 0.1), window([0, 0]))) == {"brier"}


def test_losses_are_those_of_the_table() -> None:
    assert brier_losses(said(0.9, 0.2), window([1, 0])) == pytest.approx([0.01, 0.04])
