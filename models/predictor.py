"""What predictors are fitted on and what their trees read; each gives named columns back, a row a snapshot row."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.asked import Asked
from models.level import Level
from models.purchase_process import PurchaseProcess
from models.rows import Rows, Snapshot

Floats = NDArray[np.float64]

OLDER_THAN_SEEN = 0.5
"""Of what a correction says of all of today's customers together, and said of no earlier ones, the part believed: bases
do age as the years before suggest, and lines do run on beyond what they were drawn through."""
_PACES_NEEDED = 0.2
"""Sum of the squares of logarithms of paces by which half of a slope is believed."""
_LEAST_BUSINESS_DAYS = 1e-3


@dataclass(frozen=True)
class Outcomes:
    """What happened to the customers of a snapshot in [cutoff, cutoff + horizon), row by row.

    Parameters
    ----------
    horizon_days : int, days
    next_order_days : (n,) float, days
        Cutoff to the first order; 0 is the cutoff's own day, NaN is no order within the horizon.
    orders : (n,) float, orders
    value : (n,) float, currency
        Net of the refunds known when the outcomes were read.
    """

    horizon_days: int
    next_order_days: Floats
    orders: Floats
    value: Floats

    def ordered_within(self, days: float) -> Floats:
        """Return (n,) float, 1 where the customer ordered within `days` of the cutoff, else 0."""
        return (self.next_order_days < days).astype(np.float64)

    def take(self, rows: NDArray[np.intp]) -> "Outcomes":
        """Return what happened to some of the customers."""
        return Outcomes(self.horizon_days, self.next_order_days[rows], self.orders[rows], self.value[rows])


def described(snapshot: Snapshot, process: PurchaseProcess) -> Rows:
    """Return what corrections read of each customer: the features, and what the purchase process makes of them.

    Parameters
    ----------
    snapshot : (n, k) DataFrame or Rows
    process : PurchaseProcess

    Returns
    -------
    Rows
        The snapshot's columns and those of `Asked.described`; kept with the snapshot's rows.
    """
    rows = Rows.of(snapshot)
    return rows.kept(("described", process), lambda: rows.plus(**Asked.of(process, rows).described))


class Common(BaseModel):
    """What all of a store's customers add to or take off a raw score, by how busy the days ahead are.

    Parameters
    ----------
    constant : float
        On ordinary days.
    per_log_pace : float
        For each unit more of the logarithm of the pace.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    constant: float = 0.0
    per_log_pace: float = 0.0

    @classmethod
    def fit(cls, found: Floats, log_pace: Floats) -> "Common":
        """Return the line through what each cutoff's customers added, as steep as its paces can tell.

        Parameters
        ----------
        found, log_pace : (k,) float
            Of each cutoff.
        """
        centred = log_pace - log_pace.mean()
        steep = float(centred @ (found - found.mean()) / (centred @ centred + _PACES_NEEDED))
        return cls(constant=float(found.mean() - steep * log_pace.mean()), per_log_pace=steep)

    def at(self, log_pace: float | Floats) -> float | Floats:
        """Return what is added at a pace."""
        return self.constant + self.per_log_pace * log_pace

    def raised(self, by: float) -> "Common":
        """Return the same with so much more at every pace."""
        return self.model_copy(update={"constant": self.constant + by})


NOTHING = Common()


def log_pace(level: Level, on_day: int | NDArray[np.int64] | None, days: float) -> float | Floats:
    """Return the logarithm of business days over days, of one cutoff or of each."""
    found = np.log(np.maximum(level.business_days(on_day, days), _LEAST_BUSINESS_DAYS) / days)
    return float(found) if found.ndim == 0 else found


def cutoffs_of(on_day: NDArray[np.int64] | None, rows: int) -> NDArray[np.intp]:
    """Return (n,) int, a number for each row's cutoff; all 0 when there is but one."""
    if on_day is None:
        return np.zeros(rows, dtype=np.intp)
    return np.asarray(np.unique(on_day, return_inverse=True)[1], dtype=np.intp)
