"""How many pieces of each product and category are expected to be bought on each of the next 30 days.

Three parts are added up.

- The next purchase of every pair of the forecast: the sum of the probability that it falls on that day, times the
  pair's usual quantity.
- First-time buyers: what they took a day over the last `NEW_BUYER_DAYS` days, every day the same.
- What both take again within the 30 days: of an item's purchases so far, how many were followed by another k days later
  (with those still waiting counted as waiting; Kaplan and Meier, 1958; pooled with the store's, which counts
  `ITEM_PURCHASES` purchases), each purchase followed by further ones in the same way (a renewal process).

A day's variance has two parts. Independent purchases: Poisson-binomial for the first part above (quantity squared
times p (1 - p)), compound Poisson for the others. And days that are good or bad for many customers at once (weekdays,
offers, weather): by how much an item's days strayed over the last `NEW_BUYER_DAYS` beyond what independent purchases
would, as a share of its squared mean, pooled with the store's, which counts `SWING_PURCHASES` purchases. p10 and p90
are those of a number of purchases, negative binomial, of so many pieces each that mean and variance are these; in whole
pieces, p10 rounded down and p90 up. So they hold eight days in ten or more: what sells on one day in twenty has 0 for
both, and what sells on one day in five 0 and 1.

What the expected number leaves out: which weekday or holiday it is, offers to come and stock that runs out; and
customers whom reminders move. Suppressed rows count: who has a subscription, or wants no reminder, still buys.
"""

from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy.stats import nbinom

from features.cutoff import Cutoff
from serving.reminders.curve import bought_between_sql, hazards_sql, horizons

Floats = npt.NDArray[np.float64]

DAYS: Final = 30
NEW_BUYER_DAYS: Final = 90
ITEM_PURCHASES: Final = 20
SWING_PURCHASES: Final = 100
_LEAST_SWING: Final = (
    1e-6  # below it a negative binomial is a Poisson distribution, and its quantiles overflow
)

SCHEMA: Final = pa.schema(
    [
        pa.field("level", pa.string()),
        pa.field("product_id", pa.string()),
        pa.field("category", pa.string()),
        pa.field("date", pa.date32()),
        pa.field("expected_units", pa.float64()),
        pa.field("units_p10", pa.float64()),
        pa.field("units_p90", pa.float64()),
        pa.field("new_buyer_units", pa.float64()),
    ]
)
"""One row a product or category and day; `new_buyer_units` is what of `expected_units` first-time buyers take first."""

# Sums are of whole millionths: integers add up to the same in any order of threads.
_ITEMS = """
with pairs as (
    select level, case when level = 'product' then product_id else category end as item, category,
        coalesce(quantity, 1e0) as pieces, {hazards}
    from {refills}
), known as (
    select level, item, min(category) as category, [{means}] as means, [{spreads}] as spreads
    from pairs group by level, item
), firsts as (
    select level, item, category, order_day, coalesce(quantity_milli, 1000) as milli
    from reminder_days
    where gap is null
), span as (
    select greatest(1, least({new_days}, {today} - coalesce(min(order_day), {today}))) as days from reminder_days
), newcomers as (
    select level, item, min(category) as category,
        sum(milli) / 1e3 / any_value(days) as units,
        sum(cast(milli as hugeint) * milli) / 1e6 / any_value(days) as squares
    from firsts, span
    where order_day >= {today} - days
    group by level, item
)
select coalesce(k.level, n.level) as level, coalesce(k.item, n.item) as item,
    coalesce(k.category, n.category) as category, means, spreads,
    coalesce(n.units, 0) as units, coalesce(n.squares, 0) as squares
from known k full join newcomers n on k.level = n.level and k.item = n.item
order by level, item
"""

# The sums of hugeints are exact: in any order of threads the same.
_SWINGS = """
with span as (
    select greatest(1, least({new_days}, {today} - coalesce(min(order_day), {today}))) as days from reminder_days
), daily as (
    select level, item, order_day, count(*) as purchases, sum(coalesce(quantity_milli, 1000)) as milli,
        sum(cast(coalesce(quantity_milli, 1000) as hugeint) * coalesce(quantity_milli, 1000)) as squares
    from reminder_days, span
    where order_day >= {today} - days
    group by level, item, order_day
)
select level, item, sum(purchases) as purchases, sum(milli) / 1e3 / any_value(days) as mean,
    sum(cast(milli as hugeint) * milli) / 1e6 / any_value(days) as day_squares,
    sum(squares) / 1e6 / any_value(days) as squares
from daily, span
group by level, item
"""

