"""When a pair is bought again: log-normal gaps pooled up to the store, and a share who never rebuy.

The gap from one purchase to the next is log-normal for those who rebuy at all; a share of pairs, smaller the more
often they were bought, never does (a mixture cure model, Boag 1949). Gaps that are still open count with what they
are expected to become. Means, variances and shares are pooled by conjugate weights: a pair leans on its product,
that on its category, that on the store. What was taken last stretches the open gap by an elasticity that is learnt.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import log_ndtr, ndtr, ndtri

from models.gaps import Items
from models.item_counts import ItemCounts, counted
from models.item_rates import (
    DEFAULT_GAP_DAYS,
    DEFAULT_VARIANCE,
    ITEM_STRENGTH,
    SHARE_STRENGTH,
    VARIANCE_STRENGTH,
    ItemRates,
)
from models.pooling import Floats, Ints, Tree

_PACE_STRENGTH: Final = 20.0  # gaps: weight of 0 in a customer's pace
_PAIR_STRENGTH: Final = 3.0  # gaps: weight of the item in a pair's mean; about within / between variance
_PAIR_VARIANCE_STRENGTH: Final = 6.0  # degrees of freedom: weight of the item in a pair's variance
_STOP_STRENGTH: Final = 10.0  # pairs expected to have stopped: weight of the level above in an item's factor
_MAX_COUNT: Final = 12  # purchases: from here on a further one hardly changes who stops
_MAX_STOPPED: Final = 0.98  # share: leaves every pair some chance
_MOST_MORE: Final = 1.1  # log quantity: three times the usual; a pallet says nothing about a household
_STOP_ROUNDS: Final = 5  # EM rounds
_OPEN_ROUNDS: Final = 2  # times that open gaps are counted with what they are expected to become
_SIGNIFICANT_DIGITS: Final = 5  # of stored parameters
_COUNTED: Final = ("rebuy_share", "kept_share", "trend", "trend_14d", "season")
_SHARED = ("names", "depth", "parent")


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
    buyers : (nodes,) float, pairs seen
    gaps : (nodes,) float, complete gaps seen
    log_gap_mean : (nodes,) float, log days
    log_gap_variance : (nodes,) float, log days squared
    stopped_first : (nodes,) float
        Share of first-time buyers who never buy it again.
    stopped_factor : (nodes,) float
        The node's share of pairs that stop later, relative to the store's at the same count.
    elasticity : (nodes,) float
        By how many per cent the gap grows with one per cent more taken.
    rebuy_share : (nodes,) float
        Of an item's buyers, those who bought it again within `models.pair_history.REBUY_DAYS` of the first time.
    kept_share : (nodes,) float
        Of the pairs bought twice four weeks ago, those bought since.
    trend, trend_14d : (nodes,) float
        Purchases of the last 28 and 14 days over a third and a sixth of those of the last 84.
    season : (nodes,) float
        Part of a year's purchases that fell into the coming four weeks last year, over the same of the store; 1 where
        it was not open then.
    stopped_share : (13,) float
        The store's share of pairs that stop after the k-th purchase, k at least 2; the last stands for 12 and more.
    """

    names: tuple[str, ...]
    depth: Ints
    parent: Ints
    buyers: Floats
    gaps: Floats
    log_gap_mean: Floats
    log_gap_variance: Floats
    stopped_first: Floats
    stopped_factor: Floats
    elasticity: Floats
    rebuy_share: Floats
    kept_share: Floats
    trend: Floats
    trend_14d: Floats
    season: Floats
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

    @property
    def tree(self) -> Tree:
        """The nodes' places."""
        return Tree(self.names, self.depth, self.parent)

    def counted_anew(self, pairs: pd.DataFrame, items: Items) -> "GapParameters":
        """Return the same with shares, trends and season as they are counted later."""
        rates = ItemRates.of(counted(pairs, items), items, self.tree)
        return replace(self, **{name: getattr(rates, name) for name in _COUNTED})

    def paths(self, items: Items) -> Ints:
        """Return the (items, levels) nodes above each item; where a level has none, its parent's is repeated."""
        return self.tree.paths(items)


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

    def take(self, rows: npt.NDArray[np.bool_] | Ints) -> "GapCurve":
        """Return the curves of some of the pairs."""
        return GapCurve(self.mean[rows], self.deviation[rows], self.rebuys[rows], self.elapsed_days[rows])

    def reached(self, days: Floats) -> Floats:
        """Return the share of gaps, of those who rebuy, that are over before `days` days are."""
        return np.asarray(ndtr(self._place(days)))

    def _place(self, days: Floats) -> Floats:
        # Gaps are whole days: a gap of g days fills g - 0.5 to g + 0.5.
        return np.asarray((np.log(np.maximum(days - 0.5, 1e-9)) - self.mean) / self.deviation)

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

    def expected_open(self) -> tuple[Floats, Floats]:
        """Return mean and variance of the logarithm of a gap known to last `elapsed_days`, of those who rebuy."""
        place = self._place(self.elapsed_days)
        ratio = np.exp(-0.5 * place**2 - log_ndtr(-place)) / np.sqrt(2 * np.pi)
        left = np.maximum(1 + place * ratio - ratio**2, 0.0)
        return self.mean + self.deviation * ratio, self.deviation**2 * left


