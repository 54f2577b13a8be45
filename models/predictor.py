"""What predictors are fitted on and what their trees read; each gives named columns back, a row a snapshot row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.special import logit

from models.level import Level
from models.purchase_process import Histories, PurchaseProcess
from models.rows import Rows, Snapshot

Floats = NDArray[np.float64]

PROCESS_DAYS = 90.0
OLDER_THAN_SEEN = 0.5
"""Of what a correction says of all of today's customers together, and said of no earlier ones, the part believed: bases
do age as the years before suggest, and lines do run on beyond what they were drawn through."""
_PACES_NEEDED = 0.2
"""Sum of the squares of logarithms of paces by which half of a slope is believed."""
_LEAST_BUSINESS_DAYS = 1e-3
_FEW = 64
"""Customers, up to whom one question for all horizons takes less time than one each."""
_CERTAIN = 1e-3
"""A process may not be surer than this: BG/NBD takes a heavy buyer's first long break for his last day."""


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


def described(
    snapshot: Snapshot, histories: Histories, process: PurchaseProcess, inputs: Sequence[str]
) -> Rows:
    """Return what corrections read of each customer: the features, and what the purchase process makes of them.

    Parameters
    ----------
    snapshot : (n, k) DataFrame or Rows
    histories : Histories
        Of the same rows.
    process : PurchaseProcess
    inputs : sequence of str
        Wanted columns; those that are no column of the snapshot are for the caller to add.

    Returns
    -------
    Rows
        The features, then the process' log-odds of being active and of an order within PROCESS_DAYS of ordinary
        business, and its logarithm of the orders a day.
    """
    rows = Rows.of(snapshot)
    return rows.only([name for name in inputs if name in rows]).plus(
        process_active_log_odds=log_odds(process.p_active(histories)),
        process_order_log_odds=log_odds(process.p_order(histories, PROCESS_DAYS)),
        process_log_rate=np.log(process.rate_per_day(histories)),
    )


def over_each(
    ask: Callable[[Histories, float | Floats], Floats],
    histories: Histories,
    business_days: Sequence[float | Floats],
) -> Floats:
    """Return (n, k) float, what a process answers over each of k numbers of days.

    Parameters
    ----------
    ask : callable
        A process' `p_order` or `expected_orders`.
    histories : Histories
    business_days : sequence of k float or (n,) float, days
        Of ordinary business.
    """
    customers, horizons = len(histories.orders), len(business_days)
    if customers > _FEW:
        return np.column_stack([ask(histories, each) for each in business_days])
    # Of few customers most of the time goes into asking: all horizons are asked for at once.
    days = np.concatenate([np.broadcast_to(each, customers) for each in business_days])
    return ask(histories.repeated(horizons), days).reshape(horizons, customers).T


def log_odds(probability: Floats) -> Floats:
    """Return log-odds, kept within what a process may be sure of."""
    return np.asarray(logit(np.clip(probability, _CERTAIN, 1.0 - _CERTAIN)))


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