# How long each purchase has been followed: to the next one, or to the last whole day before the cutoff.
_FOLLOWED = """
with followed as (
    select level, item, next_gap, coalesce(next_gap, {today} - 1 - order_day) as watched
    from reminder_days
)
select level, item, cast(least(watched, {days}) as integer) as lasted,
    count(*) as purchases, count(next_gap) filter (where next_gap < {days}) as again
from followed
where watched > 0
group by level, item, lasted
"""


def expected(connection: duckdb.DuckDBPyConnection, refills: str, cutoff: Cutoff) -> pa.Table:
    """
    Return the calendar of expected demand.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With `reminder_days`, as `serving.reminders.rhythm` fills it.
    refills : str
        Name of a relation of it: a forecast's rows.
    cutoff : Cutoff
        Its local day is the first of the calendar.

    Returns
    -------
    pyarrow.Table
        Columns of `SCHEMA`, sorted by level, product, category and date.
    """
    days = horizons(row[0] for row in connection.execute(f"describe {refills}").fetchall())
    daily = [bought_between_sql(day, day + 1, days) for day in range(DAYS)]
    means = (f"sum(cast(round(1e6 * pieces * {p}) as hugeint)) / 1e6" for p in daily)
    spreads = (f"sum(cast(round(1e6 * pieces * pieces * {p} * (1 - {p})) as hugeint)) / 1e6" for p in daily)
    items = connection.sql(
        _ITEMS.format(
            hazards=hazards_sql(days),
            refills=refills,
            means=", ".join(means),
            spreads=", ".join(spreads),
            new_days=NEW_BUYER_DAYS,
            today=cutoff.day,
        )
    ).df()
    followed = connection.sql(_FOLLOWED.format(today=cutoff.day, days=DAYS)).df()
    if items.empty:
        return SCHEMA.empty_table()
    new = items["units"].to_numpy(np.float64)
    first = _lists(items["means"]) + new[:, None]
    spread = _lists(items["spreads"]) + items["squares"].to_numpy(np.float64)[:, None]
    again = _bought_again(first, rebuying(items, followed))
    pieces = spread.sum(axis=1) / np.maximum(first.sum(axis=1), 1e-12)  # of one purchase, for the variance
    mean, apart = first + again, spread + again * pieces[:, None]
    strayed = connection.sql(_SWINGS.format(today=cutoff.day, new_days=NEW_BUYER_DAYS)).df()
    return _calendar(items, cutoff, mean, quantiles(mean, apart, swings(items, strayed)[:, None]), new)


def _lists(column: "pd.Series[Any]") -> Floats:
    """Return a column of lists as rows of numbers, 0 where there is none."""
    rows = np.zeros((len(column), DAYS))
    known = column.notna().to_numpy()
    if known.any():
        rows[known] = np.stack(column[known].to_list())
    return rows


def rebuying(items: pd.DataFrame, followed: pd.DataFrame) -> Floats:
    """
    Return how many purchases of an item follow one of its purchases, by days in between.

    Parameters
    ----------
    items : pandas.DataFrame
        level and item, one row an item.
    followed : pandas.DataFrame
        level, item, lasted (days to the next purchase, or watched in vain; at most 30), purchases, again (of these,
        those that ended with a purchase).

    Returns
    -------
    (items, 30) float, purchases
        Column k: expected number of purchases exactly k days later, of the next and of all after it; column 0 is 0.
    """
    at_risk, again = np.zeros((len(items), DAYS + 1)), np.zeros((len(items), DAYS + 1))
    index = pd.MultiIndex.from_frame(items[["level", "item"]])
    place = index.get_indexer(pd.MultiIndex.from_frame(followed[["level", "item"]]))
    known = place >= 0
    where = (place[known], followed["lasted"].to_numpy(np.int64)[known])
    np.add.at(at_risk, where, followed["purchases"].to_numpy(np.float64)[known])
    np.add.at(again, where, followed["again"].to_numpy(np.float64)[known])
    at_risk = at_risk[:, ::-1].cumsum(axis=1)[:, ::-1]
    hazard = np.zeros((len(items), DAYS))
    for level in items["level"].unique():
        mine = (items["level"] == level).to_numpy()
        store = again[mine].sum(axis=0) / np.maximum(at_risk[mine].sum(axis=0), 1)
        pooled = (again[mine] + ITEM_PURCHASES * store) / (at_risk[mine] + ITEM_PURCHASES)
        hazard[mine, 1:] = pooled[:, 1:DAYS]
    waiting = np.cumprod(1 - hazard, axis=1)
    next_one = np.zeros_like(hazard)
    next_one[:, 1:] = waiting[:, :-1] * hazard[:, 1:]
    return next_one + _bought_again(next_one, None)


