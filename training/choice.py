"""Which purchase process a store gets: the one that told best, a horizon ago, who would order next and when."""

import logging
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.asked import log_odds
from models.boosting import sample
from models.mbg_cnbd import MbgCnbd, fit_mbg_cnbd
from models.next_order import level_log_odds
from models.predictor import Outcomes
from models.purchase_process import (
    Histories,
    ParetoNbd,
    PurchaseProcess,
    fit_purchase_process,
)

Floats = NDArray[np.float64]

REGULARITIES = (0.55, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0)
"""k that are tried, from the middle on as long as the next one is better."""
MOST_CUSTOMERS = 10_000
"""Who are looked at: of more, a sample. The likelihood then tells k apart by some tenths."""
AHEAD_BY_ERRORS = 2.0
"""Standard errors by which MBG/CNBD-k must be ahead. Of two that are level the better known one stays."""
_DAYS = (7, 14, 30, 60)

_log = logging.getLogger(__name__)


def choose_process(snapshot: pd.DataFrame, happened: Outcomes) -> PurchaseProcess:
    """Return the process, fitted at a cutoff, that says best what happened after it.

    Pareto/NBD stays unless an MBG/CNBD-k is likelier by more than the noise. How many ordered in all is left out: the
    store's level tells that.

    Parameters
    ----------
    snapshot : (n, k) DataFrame
        Of one cutoff.
    happened : Outcomes
        Of the same customers, row by row.
    """
    usual = fit_purchase_process(Histories(snapshot))
    if not isinstance(usual, ParetoNbd):
        return usual
    some = sample(len(snapshot), MOST_CUSTOMERS, np.random.default_rng(0))
    looked_at, did = Histories(snapshot.iloc[some]), happened.take(some)
    standard = timing_losses(usual, looked_at, did)
    tried: dict[float, tuple[MbgCnbd, Floats]] = {}

    def ahead(k: float) -> float:
        if k not in tried:
            near = tried[min(tried, key=lambda other: abs(other - k))][0] if tried else None
            fitted = fit_mbg_cnbd(k, *_counted(looked_at), near=near)
            if fitted is None:
                return -np.inf
            tried[k] = fitted, standard - timing_losses(fitted, looked_at, did)
        return float(tried[k][1].mean())

    k = _climb(ahead)
    if k not in tried:
        return usual
    found, lead = tried[k]
    error = float(lead.std() / np.sqrt(len(lead)))
    _log.info("MBG/CNBD-%g is ahead of Pareto/NBD by %.5f (standard error %.5f)", k, lead.mean(), error)
    return found if lead.mean() > AHEAD_BY_ERRORS * error else usual


def refit(process: PurchaseProcess, histories: Histories) -> PurchaseProcess:
    """Return a process of the same kind and regularity, fitted on other histories, or what stands in for it."""
    if isinstance(process, MbgCnbd):
        found = fit_mbg_cnbd(process.k, *_counted(histories), near=process)
        return process if found is None else found
    return fit_purchase_process(histories)


def _counted(histories: Histories) -> tuple[Floats, Floats, Floats]:
    buyers = histories.orders > 0
    return histories.frequency[buyers], histories.recency_days[buyers], histories.age_days[buyers]


def _climb(ahead: Callable[[float], float]) -> float:
    """Return the regularity, of REGULARITIES, whose neighbours are not further ahead."""
    at = REGULARITIES.index(1.0)
    for step in (-1, 1):
        while 0 <= at + step < len(REGULARITIES) and ahead(REGULARITIES[at + step]) > ahead(REGULARITIES[at]):
            at += step
    return REGULARITIES[at]


def timing_losses(process: PurchaseProcess, histories: Histories, happened: Outcomes) -> Floats:
    """Return (n,) float, minus the log-likelihood of "ordered by day t", mean over some days, totals apart."""
    days = [day for day in _DAYS if day < happened.horizon_days] + [happened.horizon_days]
    total = np.zeros(len(histories.orders))
    for day in days:
        ordered = happened.ordered_within(day)
        said = log_odds(process.p_order(histories, day))
        said = said + level_log_odds(said, ordered)
        total += np.logaddexp(0.0, said) - ordered * said
    return total / len(days)