def fit_gaps(
    pairs: pd.DataFrame, items: Items, levels: int, everybody: ItemCounts | None = None
) -> GapParameters:
    """Estimate one level's parameters.

    Parameters
    ----------
    pairs : pandas.DataFrame
        As `models.pair_history.pairs_as_of` gives it; may be empty.
    items : Items
        Of the same level.
    levels : int
        1 when items are categories, 2 when they are products below categories.
    everybody : ItemCounts or None
        Where the pairs are of some customers only: the counts of all, which say more of an item than a sample does.

    Returns
    -------
    GapParameters
    """
    own = counted(pairs, items)
    known = own if everybody is None else everybody
    tree = Tree.grow(items, known.buyers, levels)
    seen = ItemRates.of(own, items, tree)
    rates = seen if everybody is None else ItemRates.of(known, items, tree)
    paths = tree.paths(items)[pairs["item"].to_numpy()]
    nothing = np.zeros(len(pairs))
    mean, variance = _fit_log_gaps(tree, paths, pairs, (nothing, nothing, nothing))
    nodes = np.zeros(len(tree.names))
    found = GapParameters(
        names=tree.names,
        depth=tree.depth,
        parent=tree.parent,
        buyers=seen.buyers,
        gaps=rates.gaps,
        log_gap_mean=mean,
        log_gap_variance=variance,
        stopped_first=nodes + 0.5,
        stopped_factor=nodes + 1.0,
        elasticity=rates.elasticity,
        rebuy_share=rates.rebuy_share,
        kept_share=rates.kept_share,
        trend=rates.trend,
        trend_14d=rates.trend_14d,
        season=rates.season,
        stopped_share=np.full(_MAX_COUNT + 1, 0.1),
    )
    for _ in range(_OPEN_ROUNDS):
        found = _with_open(_with_stopping(found, paths, pairs), paths, pairs)
    if everybody is not None:
        found = _moved(found, seen, rates)
    rounded: dict[str, Any] = {key: _short(value) for key, value in vars(found).items() if key not in _SHARED}
    return replace(found, **rounded)


def _moved(found: GapParameters, seen: ItemRates, rates: ItemRates) -> GapParameters:
    """Move means and variances by as much as the sample's own complete gaps are off from all (a control variate)."""
    return replace(
        found,
        buyers=rates.buyers,
        log_gap_mean=found.log_gap_mean + rates.log_gap_mean - seen.log_gap_mean,
        log_gap_variance=found.log_gap_variance * rates.log_gap_variance / seen.log_gap_variance,
    )


