"""What else one might sort refills by: the rules of the suites, published models, and plain boosting.

Each peer answers for the pairs it is asked about: a customer with a product or category, bought on two days or more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from models.gaps import Days, Floats, Items
from models.pair_history import pairs_as_of

REPEATED: Final = 2
"""Days bought from which on a pair is judged: it has a gap of its own."""

_WINDOWS: Final = 3
_MOST_ROWS: Final = 300_000
_LEAST_REBOUGHT: Final = 50
_ROUNDS: Final = 100
_SETTINGS: Final = {
    "objective": "binary",
    "min_data_in_leaf": 100,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
_PAIR_FEATURES: Final = (
    *(
        "days_bought",
        "days_bought_28d",
        "days_bought_56d",
        "days_bought_84d",
        "elapsed_days",
        "full_age_days",
    ),
    *("log_gap_mean", "log_gap_deviation", "last_gap_days", "gap_before_days", "quantity"),
    *(
        "visits",
        "visits_28d",
        "visits_84d",
        "last_visit_days",
        "customer_full_age_days",
        "log_visit_gap_mean",
    ),
    *("visits_since", "visits_share", "items_a_visit", "category_elapsed_days", "category_share"),
)


@dataclass(frozen=True)
class Asked:
    """A question: who buys what again within the horizon.

    Parameters
    ----------
    days : Days
        All that was bought before the cutoff.
    items : Items
    pairs : (n, k) pandas.DataFrame
        The pairs asked about, as `models.pair_history.pairs_as_of` gives them at the cutoff.
    cutoff_day : int, local days since 1970-01-01
    horizon_days : int, days
    all_pairs : pandas.DataFrame
        Every pair at the cutoff, those bought once too.
    """

    days: Days
    items: Items
    pairs: pd.DataFrame
    cutoff_day: int
    horizon_days: int
    all_pairs: pd.DataFrame


@dataclass(frozen=True)
class RefillPeer:
    """A method to compare with.

    Parameters
    ----------
    name : str
    probability : bool
        Whether its score is one.
    score : callable
        Asked to (n,) float, or None where it has too little to learn from.
    """

    name: str
    probability: bool
    score: Callable[[Asked], Floats | None]


def mean_gap_days(pairs: pd.DataFrame) -> Floats:
    """Return each pair's mean gap, days; NaN for a pair bought once."""
    span = (pairs["full_age_days"] - pairs["elapsed_days"]).to_numpy(np.float64)
    return np.asarray(span / np.where(pairs["days_bought"] > 1, pairs["days_bought"] - 1, np.nan))


def _due(asked: Asked) -> Floats:
    """Last purchase plus mean gap falls into the window."""
    left = mean_gap_days(asked.pairs) - asked.pairs["elapsed_days"].to_numpy()
    return np.asarray((left >= 0) & (left < asked.horizon_days), dtype=np.float64)


def _nearest(asked: Asked) -> Floats:
    return np.asarray(-np.abs(mean_gap_days(asked.pairs) - asked.pairs["elapsed_days"].to_numpy()))


def _rebuyers(asked: Asked) -> Floats:
    """Repeat customer probability: the share of an item's buyers who have bought it again."""
    buyers = np.bincount(asked.all_pairs["item"])
    again = np.bincount(asked.all_pairs["item"], asked.all_pairs["days_bought"] > 1)
    return np.asarray((again / np.maximum(buyers, 1))[asked.pairs["item"]])


def _count(asked: Asked) -> Floats:
    return np.asarray(asked.pairs["days_bought"].to_numpy(np.float64))


def _rate(asked: Asked, exposure: Floats) -> Floats:
    """Return (k + alpha) / (t + beta) with the item's gamma of rates, by moments over its buyers."""
    pairs = asked.pairs
    rate = pairs["days_bought"].to_numpy(np.float64) / np.maximum(
        pairs["full_age_days"].to_numpy(np.float64), 1.0
    )
    item = pairs["item"].to_numpy()
    size = np.bincount(item).astype(np.float64)
    # Ten imagined buyers like the store's: a variance of two or three means nothing.
    store_mean, store_square = rate.mean(), (rate**2).mean()
    mean = (np.bincount(item, rate) + 10 * store_mean) / (size + 10)
    square = (np.bincount(item, rate**2) + 10 * store_square) / (size + 10)
    variance = np.maximum(square - mean**2, 1e-9)
    alpha, beta = (mean**2 / variance)[item], (mean / variance)[item]
    return np.asarray((pairs["days_bought"].to_numpy(np.float64) + alpha) / (exposure + beta))


