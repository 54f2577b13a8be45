"""One curve a customer: it never falls, everything is read from it, and it goes on beyond the trained horizon."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logit

from features.catalog.shipped import CATALOG
from models.boosting import Correction, fit_correction, sample
from models.next_order import NextOrder, days_to_reach
from models.purchase_process import Histories, fit_purchase_process
from tests.models.customers import HORIZON_DAYS, outcomes, snapshot


@pytest.fixture(scope="module")
def fitted() -> NextOrder:
    frame = snapshot(600)
    process = fit_purchase_process(Histories(frame))
    return NextOrder.fit(frame, outcomes(frame), process, CATALOG.names, seed=3)


def test_no_curve_ever_falls_within_or_beyond_the_trained_horizon(fitted: NextOrder) -> None:
    curve = fitted.p_order(snapshot(500, seed=9), [1, 2, 7, 14, 30, 45, 89, 90, 91, 120, 365])
    assert (np.diff(curve, axis=1) >= 0).all()
    assert curve.min() > 0
    assert curve.max() < 1


def test_beyond_the_trained_horizon_the_process_carries_on(fitted: NextOrder) -> None:
    frame, days = snapshot(200, seed=9), [HORIZON_DAYS, 120, 365]
    process = np.column_stack([fitted.process.p_order(Histories(frame), each) for each in days])
    added = logit(fitted.p_order(frame, days)) - logit(process)
    sure = (process > 0.01) & (process < 0.99)  # where nothing is held back from certainty
    assert sure.all(axis=1).sum() > 100
    assert np.ptp(added[sure.all(axis=1)], axis=1).max() < 1e-6


def test_the_trees_learn_what_the_process_leaves_out(fitted: NextOrder) -> None:
    frame = snapshot(600)
    ordered = outcomes(frame).ordered_within(HORIZON_DAYS)
    alone = replace(fitted, correction=None).p_order(frame, [HORIZON_DAYS])[:, 0]
    with_trees = fitted.p_order(frame, [HORIZON_DAYS])[:, 0]
    assert np.mean((with_trees - ordered) ** 2) < np.mean((alone - ordered) ** 2)


def test_leaving_is_one_minus_ordering_within_ninety_days(fitted: NextOrder) -> None:
    said = fitted.predict(snapshot(50))
    assert (said["churn_probability_90d"] == 1.0 - said["p_order_90d"]).all()


def test_the_same_rows_and_seed_give_the_same_trees(fitted: NextOrder) -> None:
    frame = snapshot(600)
    again = NextOrder.fit(frame, outcomes(frame), fitted.process, CATALOG.names, seed=3)
    assert fitted.correction is not None
    assert again.correction is not None
    assert again.correction.text == fitted.correction.text


def test_a_customer_alone_gets_the_answer_it_gets_in_the_crowd(fitted: NextOrder) -> None:
    crowd = snapshot(200, seed=4)
    together = fitted.predict(crowd)
    alone = fitted.predict(crowd.iloc[[17]])
    assert alone.iloc[0].to_numpy() == pytest.approx(together.iloc[17].to_numpy(), abs=1e-12, nan_ok=True)


def test_a_trained_horizon_of_its_own_adds_its_own_column(fitted: NextOrder) -> None:
    said = replace(fitted, horizon_days=60).predict(snapshot(3))
    assert [name for name in said.columns if name.startswith("p_order")] == [
        "p_order_7d",
        "p_order_30d",
        "p_order_90d",
        "p_order_60d",
    ]


def test_the_median_day_lies_where_the_curve_crosses_one_half_at_constant_hazard() -> None:
    # From 0 to 0.75 in 10 days: the hazard is log(4) / 10 a day, and log(2) of it is reached on day 5.
    curve = np.array([[0.75, 0.9], [0.2, 0.3]])
    found = days_to_reach(curve, [10, 20], 0.5)
    assert found[0] == pytest.approx(5.0)
    assert np.isnan(found[1])


def test_a_correction_survives_its_files_to_the_last_bit(fitted: NextOrder, tmp_path: Path) -> None:
    assert fitted.correction is not None
    frame = snapshot(40).assign(
        process_active_log_odds=0.5, process_order_log_odds=-1.0, process_log_rate=-3.0
    )
    fitted.correction.write(tmp_path / "trees.lgb")
    again = Correction.read(tmp_path / "trees.lgb")
    assert again.linear is not None
    assert (again.raw(frame) == fitted.correction.raw(frame)).all()


def test_a_sample_is_whole_when_it_may_be_and_without_repeats_when_not() -> None:
    assert sample(5, 10, np.random.default_rng(0)).tolist() == [0, 1, 2, 3, 4]
    drawn = sample(1_000, 10, np.random.default_rng(0))
    assert len(set(drawn.tolist())) == 10
    assert (np.diff(drawn) > 0).all()


def test_a_correction_of_nothing_left_to_explain_is_nothing() -> None:
    frame = snapshot(400)[["orders", "spend"]]
    offset = np.log(frame["orders"].to_numpy(float))
    correction = fit_correction(frame, frame["orders"].to_numpy(float), offset, objective="poisson", seed=1)
    assert np.abs(correction.raw(frame)).max() < 1e-6
