"""When to distrust what is seen: a segment that jumps beyond its own past, a shop whose orders stopped arriving."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import exp, log, log1p, sqrt
from statistics import median
from typing import Final

import duckdb

PAST_CHANGES: Final = 5  # a median deviation of fewer says nothing
SPREADS: Final = 4.0  # beyond this many robust standard deviations of its own changes
LEAST_CHANGE: Final = log(1.25)  # smaller moves are nobody's alarm, however calm the past
CHANCE_DEVIATIONS: Final = 3.0  # of a count that is pure chance, whose standard deviation is its root
NORMAL: Final = 1.4826  # a median absolute deviation times this is a normal law's standard deviation
SILENCE_DAYS: Final = 365
FLOW_DAYS: Final = 56  # eight weeks: whole weeks, and recent
SURE_ORDERS: Final = 7.0  # with so many expected, none at all comes to pass once in a thousand times: exp(-7)


@dataclass(frozen=True)
class Size:
    """A segment in one run.

    Parameters
    ----------
    as_of : datetime
    version : int or None
        Of its definition.
    size : int, customers
    """

    as_of: datetime
    version: int | None
    size: int


@dataclass(frozen=True)
class Jump:
    """A change of size beyond what the segment's own past explains.

    Parameters
    ----------
    before, size : int, customers
    low, high : int, customers
        Between which the size was to be expected.
    """

    before: int
    size: int
    low: int
    high: int


def jump(sizes: Sequence[Size]) -> Jump | None:
    """Say whether a segment's last change of size is out of the ordinary.

    Changes are taken as logarithms and divided by the root of the days they took. The last one jumps when it differs
    from the median of those before it by more than `SPREADS` of their robust standard deviations, by more than chance
    moves a count of that size, and by a quarter at least.

    Parameters
    ----------
    sizes : sequence of Size
        By time, one a run. Only runs of the last definition count.

    Returns
    -------
    Jump or None
        None also while fewer than `PAST_CHANGES` changes came before it.
    """
    mine = [each for each in sizes if each.version == sizes[-1].version] if sizes else []
    if len(mine) < PAST_CHANGES + 2:
        return None
    changes = [_change(one, two) for one, two in pairwise(mine)]
    *past, (last, days) = changes
    paces = [change / sqrt(days) for change, days in past]
    centre = median(paces)
    spread = NORMAL * median(abs(pace - centre) for pace in paces)
    before = mine[-2].size
    allowed = max(SPREADS * spread * sqrt(days), CHANCE_DEVIATIONS / sqrt(before + 1), LEAST_CHANGE)
    expected = centre * sqrt(days)
    if abs(last - expected) <= allowed:
        return None
    low, high = ((before + 1) * exp(expected + side * allowed) - 1 for side in (-1, 1))
    return Jump(before, mine[-1].size, max(0, round(low)), round(high))


def _change(one: Size, two: Size) -> tuple[float, float]:
    days = (two.as_of - one.as_of).total_seconds() / 86_400
    return log1p(two.size) - log1p(one.size), max(days, 1.0)


@dataclass(frozen=True)
class Flow:
    """How orders use to arrive.

    Parameters
    ----------
    orders_a_day : float
        In the eight weeks up to the last order.
    longest_silence_days : int, days
        Between two days with orders, in the year up to the last order.
    """

    orders_a_day: float
    longest_silence_days: int

    def stopped(self, silent_days: float) -> bool:
        """Return whether a silence is longer than any of the year and too long for the usual flow."""
        return silent_days > self.longest_silence_days and silent_days * self.orders_a_day >= SURE_ORDERS


def flow(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> Flow | None:
    """Measure how orders arrive; None without any.

    Parameters
    ----------
    connection : DuckDBPyConnection
        In UTC, with the view `ledger_orders`.
    as_of : datetime
        Aware; only what was known before it counts.
    """
    query = f"""
        WITH known AS (SELECT order_id, CAST(ordered_at AS DATE) AS day FROM ledger_orders
                       WHERE ordered_at < $at AND known_at < $at),
             recent AS (SELECT order_id, day, max(day) OVER () - day AS age FROM known
                        WHERE day > (SELECT max(day) FROM known) - {SILENCE_DAYS}),
             days AS (SELECT day, age, count(DISTINCT order_id) AS orders FROM recent GROUP BY day, age),
             apart AS (SELECT *, day - lag(day) OVER (ORDER BY day) AS silence FROM days)
        SELECT sum(orders) FILTER (age < {FLOW_DAYS}) / least({FLOW_DAYS}, max(age) + 1), max(silence) FROM apart
    """
    ((orders_a_day, silence),) = connection.execute(query, {"at": as_of}).fetchall()
    return None if orders_a_day is None else Flow(float(orders_a_day), int(silence or 1))
