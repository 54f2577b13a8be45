"""A store gets the purchase process that told best what happened next, and the usual one where that is chance."""

import numpy as np
import pandas as pd
import pytest

from models.mbg_cnbd import MbgCnbd
from models.predictor import Outcomes
from models.purchase_process import Histories, ParetoNbd, StoreRate
from tests.models.test_mbg_cnbd import simulated
from training.choice import choose_process, refit

HORIZON_DAYS = 91


def store(k: float, customers: int) -> tuple[pd.DataFrame, Outcomes]:
    """Return customers whose gaps have the shape k at the same mean, and what they did in the 13 weeks after."""
    made_of = MbgCnbd(k=k, r=0.7, alpha_weeks=8.0 / k, a=0.4, b=2.0)
    frame, following, ahead = simulated(made_of, customers, 60.0, HORIZON_DAYS / 7, seed=8)
    return frame, Outcomes(HORIZON_DAYS, following, ahead, 10.0 * ahead)


def test_a_store_whose_customers_order_in_bursts_gets_less_regular_gaps() -> None:
    chosen = choose_process(*store(0.5, 2_500))
    assert isinstance(chosen, MbgCnbd)
    assert chosen.k < 1


def test_a_store_whose_customers_order_like_clockwork_gets_more_regular_gaps() -> None:
    chosen = choose_process(*store(2.0, 1_200))
    assert isinstance(chosen, MbgCnbd)
    assert chosen.k > 1


def test_a_lead_that_may_be_luck_leaves_the_usual_process() -> None:
    assert isinstance(choose_process(*store(1.0, 800)), ParetoNbd)


def test_a_store_too_small_for_a_process_has_nothing_to_choose() -> None:
    assert isinstance(choose_process(*store(0.5, 60)), StoreRate)


def test_another_day_is_fitted_by_the_same_regularity() -> None:
    frame, _ = store(0.5, 2_000)
    again = refit(MbgCnbd(k=0.7, r=9.0, alpha_weeks=9.0, a=9.0, b=9.0), Histories(frame))
    assert isinstance(again, MbgCnbd)
    assert again.k == pytest.approx(0.7)
    assert again.r < 2


def test_a_day_that_gives_no_fit_keeps_the_one_before() -> None:
    before = MbgCnbd(k=0.7, r=0.5, alpha_weeks=9.0, a=0.5, b=1.0)
    alike = pd.DataFrame(
        {
            "orders": np.full(200, 2.0),
            "days_first_to_last_order": 10.0,
            "days_since_first_order": 10.0,
            "mean_order_value": 5.0,
        }
    )
    assert refit(before, Histories(alike)) == before
