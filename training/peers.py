"""What the predictions are compared with: what shops use today and what data scientists use, on the same rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalog.shipped import CORE
from features.cutoff import Cutoff
from models.predictor import Outcomes
from training.dataset import Dataset
from training.fit import CustomerPredictors
from training.metrics import Prediction, curve_days

Floats = NDArray[np.float64]

GROUPS = 20


@dataclass(frozen=True)
class Rule:
    """A rule of thumb that orders customers by one number, from least to most likely to order.

    Parameters
    ----------
    name : str
    rank : callable
        Snapshot to (n,) float.
    means : str
    """

    name: str
    rank: Callable[[pd.DataFrame], Floats]
    means: str


def _numbers(snapshot: pd.DataFrame, name: str) -> Floats:
    return snapshot[name].to_numpy(dtype=np.float64, na_value=np.nan)


def _own_gap(snapshot: pd.DataFrame) -> Floats:
    """Days since the last order over the customer's own mean gap; the store's mean gap where he has none."""
    own = _numbers(snapshot, "mean_gap_days")
    store = np.nanmean(own) if np.isfinite(own).any() else 1.0
    return -_numbers(snapshot, "days_since_last_order") / np.where(np.isfinite(own), own, store)


def _fifths(values: Floats) -> Floats:
    """Return 1 (lowest) to 5 (highest) by the store's fifths; ties share a score."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.ones_like(values)
    edges = np.quantile(known, [0.2, 0.4, 0.6, 0.8])
    return np.asarray(1.0 + np.searchsorted(edges, np.nan_to_num(values, nan=-np.inf)), dtype=np.float64)


def _rfm(snapshot: pd.DataFrame) -> Floats:
    recency = _fifths(-_numbers(snapshot, "days_since_last_order"))
    return recency + _fifths(_numbers(snapshot, "orders")) + _fifths(_numbers(snapshot, "spend"))


RULES: tuple[Rule, ...] = (
    Rule("hiatus", lambda s: -_numbers(s, "days_since_last_order"), "days since the last order"),
    Rule("own_gap", _own_gap, "days since the last order over the customer's own mean gap"),
    Rule("rfm", _rfm, "sum of the recency, frequency and money fifths"),
)


@dataclass(frozen=True)
class RuleTable:
    """A rule in its fairest form: what happened in each of its groups over the training windows.

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


def ask(customers: CustomerPredictors, snapshot: pd.DataFrame, horizon_days: int) -> Prediction:
    """Return what a pair of fitted predictors says about a snapshot."""
    days = curve_days(horizon_days)
    curve = customers.next_order.p_order(snapshot, [*days, horizon_days])
    p_order = curve[:, -1]
    orders, value = customers.worth.expected(snapshot, horizon_days, p_order)
    return Prediction(p_order, orders, value, curve[:, :-1])


def rule_predictions(dataset: Dataset, cutoffs: tuple[Cutoff, ...], test: Cutoff) -> dict[str, Prediction]:
    """Return every rule's answer at a test cutoff, its groups filled from the training windows.

    Parameters
    ----------
    dataset : Dataset
    cutoffs : tuple of Cutoff
        Training cutoffs; not empty.
    test : Cutoff
    """
    rows, happened = dataset.stacked(cutoffs)
    snapshot = dataset.snapshot(test)
    said = {
        rule.name: RuleTable.fit(rule.rank(rows), happened).predict(rule.rank(snapshot)) for rule in RULES
    }
    said["last_window"] = _last_window(dataset, cutoffs, happened, test)
    return said


def _last_window(
    dataset: Dataset, cutoffs: tuple[Cutoff, ...], happened: Outcomes, test: Cutoff
) -> Prediction:
    """Repeat each customer's last window; its probability is the rate among those who ordered as often before."""

    def before(cutoff: Cutoff) -> Outcomes:
        # Windows before the cutoff are history, not future: the same counting, one horizon earlier.
        return dataset.window(cutoff.plus_days(-dataset.horizon_days), cutoff)

    repeated = before(test)
    counted = np.concatenate([before(cutoff).orders for cutoff in cutoffs])
    p_order = RuleTable.fit(counted, happened).predict(repeated.orders).p_order
    return Prediction(p_order, repeated.orders, repeated.value)


def plain_boosting(dataset: Dataset, cutoffs: tuple[Cutoff, ...], test: Cutoff, seed: int) -> Prediction:
    """Return LightGBM at near-default settings on the features: a classifier, a Poisson and a Tweedie model."""
    import lightgbm  # noqa: PLC0415  # a second to import; only evaluation needs it

    rows, happened = dataset.stacked(cutoffs)
    names = list(CORE.names)
    matrix = rows[names].to_numpy(dtype=np.float64, na_value=np.nan)
    asked = dataset.snapshot(test)[names].to_numpy(dtype=np.float64, na_value=np.nan)

    def fitted(objective: str, target: Floats) -> Floats:
        settings = {
            "objective": objective,
            "seed": seed,
            "verbosity": -1,
            "num_threads": 1,
            "deterministic": True,
        }
        booster = lightgbm.train(settings | {"force_row_wise": True}, lightgbm.Dataset(matrix, target), 100)
        return np.asarray(booster.predict(asked))

    return Prediction(
        fitted("binary", (happened.orders > 0).astype(np.float64)),
        fitted("poisson", happened.orders),
        fitted("tweedie", np.maximum(happened.value, 0.0)),
    )


def simple_predictions(dataset: Dataset, test: Cutoff, ours: CustomerPredictors) -> dict[str, Prediction]:
    """Return what could be served instead, at a test cutoff: the purchase process alone, and the rules.

    Parameters
    ----------
    dataset : Dataset
    test : Cutoff
    ours : CustomerPredictors
        Their purchase process, asked alone, is the BG/NBD and Gamma-Gamma peer.
    """
    alone = ours.without_trees()
    name = {"bg_nbd": "bg_nbd_gamma_gamma", "store_rate": "store_rate"}[alone.next_order.process.kind]
    said = {name: ask(alone, dataset.snapshot(test), dataset.horizon_days)}
    cutoffs = dataset.training_cutoffs(test)
    if cutoffs:
        said |= rule_predictions(dataset, cutoffs, test)
    return said
