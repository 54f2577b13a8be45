"""What purchase processes read of a customer: three counts and an average."""

from copy import copy

import numpy as np
from numpy.typing import NDArray

from models.rows import Rows, Snapshot

Floats = NDArray[np.float64]

DAYS_PER_WEEK = 7.0


class Histories:
    """What the processes read of a snapshot, with customers who never ordered as if they had just begun.

    Parameters
    ----------
    snapshot : DataFrame or Rows
        Needs orders, days_first_to_last_order, days_since_first_order and mean_order_value.

    Attributes
    ----------
    orders : (n,) float, orders
        Valid orders.
    frequency : (n,) float, orders
        Repeat orders: the first excluded.
    recency_days : (n,) float, days
        First to last order (t_x in the papers, not the days since the last).
    age_days : (n,) float, days
        First order to cutoff (T).
    mean_order_value : (n,) float, currency
        Net; 0 for those without an order.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        rows = Rows.of(snapshot)
        self.orders = _known(rows["orders"])
        self.frequency = np.maximum(self.orders - 1.0, 0.0)
        self.recency_days = _known(rows["days_first_to_last_order"])
        self.age_days = np.maximum(_known(rows["days_since_first_order"]), self.recency_days)
        self.mean_order_value = _known(rows["mean_order_value"])

    def repeated(self, times: int) -> "Histories":
        """Return the same customers again and again."""
        found = copy(self)
        for name, values in vars(self).items():
            setattr(found, name, np.tile(values, times))
        return found


def _known(values: Floats) -> Floats:
    return np.where(np.isnan(values), 0.0, values)
