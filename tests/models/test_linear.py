"""The straight line finds the slopes that made the data, stays near nothing on little of it, and bounds the unseen."""

import numpy as np
import pandas as pd
import pytest

from models.linear import Linear, Objective, fit_linear


def inputs(rows: int, seed: int = 0) -> pd.DataFrame:
    """Return an input that tells, one that tells nothing, one on the log scale, and one that says the same of all."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "orders": np.expm1(random.normal(2.0, 0.5, rows)),
            "noise": random.gamma(2.0, 10.0, rows),
            "process_log_rate": random.normal(-3.0, 1.0, rows),
            "same": 7.0,
        }
    )


def answer(frame: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(
        0.3 + 0.8 * (np.log1p(frame["orders"]) - 2.0) - 0.5 * (frame["process_log_rate"] + 3.0),
        dtype=np.float64,
    )


@pytest.mark.parametrize("objective", ["binary", "poisson", "gamma"])
def test_it_finds_the_slopes_that_made_the_data(objective: Objective) -> None:
    frame, random = inputs(20_000), np.random.default_rng(1)
    eta, offset = answer(frame), random.normal(0.0, 0.5, 20_000)
    target = {
        "binary": (random.random(20_000) < 1 / (1 + np.exp(-eta - offset))).astype(np.float64),
        "poisson": random.poisson(np.exp(eta + offset)).astype(np.float64),
        "gamma": random.gamma(2.0, np.exp(eta + offset) / 2.0),
    }[objective]
    line = fit_linear(frame, target, offset, objective, np.ones(20_000))
    fresh = inputs(1_000, seed=5)
    assert np.abs(line.raw(fresh) - answer(fresh)).mean() < 0.05


def test_little_data_leaves_it_near_nothing() -> None:
    frame = inputs(30)
    target = (answer(frame) > 0.3).astype(np.float64)
    line = fit_linear(frame, target, np.zeros(30), "binary", np.ones(30))
    assert np.abs(line.slope).max() < 0.15  # a spread makes 0.4 and 0.5


def test_an_unknown_value_has_a_meaning_of_its_own() -> None:
    frame, random = inputs(5_000), np.random.default_rng(2)
    unknown = random.random(5_000) < 0.3
    frame.loc[unknown, "noise"] = np.nan
    target = random.poisson(np.where(unknown, 3.0, 1.0)).astype(np.float64)
    line = fit_linear(frame, target, np.zeros(5_000), "poisson", np.ones(5_000))
    assert line.missing[list(line.inputs).index("noise")] == pytest.approx(np.log(3.0), abs=0.1)


def test_the_contributions_sum_to_the_answer_and_an_unheard_of_value_does_not_run_away() -> None:
    frame = inputs(2_000)
    line = fit_linear(frame, answer(frame) ** 2, np.zeros(2_000), "gamma", np.ones(2_000))
    assert line.contributions(frame).sum(axis=1) + line.intercept == pytest.approx(line.raw(frame))
    far = frame.head(1).assign(orders=1e300)
    assert abs(line.raw(far)[0]) < abs(line.intercept) + 6 * np.abs(line.slope).sum()


def test_it_is_the_same_after_its_text() -> None:
    frame = inputs(200)
    line = fit_linear(frame, answer(frame) ** 2, np.zeros(200), "gamma", np.ones(200))
    assert (Linear.model_validate_json(line.model_dump_json()).raw(frame) == line.raw(frame)).all()
