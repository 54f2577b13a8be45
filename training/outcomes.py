"""What happened after a cutoff. The only code that looks past one."""

import duckdb
import numpy as np
import pandas as pd

from features.cutoff import Cutoff
from features.stored import StoredSnapshots
from ledger import identity
from models.predictor import Outcomes

MINOR_PER_UNIT = 100.0


def read_orders(stored: StoredSnapshots, known_until: Cutoff) -> pd.DataFrame:
    """Return what every id bought on each day, as known at the end of the last window with refunds learnt by then.

    Ids are those bought under: whose an order is depends on the cutoff that is asked for.

    Parameters
    ----------
    stored : StoredSnapshots
        Of a ledger connection.
    known_until : Cutoff
        Must not be before the end of any window that is asked for.

    Returns
    -------
    DataFrame
        customer_id (categorical: a large store has each id once), order_day (local day number), paid and refunded
        (hundredths of the currency, not negative).
    """
    orders: pd.DataFrame = stored.days(known_until).to_pandas()
    number = orders["customer_id"].to_numpy() - 1
    return orders.assign(customer_id=pd.Categorical.from_codes(number, stored.id_index))


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
    day = orders["order_day"].to_numpy() - start.day
    window = as_joined(orders[(day >= 0) & (day < horizon_days)], joined)
    net = (window["paid"] - window["refunded"]).to_numpy()
    valid = window[net > 0]
    whose = valid["customer_id"].astype("category").cat
    code, count = whose.codes.to_numpy(), len(whose.categories)
    first = np.full(count, np.nan)
    np.fmin.at(first, code, valid["order_day"].to_numpy() - start.day)
    # Sums of whole hundredths are exact, in whatever order.
    of_each = (
        first,
        np.bincount(code, minlength=count),
        np.bincount(code, net[net > 0], count) / MINOR_PER_UNIT,
    )
    place = whose.categories.get_indexer(pd.Index(customers))
    ordered = np.flatnonzero(place >= 0)
    next_order_days, ordering, value = np.full(len(place), np.nan), np.zeros(len(place)), np.zeros(len(place))
    for found, each in zip((next_order_days, ordering, value), of_each, strict=True):
        found[ordered] = each[place[ordered]]
    return Outcomes(horizon_days, next_order_days, ordering, value)


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
    whose = bought["customer_id"].astype("category").cat
    ids = whose.categories.to_series()
    customer, customers = pd.factorize(ids.map(joined).fillna(ids))
    of_each = pd.Categorical.from_codes(customer[whose.codes.to_numpy()], customers)
    by_day = bought.assign(customer_id=of_each).groupby(["customer_id", "order_day"], observed=True)
    return by_day.sum().reset_index()
