"""What purchase processes read of a customer: three counts and an average."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAYS_PER_WEEK = 7.0


class Histories:
    """What the processes read of a snapshot, with customers who never ordered as if they had just begun.

    Parameters
    ----------
    snapshot : DataFrame
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

    def __init__(self, snapshot: pd.DataFrame) -> None:
        self.orders = _floats(snapshot["orders"])
        self.frequency = np.maximum(self.orders - 1.0, 0.0)
        self.recency_days = _floats(snapshot["days_first_to_last_order"])
        self.age_days = np.maximum(_floats(snapshot["days_since_first_order"]), self.recency_days)
        self.mean_order_value = _floats(snapshot["mean_order_value"])


def _floats(column: "pd.Series[float]") -> Floats:
    return np.asarray(np.nan_to_num(column.to_numpy(dtype=np.float64, na_value=np.nan), nan=0.0))
