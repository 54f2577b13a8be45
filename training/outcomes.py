"""What happened after a cutoff. The only code that looks past one."""

import duckdb
import numpy as np
import pandas as pd

from features import history
from features.cutoff import Cutoff
from models.predictor import Outcomes

MINOR_PER_UNIT = 100.0


def read_orders(connection: duckdb.DuckDBPyConnection, known_until: Cutoff) -> pd.DataFrame:
    """Return every valid order as known at the end of the last window, refunds learnt by then taken off.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A ledger connection.
    known_until : Cutoff
        Must not be before the end of any window that is asked for.

    Returns
    -------
    DataFrame
        customer_id, order_day (local day number), value (currency, net).
    """
    history.stage(connection, known_until)
    orders: pd.DataFrame = connection.sql(
        f"select customer_id, order_day, net_minor / {MINOR_PER_UNIT} as value from history_orders"
    ).df()
    return orders


def outcomes(
    orders: pd.DataFrame, customers: "pd.Series[str]", cutoff: Cutoff, horizon_days: int
) -> Outcomes:
    """Return what each customer did in [cutoff, cutoff + horizon).

    Parameters
    ----------
    orders : DataFrame
        From `read_orders`.
    customers : (n,) Series of str
        The snapshot's customers at the cutoff; the answer keeps their order.
    cutoff : Cutoff
        Midnight: outcomes are counted in whole local days.
    horizon_days : int, days
    """
    day = orders["order_day"] - cutoff.day
    window = orders.assign(day=day)[(day >= 0) & (day < horizon_days)]
    per_customer = window.groupby("customer_id").agg(
        first=("day", "min"), orders=("day", "size"), value=("value", "sum")
    )
    found = per_customer.reindex(customers)
    return Outcomes(
        horizon_days=horizon_days,
        next_order_days=found["first"].to_numpy(dtype=np.float64),
        orders=found["orders"].fillna(0).to_numpy(dtype=np.float64),
        value=found["value"].fillna(0).to_numpy(dtype=np.float64),
    )
