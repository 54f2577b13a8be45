"""How busy the store is: the clock on which its customers' habits run, faster before Christmas, slower after it.

A purchase process knows its customers and no calendar. The level says how many days of ordinary business a stretch
of the calendar holds; the process is asked for that many days instead. So curves stay monotone, every horizon
agrees with every other, and heavy buyers do not exceed certainty.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import overload

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

DAYS_A_WEEK = 7


class Level(BaseModel):
    """The pace of a store week by week: as it was, and as it is expected for a year to come.

    Parameters
    ----------
    as_of_day : int
        Local day number of the cutoff it was fitted at; weeks from there on are expected, earlier ones were seen.
    first_day : int
        Local day number on which the first week begins.
    pace : tuple of float
        Orders of known customers over those that the purchase process expects of them, a week each; beyond both
        ends the pace is 1.
    says : str
        What it expects of the days ahead and why, in one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    as_of_day: int
    first_day: int
    pace: tuple[float, ...]
    says: str

    @overload
    def business_days(self, on_day: int | None, days: float) -> float: ...
    @overload
    def business_days(self, on_day: Days, days: float) -> Floats: ...
    def business_days(self, on_day: int | Days | None, days: float) -> float | Floats:
        """Return how many days of ordinary business the next days hold.

        Parameters
        ----------
        on_day : int or (n,) int
            Local day number of a cutoff; None is the one that the level was fitted at.
        days : float, days
            Of the calendar, from that cutoff on.

        Returns
        -------
        float or (n,) float, days
            Never negative, and rising with `days`.
        """
        start = np.asarray(self.as_of_day if on_day is None else on_day, dtype=np.float64)
        passed = self._passed(start + days) - self._passed(start)
        return float(passed) if passed.ndim == 0 else passed

    @overload
    def ahead(self, on_day: int | None, days: Sequence[float]) -> list[float]: ...
    @overload
    def ahead(self, on_day: Days, days: Sequence[float]) -> list[Floats]: ...
    @overload
    def ahead(self, on_day: int | Days | None, days: Sequence[float]) -> list[float] | list[Floats]: ...
    def ahead(self, on_day: int | Days | None, days: Sequence[float]) -> list[float] | list[Floats]:
        """Return `business_days` over each of some horizons: all of one cutoff's take as long as one."""
        if isinstance(on_day, np.ndarray):
            return [self.business_days(on_day, each) for each in days]
        start = float(self.as_of_day if on_day is None else on_day)
        passed = self._passed(start + np.array([0.0, *days]))
        found: list[float] = (passed[1:] - passed[0]).tolist()
        return found

    def _passed(self, day: Floats) -> Floats:
        """Return the business days from the first week's beginning to a moment, negative before it."""
        end = DAYS_A_WEEK * len(self.pace)
        since = day - self.first_day
        known = np.interp(since, *_ends_of_weeks(self.pace))
        return np.asarray(known + np.minimum(since, 0.0) + np.maximum(since - end, 0.0))


@lru_cache(maxsize=64)
def _ends_of_weeks(pace: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Return where weeks end, in days from the first one's beginning, and the business days until then."""
    passed = np.concatenate([[0.0], np.cumsum(pace, dtype=np.float64)]) * DAYS_A_WEEK
    return np.arange(len(passed), dtype=np.float64) * DAYS_A_WEEK, passed


STEADY = Level(
    as_of_day=0, first_day=0, pace=(), says="too little to tell season or trend: every day counts alike"
)
"""The level of a store too young or too small to show one: a day is a day."""
