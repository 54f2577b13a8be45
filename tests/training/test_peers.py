"""Rules are compared in their fairest form: what happened to customers like this one."""

import numpy as np
import pandas as pd
import pytest

from models.predictor import Outcomes
from training.peers import RULES, RuleTable

RULE = {rule.name: rule for rule in RULES}


def frame(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype=float)


def test_a_rule_says_what_happened_to_its_group_before() -> None:
    rank = np.array([1.0, 1.0, 2.0, 2.0])
    happened = Outcomes(
        90,
        np.array([np.nan, 5.0, 5.0, 5.0]),
        np.array([0.0, 1.0, 2.0, 4.0]),
        np.array([0.0, 10.0, 20.0, 60.0]),
    )
    table = RuleTable.fit(rank, happened)
    said = table.predict(np.array([2.0, 1.0, 0.0]))
    assert said.p_order.tolist() == [1.0, 0.5, 0.5]
    assert said.orders.tolist() == [3.0, 0.5, 0.5]
    assert said.value.tolist() == [40.0, 5.0, 5.0]


def test_a_rank_that_is_unknown_falls_in_the_lowest_group() -> None:
    happened = Outcomes(90, np.array([np.nan, 1.0]), np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    table = RuleTable.fit(np.array([1.0, 2.0]), happened)
    assert table.predict(np.array([np.nan])).p_order.tolist() == [0.0]


def test_the_hiatus_rule_prefers_who_bought_last() -> None:
    rank = RULE["hiatus"].rank(frame(days_since_last_order=[3.0, 30.0]))
    assert rank[0] > rank[1]


def test_the_own_gap_rule_measures_silence_in_gaps_and_borrows_the_stores_for_one_time_buyers() -> None:
    found = RULE["own_gap"].rank(
        frame(days_since_last_order=[20.0, 20.0, 20.0], mean_gap_days=[10.0, 30.0, np.nan])
    )
    assert found == pytest.approx([-2.0, -2 / 3, -1.0])  # the store's mean gap is 20


def test_rfm_adds_the_three_fifths() -> None:
    columns = {"days_since_last_order": [50.0, 40.0, 30.0, 20.0, 10.0]}
    columns |= {"orders": [1.0, 2.0, 3.0, 4.0, 5.0], "spend": [10.0, 20.0, 30.0, 40.0, 50.0]}
    assert RULE["rfm"].rank(frame(**columns)).tolist() == [3.0, 6.0, 9.0, 12.0, 15.0]
