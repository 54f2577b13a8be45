"""Next-order curves as methods give them: the probability of an order by any day, customer by customer."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KNOTS_DAYS = (1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 75, 90, 120, 150, 180, 240, 300, 365)
_ALMOST_ONE = 1.0 - 1e-12
"""A curve that reaches 1 has no finite hazard, and nothing could be read between its knots."""


class Curve(Protocol):
    """What every next-order curve answers."""

    def at(self, days: float | Floats) -> Floats:
        """Return (n,) float, the probability of an order within so many days, one number for all or one for each."""

    def take(self, rows: NDArray[np.intp]) -> "Curve":
        """Return the curves of some customers."""


def curve_days(horizon_days: int) -> list[int]:
    """Return the days at which a smooth curve is asked for: dense at first, and the horizon last."""
    return [day for day in KNOTS_DAYS if day < horizon_days] + [horizon_days]


@dataclass(frozen=True)
class Knots:
    """A smooth curve known on some days; between two of them the hazard is constant, as scores read it.

    Parameters
    ----------
    days : (k,) sequence of float, days
        Rising, above 0.
    p : (n, k) float, probability
        Rising along each row.
    """

    days: tuple[float, ...]
    p: Floats

    def at(self, days: float | Floats) -> Floats:
        """Return (n,) float, probability; what lies beyond the last knot is answered with it."""
        knots = np.asarray([0.0, *self.days])
        asked = np.clip(np.asarray(days, dtype=np.float64), 0.0, knots[-1])
        right = np.clip(np.searchsorted(knots, asked), 1, len(knots) - 1)
        part = (asked - knots[right - 1]) / (knots[right] - knots[right - 1])
        row = slice(None) if asked.ndim == 0 else np.arange(len(self.p))
        before, after = self._hazard[row, right - 1], self._hazard[row, right]
        return np.asarray(-np.expm1(-(before + part * (after - before))))

    @cached_property
    def _hazard(self) -> Floats:
        """Cumulated hazard at day 0 and at each knot."""
        reached = -np.log1p(-np.clip(self.p, 0.0, _ALMOST_ONE))
        return np.column_stack([np.zeros(len(self.p)), reached])

    def take(self, rows: NDArray[np.intp]) -> "Knots":
        """Return the curves of some customers."""
        return Knots(self.days, self.p[rows])


@dataclass(frozen=True)
class Dates:
    """One date a customer, taken at its word: 0 until it is over, 1 from then on.

    Parameters
    ----------
    day : (n,) float, days
        After the cutoff; 0 is the cutoff's own day, NaN never.
    """

    day: Floats

    def at(self, days: float | Floats) -> Floats:
        """Return (n,) float, 0 or 1."""
        return (self.day < days).astype(np.float64)

    def take(self, rows: NDArray[np.intp]) -> "Dates":
        """Return the dates of some customers."""
        return Dates(self.day[rows])


@dataclass(frozen=True)
class Waiting:
    """One curve a group of customers, counted from the last order and conditioned on the days waited already.

    Parameters
    ----------
    surviving : (g, m) float, share
        Of each group, those whose next order comes more than 0, 1, 2, ... days after the one before.
    group : (n,) int
        Row of `surviving`.
    waited_days : (n,) float, days
        Since the last order; at least 1. NaN for those without an order, who are never expected to place one.
    """

    surviving: Floats
    group: NDArray[np.intp]
    waited_days: Floats

    def at(self, days: float | Floats) -> Floats:
        """Return (n,) float, probability; beyond the longest wait seen, nobody orders."""
        # Waited w days, the cutoff's own day is day w: w - 1 days have passed without an order.
        passed = np.nan_to_num(self.waited_days, nan=1.0) - 1.0
        before, after = self._surviving(passed), self._surviving(passed + days)
        return np.where(
            (before > 0) & np.isfinite(self.waited_days), 1.0 - after / np.maximum(before, 1e-12), 0.0
        )

    def _surviving(self, days: Floats) -> Floats:
        last = self.surviving.shape[1] - 1
        return np.asarray(self.surviving[self.group, np.clip(np.floor(days), 0, last).astype(np.intp)])

    def take(self, rows: NDArray[np.intp]) -> "Waiting":
        """Return the curves of some customers."""
        return Waiting(self.surviving, self.group[rows], self.waited_days[rows])
