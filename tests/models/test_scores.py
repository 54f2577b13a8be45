"""A score says on what it rests: beyond the trained horizon the purchase process carries on."""

import pytest

from models.scores import CARRIED_ON, LEARNT, PROCESS_ALONE, rests_on, scores_for


@pytest.mark.parametrize(
    ("name", "horizon_days", "basis"),
    [
        ("p_order_30d", 90, LEARNT),
        ("expected_orders_90d", 90, LEARNT),
        ("expected_orders_365d", 90, CARRIED_ON),
        ("clv_365d_p90", 90, CARRIED_ON),
        ("clv_365d_percentile", 90, CARRIED_ON),
        ("clv_365d", 365, LEARNT),
        ("churn_probability_90d", 60, CARRIED_ON),
        ("next_order_days_p50", 90, LEARNT),
    ],
)
def test_a_horizon_longer_than_the_trained_one_is_the_processs(
    name: str, horizon_days: int, basis: str
) -> None:
    score = next(each for each in scores_for(horizon_days) if each.name == name)
    assert rests_on(score, horizon_days, trees=True) == basis


def test_without_trees_every_score_is_the_processs() -> None:
    assert {rests_on(score, 90, trees=False) for score in scores_for(90)} == {PROCESS_ALONE}
