"""What predictors are fitted on and what their trees read; each gives named columns back, a row a snapshot row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.purchase_process import Histories, PurchaseProcess

Floats = NDArray[np.float64]


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


def described(
    snapshot: pd.DataFrame, histories: Histories, process: PurchaseProcess, inputs: Sequence[str]
) -> pd.DataFrame:
    """Return what trees read of each customer: the features, and what the purchase process makes of them.

    Parameters
    ----------
    snapshot : (n, k) DataFrame
    histories : Histories
        Of the same rows.
    process : PurchaseProcess
    inputs : sequence of str
        Wanted columns; those that are no column of the snapshot are for the caller to add.
    """
    features = [name for name in inputs if name in snapshot.columns]
    return snapshot[features].assign(
        process_p_active=process.p_active(histories), process_rate=process.rate_per_day(histories)
    )
