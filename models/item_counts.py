"""How each item of a store is bought, in plain counts: of the pairs at hand, or of everybody's where they are staged.

A store too large to be learnt from whole is learnt from some of its customers. What can be counted is counted over
all of them all the same, in one pass of the engine, so that an item whose buyers are few in the sample is known by
all it has. Logarithms are summed as whole millionths: integers add up to the same in any order of threads.
"""

from dataclasses import dataclass, fields
from typing import Final

import duckdb
import numpy as np
import pandas as pd

from models.gaps import Floats, Items, Level
from models.pair_history import REBUY_DAYS, RECENT_DAYS, WINDOWS_DAYS, YEAR_DAYS

_MICRO: Final = 1e6

_COUNTS = """
WITH gaps AS (
    SELECT customer, item, {day} - day AS age, ln(day - lag(day) OVER later) AS log_gap,
           CASE WHEN quantity_milli > 0 THEN ln(quantity_milli / 1000.0) END AS log_quantity,
           ln(lead(day) OVER later - day) AS log_next, row_number() OVER later AS number,
           day - first_value(day) OVER later AS since_first
    FROM replenishment_{level}_days WHERE day < {day}
    WINDOW later AS (PARTITION BY customer, item ORDER BY day)
), summed AS (
    SELECT item, count(*) AS days, min(age) AS elapsed, max(age) AS full_age,
        coalesce({log_gap}, 0) AS log_gap, coalesce({log_gap_squared}, 0) AS squared,
        min(since_first) FILTER (number = 2) AS first_gap,
        count(*) FILTER (age <= {recent}) AS recent, count(*) FILTER (age <= {month}) AS month,
        count(*) FILTER (age <= {season}) AS season,
        count(*) FILTER (age <= {year}) AS year, count(*) FILTER (age <= {year} AND age > {year} - {month}) AS year_ago,
        count(*) FILTER (age > {month}) AS before,
        count(*) FILTER (log_quantity + log_next IS NOT NULL) AS used,
        coalesce({quantity}, 0) AS quantity, coalesce({quantity_squared}, 0) AS quantity_squared,
        coalesce({quantity_gap}, 0) AS quantity_gap, coalesce({used_gap}, 0) AS used_gap
    FROM gaps GROUP BY customer, item
), pairs AS (
    SELECT *,
        CASE WHEN days > 2 THEN greatest(0, squared - log_gap * log_gap / (days - 1)) ELSE 0 END AS within_pair,
        CASE WHEN used > 1 THEN greatest(0, quantity_squared - quantity * quantity / used) ELSE 0 END AS moved,
        CASE WHEN used > 1 THEN quantity_gap - quantity * used_gap / used ELSE 0 END AS moved_gap
    FROM summed
)
SELECT item, count(*) AS buyers, sum(days - 1) AS gaps, {sum_log_gap} AS log_gaps, {sum_within} AS within_pairs,
    sum(greatest(days - 2, 0)) AS freedom, count(*) FILTER (full_age > {rebuy}) AS had_time,
    count(*) FILTER (full_age > {rebuy} AND first_gap <= {rebuy}) AS rebought,
    sum(recent) AS recent, sum(month) AS month, sum(season) AS season, sum(year) AS year, sum(year_ago) AS year_ago,
    count(*) FILTER (before >= 2) AS habits, count(*) FILTER (before >= 2 AND elapsed <= {month}) AS habits_kept,
    {sum_moved} AS moved, {sum_moved_gap} AS moved_gap
FROM pairs GROUP BY item ORDER BY item
"""


