"""Made-up customers with every feature, for the predictors' tests."""

import numpy as np
import pandas as pd

from features.catalog.shipped import CATALOG
from models.predictor import Outcomes

HORIZON_DAYS = 90


def snapshot(customers: int, seed: int = 0) -> pd.DataFrame:
    """Return customers whose numbers of orders, ages and values are random and fit each other."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        random.gamma(2.0, 10.0, (customers, len(CATALOG.names))), columns=list(CATALOG.names)
    )
    age = random.integers(1, 400, customers)
    orders = random.integers(1, 12, customers)
    span = np.where(orders > 1, (age * random.random(customers)).astype(int), 0)
    frame["orders"] = orders
    frame["days_since_first_order"] = age
    frame["days_first_to_last_order"] = span
    frame["days_since_last_order"] = age - span
    frame.loc[frame.index % 5 == 0, "mean_gap_days"] = np.nan
    frame.insert(0, "customer_id", [f"customer-{number:05d}" for number in range(customers)])
    return frame


def outcomes(frame: pd.DataFrame, seed: int = 1) -> Outcomes:
    """Return what happened next: the more orders and the shorter the silence, the sooner."""
    random = np.random.default_rng(seed)
    wait = random.exponential(
        20.0 + frame["days_since_last_order"].to_numpy(float) / frame["orders"].to_numpy(float)
    )
    orders = np.floor(HORIZON_DAYS / np.maximum(wait, 5.0))
    return Outcomes(
        horizon_days=HORIZON_DAYS,
        next_order_days=np.where(wait < HORIZON_DAYS, np.floor(wait), np.nan),
        orders=np.where(wait < HORIZON_DAYS, np.maximum(orders, 1.0), 0.0),
        value=np.where(
            wait < HORIZON_DAYS, np.maximum(orders, 1.0) * frame["mean_order_value"].to_numpy(float), 0.0
        ),
    )
