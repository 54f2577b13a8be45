"""When a pair is bought next, from today on: a gap curve held to what is known better at some horizons.

Between those horizons, and beyond the last, the hazard goes as the gap curve's does; so probabilities and dates are
read from one rising curve a pair and cannot contradict each other.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.gap_curve import GapCurve
from models.gaps import Floats

KNOTS_DAYS: Final = (7, 14, 30)
_SMALLEST: Final = 1e-12  # hazards: below it nothing is told apart


@dataclass(frozen=True)
class RefillCurve:
    """Each pair's distribution of the days to its next purchase.

    Parameters
    ----------
    gaps : GapCurve
    hazards : (n, 3) float
        -log(1 - P(bought within `KNOTS_DAYS`)), rising along each row.
    """

    gaps: GapCurve
    hazards: Floats

    def take(self, rows: npt.NDArray[np.bool_]) -> "RefillCurve":
        """Return the curves of some of the pairs."""
        return RefillCurve(self.gaps.take(rows), self.hazards[rows])

    def probability(self, days: float) -> Floats:
        """Return (n,) float, P(bought on one of the next `days` days)."""
        base, asked = self._base(), hazard(self.gaps.probability(days))
        whole = np.column_stack([np.zeros(len(asked)), self.hazards])
        out = asked * self.hazards[:, -1] / np.maximum(base[:, -1], _SMALLEST)
        for place in range(len(KNOTS_DAYS)):
            if days <= KNOTS_DAYS[place]:
                span = np.maximum(base[:, place + 1] - base[:, place], _SMALLEST)
                part = np.clip((asked - base[:, place]) / span, 0.0, 1.0)
                if days == KNOTS_DAYS[place]:
                    part = np.ones(len(asked))
                out = whole[:, place] + part * (whole[:, place + 1] - whole[:, place])
                break
        return np.asarray(-np.expm1(-out))

    def days_ahead(self, share: float) -> Floats:
        """Return the day by which a share of such pairs are bought; 0 is today, infinite where it is never reached.

        Parameters
        ----------
        share : float, probability

        Returns
        -------
        (n,) float, days
        """
        base, target = self._base(), -np.log1p(-share)
        whole = np.column_stack([np.zeros(len(base)), self.hazards])
        asked = target * base[:, -1] / np.maximum(whole[:, -1], _SMALLEST)
        for place in reversed(range(len(KNOTS_DAYS))):
            low, high = whole[:, place], whole[:, place + 1]
            part = (target - low) / np.maximum(high - low, _SMALLEST)
            inside = base[:, place] + part * (base[:, place + 1] - base[:, place])
            asked = np.where(target <= high, inside, asked)
        return self.gaps.gap_days(-np.expm1(-asked)) - self.gaps.elapsed_days

    def _base(self) -> Floats:
        """Return the gap curve's own hazards at 0 days and at the knots."""
        columns = [hazard(self.gaps.probability(days)) for days in KNOTS_DAYS]
        return np.column_stack([np.zeros(len(columns[0])), *columns])


def hazard(probability: Floats) -> Floats:
    """Return -log(1 - P), finite."""
    return np.asarray(-np.log1p(-np.minimum(probability, 1 - _SMALLEST)))
