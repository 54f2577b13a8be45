"""Day by day between the days that a forecast names: a constant hazard from each to the next.

A forecast says with what probability a pair is bought within 7, 14 and 30 days. In between the cumulative hazard,
-ln(1 - p), is taken to grow evenly, and after the last of these days as between the last two. So the days in between
agree with the forecast's own columns, whatever model made them.
"""

import re
from collections.abc import Iterable
from typing import Final

_DUE = re.compile(r"p_due_(\d+)d")
_MOST_CERTAIN: Final = 1 - 1e-9  # a certain purchase has an infinite hazard


def horizons(columns: Iterable[str]) -> tuple[int, ...]:
    """Return the days that a forecast gives a probability for, `p_due_{h}d`, in order."""
    return tuple(sorted(int(found[1]) for name in columns if (found := _DUE.fullmatch(name))))


def hazards_sql(days: Iterable[int]) -> str:
    """Return SQL columns `hazard_{h}`, never falling from one horizon to the next.

    Parameters
    ----------
    days : iterable of int
        From `horizons`.
    """
    columns, below = [], "0e0"
    for day in days:
        own = f"-ln(1 - least(p_due_{day}d, {_MOST_CERTAIN!r}))"
        below = f"greatest({own}, {below})"
        columns.append(f"{below} AS hazard_{day}")
    return ", ".join(columns)


def cumulative_sql(day: int, days: tuple[int, ...]) -> str:
    """Return SQL of the cumulative hazard of the days 0 to `day` - 1, over the columns of `hazards_sql`.

    Parameters
    ----------
    day : int, days
    days : tuple of int
        From `horizons`; at least one.
    """
    points = [(0, "0e0"), *((known, f"hazard_{known}") for known in days)]
    place = next((number for number, (known, _) in enumerate(points) if known >= day), len(points) - 1)
    if points[place][0] == day:
        return points[place][1]
    (start, before), (end, after) = points[place - 1], points[place]
    return f"({before} + ({after} - {before}) * {(day - start) / (end - start)!r})"


def bought_between_sql(start: int, end: int, days: tuple[int, ...]) -> str:
    """Return SQL of the probability that the next purchase falls on one of the days `start` to `end` - 1.

    Day 0 is the cutoff's own local day.
    """
    return f"(exp(-{cumulative_sql(start, days)}) - exp(-{cumulative_sql(end, days)}))"
