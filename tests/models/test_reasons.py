"""A score is the sum of its reasons, exactly, and they are told with the customer's own values."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalog.shipped import CATALOG
from models.contributions import (
    AT_LEAST_NOTHING,
    AT_LEAST_THE_CHANCE,
    LEVEL,
    PROCESS,
    Contributions,
    UsualCustomer,
    by_score,
    contributions,
    explained,
)
from models.level import Level
from models.next_order import NextOrder
from models.predictor import Common
from models.purchase_process import (
    BgNbd,
    Histories,
    ParetoNbd,
    PurchaseProcess,
    StoreRate,
    fit_order_value,
)
from models.reason_words import Effect
from models.reasons import by_subject, subject_sums
from models.scores import SCORES
from models.worth import OrdersAndValue
from tests.models.customers import outcomes, snapshot

BUSY = Level(as_of_day=100, first_day=100, pace=(1.5,) * 60, says="half as much again")
PROCESSES: tuple[PurchaseProcess, ...] = (
    StoreRate(shape=1.0, scale_days=60.0),
    BgNbd(r=0.243, alpha_weeks=4.414, a=0.793, b=2.426),
    ParetoNbd(r=0.553, alpha_weeks=10.58, s=0.606, beta_weeks=11.67),
)
USUAL = UsualCustomer(
    orders=2.0, days_first_to_last_order=40.0, days_since_first_order=120.0, mean_order_value=20.0
)


@cache
def fitted() -> tuple[NextOrder, OrdersAndValue]:
    """Fit trees and lines once for the whole module, on made-up customers."""
    frame = snapshot(600)
    happened = outcomes(frame)
    next_order = NextOrder.fit(frame, happened, PROCESSES[2], CATALOG.names, 3, BUSY)
    order_value = fit_order_value(Histories(frame))
    worth = OrdersAndValue.fit(frame, happened, next_order, order_value, CATALOG.names, 3)
    return next_order, worth


def on(
    process: PurchaseProcess, *, trees: bool, pace_counts: float = 0.0
) -> tuple[NextOrder, OrdersAndValue]:
    """Put the trees on a process, or leave them out."""
    next_order, worth = fitted()
    common = Common(constant=0.1, per_log_pace=pace_counts)
    calibration = next_order.calibration.model_copy(update={"common": common})
    next_order = replace(next_order, process=process, calibration=calibration)
    worth = replace(worth, process=process, orders_common=common, value_common=common)
    if trees:
        return next_order, worth
    return (
        replace(next_order, correction=None),
        replace(worth, orders_correction=None, value_correction=None),
    )


def said(next_order: NextOrder, worth: OrdersAndValue, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the scores as a release says them."""
    curve = next_order.predict(frame)
    return pd.concat([curve, worth.predict(frame, next_order)], axis=1)


def broken_down(
    next_order: NextOrder, worth: OrdersAndValue, frame: pd.DataFrame
) -> dict[str, Contributions]:
    """Return the contributions with USUAL as the usual customer."""
    return contributions(next_order, worth, USUAL, frame)


