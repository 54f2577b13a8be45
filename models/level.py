"""How busy the store is: the clock on which its customers' habits run, faster before Christmas, slower after it.

A purchase process knows its customers and no calendar. The level says how many days of ordinary business a stretch
of the calendar holds; the process is asked for that many days instead. So curves stay monotone, every horizon
agrees with every other, and heavy buyers do not exceed certainty.
"""

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

    def _passed(self, day: Floats) -> Floats:
        """Return the business days from the first week's beginning to a moment, negative before it."""
        weeks = np.concatenate([[0.0], np.cumsum(self.pace)]) * DAYS_A_WEEK
        end = DAYS_A_WEEK * len(self.pace)
        since = day - self.first_day
        known = np.interp(since, np.arange(len(weeks)) * DAYS_A_WEEK, weeks)
        return np.asarray(known + np.minimum(since, 0.0) + np.maximum(since - end, 0.0))


STEADY = Level(
    as_of_day=0, first_day=0, pace=(), says="too little to tell season or trend: every day counts alike"
)
"""The level of a store too young or too small to show one: a day is a day."""