def _fit_log_gaps(
    tree: Tree, paths: Ints, pairs: pd.DataFrame, still_open: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats]:
    """Return the nodes' means and variances; `still_open` is each open gap's weight, expectation and variance."""
    weight, expected, uncertain = still_open
    gaps = pairs["days_bought"].to_numpy(np.float64) - 1 + weight
    sums = pairs["log_gap_sum"].to_numpy(np.float64) + weight * expected
    squares = pairs["log_gap_squared_sum"].to_numpy(np.float64) + weight * (expected**2 + uncertain)
    weights = tree.totals(paths, gaps)
    root = float((sums.sum() + np.log(DEFAULT_GAP_DAYS)) / (gaps.sum() + 1))
    mean = tree.pooled(tree.totals(paths, sums), weights, root, ITEM_STRENGTH)
    # Fast customers buy other items than slow ones: their pace is taken out before items are compared.
    steady = sums - gaps * _customer_pace(pairs, mean[paths[:, -1]])
    mean = tree.pooled(tree.totals(paths, steady), weights, root, ITEM_STRENGTH)
    within = np.maximum(squares - sums**2 / np.maximum(gaps, 1e-9), 0.0)
    free = np.maximum(gaps - 1, 0.0)
    spread = float((within[free > 0].sum() + DEFAULT_VARIANCE) / (free.sum() + 1))
    return mean, tree.pooled(
        tree.totals(paths, np.where(free > 0, within, 0.0)),
        tree.totals(paths, free),
        spread,
        VARIANCE_STRENGTH,
    )


def _customer_pace(pairs: pd.DataFrame, expected: Floats) -> Floats:
    """Return how much slower than other buyers each row's customer is, log days, pooled towards 0."""
    gaps = pairs["days_bought"].to_numpy(np.float64) - 1
    customer, _ = pd.factorize(pairs["customer"])
    late = np.bincount(customer, pairs["log_gap_sum"].to_numpy(np.float64) - gaps * expected)
    return np.asarray((late / (np.bincount(customer, gaps) + _PACE_STRENGTH))[customer])


def curves(parameters: GapParameters, paths: Ints, pairs: pd.DataFrame) -> GapCurve:
    """Return each pair's curve: its own gaps pooled with its item's, at its customer's pace.

    Only the parameters and the customer's own rows count, so a customer alone gets what he gets in the crowd. A pair
    bought once has its item's curve.

    Parameters
    ----------
    parameters : GapParameters
    paths : (n, levels) int
        Of each pair's item, from `parameters.paths`.
    pairs : (n, k) pandas.DataFrame
        Whole customers.
    """
    node = paths[:, -1]
    count = pairs["days_bought"].to_numpy(np.int64)
    gaps, sums = count - 1.0, pairs["log_gap_sum"].to_numpy(np.float64)
    expected = parameters.log_gap_mean[node]
    expected = expected + _customer_pace(pairs, expected)
    mean = (sums + _PAIR_STRENGTH * expected) / (gaps + _PAIR_STRENGTH)
    own = np.maximum(gaps, 1.0)
    away = gaps * _PAIR_STRENGTH / (gaps + _PAIR_STRENGTH) * (sums / own - expected) ** 2
    within = np.maximum(pairs["log_gap_squared_sum"].to_numpy(np.float64) - sums**2 / own, 0.0) + away
    known = _PAIR_VARIANCE_STRENGTH * parameters.log_gap_variance[node]
    variance = (within + known) / (gaps + _PAIR_VARIANCE_STRENGTH) * (1 + 1 / (gaps + _PAIR_STRENGTH))
    more = np.clip(pairs["log_quantity_more"].to_numpy(np.float64), -_MOST_MORE, _MOST_MORE)
    return GapCurve(
        mean + parameters.elasticity[node] * more,
        np.sqrt(variance),
        1 - _stopped(parameters, node, count),
        pairs["elapsed_days"].to_numpy(np.float64),
    )


