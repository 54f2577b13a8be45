"""When does this customer order next? One curve per customer, from which every probability and date is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.optimize import brentq, isotonic_regression
from scipy.special import expit

from features.catalog.shipped import CORE
from models.asked import Asked, log_odds
from models.boosting import MOST_ROWS, Correction, fit_correction, sample
from models.level import STEADY, Level
from models.predictor import (
    OLDER_THAN_SEEN,
    Common,
    Outcomes,
    cutoffs_of,
    described,
    log_pace,
)
from models.purchase_process import PurchaseProcess
from models.rows import Rows, Snapshot
from models.scores import CHURN_HORIZON_DAYS, ORDER_HORIZONS_DAYS

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

FARTHEST_DAYS = 365
_KNOTS_DAYS = (1, 3, 5, 7, 10, 14, 21, 30, 45, 60, 75, 90, 120, 150, 180, 240, 300, FARTHEST_DAYS)
_TRAINED_DAYS = (7, 14, 30, 60)
_QUANTILES = {"next_order_days_p10": 0.1, "next_order_days_p50": 0.5, "next_order_days_p90": 0.9}
_FARTHEST_SHIFT = 40.0


class Calibration(BaseModel):
    """What is added to the log-odds of every customer of a store, day by day of the horizon.

    Parameters
    ----------
    days : tuple of float, days
        Rising.
    log_odds : tuple of float
        Never falling, so that no curve falls; between two days on a straight line, beyond the last constant.
    common : Common
        The same on all days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    days: tuple[float, ...] = (1.0,)
    log_odds: tuple[float, ...] = (0.0,)
    common: Common = Common()

    def at(self, days: float | Sequence[float], pace: float | Floats) -> Floats:
        """Return what is added at a day, or each of some, and at a logarithm of the pace."""
        return np.asarray(np.interp(days, self.days, self.log_odds) + self.common.at(pace))

    def raised(self, by: float) -> "Calibration":
        """Return the same with as much more on all days."""
        return self.model_copy(update={"common": self.common.raised(by)})


UNCALIBRATED = Calibration()