@st.composite
def customers(draw: st.DrawFn) -> pd.DataFrame:
    """Draw customers: of one order, of many, of none, of a negative value, with any feature missing."""
    frame = snapshot(draw(st.integers(1, 4)), seed=draw(st.integers(0, 10_000)))
    for row in frame.index:
        kind = draw(st.sampled_from(("as drawn", "one-time", "none", "heavy")))
        age = draw(st.integers(0, 3_000))
        if kind == "one-time":
            frame.loc[row, ["orders", "days_first_to_last_order", "days_since_first_order"]] = [1, 0, age]
        if kind == "heavy":
            columns = ["orders", "days_first_to_last_order", "days_since_first_order"]
            frame.loc[row, columns] = [draw(st.integers(50, 500)), age // 2, age]
        if kind == "none":
            frame.loc[row, "orders"] = 0
            unknown = ["days_first_to_last_order", "days_since_first_order", "mean_order_value"]
            frame[unknown] = frame[unknown].astype(float)
            frame.loc[row, unknown] = np.nan
        frame.loc[row, "mean_order_value"] = draw(st.sampled_from((-5_000.0, 0.0, 3.5, 120.0, np.nan)))
    missing = draw(
        st.lists(st.sampled_from([n for n in CATALOG.names if n not in USUAL.model_dump()]), max_size=30)
    )
    frame[missing] = np.nan
    return frame


@settings(max_examples=60, deadline=None)
@given(
    frame=customers(),
    process=st.sampled_from(PROCESSES),
    trees=st.booleans(),
    pace_counts=st.sampled_from((0.0, 0.7)),
)
def test_every_score_is_the_sum_of_its_contributions(
    frame: pd.DataFrame, process: PurchaseProcess, *, trees: bool, pace_counts: float
) -> None:
    predictors = on(process, trees=trees, pace_counts=pace_counts)
    found = broken_down(*predictors, frame)
    scores = said(*predictors, frame)
    assert set(found) == {score.name for score in explained(90)}
    for name, each in found.items():
        value = scores[name].to_numpy()
        raw = np.log(value / (1.0 - value)) if each.scale == "log_odds" else np.log(value)
        sure = np.abs(raw) < 10.0 if each.scale == "log_odds" else np.ones(len(raw), dtype=bool)
        np.testing.assert_allclose(each.raw[sure], raw[sure], rtol=0, atol=1e-9, err_msg=name)
        np.testing.assert_allclose(each.value(each.raw), value, rtol=1e-9, atol=1e-9, err_msg=name)
        assert (each.base + each.added.sum(axis=1) == each.raw).all()


def test_without_trees_only_history_order_value_level_and_limits_contribute() -> None:
    for each in broken_down(*on(PROCESSES[2], trees=False), snapshot(20)).values():
        assert each.terms == (PROCESS, "order_value", LEVEL, AT_LEAST_THE_CHANCE, AT_LEAST_NOTHING)


def test_the_usual_customer_himself_adds_nothing_of_his_own() -> None:
    frame = snapshot(1).assign(**USUAL.model_dump())
    found = broken_down(*on(PROCESSES[1], trees=False), frame)
    for each in found.values():
        other_terms = [
            place for place, term in enumerate(each.terms) if term not in {LEVEL, AT_LEAST_THE_CHANCE}
        ]
        assert np.abs(each.added[:, other_terms]).max() < 1e-12


def test_a_busy_season_raises_every_score_but_leaving() -> None:
    for name, each in broken_down(*on(PROCESSES[2], trees=False), snapshot(20)).items():
        level = each.added[:, each.terms.index(LEVEL)]
        up = -level if name.startswith("churn") else level
        # None where the process is as sure already as it may be.
        assert up.min() >= 0
        assert np.median(up) > 0


def test_leaving_and_ordering_have_opposite_contributions() -> None:
    found = broken_down(*on(PROCESSES[2], trees=True), snapshot(20))
    assert (found["churn_probability_90d"].added == -found["p_order_90d"].added).all()


def test_fewer_orders_than_the_chance_of_one_are_lifted_by_a_contribution_of_their_own() -> None:
    next_order, worth = on(PROCESSES[0], trees=True)
    fewer = replace(worth, orders_common=Common(constant=-5.0))
    found = broken_down(next_order, fewer, snapshot(20))["expected_orders_90d"]
    assert (found.added[:, found.terms.index(AT_LEAST_THE_CHANCE)] > 1.0).all()


def test_contributions_alone_and_in_the_crowd_are_the_same() -> None:
    crowd = snapshot(50, seed=4)
    together = broken_down(*on(PROCESSES[2], trees=True), crowd)
    alone = broken_down(*on(PROCESSES[2], trees=True), crowd.iloc[[17]])
    for name, each in alone.items():
        np.testing.assert_allclose(each.added[0], together[name].added[17], rtol=0, atol=1e-12)


def test_the_scores_read_back_from_contributions_are_a_column_each() -> None:
    predictors = on(PROCESSES[2], trees=True)
    frame = snapshot(10)
    again = by_score(broken_down(*predictors, frame))
    np.testing.assert_allclose(again["clv_365d"], said(*predictors, frame)["clv_365d"], rtol=1e-9)


def test_terms_of_one_subject_are_summed() -> None:
    subjects, of_term = by_subject(("spend_30d", PROCESS, "spend_90d", "days_since_last_order", "made_up"))
    assert [subject.name for subject in subjects] == ["money", "history", "other"]
    sums = subject_sums(np.array([[1.0, 10.0, 2.0, 20.0, 7.0]]), of_term, len(subjects))
    assert sums.tolist() == [[3.0, 30.0, 7.0]]


@pytest.mark.parametrize(
    ("score", "effect", "text"),
    [
        ("p_order_90d", 0.1234, "raises the chance of ordering within 90 days by 12.3 points"),
        ("churn_probability_90d", -0.05, "lowers the chance of not ordering within 90 days by 5.0 points"),
        ("expected_orders_90d", -0.25, "lowers expected orders over the next 90 days by 25 %"),
        ("clv_365d", 12.0, "raises predicted net spend over the next 365 days to over 10 times as much"),
    ],
)
def test_an_effect_is_told_with_its_direction_in_points_or_per_cent(
    score: str, effect: float, text: str
) -> None:
    assert Effect.of(next(each for each in SCORES if each.name == score)).each([effect]) == [text]
