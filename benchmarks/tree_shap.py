"""What inputs add to trees, ours beside LightGBM's own: `python benchmarks/tree_shap.py`.

Trees as a release has them, on made-up rows; both on one thread, and answers are compared.
"""

import time
from collections.abc import Callable

import lightgbm
import numpy as np
from numpy.typing import NDArray

from models.boosting import fit_correction
from models.rows import Rows
from models.tree_shap import TreeShap
from regulars.terminal import show

Floats = NDArray[np.float64]

INPUTS = 40
LEARNT = 20_000
ASKED = ((1, 300), (100, 50), (1_000, 10), (20_000, 3))
"""Customers, and how often they are asked about."""
SAME = 1e-9


def main() -> None:
    """Print a row a number of customers."""
    names = [f"input_{number}" for number in range(INPUTS)]
    learnt = customers(1, LEARNT)
    target = (np.random.default_rng(2).random(LEARNT) < 1 / (1 + learnt[:, :5].sum(axis=1) ** 0.5)).astype(
        float
    )
    inputs = Rows(dict(zip(names, learnt.T, strict=True)), LEARNT)
    text = fit_correction(inputs, target, np.zeros(LEARNT), objective="binary", seed=1).text
    booster = lightgbm.Booster(model_str=text)
    start = time.perf_counter()
    shap = TreeShap(booster.dump_model())
    made_ms = round((time.perf_counter() - start) * 1e3, 1)
    rows: list[dict[str, object]] = []
    for count, turns in ASKED:
        asked = customers(3, count)

        def theirs(asked: Floats = asked) -> Floats:
            return np.asarray(booster.predict(asked, pred_contrib=True, num_threads=1))

        def ours(asked: Floats = asked) -> Floats:
            return shap.contributions(asked)

        if np.abs(theirs()[:, :-1] - ours()).max() > SAME:
            raise AssertionError("they differ")
        took = {"lightgbm_ms": taken(theirs, turns), "ours_ms": taken(ours, turns)}
        rows.append({"customers": count, **took, "times": round(took["lightgbm_ms"] / took["ours_ms"], 1)})
    show(rows)
    show([{"work": "made once of a release's trees", "ms": made_ms}])


def customers(seed: int, count: int) -> Floats:
    """Return made-up inputs; the same number gives the same ones."""
    return np.exp(np.random.default_rng(seed).normal(size=(count, INPUTS)))


def taken(work: Callable[[], object], turns: int) -> float:
    """Return the processor time of some work, in milliseconds, the mean of some turns."""
    begun = time.process_time()
    for _ in range(turns):
        work()
    return round((time.process_time() - begun) / turns * 1e3, 3)


if __name__ == "__main__":
    main()
