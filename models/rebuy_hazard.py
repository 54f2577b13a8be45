"""How much faster or slower than its gap curve a pair is: proportional hazards on the last complete windows.

The curve knows one pair's gaps. Whether the customer still comes as often, and has turned to or from the
item lately, scales the curve's hazard by one factor a pair, so every horizon and quantile stays coherent.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.gap_curve import GapCurve, GapParameters
from models.gaps import Ints

Floats = npt.NDArray[np.float64]

WINDOW_DAYS: Final = 14
"""The window on which the factor is fitted."""

COVARIATES: Final = (
    "log_hazard",
    "log_hazard_squared",
    "log_days_bought",
    "log_days_bought_28d",
    "log_days_bought_84d",
    "log_elapsed_days",
    "log_visits_28d",
    "log_visits_84d",
    "log_visit_rate",
    "log_odds_rebuy",
)
MIN_PAIRS: Final = 200
MIN_REBOUGHT: Final = 50
"""Below these the curve is served as it is: ten coefficients want some five events each."""

COUNTS: Final = (
    "days_bought",
    "days_bought_28d",
    "days_bought_84d",
    "elapsed_days",
    "visits",
    "visits_28d",
    "visits_84d",
    "customer_full_age_days",
)
_RIDGE: Final = 1.0  # prior precision of a standardised coefficient
_TINY_PROBABILITY: Final = 1e-6  # keeps the logarithm of a hazard finite
_LEAST_SHARE: Final = 1e-4  # likewise of odds: in some stores everybody buys an item again
_ROUNDS: Final = 50
_SMALLEST_STEP: Final = 1e-9  # below it halving on would not change the answer


@dataclass(frozen=True)
class HazardScale:
    """Coefficients of the log factor; the first is the intercept.

    Parameters
    ----------
    centre, spread : (10,) float
        Mean and standard deviation of each covariate where it was fitted.
    coefficients : (11,) float
    """

    centre: Floats
    spread: Floats
    coefficients: Floats

    def factor(self, covariates: Floats) -> Floats:
        """Return what each pair's hazard is multiplied by.

        Parameters
        ----------
        covariates : (n, 10) float

        Returns
        -------
        (n,) float, ratio
        """
        log_hazard = _design(covariates, self.centre, self.spread) @ self.coefficients
        return np.asarray(np.exp(np.clip(log_hazard, -12.0, 3.0) - covariates[:, 0]))

    def to_json_dict(self) -> dict[str, Any]:
        """Return lists only."""
        return {key: value.tolist() for key, value in vars(self).items()}

    @classmethod
    def from_json_dict(cls, stored: dict[str, Any]) -> "HazardScale":
        """Return the same coefficients, bit for bit."""
        return cls(**{key: np.asarray(value, dtype=np.float64) for key, value in stored.items()})


def covariates(parameters: GapParameters, paths: Ints, curve: GapCurve, pairs: pd.DataFrame) -> Floats:
    """Describe each pair as the hazard's factor sees it.

    Returns
    -------
    (n, 10) float
        In the order of `COVARIATES`.
    """
    probability = np.clip(curve.probability(WINDOW_DAYS), _TINY_PROBABILITY, 1 - _TINY_PROBABILITY)
    hazard = np.log(-np.log1p(-probability))
    share = np.clip(parameters.rebuy_share[paths[:, -1]], _LEAST_SHARE, 1 - _LEAST_SHARE)
    count = {name: pairs[name].to_numpy(np.float64) for name in COUNTS}
    values = [
        hazard,
        np.maximum(hazard, -9.0) ** 2,
        np.log(count["days_bought"]),
        np.log(count["days_bought_28d"] + 0.5),
        np.log(count["days_bought_84d"] + 0.5),
        np.log(np.maximum(count["elapsed_days"], 0.5)),
        np.log(count["visits_28d"] + 0.5),
        np.log(count["visits_84d"] + 0.5),
        np.log(count["visits"] / np.maximum(count["customer_full_age_days"], 28.0)),
        np.log(share / (1 - share)),
    ]
    return np.stack(values, axis=1)


def fit_scale(described: Floats, bought_again: npt.NDArray[np.bool_]) -> HazardScale | None:
    """Fit the log factor by penalised complementary log-log regression (Prentice and Gloeckler 1978).

    Parameters
    ----------
    described : (n, 10) float
        Covariates of pairs whose window is over.
    bought_again : (n,) bool

    Returns
    -------
    HazardScale or None
        None when there is too little to learn from.
    """
    again = bought_again.astype(np.float64)
    if len(again) < MIN_PAIRS or min(again.sum(), len(again) - again.sum()) < MIN_REBOUGHT:
        return None
    centre, spread = described.mean(axis=0), described.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return HazardScale(centre, spread, _newton(_design(described, centre, spread), again))


def _design(described: Floats, centre: Floats, spread: Floats) -> Floats:
    return np.column_stack([np.ones(len(described)), (described - centre) / spread])


def _newton(design: Floats, again: Floats) -> Floats:
    """Minimise the penalised negative log likelihood by Fisher scoring with step halving."""
    ridge = np.full(design.shape[1], _RIDGE)
    ridge[0] = 0.0
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(-np.log1p(-again.mean()))
    loss = _loss(design, again, beta, ridge)
    for _ in range(_ROUNDS):
        hazard = np.exp(np.clip(design @ beta, -12.0, 3.0))
        per_event = hazard * np.exp(-hazard) / -np.expm1(-hazard)
        slope = design.T @ (again * per_event - (1 - again) * hazard) - ridge * beta
        information = (design * (hazard * per_event)[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(information, slope)
        while (new := _loss(design, again, beta + step, ridge)) > loss and np.abs(
            step
        ).max() > _SMALLEST_STEP:
            step = step / 2
        if loss - new < 1e-8 * abs(loss):
            break
        beta, loss = beta + step, new
    return beta


def _loss(design: Floats, again: Floats, beta: Floats, ridge: Floats) -> float:
    hazard = np.exp(np.clip(design @ beta, -12.0, 3.0))
    return float((1 - again) @ hazard - again @ np.log(-np.expm1(-hazard)) + (ridge * beta * beta).sum() / 2)
