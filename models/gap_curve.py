"""When a pair is bought again: log-normal gaps pooled up to the store, and a share who never rebuy.

The gap from one purchase to the next is log-normal for those who rebuy at all; a share of pairs, smaller
the more often they were bought, never does (a mixture cure model, Boag 1949). Means, variances and shares are
pooled by conjugate weights: a pair leans on its product, that on its category, that on the store.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr, ndtri

from models.pooling import Floats, Ints, Tree

_ITEM_STRENGTH: Final = 20.0  # gaps: weight of the level above in an item's mean, of 0 in a customer's pace
_PAIR_STRENGTH: Final = 3.0  # gaps: weight of the item in a pair's mean; about within / between variance
_VARIANCE_STRENGTH: Final = 50.0  # degrees of freedom: weight of the level above in an item's variance
_PAIR_VARIANCE_STRENGTH: Final = 6.0  # degrees of freedom: weight of the item in a pair's variance
_CURE_STRENGTH: Final = (
    10.0  # pairs expected to have stopped: weight of the level above in an item's cure factor
)
_REBUY_STRENGTH: Final = 5.0  # buyers: weight of the level above in an item's share of buyers who rebuy
_DEFAULT_GAP_DAYS: Final = 30.0  # one imagined gap, so that a store without any still gets an answer
_DEFAULT_VARIANCE: Final = 1.0  # of that imagined gap, log days squared
_MAX_COUNT: Final = 12  # purchases: from here on a further one hardly changes who stops
_MAX_STOPPED: Final = 0.95  # share: leaves every pair some chance
_CURE_ROUNDS: Final = 12  # EM rounds
_SIGNIFICANT_DIGITS: Final = 6  # of stored parameters


@dataclass(frozen=True)
class GapParameters:
    """What one level's gaps taught; node 0 is the store, then categories, then products.

    Parameters
    ----------
    names : (nodes,) str
        Category path or product id; "" for the store.
    depth : (nodes,) int
        0 store, 1 category, 2 product.
    parent : (nodes,) int
    gaps : (nodes,) float, gaps seen
    log_gap_mean : (nodes,) float, log days
    log_gap_variance : (nodes,) float, log days squared
    stopped_factor : (nodes,) float
        The node's share of pairs that stop, relative to the store's at the same count.
    rebuy_share : (nodes,) float
        Of an item's buyers, those who bought it again within `models.gaps.REBUY_DAYS` of the first time.
    stopped_share : (13,) float
        The store's share of pairs that stop after the k-th purchase; the last entry stands for 12 and more.
    """

    names: tuple[str, ...]
    depth: Ints
    parent: Ints
    gaps: Floats
    log_gap_mean: Floats
    log_gap_variance: Floats
    stopped_factor: Floats
    rebuy_share: Floats
    stopped_share: Floats

    def to_json_dict(self) -> dict[str, Any]:
        """Return lists and strings only."""
        return {key: value if key == "names" else value.tolist() for key, value in asdict(self).items()} | {
            "names": list(self.names)
        }

    @classmethod
    def from_json_dict(cls, stored: dict[str, Any]) -> "GapParameters":
        """Return the same parameters, bit for bit."""
        arrays = {key: np.asarray(value) for key, value in stored.items() if key != "names"}
        return cls(names=tuple(stored["names"]), **arrays)

    def paths(self, rows: pd.DataFrame) -> Ints:
        """Return the nodes above each row, store first; where a level has no node, its parent's is repeated.

        Parameters
        ----------
        rows : pandas.DataFrame
            With `item` and `category`.

        Returns
        -------
        (n, levels) int
        """
        return Tree(self.names, self.depth, self.parent).paths(rows)


@dataclass(frozen=True)
class GapCurve:
    """Each pair's distribution of the gap, given that it has lasted `elapsed_days` already.

    Parameters
    ----------
    mean, deviation : (n,) float, log days
    rebuys : (n,) float
        Share of such pairs that are ever bought again, seen from the last purchase.
    elapsed_days : (n,) float, days
    """

    mean: Floats
    deviation: Floats
    rebuys: Floats
    elapsed_days: Floats

    def reached(self, days: Floats) -> Floats:
        """Return the share of gaps, of those who rebuy, that are over before `days` days are."""
        # Gaps are whole days: a gap of g days fills g - 0.5 to g + 0.5.
        return np.asarray(ndtr((np.log(np.maximum(days - 0.5, 1e-9)) - self.mean) / self.deviation))

    def probability(self, horizon_days: float) -> Floats:
        """Return P(bought on one of the next `horizon_days` days | not bought for `elapsed_days`).

        Returns
        -------
        (n,) float
            rho (F(e + h) - F(e)) / (1 - rho F(e)).
        """
        now, then = self.reached(self.elapsed_days), self.reached(self.elapsed_days + horizon_days)
        return self.rebuys * (then - now) / (1 - self.rebuys * now)

    def gap_days(self, probability: Floats) -> Floats:
        """Return the whole-day gap by which that probability is reached; infinite where it never is.

        Parameters
        ----------
        probability : (n,) float

        Returns
        -------
        (n,) float, days
            From the last purchase; never less than `elapsed_days`.
        """
        now = self.reached(self.elapsed_days)
        level = now + probability * (1 - self.rebuys * now) / self.rebuys
        with np.errstate(over="ignore"):
            gap = np.floor(np.exp(self.mean + self.deviation * ndtri(np.minimum(level, 1.0))) + 0.5)
        return np.maximum(gap, self.elapsed_days)


def fit_gaps(pairs: pd.DataFrame, buyers: pd.DataFrame, levels: int) -> GapParameters:
    """Estimate one level's parameters.

    Parameters
    ----------
    pairs : pandas.DataFrame
        As `models.gaps.pairs_as_of` gives it; may be empty.
    buyers : pandas.DataFrame
        As `models.gaps.buyers_as_of` gives it.
    levels : int
        1 when items are categories, 2 when they are products below categories.

    Returns
    -------
    GapParameters
    """
    tree = Tree.grow(pairs, levels)
    paths = tree.paths(pairs)
    gaps = pairs["days_bought"].to_numpy(np.float64) - 1
    mean, variance = _fit_log_gaps(tree, paths, pairs, gaps)
    sums = buyers[["buyers", "rebuyers"]].to_numpy(np.float64)
    above = tree.paths(buyers)
    bought, again = tree.totals(above, sums[:, 0]), tree.totals(above, sums[:, 1])
    start = GapParameters(
        names=tree.names,
        depth=tree.depth,
        parent=tree.parent,
        gaps=tree.totals(paths, gaps),
        log_gap_mean=_short(mean),
        log_gap_variance=_short(variance),
        stopped_factor=np.ones(len(tree.names)),
        rebuy_share=_short(tree.pooled(again, bought, (again[0] + 1) / (bought[0] + 2), _REBUY_STRENGTH)),
        stopped_share=np.zeros(_MAX_COUNT + 1),
    )
    return _with_stopping(start, tree, paths, pairs)


def _fit_log_gaps(tree: Tree, paths: Ints, pairs: pd.DataFrame, gaps: Floats) -> tuple[Floats, Floats]:
    sums = pairs["log_gap_sum"].to_numpy(np.float64)
    squares = pairs["log_gap_squared_sum"].to_numpy(np.float64)
    weights = tree.totals(paths, gaps)
    root = float((sums.sum() + np.log(_DEFAULT_GAP_DAYS)) / (gaps.sum() + 1))
    mean = tree.pooled(tree.totals(paths, sums), weights, root, _ITEM_STRENGTH)
    # Fast customers buy other items than slow ones: their pace is taken out before items are compared.
    steady = sums - gaps * _customer_pace(pairs, gaps, sums, mean[paths[:, -1]])
    mean = tree.pooled(tree.totals(paths, steady), weights, root, _ITEM_STRENGTH)
    within = squares - sums**2 / gaps
    spread = float((within.sum() + _DEFAULT_VARIANCE) / ((gaps - 1).sum() + 1))
    freedom = tree.totals(paths, gaps - 1)
    return mean, tree.pooled(tree.totals(paths, within), freedom, spread, _VARIANCE_STRENGTH)


def _customer_pace(pairs: pd.DataFrame, gaps: Floats, sums: Floats, expected: Floats) -> Floats:
    """Return how much slower than other buyers each row's customer is, log days, pooled towards 0."""
    customer, _ = pd.factorize(pairs["customer_id"])
    late = np.bincount(customer, sums - gaps * expected)
    return np.asarray((late / (np.bincount(customer, gaps) + _ITEM_STRENGTH))[customer])