@dataclass(frozen=True)
class NextOrder:
    """The next-order curve: log-odds of "has ordered by day t" are the process' own, the store's and the customer's.

    What the store adds never falls in t, what the customer adds is the same for every t, and the process' probability
    only rises, so the curve is monotone by construction. Beyond the trained horizon the process carries on.

    Parameters
    ----------
    process : PurchaseProcess
    horizon_days : int, days
        The longest horizon that the correction was trained on.
    correction : Correction or None
        What the customer adds: who is likelier than whom. None leaves the process alone: the answer of a store too
        small, or one where the gate refused the trees.
    level : Level
        The clock that the process is asked by; the trees read days of the calendar.
    calibration : Calibration
        What the store adds to a correction: how likely all are together.
    """

    process: PurchaseProcess
    horizon_days: int
    correction: Correction | None
    level: Level = STEADY
    calibration: Calibration = UNCALIBRATED

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
        """Fit the correction on snapshots of earlier cutoffs, each row asked at one of several horizons.

        Whatever a cutoff's customers have in common, its season among it, is taken out first: the correction learns
        who is likelier than whom at one cutoff.

        Parameters
        ----------
        snapshot : DataFrame
            Rows of one or many cutoffs.
        outcomes : Outcomes
            Row by row what happened next.
        process : PurchaseProcess
            Fitted on what was known before the last of those outcomes began.
        inputs : sequence of str
            Feature columns that the correction may read.
        seed : int
        level : Level
            Known before the newest outcomes ended, so that the trees learn customers and not the season.
        on_day : (n,) int or None
            Local day number of each row's cutoff; None is the level's own for all.
        """
        horizons = [days for days in _TRAINED_DAYS if days < outcomes.horizon_days] + [outcomes.horizon_days]
        features, cutoff = Rows.of(snapshot), cutoffs_of(on_day, len(snapshot))
        asked = Asked.of(process, features)
        random = np.random.default_rng(seed)
        picked, offsets, targets, shifts = [], [], [], []
        for days in horizons:
            base = log_odds(asked.p_order([level.business_days(on_day, days)])[:, 0])
            ordered = outcomes.ordered_within(days)
            shift = np.array(
                [level_log_odds(base[cutoff == each], ordered[cutoff == each]) for each in np.unique(cutoff)]
            )
            # The whole horizon is asked of all rows, the days before it of some each.
            share = 1 if days == outcomes.horizon_days else 2 * max(len(horizons) - 1, 1)
            rows = sample(len(snapshot), MOST_ROWS // share, random)
            picked.append(rows)
            offsets.append((base + shift[cutoff])[rows])
            targets.append(ordered[rows])
            shifts.append(shift)
        chosen = np.concatenate(picked)
        learnt = features.only(inputs).plus(**asked.described).take(chosen)
        correction = fit_correction(
            learnt,
            np.concatenate(targets),
            np.concatenate(offsets),
            objective="binary",
            seed=seed,
            linear_in=[name for name in learnt.names if name in CORE.names or name not in features],
        )
        first = np.unique(cutoff, return_index=True)[1]
        pace = np.broadcast_to(log_pace(level, on_day, outcomes.horizon_days), len(snapshot))[first]
        rising = np.asarray(isotonic_regression([shift.mean() for shift in shifts]).x, dtype=np.float64)
        calibration = Calibration(
            days=tuple(map(float, horizons)),
            log_odds=tuple((rising - rising[-1]).tolist()),
            common=Common.fit(shifts[-1], pace),
        )
        return cls(process, outcomes.horizon_days, correction, level, calibration)

    def placed(self, snapshot: pd.DataFrame, process: PurchaseProcess, level: Level) -> "NextOrder":
        """Return the same correction on today's process and level.

        A base that has grown older than any that was trained on moves what the correction says of all its customers
        together. Nobody has seen that to be so: half of it is taken back.

        Parameters
        ----------
        snapshot : (n, k) DataFrame
            Of the day that the level was fitted at.
        process : PurchaseProcess
        level : Level
        """
        if self.correction is None or snapshot.empty:
            return replace(self, process=process, level=level)
        rows = Rows.of(snapshot)
        ahead = level.business_days(None, self.horizon_days)
        base = log_odds(Asked.of(process, rows).p_order([ahead])[:, 0])
        base += self.calibration.at(self.horizon_days, log_pace(level, None, self.horizon_days))
        added = self.correction.raw(described(rows, process))
        by = level_log_odds(base + added, expit(base))
        return replace(
            self, process=process, level=level, calibration=self.calibration.raised(OLDER_THAN_SEEN * by)
        )

    def p_order(self, snapshot: Snapshot, days: Sequence[float], on_day: int | Days | None = None) -> Floats:
        """Return (n, len(days)) float, the probability of at least one order within each number of days.

        Parameters
        ----------
        snapshot : (n, k) DataFrame
        days : sequence of float, days
        on_day : int, (n,) int or None
            Local day number of the cutoff, of all or of each; None is the one that the level was fitted at.
        """
        rows = Rows.of(snapshot)
        base = log_odds(Asked.of(self.process, rows).p_order(self.level.ahead(on_day, days)))
        if self.correction is None:
            return np.asarray(expit(base))
        added = self.correction.raw(described(rows, self.process))
        pace = np.reshape(log_pace(self.level, on_day, self.horizon_days), (-1, 1))
        return np.asarray(expit(base + added[:, None] + self.calibration.at(days, pace)))

    def predict(self, snapshot: pd.DataFrame, on_day: int | None = None) -> pd.DataFrame:
        """Return p_order_{h}d, churn_probability_90d and the quantiles of the days to the next order.

        Parameters
        ----------
        snapshot : (n, k) DataFrame
        on_day : int or None
            As of `p_order`.
        """
        return pd.DataFrame(self.columns(snapshot, on_day), index=snapshot.index)

    def columns(self, snapshot: Snapshot, on_day: int | None = None) -> dict[str, Floats]:
        """Return the columns of `predict`, each (n,) float; the arguments are the same."""
        return self.told(self.curve(snapshot, on_day))

    def curve(self, snapshot: Snapshot, on_day: int | None = None) -> dict[int, Floats]:
        """Return (n,) float, the probability of an order by each of the days that scores are read from, rising.

        Parameters
        ----------
        snapshot : (n, k) DataFrame
        on_day : int or None
            As of `p_order`.
        """
        days = sorted({*_KNOTS_DAYS, self.horizon_days})
        return dict(zip(days, self.p_order(snapshot, days, on_day).T, strict=True))

    def told(self, curve: Mapping[int, Floats]) -> dict[str, Floats]:
        """Return the columns of `predict`, each (n,) float, as they are read from `curve`."""
        wanted = dict.fromkeys((*ORDER_HORIZONS_DAYS, self.horizon_days))
        columns = {f"p_order_{horizon}d": curve[horizon] for horizon in wanted}
        columns["churn_probability_90d"] = 1.0 - columns[f"p_order_{CHURN_HORIZON_DAYS}d"]
        days, rising = list(curve), np.column_stack(list(curve.values()))
        return columns | {name: days_to_reach(rising, days, share) for name, share in _QUANTILES.items()}


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


def level_log_odds(said: Floats, ordered: Floats) -> float:
    """Return what to add to all log-odds so that as many are expected to order as do.

    Parameters
    ----------
    said : (n,) float
        Log-odds.
    ordered : (n,) float
        1 where one did, else 0; or the probability.
    """
    # Half a customer more on both sides: of nobody who ordered no log-odds could be told.
    wanted = (ordered.sum() + 0.5) / (len(ordered) + 1.0)
    return float(
        brentq(lambda by: float(expit(said + by).mean()) - wanted, -_FARTHEST_SHIFT, _FARTHEST_SHIFT)
    )
