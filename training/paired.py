"""How much better one method did than another on the same customers, and how much of that may be luck."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from models.predictor import Outcomes
from training.metrics import Prediction, brier_losses, curve_losses

Floats = NDArray[np.float64]

LEAST_FOR_A_SPREAD = 2


@dataclass(frozen=True)
class Paired:
    """One metric of two methods on the same customers.

    Parameters
    ----------
    metric : str
    rival : str
    lead : float
        By how much ours is nearer to perfect, in the metric's own unit; negative where the rival is.
    noise : float
        Standard error of the lead over customers. Another season, or another window, is not in it.
    """

    metric: str
    rival: str
    lead: float
    noise: float


def placements(ordered: NDArray[np.bool_], p_order: Floats) -> tuple[Floats, Floats]:
    """Return of each who ordered the share of the others he was placed above, and of each other the share above him.

    Parameters
    ----------
    ordered : (n,) bool
        Some, not all.
    p_order : (n,) float

    Returns
    -------
    of_ordering : (m,) float
    of_others : (n - m,) float
        The mean of either is the AUC.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44(3); by ranks as Sun and Xu (2014), IEEE Signal Processing
    Letters 21(11).
    """
    together = rankdata(p_order)
    mine, others = together[ordered], together[~ordered]
    of_ordering = (mine - rankdata(p_order[ordered])) / len(others)
    of_others = 1.0 - (others - rankdata(p_order[~ordered])) / len(mine)
    return of_ordering, of_others


def leads(ours: Prediction, rivals: Mapping[str, Prediction], happened: Outcomes) -> list[Paired]:
    """Return our lead on every rival, in every metric that is a mean over customers or pairs of them.

    Parameters
    ----------
    ours : Prediction
    rivals : mapping of str to Prediction
    happened : Outcomes

    Returns
    -------
    list of Paired
        None where either has no answer, or too few customers ordered, or did not, for a spread.
    """
    mine = _parts(ours, happened)
    found = []
    for name, rival in rivals.items():
        for metric, parts in _parts(rival, happened).items():
            gained = [his - own for own, his in zip(mine.get(metric, ()), parts, strict=False)]
            if gained and min(map(len, gained)) >= LEAST_FOR_A_SPREAD:
                lead = float(gained[0].mean())
                noise = float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in gained)))
                found.append(Paired(metric, name, lead, noise))
    return found


def _parts(said: Prediction, happened: Outcomes) -> dict[str, tuple[Floats, ...]]:
    """Return of each metric what it is the mean of, lower is better; the AUC has one such mean on either side."""
    parts: dict[str, tuple[Floats, ...]] = {"brier": (brier_losses(said, happened),)}
    if said.curve is not None:
        parts["integrated_brier"] = (curve_losses(said, happened),)
    ordered = happened.orders > 0
    if 0 < ordered.sum() < len(ordered):
        of_ordering, of_others = placements(ordered, said.p_order)
        parts["auc"] = (1.0 - of_ordering, 1.0 - of_others)
    return parts
