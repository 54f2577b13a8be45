"""What a pair of fitted predictors says of a snapshot, in the form that is judged."""

import pandas as pd

from training.curves import Knots, curve_days
from training.fit import CustomerPredictors
from training.metrics import HIGH, LOW, Prediction


def ask(customers: CustomerPredictors, snapshot: pd.DataFrame, horizon_days: int) -> Prediction:
    """Return what is predicted for each customer.

    Parameters
    ----------
    customers : CustomerPredictors
    snapshot : (n, k) DataFrame
    horizon_days : int, days
    """
    days = curve_days(horizon_days)
    curve = customers.next_order.p_order(snapshot, days)
    p_order = curve[:, -1]
    orders, value = customers.worth.expected(snapshot, horizon_days, p_order)
    low, high = (customers.worth.value_quantile(value, p_order, share) for share in (LOW, HIGH))
    return Prediction(p_order, orders, value, Knots(tuple(days), curve), low, high)
