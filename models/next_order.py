"""When does this customer order next? One curve per customer, from which every probability and date is read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.boosting import MOST_ROWS, Correction, fit_correction, sample
from models.level import STEADY, Level
from models.predictor import Outcomes, described
from models.purchase_process import Histories, PurchaseProcess
from models.scores import CHURN_HORIZON_DAYS, ORDER_HORIZONS_DAYS

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

FARTHEST_DAYS = 365
_KNOTS_DAYS = (1, 3, 5, 7, 10, 14, 21, 30, 45, 60, 75, 90, 120, 150, 180, 240, 300, FARTHEST_DAYS)
_TRAINED_DAYS = (7, 14, 30, 60)
_QUANTILES = {"next_order_days_p10": 0.1, "next_order_days_p50": 0.5, "next_order_days_p90": 0.9}
_CERTAIN = 1e-3
"""The process may not be surer than this: BG/NBD takes a heavy buyer's first long break for his last day."""
_HORIZON = "horizon_days"


@dataclass(frozen=True)
class NextOrder:
    """The next-order curve: log-odds of "has ordered by day t" are the process' own plus a boosted correction.

    The correction may never fall in t and the process' probability only rises, so the curve is monotone by
    construction. Beyond the trained horizon the correction stands still and the process carries on.

    Parameters
    ----------
    process : PurchaseProcess
    horizon_days : int, days
        The longest horizon that the correction was trained on.
    correction : Correction or None
        None leaves the process alone: the answer of a store too small, or one where the gate refused the trees.
    level : Level
        The clock that the process is asked by; the trees read days of the calendar.
    """

    process: PurchaseProcess
    horizon_days: int
    correction: Correction | None
    level: Level = STEADY

    @classmethod
    def fit(  # noqa: PLR0913, PLR0917  # what it learns from, and what it starts from
        cls,
        snapshot: pd.DataFrame,
        outcomes: Outcomes,
        process: PurchaseProcess,
        inputs: Sequence[str],
        seed: int,
        level: Level = STEADY,
        on_day: Days | None = None,
    ) -> "NextOrder":
        """Fit the correction on snapshots of earlier cutoffs, each row asked at several horizons.

        Parameters
        ----------
        snapshot : DataFrame
            Rows of one or many cutoffs.
        outcomes : Outcomes
            Row by row what happened next.
        process : PurchaseProcess
            Fitted on what was known before the last of those outcomes began.
        inputs : sequence of str
            Feature columns that the trees may read.
        seed : int
        level : Level
            Known before the newest outcomes ended, so that the trees learn customers and not the season.
        on_day : (n,) int or None
            Local day number of each row's cutoff; None is the level's own for all.
        """
        horizons = [days for days in _TRAINED_DAYS if days < outcomes.horizon_days] + [outcomes.horizon_days]
        random = np.random.default_rng(seed)
        # Each horizon is asked of other rows, so that the sample shows as many customers as it can.
        asked = [sample(len(snapshot), MOST_ROWS // len(horizons), random) for _ in horizons]
        described_rows, offsets, targets = [], [], []
        for days, rows in zip(horizons, asked, strict=True):
            customers = snapshot.iloc[rows]
            histories = Histories(customers)
            described_rows.append(
                described(customers, histories, process, inputs).assign(**{_HORIZON: float(days)})
            )
            ahead = level.business_days(None if on_day is None else on_day[rows], days)
            offsets.append(_log_odds(process, histories, ahead))
            targets.append(outcomes.ordered_within(days)[rows])
        correction = fit_correction(
            pd.concat(described_rows, ignore_index=True),
            np.concatenate(targets),
            np.concatenate(offsets),
            objective="binary",
            seed=seed,
            rising_in=[_HORIZON],
        )
        return cls(process, outcomes.horizon_days, correction, level)

    def p_order(self, snapshot: pd.DataFrame, days: Sequence[float], on_day: int | None = None) -> Floats:
        """Return (n, len(days)) float, the probability of at least one order within each number of days.

        Parameters
        ----------
        snapshot : (n, k) DataFrame
        days : sequence of float, days
        on_day : int or None
            Local day number of the snapshot's cutoff; None is the one that the level was fitted at.
        """
        histories = Histories(snapshot)
        ahead = [self.level.business_days(on_day, horizon) for horizon in days]
        base = np.column_stack([_log_odds(self.process, histories, each) for each in ahead])
        if self.correction is None:
            return np.asarray(expit(base))
        rows = described(snapshot, histories, self.process, self.correction.inputs)
        added = {}
        for horizon in {min(horizon, self.horizon_days) for horizon in days}:
            added[horizon] = self.correction.raw(rows.assign(**{_HORIZON: float(horizon)}))
        return np.asarray(expit(base + np.column_stack([added[min(d, self.horizon_days)] for d in days])))

    def predict(self, snapshot: pd.DataFrame, on_day: int | None = None) -> pd.DataFrame:
        """Return p_order_{h}d, churn_probability_90d and the quantiles of the days to the next order.

        Parameters
        ----------
        snapshot : (n, k) DataFrame
        on_day : int or None
            As of `p_order`.
        """
        days = sorted({*_KNOTS_DAYS, self.horizon_days})
        curve = self.p_order(snapshot, days, on_day)
        wanted = dict.fromkeys((*ORDER_HORIZONS_DAYS, self.horizon_days))
        columns = {f"p_order_{horizon}d": curve[:, days.index(horizon)] for horizon in wanted}
        columns["churn_probability_90d"] = 1.0 - columns[f"p_order_{CHURN_HORIZON_DAYS}d"]
        columns |= {name: days_to_reach(curve, days, share) for name, share in _QUANTILES.items()}
        return pd.DataFrame(columns, index=snapshot.index)


def days_to_reach(curve: Floats, days: Sequence[float], share: float) -> Floats:
    """Return on which day each curve reaches a share, NaN where it never does.

    Parameters
    ----------
    curve : (n, k) float, probability
        Rising along each row.
    days : (k,) sequence of float, days
        Where the curve is known; between two of them the hazard is taken as constant.
    share : float, probability

    Returns
    -------
    (n,) float, days
    """
    hazard = -np.log1p(-np.column_stack([np.zeros(len(curve)), curve]))
    at = np.concatenate([[0.0], np.asarray(days, dtype=np.float64)])
    target = -np.log1p(-share)
    right = np.argmax(hazard >= target, axis=1)
    row = np.arange(len(curve))
    left = np.maximum(right - 1, 0)
    span = hazard[row, right] - hazard[row, left]
    part = (target - hazard[row, left]) / np.where(span > 0, span, 1.0)
    reached = hazard[:, -1] >= target
    return np.where(reached, at[left] + part * (at[right] - at[left]), np.nan)


def _log_odds(process: PurchaseProcess, histories: Histories, days: float | Floats) -> Floats:
    return np.asarray(logit(np.clip(process.p_order(histories, days), _CERTAIN, 1.0 - _CERTAIN)))