def swings(items: pd.DataFrame, strayed: pd.DataFrame) -> Floats:
    """
    Return by how much an item's days stray beyond independent purchases.

    Parameters
    ----------
    items : pandas.DataFrame
        level and item, one row an item.
    strayed : pandas.DataFrame
        level, item, purchases, mean (pieces a day), day_squares (mean square of a day's pieces), squares (of single
        purchases' pieces, summed by day, on average: a day's variance, were they independent).

    Returns
    -------
    (items,) float, share of the squared mean
        Never negative.
    """
    index = pd.MultiIndex.from_frame(items[["level", "item"]])
    rows = strayed[strayed["mean"].to_numpy() > 0]
    place = index.get_indexer(pd.MultiIndex.from_frame(rows[["level", "item"]]))
    rows, place = rows[place >= 0], place[place >= 0]
    mean = rows["mean"].to_numpy(np.float64)
    beyond = rows["day_squares"].to_numpy(np.float64) - mean**2 - rows["squares"].to_numpy(np.float64)
    purchases, moved = np.zeros(len(items)), np.zeros(len(items))
    purchases[place] = rows["purchases"].to_numpy(np.float64)
    moved[place] = purchases[place] * beyond / mean**2
    out = np.zeros(len(items))
    for level in items["level"].unique():
        mine = (items["level"] == level).to_numpy()
        store = max(0.0, moved[mine].sum() / max(purchases[mine].sum(), 1.0))
        out[mine] = (moved[mine] + SWING_PURCHASES * store) / (purchases[mine] + SWING_PURCHASES)
    return np.maximum(out, 0.0)


def _bought_again(first: Floats, following: Floats | None) -> Floats:
    """Return what follows purchases: `first[s]` times what follows each by d - s days; by itself when None is given."""
    out = np.zeros_like(first)
    for day in range(1, first.shape[1]):
        for before in range(day):
            lag = day - before
            each = first[:, lag] + out[:, lag] if following is None else following[:, lag]
            out[:, day] += first[:, before] * each
    return out


def _calendar(
    items: pd.DataFrame, cutoff: Cutoff, mean: Floats, between: tuple[Floats, Floats], new: Floats
) -> pa.Table:
    level, item = (np.repeat(items[name].to_numpy(object), DAYS) for name in ("level", "item"))
    product = item.copy()
    product[level != "product"] = None
    dates = np.datetime64(cutoff.local_date, "D") + np.arange(DAYS)
    columns = {
        "level": level,
        "product_id": product,
        "category": np.repeat(items["category"].to_numpy(object), DAYS),
        "date": np.tile(dates, len(items)),
        "expected_units": mean.ravel(),
        "units_p10": between[0].ravel(),
        "units_p90": between[1].ravel(),
        "new_buyer_units": np.repeat(new, DAYS),
    }
    made = [pa.array(columns[field.name], field.type, from_pandas=True) for field in SCHEMA]
    by = [(name, "ascending") for name in ("level", "product_id", "category", "date")]
    return pa.table(made, schema=SCHEMA).sort_by(by)


def quantiles(mean: Floats, apart: Floats, swing: Floats) -> tuple[Floats, Floats]:
    """
    Return how many pieces nine days in ten bring at least, and at most.

    Parameters
    ----------
    mean : (...) float, pieces
    apart : (...) float, squared pieces
        A day's variance, were all purchases independent; 0 only where the mean is.
    swing : (...) float, share of the squared mean
        What days that are good or bad for many at once add to it.

    Returns
    -------
    tuple of two (...) float, whole pieces
        p10, rounded down, and p90, rounded up.
    """
    some = mean > 0
    pieces = np.divide(apart, mean, out=np.ones_like(mean), where=some)  # of one purchase
    rate = 1 / np.maximum(swing, _LEAST_SWING)
    purchases = nbinom(rate, rate / (rate + mean / pieces))
    low, high = (np.where(some, pieces * purchases.ppf(share), 0.0) for share in (0.1, 0.9))
    return np.floor(low), np.ceil(high)
