"""What a pair of fitted predictors says of a snapshot, in the form that is judged."""

import pandas as pd

from training.curves import Knots, curve_days
from training.fit import CustomerPredictors
from training.metrics import HIGH, LOW, Prediction


def ask(
    customers: CustomerPredictors, snapshot: pd.DataFrame, horizon_days: int, on_day: int | None = None
) -> Prediction:
    """Return what is predicted for each customer.

    Parameters
    ----------
    customers : CustomerPredictors
    snapshot : (n, k) DataFrame
    horizon_days : int, days
    on_day : int or None
        Local day number of the snapshot's cutoff; None is the one that the predictors were fitted at.
    """
    days = curve_days(horizon_days)
    curve = customers.next_order.p_order(snapshot, days, on_day)
    p_order = curve[:, -1]
    orders, value = customers.worth.expected(snapshot, horizon_days, p_order, on_day)
    low, high = (customers.worth.value_quantile(orders, value, p_order, share) for share in (LOW, HIGH))
    return Prediction(p_order, orders, value, Knots(tuple(days), curve), low, high)
