"""Drift: how far the customers of a run are from those that the release was trained on, beyond what luck explains.

The measure is the population stability index. Below 0.1 the custom is to see nothing, from 0.25 on a large change;
but few customers reach 0.1 by luck alone, so an index counts only where it is also beyond what luck reaches.

References
----------
Siddiqi (2006), Credit Risk Scorecards, Wiley: the index and its two customary limits.
Yurdakul and Naranjo (2020), Journal of Risk Model Validation 14(4): without drift the index of n against m customers in
B bins is distributed as (1/n + 1/m) times a chi-square of B - 1 degrees of freedom.
"""

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.stats import chi2

from models.histograms import Histogram

Level = Literal["none", "some", "large"]

SOME: Final = 0.1
LARGE: Final = 0.25
FALSE_ALARMS: Final = 0.01
"""Of comparisons of everything with nothing drifted, those in which luck lets something pass for drift."""
A_BIN: Final = 0.5
"""Customers added to each bin, so that an empty one makes no infinite index."""


class Drift(BaseModel):
    """One feature or score of a run beside the same of other customers.

    Parameters
    ----------
    name : str
    psi : float
        Population stability index.
    by_luck : float
        What the index reaches without any drift, in the one of a hundred comparisons that luck favours most.
    level : str
        none; some, from 0.1; large, from 0.25: each only beyond `by_luck`.
    missing_before, missing : float, share
        Of whom nothing is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    psi: float
    by_luck: float
    level: Level
    missing_before: float
    missing: float


def drift(name: str, before: Histogram, now: Histogram, compared: int) -> Drift:
    """Compare two histograms on the same edges.

    Parameters
    ----------
    name : str
    before, now : Histogram
    compared : int
        How many are compared at once: the more, the farther luck reaches in one of them.
    """
    first, second = before.all_counts, now.all_counts
    # A bin that nobody is in on either side says nothing, and is no degree of freedom.
    met = (first + second) > 0
    found = psi(first[met], second[met])
    luck = _by_luck(first.sum(), second.sum(), int(met.sum()), compared)
    return Drift(
        name=name,
        psi=found,
        by_luck=luck,
        level=_level(found, luck),
        missing_before=_share(before.missing, first.sum()),
        missing=_share(now.missing, second.sum()),
    )


def psi(before: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    """Return the population stability index of two (b,) counts of customers by bin."""
    first, second = ((each + A_BIN) / (each.sum() + A_BIN * len(each)) for each in (before, now))
    return float(np.sum((second - first) * np.log(second / first)))


def _by_luck(before: float, now: float, bins: int, compared: int) -> float:
    if bins < 2 or not before or not now:  # noqa: PLR2004 - where all are in one bin nothing can move
        return 0.0
    return float((1 / before + 1 / now) * chi2.ppf(1 - FALSE_ALARMS / compared, bins - 1))


def _level(found: float, luck: float) -> Level:
    if found <= luck or found < SOME:
        return "none"
    return "large" if found >= LARGE else "some"


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def drifts(before: Mapping[str, Histogram], now: Mapping[str, Histogram]) -> tuple[Drift, ...]:
    """Compare what both have, the farthest apart first."""
    names = [name for name in before if name in now]
    found = [drift(name, before[name], now[name], len(names)) for name in names]
    return tuple(sorted(found, key=lambda each: -each.psi))
