"""A straight line through the logarithms: what a few regular customers say of all others, without a step anywhere.

Trees answer beyond what they have seen with their last step, and need many rows for a smooth slope. A ridge regression
on the logarithms of the same inputs has slopes and few parameters; the two err in different places.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.special import expit

from models.rows import Rows, Snapshot

Floats = NDArray[np.float64]
Objective = Literal["binary", "poisson", "gamma"]

RIDGE = 100.0
"""What a slope costs, in rows: a small store's slopes stay near nothing, those of 100,000 rows are free."""
ON_LOG_SCALE = "process_"
"""Inputs with this beginning are logarithms already."""
_FARTHEST = 6.0
"""Standard deviations from the mean beyond which an input counts no more."""
_OFTEN_MISSING = 0.02
_MOST_STEPS = 25
_SETTLED = 1e-8
_LARGEST = 30.0


class Linear(BaseModel):
    """An intercept, and for each input a slope over its standardised logarithm or what it means to miss it.

    Parameters
    ----------
    inputs : tuple of str
    mean, spread : tuple of float
        Of each input's logarithm in training.
    slope, missing : tuple of float
        What a standard deviation more adds to the answer, and what an unknown value does.
    intercept : float
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    inputs: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    slope: tuple[float, ...]
    missing: tuple[float, ...]
    intercept: float

    def raw(self, inputs: Snapshot) -> Floats:
        """Return (n,) float, what is added to the offset.

        Parameters
        ----------
        inputs : DataFrame or Rows
            Needs every column of `self.inputs`; missing values stay missing.
        """
        # Added up input by input: a sum over rows takes another order for one customer than for many.
        total = np.full(len(inputs), self.intercept)
        for each in self.contributions(inputs).T:
            total += each
        return total

    def contributions(self, inputs: Snapshot) -> Floats:
        """Return (n, k) float, what each input adds; with the intercept they sum to `raw`. Not to be written to."""
        rows = Rows.of(inputs)
        return rows.kept(self, lambda: self._contributions(rows))

    def _contributions(self, rows: Rows) -> Floats:
        standard, unknown = _standardised(_logs(rows, self.inputs), self.mean, self.spread)
        return np.asarray(standard * np.asarray(self.slope) + unknown * np.asarray(self.missing))


def fit_linear(
    inputs: Snapshot, target: Floats, offset: Floats, objective: Objective, weight: Floats
) -> Linear:
    """Fit a ridge regression to what the offset leaves unexplained.

    Parameters
    ----------
    inputs : (n, k) DataFrame or Rows
        Numeric; missing allowed. Those that say the same of all rows are left out.
    target, offset : (n,) float
        The offset is on the objective's own scale: log-odds for `binary`, logarithm for `poisson` and `gamma`.
    objective : str
        Loss: logistic, or the deviance of that distribution with a logarithmic link.
    weight : (n,) float
        What each row counts.

    Notes
    -----
    Newton's method with step halving; McCullagh and Nelder (1989), Generalized Linear Models, section 2.5.
    """
    names = Rows.of(inputs).names
    logs = _logs(inputs, names)
    known = ~np.isnan(logs)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, logs, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, logs - mean, 0.0) ** 2).sum(axis=0) / count)
    varies, often = spread > _SETTLED, (~known).mean(axis=0) > _OFTEN_MISSING
    spread = np.where(varies, spread, 1.0)
    standard, unknown = _standardised(logs, mean, spread)
    often &= unknown.std(axis=0) > 0
    columns = np.column_stack([np.ones(len(target)), standard[:, varies], unknown[:, often]])
    found = _ridge(columns, target, offset, objective, weight)
    slope, missing = np.zeros((2, len(names)))
    slope[varies], missing[often] = np.split(found[1:], [int(varies.sum())])
    return Linear(
        inputs=names,
        mean=tuple(mean.tolist()),
        spread=tuple(spread.tolist()),
        slope=tuple(slope.tolist()),
        missing=tuple(missing.tolist()),
        intercept=float(found[0]),
    )


def _logs(inputs: Snapshot, names: Sequence[str]) -> Floats:
    """Return the inputs with their magnitudes as logarithms, signs kept."""
    values = Rows.of(inputs).matrix(names)
    raw = np.array([name.startswith(ON_LOG_SCALE) for name in names], dtype=bool)
    return np.where(raw, values, np.sign(values) * np.log1p(np.abs(values)))


def _standardised(
    logs: Floats, mean: Sequence[float] | Floats, spread: Sequence[float] | Floats
) -> tuple[Floats, Floats]:
    """Return standard deviations from the mean, 0 where unknown; and 1 where unknown."""
    unknown = np.isnan(logs)
    standard = np.where(unknown, 0.0, (logs - np.asarray(mean)) / np.asarray(spread))
    return np.clip(standard, -_FARTHEST, _FARTHEST), unknown.astype(np.float64)


def _ridge(columns: Floats, target: Floats, offset: Floats, objective: Objective, weight: Floats) -> Floats:
    """Return the coefficients of least loss plus ridge; the first column, the intercept, is free."""
    price = np.full(columns.shape[1], RIDGE)
    price[0] = _SETTLED
    found = np.zeros(columns.shape[1])

    def at(coefficients: Floats) -> tuple[float, Floats]:
        answer = np.clip(columns @ coefficients + offset, -_LARGEST, _LARGEST)
        loss = float(weight @ _loss(objective, answer, target))
        return loss + 0.5 * float(price @ coefficients**2), answer

    loss, answer = at(found)
    for _ in range(_MOST_STEPS):
        uphill, curvature = _slopes(objective, answer, target)
        hessian = (columns * (weight * np.maximum(curvature, _SETTLED))[:, None]).T @ columns + np.diag(price)
        step = np.linalg.solve(hessian, columns.T @ (weight * uphill) - price * found)
        after, new_answer = at(found + step)
        while after > loss and np.abs(step).max() > _SETTLED:
            step /= 2.0
            after, new_answer = at(found + step)
        settled = loss - after < _SETTLED * abs(loss)
        found, loss, answer = found + step, after, new_answer
        if settled:
            break
    return found


def _loss(objective: Objective, answer: Floats, target: Floats) -> Floats:
    """Return each row's negative log-likelihood, up to what does not depend on the answer."""
    if objective == "binary":
        return np.logaddexp(0.0, answer) - target * answer
    if objective == "poisson":
        return np.exp(answer) - target * answer
    return target * np.exp(-answer) + answer


def _slopes(objective: Objective, answer: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Return minus the first and the second derivative of each row's loss."""
    if objective == "binary":
        mean = np.asarray(expit(answer))
        return target - mean, mean * (1.0 - mean)
    if objective == "poisson":
        mean = np.exp(answer)
        return target - mean, mean
    ratio = target * np.exp(-answer)
    return ratio - 1.0, ratio