def _stopped(parameters: GapParameters, node: Ints, count: Ints) -> Floats:
    """Return the share of such pairs that were bought for the last time."""
    later = parameters.stopped_share[np.minimum(count, _MAX_COUNT)] * parameters.stopped_factor[node]
    return np.minimum(np.where(count == 1, parameters.stopped_first[node], later), _MAX_STOPPED)


def bases(parameters: GapParameters, paths: Ints, pairs: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Say whose gaps weigh most in each pair's mean.

    Returns
    -------
    (n,) str
        "customer" (this pair's own gaps), "product", "category" or "store".
    """
    gaps = pairs["days_bought"].to_numpy(np.float64) - 1
    left = _PAIR_STRENGTH / (gaps + _PAIR_STRENGTH)
    weights, names = [1 - left], ["customer"]
    for level in range(paths.shape[1] - 1, 0, -1):
        node = paths[:, level]
        own = node != paths[:, level - 1]
        share = np.where(own, parameters.gaps[node] / (parameters.gaps[node] + ITEM_STRENGTH), 0.0)
        weights.append(left * share)
        left = left * (1 - share)
        names.append("category" if level == 1 else "product")
    heaviest = np.argmax([*weights, left], axis=0)
    chosen: npt.NDArray[np.object_] = np.take(np.asarray([*names, "store"], dtype=object), heaviest)
    return chosen


def _with_stopping(start: GapParameters, paths: Ints, pairs: pd.DataFrame) -> GapParameters:
    """Add who stops buying, by expectation-maximisation over pairs whose last gap is still open."""
    tree, node = start.tree, paths[:, -1]
    curve = curves(start, paths, pairs)
    open_still = 1 - curve.reached(curve.elapsed_days)
    count = pairs["days_bought"].to_numpy(np.int64)
    capped, once = np.minimum(count, _MAX_COUNT), count == 1
    reached = np.bincount(capped, minlength=_MAX_COUNT + 1).astype(np.float64)
    # A pair with k purchases went on after each before.
    purchases = reached[::-1].cumsum()[::-1]
    purchases[_MAX_COUNT] += np.maximum(count - _MAX_COUNT, 0).sum()
    share, factor, first = start.stopped_share, start.stopped_factor, start.stopped_first
    for _ in range(_STOP_ROUNDS):
        stopped = _stopped(
            replace(start, stopped_share=share, stopped_factor=factor, stopped_first=first), node, count
        )
        stopped = stopped / (stopped + (1 - stopped) * open_still)
        share = (np.bincount(capped, stopped, _MAX_COUNT + 1) + 0.1) / (purchases + 1)
        share[:2] = 0.0
        chances = np.cumsum(share)[capped] + share[_MAX_COUNT] * np.maximum(count - _MAX_COUNT, 0)
        later = np.where(once, 0.0, stopped)
        factor = tree.pooled(tree.totals(paths, later), tree.totals(paths, chances), 1.0, _STOP_STRENGTH)
        gone = tree.totals(paths, np.where(once, stopped, 0.0))
        first = tree.pooled(gone, start.buyers, float((gone[0] + 1) / (start.buyers[0] + 2)), SHARE_STRENGTH)
    return replace(start, stopped_share=share, stopped_factor=factor, stopped_first=first)


def _with_open(start: GapParameters, paths: Ints, pairs: pd.DataFrame) -> GapParameters:
    """Fit means and variances again, each open gap counted by the chance that it will ever end."""
    curve = curves(start, paths, pairs)
    open_still = 1 - curve.reached(curve.elapsed_days)
    weight = curve.rebuys * open_still / (1 - curve.rebuys * (1 - open_still))
    mean, variance = _fit_log_gaps(start.tree, paths, pairs, (weight, *curve.expected_open()))
    return replace(start, log_gap_mean=mean, log_gap_variance=variance)


def _short(values: Floats) -> Floats:
    """Round to the stored precision now, so that a parameter read back is the one that was used."""
    return np.asarray(
        [float(f"{value:.{_SIGNIFICANT_DIGITS}g}") for value in values.tolist()], dtype=np.float64
    )
