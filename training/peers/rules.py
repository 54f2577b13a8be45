"""Rules of thumb in their fairest form: what happened before to customers whom the rule puts in the same group."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.cutoff import Cutoff
from models.predictor import Outcomes
from training.metrics import Prediction
from training.peers.case import Case

Floats = NDArray[np.float64]

GROUPS = 20


def numbers(snapshot: pd.DataFrame, name: str) -> Floats:
    """Return a column as float, NaN where it is missing."""
    return snapshot[name].to_numpy(dtype=np.float64, na_value=np.nan)


def hiatus(snapshot: pd.DataFrame) -> Floats:
    """Return (n,) float, days since the last order, as a rank from least to most likely to order."""
    return -numbers(snapshot, "days_since_last_order")


def own_gap(snapshot: pd.DataFrame) -> Floats:
    """Return (n,) float, minus the days since the last order over the customer's own mean gap."""
    return -numbers(snapshot, "days_since_last_order") / gaps(snapshot)


def gaps(snapshot: pd.DataFrame) -> Floats:
    """Return (n,) float, days: each customer's mean gap, and the mean of the store's where he has none."""
    own = numbers(snapshot, "mean_gap_days")
    store = np.nanmean(own) if np.isfinite(own).any() else 1.0
    return np.where(np.isfinite(own), own, store)


def _fifths(values: Floats) -> Floats:
    """Return 1 (lowest) to 5 (highest) by the store's fifths; ties share a score."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.ones_like(values)
    edges = np.quantile(known, [0.2, 0.4, 0.6, 0.8])
    return np.asarray(1.0 + np.searchsorted(edges, np.nan_to_num(values, nan=-np.inf)), dtype=np.float64)


def rfm(snapshot: pd.DataFrame) -> Floats:
    """Return (n,) float, the sum of the recency, frequency and money fifths."""
    return (
        _fifths(hiatus(snapshot)) + _fifths(numbers(snapshot, "orders")) + _fifths(numbers(snapshot, "spend"))
    )


@dataclass(frozen=True)
class RuleTable:
    """What happened in each of a rule's groups over the training windows.

    Parameters
    ----------
    edges : (k,) float
        Upper limits of the groups but the last.
    p_order, orders, value : (k + 1,) float
        Mean outcome of each group.
    """

    edges: Floats
    p_order: Floats
    orders: Floats
    value: Floats

    @classmethod
    def fit(cls, rank: Floats, happened: Outcomes) -> "RuleTable":
        """Return the means of at most GROUPS groups of equal size."""
        rank = np.nan_to_num(rank, nan=-np.inf)
        finite = rank[np.isfinite(rank)]
        edges = np.unique(np.quantile(finite, np.arange(1, GROUPS) / GROUPS)) if len(finite) else np.empty(0)
        group = np.searchsorted(edges, rank, side="left")
        counts = np.bincount(group, minlength=len(edges) + 1)

        def mean(values: Floats) -> Floats:
            sums = np.bincount(group, weights=values, minlength=len(edges) + 1)
            return np.where(counts > 0, sums / np.maximum(counts, 1), values.mean())

        return cls(
            edges, mean((happened.orders > 0).astype(np.float64)), mean(happened.orders), mean(happened.value)
        )

    def predict(self, rank: Floats) -> Prediction:
        """Return the means of the group that each customer falls in."""
        group = np.searchsorted(self.edges, np.nan_to_num(rank, nan=-np.inf), side="left")
        return Prediction(self.p_order[group], self.orders[group], self.value[group])


def by_rule(rank: Callable[[pd.DataFrame], Floats]) -> Callable[[Case], Prediction | None]:
    """Return a peer's answer from a rule that ranks customers by one number, from least to most likely to order."""

    def answer(case: Case) -> Prediction | None:
        if not case.cutoffs:
            return None
        rows, happened = case.learnt_from
        return RuleTable.fit(rank(rows), happened).predict(rank(case.snapshot))

    return answer


def last_window(case: Case) -> Prediction | None:
    """Repeat each customer's last window; its probability is the rate among those who ordered as often before."""
    if not case.cutoffs:
        return None

    def before(cutoff: Cutoff, customers: "pd.Series[str]") -> Outcomes:
        # Windows before the cutoff are history, not future: the same counting, one horizon earlier.
        return case.dataset.window(cutoff.plus_days(-case.horizon_days), cutoff, customers)

    repeated, (_, happened) = before(case.test, case.snapshot["customer_id"]), case.learnt_from
    learnt = {cutoff: case.dataset.sampled(cutoff)["customer_id"] for cutoff in case.cutoffs}
    counted = np.concatenate([before(cutoff, customers).orders for cutoff, customers in learnt.items()])
    p_order = RuleTable.fit(counted, happened).predict(repeated.orders).p_order
    return Prediction(p_order, repeated.orders, repeated.value)