def curves(parameters: GapParameters, pairs: pd.DataFrame) -> GapCurve:
    """Return each pair's curve: its own gaps pooled with its item's, at its customer's pace.

    Only the parameters and the customer's own rows count, so a customer alone gets what it gets in the crowd.
    """
    node = parameters.paths(pairs)[:, -1]
    count = pairs["days_bought"].to_numpy(np.int64)
    gaps, sums = count - 1.0, pairs["log_gap_sum"].to_numpy(np.float64)
    expected = parameters.log_gap_mean[node]
    expected = expected + _customer_pace(pairs, gaps, sums, expected)
    mean = (sums + _PAIR_STRENGTH * expected) / (gaps + _PAIR_STRENGTH)
    away = gaps * _PAIR_STRENGTH / (gaps + _PAIR_STRENGTH) * (sums / gaps - expected) ** 2
    within = np.maximum(pairs["log_gap_squared_sum"].to_numpy(np.float64) - sums**2 / gaps, 0.0) + away
    known = _PAIR_VARIANCE_STRENGTH * parameters.log_gap_variance[node]
    variance = (within + known) / (gaps + _PAIR_VARIANCE_STRENGTH) * (1 + 1 / (gaps + _PAIR_STRENGTH))
    stopped = parameters.stopped_share[np.minimum(count, _MAX_COUNT)] * parameters.stopped_factor[node]
    elapsed = pairs["elapsed_days"].to_numpy(np.float64)
    return GapCurve(mean, np.sqrt(variance), 1 - np.minimum(stopped, _MAX_STOPPED), elapsed)


