"""Who bought what on how many days and how long ago: the counts that replenishment is computed from.

One row a pair: a customer with a product, or a customer with a category. What the counts mean for the next
purchase is left to `models.gap_curve`.
"""

from typing import Final, Literal

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

Level = Literal["product", "category"]
LEVELS: Final[tuple[Level, ...]] = ("product", "category")

MIN_DAYS_BOUGHT: Final = 2
"""A pair bought on one day has no gap of its own, and there are four times as many of those."""

REBUY_WINDOW_DAYS: Final = 14
"""Horizon of `bought_again`."""

REBUY_DAYS: Final = 84
"""Days after the first purchase within which a buyer counts as one who rebuys."""

_ITEM_COLUMN: Final[dict[Level, str]] = {"product": "product_id", "category": "category"}

# Logarithms are summed as whole millionths: integers add up to the same in any order of threads.
_STAGE = """
CREATE OR REPLACE TEMP TABLE replenishment_days AS
WITH bought AS (
    SELECT customer_id, {item} AS item, min(category) AS category, order_day,
           sum(quantity_milli) AS quantity_milli
    FROM history_items
    WHERE {item} IS NOT NULL
    GROUP BY customer_id, {item}, order_day
), gaps AS (
    SELECT *, order_day - lag(order_day) OVER (PARTITION BY customer_id, item ORDER BY order_day) AS gap_days
    FROM bought
)
SELECT *,
       CAST(round(1e6 * ln(gap_days)) AS BIGINT) AS log_gap,
       CAST(round(1e6 * ln(gap_days) * ln(gap_days)) AS BIGINT) AS log_gap_squared
FROM gaps
"""

_PAIRS = """
WITH pairs AS (
    SELECT customer_id, item, min(category) AS category,
           count(*) FILTER (WHERE order_day < $day) AS days_bought,
           count(*) FILTER (WHERE order_day < $day AND order_day >= $day - 28) AS days_bought_28d,
           count(*) FILTER (WHERE order_day < $day AND order_day >= $day - 84) AS days_bought_84d,
           $day - max(order_day) FILTER (WHERE order_day < $day) AS elapsed_days,
           coalesce(sum(log_gap) FILTER (WHERE order_day < $day), 0) / 1e6 AS log_gap_sum,
           coalesce(sum(log_gap_squared) FILTER (WHERE order_day < $day), 0) / 1e6 AS log_gap_squared_sum,
           count(*) FILTER (WHERE order_day >= $day AND order_day < $day + $window) > 0 AS bought_again
    FROM replenishment_days
    GROUP BY customer_id, item
    HAVING count(*) FILTER (WHERE order_day < $day) >= $min_days
), visits AS (
    SELECT customer_id,
           count(*) AS visits,
           count(*) FILTER (WHERE order_day >= $day - 28) AS visits_28d,
           count(*) FILTER (WHERE order_day >= $day - 84) AS visits_84d,
           $day - min(order_day) AS customer_age_days
    FROM (SELECT DISTINCT customer_id, order_day FROM history_items WHERE order_day < $day)
    GROUP BY customer_id
)
SELECT pairs.*, visits, visits_28d, visits_84d, customer_age_days
FROM pairs JOIN visits USING (customer_id)
ORDER BY customer_id, item
"""

_QUANTITIES = """
SELECT median(quantity_milli) / 1000.0 AS quantity
FROM replenishment_days
WHERE order_day < $day
GROUP BY customer_id, item
HAVING count(*) >= $min_days
ORDER BY customer_id, item
"""

# Whoever bought first only lately had no time to rebuy: he would pull the share down in a young shop alone.
_BUYERS = """
SELECT item, min(category) AS category, count(*) AS buyers,
       count(*) FILTER (WHERE second_day - first_day <= $rebuy_days) AS rebuyers
FROM (
    SELECT customer_id, item, min(category) AS category, min(order_day) AS first_day,
           min(order_day) FILTER (WHERE gap_days IS NOT NULL) AS second_day
    FROM replenishment_days
    WHERE order_day < $day
    GROUP BY customer_id, item
)
WHERE first_day < $day - $rebuy_days
GROUP BY item
ORDER BY item
"""


def stage_days(connection: duckdb.DuckDBPyConnection, level: Level) -> None:
    """Create the temp table `replenishment_days`: a customer's days with an item, and the gaps.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds `history_items` as `features.history.stage` leaves it.
    level : "product" or "category"
        What an item is.
    """
    connection.execute(_STAGE.format(item=_ITEM_COLUMN[level]))


def pairs_as_of(connection: duckdb.DuckDBPyConnection, day: int) -> pd.DataFrame:
    """Count each pair's purchases before a day, and whether it was bought again in the window after it.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        After `stage_days`.
    day : int, local days since 1970-01-01
        Exclusive. `bought_again` is meaningful only when the staged history reaches `day` + 14.

    Returns
    -------
    pandas.DataFrame
        One row a pair bought on at least two days, sorted by customer and item. Gaps are logarithms of days.
    """
    values = {"day": day, "window": REBUY_WINDOW_DAYS, "min_days": MIN_DAYS_BOUGHT}
    return connection.execute(_PAIRS, values).df()


def buyers_as_of(connection: duckdb.DuckDBPyConnection, day: int) -> pd.DataFrame:
    """Count each item's buyers of at least `REBUY_DAYS` ago, and those who rebought within as many days.

    Returns
    -------
    pandas.DataFrame
        item, category, buyers, rebuyers; sorted by item.
    """
    return connection.execute(_BUYERS, {"day": day, "rebuy_days": REBUY_DAYS}).df()


def quantities_as_of(connection: duckdb.DuckDBPyConnection, day: int) -> npt.NDArray[np.float64]:
    """Return what each pair typically takes on a day it is bought.

    Returns
    -------
    (n,) float, pieces
        The median, NaN where unknown; the rows are those of `pairs_as_of`, in the same order.
    """
    values = {"day": day, "min_days": MIN_DAYS_BOUGHT}
    return connection.execute(_QUANTITIES, values).df()["quantity"].to_numpy(np.float64)
