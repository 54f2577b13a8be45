"""Trees over a gap curve: learnt from past windows, settled on the newest."""

from dataclasses import replace

import numpy as np
import pytest

from models.rebuy_trees import DESCRIBED, Examples, RebuyTrees
from models.refill_curve import KNOTS_DAYS


def window(pairs: int, share: float, seed: int, known_days: int = 100) -> Examples:
    """Return pairs of whom about a share, more where the first input is high, are bought again within 14 days."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(pairs, len(DESCRIBED))).astype(np.float32)
    chance = np.clip(share * (1 + 0.8 * np.sign(inputs[:, 0])), 0, 1)
    days = random.exponential(-14 / np.log1p(-chance))
    offsets = np.tile(np.log([0.1, 0.2, 0.4]), (pairs, 1))
    return Examples(inputs, offsets, np.where(days < known_days, np.floor(days), np.nan), known_days)


def said(trees: RebuyTrees, asked: Examples) -> np.ndarray:
    shares: np.ndarray = -np.expm1(-trees.hazards(asked.inputs, asked.offsets))
    return shares


def test_what_matters_is_learnt_and_never_falls_with_the_horizon() -> None:
    trees = RebuyTrees.fit([window(3000, 0.3, seed) for seed in range(2)], seed=1)
    assert trees is not None
    asked = window(2000, 0.3, 9)
    shares = said(trees, asked)
    assert (np.diff(shares, axis=1) >= 0).all()
    high = asked.inputs[:, 0] > 0
    assert shares[high, 1].mean() == pytest.approx(0.54, abs=0.06)  # 0.3 x 1.8
    assert shares[~high, 1].mean() == pytest.approx(0.06, abs=0.06)  # 0.3 x 0.2


def test_trees_asked_once_for_all_horizons_say_what_each_horizon_would_be_told() -> None:
    trees = RebuyTrees.fit([window(3000, 0.3, seed) for seed in range(2)], seed=1)
    assert trees is not None
    assert trees.shared > 0
    asked = window(500, 0.3, 9)
    one_by_one = replace(trees, shared=0)  # as releases were made before: every tree may know the horizon
    np.testing.assert_allclose(said(trees, asked), said(one_by_one, asked), rtol=1e-12)


def test_answers_add_up_to_what_happened_in_the_newest_windows() -> None:
    old, newest = [window(3000, 0.4, seed) for seed in range(3)], window(3000, 0.2, 7)
    trees = RebuyTrees.fit([newest, *old], seed=1)
    assert trees is not None
    settled = trees.settled([newest])
    happened = float((newest.next_days < KNOTS_DAYS[1]).mean())
    assert said(trees, newest)[:, 1].mean() > happened + 0.05
    assert said(settled, newest)[:, 1].mean() == pytest.approx(happened, abs=1e-3)


@pytest.mark.parametrize(("pairs", "share"), [(500, 0.3), (3000, 0.004)])
def test_too_little_to_learn_from_gives_no_trees(pairs: int, share: float) -> None:
    assert RebuyTrees.fit([window(pairs, share, 1)], seed=1) is None