def _poisson_gamma(asked: Asked) -> Floats:
    """Poisson-Gamma (Bhagat et al., KDD 2018, Buy It Again): the rate since the first purchase."""
    rate = _rate(asked, asked.pairs["full_age_days"].to_numpy(np.float64))
    return np.asarray(_rebuyers(asked) * -np.expm1(-rate * asked.horizon_days))


def _modified_poisson_gamma(asked: Asked) -> Floats:
    """Return the same with the time since the last purchase measured from when it falls due, until twice the gap."""
    elapsed, gap = asked.pairs["elapsed_days"].to_numpy(np.float64), mean_gap_days(asked.pairs)
    span = asked.pairs["full_age_days"].to_numpy(np.float64) - elapsed
    exposure = span + np.where(elapsed < 2 * gap, np.abs(gap - elapsed), elapsed)
    return np.asarray(_rebuyers(asked) * -np.expm1(-_rate(asked, exposure) * asked.horizon_days))


def _boosting(asked: Asked) -> Floats | None:
    """LightGBM with its defaults on 26 features, over the last windows of one horizon."""
    import lightgbm  # noqa: PLC0415 - a second to import

    inputs, targets = [], []
    for back in range(1, _WINDOWS + 1):
        day = asked.cutoff_day - asked.horizon_days * back
        pairs = pairs_as_of(asked.days, asked.items, day)
        rows = (pairs["days_bought"] >= REPEATED).to_numpy()
        if rows.any():
            inputs.append(_features(pairs)[rows])
            targets.append(bought_within(asked.days, pairs[rows], day, asked.horizon_days))
    target = np.concatenate(targets) if targets else np.zeros(0)
    if min(target.sum(), len(target) - target.sum()) < _LEAST_REBOUGHT:
        return None
    chosen = np.sort(np.random.default_rng(0).permutation(len(target))[:_MOST_ROWS])
    data = lightgbm.Dataset(np.concatenate(inputs)[chosen], target[chosen])
    # A parameter set of its own: LightGBM writes into the one that it is given.
    booster = lightgbm.train({**_SETTINGS}, data, _ROUNDS)
    whole = _features(asked.all_pairs)[(asked.all_pairs["days_bought"] >= REPEATED).to_numpy()]
    order = asked.all_pairs.loc[asked.all_pairs["days_bought"] >= REPEATED, ["customer", "item"]]
    said = order.assign(said=np.asarray(booster.predict(whole, num_threads=1)))
    return asked.pairs[["customer", "item"]].merge(said, on=["customer", "item"])["said"].to_numpy(np.float64)


def _features(pairs: pd.DataFrame) -> Floats:
    item = pairs["item"].to_numpy()
    buyers = np.bincount(item).astype(np.float64)
    repeats = np.bincount(item, pairs["days_bought"] > 1) / np.maximum(buyers, 1)
    gaps = np.bincount(item, pairs["days_bought"] - 1)
    gap = np.bincount(item, pairs["log_gap_sum"]) / np.maximum(gaps, 1)
    late = np.bincount(item, pairs["days_bought_28d"])
    own = [pairs[name].to_numpy(np.float64) for name in _PAIR_FEATURES]
    return np.column_stack([*own, *(column[item] for column in (buyers, repeats, gap, late))])


def bought_within(days: Days, pairs: pd.DataFrame, day: int, horizon_days: int) -> Floats:
    """Return (n,) float, 1 where a pair was bought in [day, day + horizon_days)."""
    window = (days.day >= day) & (days.day < day + horizon_days)
    key = days.customer[window] * 2**32 + days.item[window]
    asked = pairs["customer"].to_numpy() * 2**32 + pairs["item"].to_numpy()
    return np.isin(asked, key).astype(np.float64)


PEERS: Final = (
    RefillPeer("last + mean gap, due", probability=False, score=_due),
    RefillPeer("last + mean gap, nearest", probability=False, score=_nearest),
    RefillPeer("share who rebuy (RCP)", probability=False, score=_rebuyers),
    RefillPeer("purchase count", probability=False, score=_count),
    RefillPeer("Poisson-Gamma", probability=True, score=_poisson_gamma),
    RefillPeer("modified Poisson-Gamma", probability=True, score=_modified_poisson_gamma),
    RefillPeer("LightGBM, 26 features", probability=True, score=_boosting),
)