@dataclass(frozen=True)
class ItemCounts:
    """Counts of each item, over some or all customers.

    Parameters
    ----------
    buyers, gaps : (items,) float
        Pairs, and complete gaps between their purchases.
    log_gaps, within_pairs : (items,) float
        Sum of the gaps' logarithms, and of their squares around each pair's mean.
    freedom : (items,) float
        Gaps beyond each pair's first.
    had_time, rebought : (items,) float
        Pairs first bought longer than `models.pair_history.REBUY_DAYS` ago, and those bought again within that time.
    recent, month, season : (items,) float
        Days bought in the last 14, 28 and 84.
    year, year_ago : (items,) float
        Days bought in the last 365, and in the first 28 of these.
    habits, habits_kept : (items,) float
        Pairs bought twice four weeks ago, and those bought since.
    moved, moved_gap : (items,) float
        Squares of log quantities around each pair's mean, and their products with the log gaps that they began.
    """

    buyers: Floats
    gaps: Floats
    log_gaps: Floats
    within_pairs: Floats
    freedom: Floats
    had_time: Floats
    rebought: Floats
    recent: Floats
    month: Floats
    season: Floats
    year: Floats
    year_ago: Floats
    habits: Floats
    habits_kept: Floats
    moved: Floats
    moved_gap: Floats


def counted(pairs: pd.DataFrame, items: Items) -> ItemCounts:
    """Count the items of some pairs.

    Parameters
    ----------
    pairs : pandas.DataFrame
        As `models.pair_history.pairs_as_of` gives it; may be empty.
    items : Items
    """
    value = {name: pairs[name].to_numpy(np.float64) for name in pairs.columns if name != "customer"}
    gaps, sums = value["days_bought"] - 1, value["log_gap_sum"]
    within = value["log_gap_squared_sum"] - sums**2 / np.maximum(gaps, 1.0)
    # Whoever bought first only lately had no time to rebuy: he would pull the share down in a young shop alone.
    had_time = value["full_age_days"] > REBUY_DAYS
    columns = {
        "buyers": np.ones(len(pairs)),
        "gaps": gaps,
        "log_gaps": sums,
        "within_pairs": np.where(gaps > 1, np.maximum(within, 0.0), 0.0),
        "freedom": np.maximum(gaps - 1, 0.0),
        "had_time": had_time,
        "rebought": had_time & (value["first_gap_days"] <= REBUY_DAYS),
        "recent": value[f"days_bought_{RECENT_DAYS}d"],
        "month": value[f"days_bought_{WINDOWS_DAYS[0]}d"],
        "season": value[f"days_bought_{WINDOWS_DAYS[2]}d"],
        "year": value["days_bought_year"],
        "year_ago": value["days_bought_year_ago"],
        "habits": value["habit"],
        "habits_kept": value["habit_kept"],
        "moved": value["quantity_moved"],
        "moved_gap": value["quantity_moved_gap"],
    }
    item = pairs["item"].to_numpy(np.int64)
    return ItemCounts(
        **{name: np.bincount(item, each, len(items.names)).astype(float) for name, each in columns.items()}
    )


def count_everybody(
    connection: duckdb.DuckDBPyConnection, level: Level, items: Items, cutoff_day: int
) -> ItemCounts:
    """Count the items over all customers, in the engine.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        After `models.gaps.stage_days`.
    level : "product" or "category"
    items : Items
        Of that level.
    cutoff_day : int, local days since 1970-01-01
        Exclusive.
    """
    used = "FILTER (log_quantity + log_next IS NOT NULL)"
    rows = connection.execute(
        _COUNTS.format(
            level=level,
            day=cutoff_day,
            recent=RECENT_DAYS,
            month=WINDOWS_DAYS[0],
            season=WINDOWS_DAYS[2],
            year=YEAR_DAYS,
            rebuy=REBUY_DAYS,
            log_gap=_summed("log_gap"),
            log_gap_squared=_summed("log_gap * log_gap"),
            quantity=_summed("log_quantity", used),
            quantity_squared=_summed("log_quantity * log_quantity", used),
            quantity_gap=_summed("log_quantity * log_next", used),
            used_gap=_summed("log_next", used),
            sum_log_gap=_summed("log_gap"),
            sum_within=_summed("within_pair"),
            sum_moved=_summed("moved"),
            sum_moved_gap=_summed("moved_gap"),
        )
    ).fetchnumpy()
    found = {}
    for field in fields(ItemCounts):
        found[field.name] = np.zeros(len(items.names))
        found[field.name][np.asarray(rows["item"], dtype=np.int64)] = np.asarray(rows[field.name], np.float64)
    return ItemCounts(**found)


def _summed(value: str, which: str = "") -> str:
    return f"sum(CAST(round({_MICRO} * ({value})) AS BIGINT)) {which} / {_MICRO}"
