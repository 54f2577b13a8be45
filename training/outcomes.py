"""What happened after a cutoff. The only code that looks past one."""

import duckdb
import numpy as np
import pandas as pd

from features import history
from features.cutoff import Cutoff
from ledger import identity
from models.predictor import Outcomes

MINOR_PER_UNIT = 100.0


def read_orders(connection: duckdb.DuckDBPyConnection, known_until: Cutoff) -> pd.DataFrame:
    """Return what every id bought on each day, as known at the end of the last window with refunds learnt by then.

    Ids are those bought under: whose an order is depends on the cutoff that is asked for.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A ledger connection.
    known_until : Cutoff
        Must not be before the end of any window that is asked for.

    Returns
    -------
    DataFrame
        customer_id, order_day (local day number), paid and refunded (hundredths of the currency, not negative).
    """
    history.stage_apart(connection, known_until)
    orders: pd.DataFrame = connection.sql(
        "select customer_id, order_day, cast(sum(gross_minor) as bigint) as paid, "
        "cast(sum(refund_minor) as bigint) as refunded from history_baskets group by customer_id, order_day"
    ).df()
    return orders


def read_joined(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> "pd.Series[str]":
    """Return the customer of every id that is somebody else as known at a cutoff, indexed by the id."""
    found: pd.DataFrame = identity.resolved(connection, cutoff.at).to_pandas()
    return found.set_index("anonymous_id")["customer_id"]


def outcomes(
    orders: pd.DataFrame,
    joined: "pd.Series[str]",
    customers: "pd.Series[str]",
    start: Cutoff,
    horizon_days: int,
) -> Outcomes:
    """Return what each customer did in [start, start + horizon).

    Parameters
    ----------
    orders : DataFrame
        From `read_orders`.
    joined : Series of str
        From `read_joined` at the customers' cutoff. A merge learnt after it neither takes an order from the customer
        who had a row at it nor gives one to another.
    customers : (n,) Series of str
        The snapshot's customers at the cutoff; the answer keeps their order.
    start : Cutoff
        Midnight: outcomes are counted in whole local days.
    horizon_days : int, days
    """
    day = orders["order_day"] - start.day
    window = as_joined(orders[(day >= 0) & (day < horizon_days)], joined)
    window = window.assign(day=window["order_day"] - start.day, net=window["paid"] - window["refunded"])
    valid = window.query("net > 0")
    per_customer = valid.groupby("customer_id").agg(
        first=("day", "min"), orders=("day", "size"), net=("net", "sum")
    )
    found = per_customer.reindex(customers)
    return Outcomes(
        horizon_days=horizon_days,
        next_order_days=found["first"].to_numpy(dtype=np.float64),
        orders=found["orders"].fillna(0).to_numpy(dtype=np.float64),
        value=found["net"].fillna(0).to_numpy(dtype=np.float64) / MINOR_PER_UNIT,
    )


def as_joined(bought: pd.DataFrame, joined: "pd.Series[str]") -> pd.DataFrame:
    """Return a customer's days, what his ids bought on one day added up.

    Parameters
    ----------
    bought : DataFrame
        From `read_orders`, or some rows of it.
    joined : Series of str
        From `read_joined`.
    """
    if joined.empty:
        return bought
    customer_id = bought["customer_id"].map(joined).fillna(bought["customer_id"])
    return bought.assign(customer_id=customer_id).groupby(["customer_id", "order_day"], as_index=False).sum()