def bases(parameters: GapParameters, pairs: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Say whose gaps weigh most in each pair's mean.

    Returns
    -------
    (n,) str
        "customer" (this pair's own gaps), "product", "category" or "store".
    """
    paths = parameters.paths(pairs)
    gaps = pairs["days_bought"].to_numpy(np.float64) - 1
    left = _PAIR_STRENGTH / (gaps + _PAIR_STRENGTH)
    weights, names = [1 - left], ["customer"]
    for level in range(paths.shape[1] - 1, 0, -1):
        node = paths[:, level]
        own = node != paths[:, level - 1]
        share = np.where(own, parameters.gaps[node] / (parameters.gaps[node] + _ITEM_STRENGTH), 0.0)
        weights.append(left * share)
        left = left * (1 - share)
        names.append("category" if level == 1 else "product")
    heaviest = np.argmax([*weights, left], axis=0)
    chosen: npt.NDArray[np.object_] = np.take(np.asarray([*names, "store"], dtype=object), heaviest)
    return chosen


def _with_stopping(start: GapParameters, tree: Tree, paths: Ints, pairs: pd.DataFrame) -> GapParameters:
    """Add who stops buying, by expectation-maximisation over pairs whose last gap is still open."""
    curve = curves(start, pairs)
    open_still = 1 - curve.reached(curve.elapsed_days)
    count = pairs["days_bought"].to_numpy(np.int64)
    capped, node = np.minimum(count, _MAX_COUNT), paths[:, -1]
    purchases = np.bincount(capped, minlength=_MAX_COUNT + 1).astype(np.float64)
    purchases[:_MAX_COUNT] += purchases[::-1].cumsum()[::-1][
        1:
    ]  # a pair with k purchases went on after each before
    purchases[_MAX_COUNT] += np.maximum(count - _MAX_COUNT, 0).sum()
    share, factor = np.full(_MAX_COUNT + 1, 0.1), np.ones(len(tree.names))
    for _ in range(_CURE_ROUNDS):
        stopped = np.minimum(share[capped] * factor[node], _MAX_STOPPED)
        stopped = stopped / (stopped + (1 - stopped) * open_still)
        share = (np.bincount(capped, stopped, _MAX_COUNT + 1) + 0.1) / (purchases + 1)
        share[:2] = 0.0  # pairs enter at their second purchase
        chances = np.cumsum(share)[capped] + share[_MAX_COUNT] * np.maximum(count - _MAX_COUNT, 0)
        totals = tree.totals(paths, stopped), tree.totals(paths, chances)
        factor = tree.pooled(*totals, 1.0, _CURE_STRENGTH)
    return GapParameters(**{**vars(start), "stopped_factor": _short(factor), "stopped_share": _short(share)})


def _short(values: Floats) -> Floats:
    """Round to the stored precision now, so that a parameter read back is the one that was used."""
    return np.asarray(
        [float(f"{value:.{_SIGNIFICANT_DIGITS}g}") for value in values.tolist()], dtype=np.float64
    )
