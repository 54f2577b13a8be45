"""A correction on top of a purchase process: LightGBM and a straight line beside it learn what that leaves out.

The process gives the offset (the starting score of every row), the correction adds to it: the trees' sum, or half of
it and half of what a ridge regression says. Where there is little data both stay small and the answer stays with the
process.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.linear import Linear, Objective, fit_linear
from models.rows import Rows, Snapshot
from models.tree_shap import TreeShap

Floats = NDArray[np.float64]

ROUNDS = 100
MOST_ROWS = 100_000
"""Training rows kept. On CDNOW another seed moves the AUC more than twice the rows do, and rows cost time."""
_SETTINGS = {
    "learning_rate": 0.05,
    "num_leaves": 7,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "deterministic": True,
    "force_row_wise": True,
    # LightGBM's threads wait by spinning: on a machine that is busy with something else, two of them
    # take several times as long as one.
    "num_threads": 1,
    "verbosity": -1,
}


class Correction:
    """Trees over named inputs, and maybe a line; what they say is added to an offset by the caller.

    Parameters
    ----------
    text : str
        LightGBM's own text format: no pickle, the same numbers after a round trip.
    linear : Linear or None
        Over some of the same inputs; the correction is the mean of both.
    """

    def __init__(self, text: str, linear: Linear | None = None) -> None:
        from lightgbm import Booster  # noqa: PLC0415  # a second to import; `--help` must not pay it

        self.text = text
        self.linear = linear
        self._booster = Booster(model_str=text)
        self.inputs: list[str] = self._booster.feature_name()
        self._of_line = [] if linear is None else [self.inputs.index(name) for name in linear.inputs]

    @classmethod
    def read(cls, path: Path) -> "Correction":
        """Return the correction stored in a LightGBM text file and, where there is a line, in JSON beside it."""
        line = linear_file(path)
        linear = Linear.model_validate_json(line.read_bytes()) if line.exists() else None
        return cls(path.read_text(), linear)

    def write(self, path: Path) -> None:
        """Write what `read` reads."""
        path.write_text(self.text)
        if self.linear is not None:
            linear_file(path).write_text(self.linear.model_dump_json() + "\n")

    def raw(self, inputs: Snapshot, num_threads: int = 1) -> Floats:
        """Return (n,) float, what is added to the offset.

        Parameters
        ----------
        inputs : DataFrame or Rows
            Needs every column of `self.inputs`; missing values stay missing.
        num_threads : int
            One for few rows: LightGBM's threads cost more than they save below some thousands.
        """
        inputs = Rows.of(inputs)
        matrix = inputs.matrix(self.inputs)
        trees = np.asarray(self._booster.predict(matrix, raw_score=True, num_threads=num_threads))
        return trees if self.linear is None else (trees + self.linear.raw(inputs)) / 2.0

    @cached_property
    def _shap(self) -> TreeShap:
        return TreeShap(self._booster.dump_model())

    @property
    def used(self) -> frozenset[str]:
        """Those of the inputs that a split or a slope reads."""
        splits = zip(self.inputs, self._booster.feature_importance("split"), strict=True)
        read = {name for name, count in splits if count}
        if self.linear is not None:
            slopes = zip(self.linear.inputs, self.linear.slope, self.linear.missing, strict=True)
            read |= {name for name, *both in slopes if any(both)}
        return frozenset(read)

    def contributions(self, inputs: Snapshot) -> tuple[Floats, float]:
        """Return what each input adds to `raw`, and what is added for everybody.

        Parameters
        ----------
        inputs : DataFrame or Rows
            As of `raw`; at least a row.

        Returns
        -------
        added : (n, k) float
            In the order of `self.inputs`; with `constant` a row sums to `raw`.
        constant : float

        Raises
        ------
        ValueError
            When the trees are none that `fit_correction` makes, see `models.tree_shap`.
        """
        inputs = Rows.of(inputs)
        added, constant = self._shap.contributions(inputs.matrix(self.inputs)), self._shap.constant
        if self.linear is None:
            return added, constant
        of_line = np.zeros_like(added)
        of_line[:, self._of_line] = self.linear.contributions(inputs)
        return (added + of_line) / 2.0, (constant + self.linear.intercept) / 2.0

    def importance(self) -> pd.DataFrame:
        """Return how much each input helped, the most helpful first.

        Returns
        -------
        DataFrame
            input; gain_share, the part that its splits have in what all splits together took off the loss, summing to
            1; and splits, how many there are.
        """
        gain = self._booster.feature_importance("gain")
        found = pd.DataFrame(
            {
                "input": self.inputs,
                "gain_share": gain / max(float(gain.sum()), np.finfo(np.float64).tiny),
                "splits": self._booster.feature_importance("split"),
            }
        )
        return found.sort_values(["gain_share", "input"], ascending=[False, True], ignore_index=True)


def linear_file(path: Path) -> Path:
    """Return where the line beside a file of trees is kept."""
    return path.with_suffix(".linear.json")


def sample(rows: int, most: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Return at most `most` row numbers out of `rows`, rising, each as likely as any other."""
    return np.arange(rows) if rows <= most else np.sort(random.choice(rows, most, replace=False))


def fit_correction(  # noqa: PLR0913  # a fit is its data, its offset and its question
    inputs: Snapshot,
    target: Floats,
    offset: Floats,
    *,
    objective: Objective,
    seed: int,
    weight: Floats | None = None,
    linear_in: Sequence[str] = (),
) -> Correction:
    """Fit trees, and a line beside them, to what the offset leaves unexplained.

    Parameters
    ----------
    inputs : (n, k) DataFrame or Rows
        Numeric; missing allowed.
    target, offset : (n,) float
        The offset is on the objective's own scale: log-odds for `binary`, log for `poisson` and `gamma`.
    objective : str
        LightGBM's name of the loss.
    seed : int
        The same rows and seed give the same text.
    weight : (n,) float or None
        What each row counts; None counts all alike.
    linear_in : sequence of str
        Inputs of the line; without any there is none.
    """
    import lightgbm  # noqa: PLC0415

    rows = sample(len(target), MOST_ROWS, np.random.default_rng(seed))
    learnt = Rows.of(inputs).take(rows)
    data = lightgbm.Dataset(
        learnt.matrix(learnt.names),
        target[rows],
        init_score=offset[rows],
        weight=None if weight is None else weight[rows],
        feature_name=list(learnt.names),
    )
    settings = _SETTINGS | {
        "objective": objective,
        "seed": seed,
        # A leaf needs enough rows to be worth a name; a small store cannot fill 200.
        "min_data_in_leaf": int(np.clip(len(rows) // 50, 20, 200)),
    }
    trees = lightgbm.train(settings, data, ROUNDS).model_to_string()
    if not linear_in:
        return Correction(trees)
    count = np.ones(len(rows)) if weight is None else weight[rows]
    line = fit_linear(learnt.only(linear_in), target[rows], offset[rows], objective, count)
    return Correction(trees, line)
