"""What inputs add to trees, held against LightGBM's own reckoning, which walks each tree for each row."""

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.tree_shap import MOST_SPLITS, ROWS_AT_ONCE, TreeShap

INPUTS = 5


def rows(seed: int, count: int, missing: float) -> NDArray[np.float64]:
    """Return inputs: skewed ones, whole ones with many alike, some of them missing and some 0."""
    random = np.random.default_rng(seed)
    found = np.exp(random.normal(size=(count, INPUTS)) * 2)
    found[:, 1] = random.integers(0, 4, count)
    found[random.random(found.shape) < 0.1] = 0.0
    found[random.random(found.shape) < missing] = np.nan
    return found


def trees(seed: int, leaves: int, missing: float, rounds: int = 15) -> lightgbm.Booster:
    learnt = rows(seed, 400, missing)
    random = np.random.default_rng(seed + 1)
    target = np.nan_to_num(learnt[:, 0]) + 2 * np.isnan(learnt[:, 2]) * learnt[:, 1] + random.normal(size=400)
    settings = {"num_leaves": leaves, "min_data_in_leaf": 5, "seed": seed, "num_threads": 1, "verbosity": -1}
    return lightgbm.train(settings, lightgbm.Dataset(learnt, target), rounds)


@given(seed=st.integers(0, 10**6), leaves=st.integers(2, 8), missing=st.sampled_from([0.0, 0.2]))
def test_inputs_add_what_lightgbm_says_they_add(seed: int, leaves: int, missing: float) -> None:
    booster, asked = trees(seed, leaves, missing), rows(seed + 2, 50, 0.3)
    shap = TreeShap(booster.dump_model())
    wanted = np.asarray(booster.predict(asked, pred_contrib=True))

    found = shap.contributions(asked)

    assert found == pytest.approx(wanted[:, :-1], rel=1e-9, abs=1e-9)
    assert shap.constant == pytest.approx(wanted[0, -1], rel=1e-9, abs=1e-9)
    assert found.sum(axis=1) + shap.constant == pytest.approx(np.asarray(booster.predict(asked)), rel=1e-9)


def test_a_row_alone_gets_to_the_last_bit_what_it_gets_among_more_than_are_taken_at_once() -> None:
    shap, asked = TreeShap(trees(1, 7, 0.2).dump_model()), rows(3, ROWS_AT_ONCE + 70, 0.2)

    among = shap.contributions(asked)

    for place in (0, 1, 200, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, len(asked) - 1):
        assert np.array_equal(shap.contributions(asked[place : place + 1])[0], among[place])


def test_thresholds_are_met_exactly() -> None:
    booster = trees(2, 7, 0.2)
    model = booster.dump_model()
    met = [
        float(line.split("=")[1].split()[0])
        for line in booster.model_to_string().splitlines()
        if line.startswith("threshold=")
    ]
    asked = np.array(
        [[np.nextafter(value, way)] * INPUTS for value in met for way in (-np.inf, value, np.inf)]
    )

    found = TreeShap(model).contributions(asked)

    assert found == pytest.approx(np.asarray(booster.predict(asked, pred_contrib=True))[:, :-1], abs=1e-9)


def test_trees_that_never_split_add_nothing() -> None:
    booster = lightgbm.train(
        {"min_data_in_leaf": 1_000, "verbosity": -1}, lightgbm.Dataset(rows(1, 100, 0.0), np.arange(100.0)), 3
    )
    shap = TreeShap(booster.dump_model())

    assert not shap.contributions(rows(2, 4, 0.1)).any()
    assert shap.constant == pytest.approx(float(np.asarray(booster.predict(rows(2, 1, 0.0)))[0]))


def test_trees_whose_table_would_be_too_large_are_refused() -> None:
    with pytest.raises(ValueError, match=rf"{MOST_SPLITS + 3} splits; .* {MOST_SPLITS} at most"):
        TreeShap(trees(1, MOST_SPLITS + 4, 0.0).dump_model())


def test_splits_by_category_are_refused() -> None:
    learnt = rows(1, 400, 0.0)
    data = lightgbm.Dataset(learnt, np.where(learnt[:, 1] == 2, 9.0, 0.0), categorical_feature=[1])
    booster = lightgbm.train({"min_data_in_leaf": 5, "verbosity": -1}, data, 3)

    with pytest.raises(ValueError, match="'=='"):
        TreeShap(booster.dump_model())
