"""What a gap curve leaves unexplained about a pair's next purchase: boosted trees on pair, customer and item.

The curve gives the starting log-odds of "bought within h days"; the trees add to them and may never fall in h.
They learn from windows that are over, each pair described by what was known when its window began.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

from models.boosting import sample
from models.gap_curve import GapCurve, GapParameters, fit_gaps
from models.gaps import Floats, Ints, Items
from models.item_counts import ItemCounts
from models.refill_curve import KNOTS_DAYS, hazard
from models.taste import Taste

if TYPE_CHECKING:
    from lightgbm import Booster

DESCRIBED: Final = (
    *("count", "days_bought_28d", "days_bought_56d", "days_bought_84d", "days_faded_20d", "days_faded_60d"),
    *("stretches_share", "stretches_faded", "elapsed_days", "age_days", "faded_share"),
    *("log_gap_mean", "log_gap_deviation", "last_gap_days", "gap_before_days", "log_quantity_more"),
    *("visits_28d", "visits_84d", "customer_age_days", "last_visit_days", "last_visit_relative"),
    *("log_visit_gap_mean", "log_visit_gap_deviation", "items_a_visit"),
    *("visits_since", "visits_a_purchase", "visits_since_relative", "visits_share"),
    *("customer_days_28d", "customer_days_84d", "customer_repeats", "customer_kept"),
    *("category_share", "category_elapsed_days", "substitute_ahead_days", "category_items"),
    *("item_rebuys", "item_kept", "item_log_gap", "item_stops"),
    *("item_trend", "item_trend_14d", "item_season"),
    *("taste", "taste_rest", "log_spend_mean", "log_spend_more"),
    *("curve_hazard", "curve_mean", "curve_deviation", "curve_place", "curve_rebuys"),
)
"""Inputs of the trees, and `horizon_days` after them. None counts without bound: a model that has learnt from a
store's first year must not meet in its second numbers that it never saw."""

MOST_ROWS: Final = 600_000
"""Rows learnt from, as many for each horizon, each pair of each window as likely as any other."""
LEAST_ROWS: Final = 2_000
LEAST_REBOUGHT: Final = 200
"""Below these the trees would learn names instead of habits."""
SHARED_ROUNDS: Final = 90
HORIZON_ROUNDS: Final = 30
"""Trees that are not told the horizon, answered once for all of them; and those after them, which are."""
_SETTINGS: Final = {
    "objective": "binary",
    "learning_rate": 0.08,
    "num_leaves": 31,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    # One random threshold a feature and leaf: rougher trees that overlap less, as good as several seeds' mean.
    "extra_trees": True,
    "max_bin": 63,
    "bin_construct_sample_cnt": 50_000,  # rows that 63 thresholds a column are found on
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
    "monotone_constraints": [0] * len(DESCRIBED) + [1],
    "monotone_constraints_method": "intermediate",
}
_CERTAIN: Final = 1e-3  # the curve may not be surer than this
_MOST_COUNT: Final = 8
_MIDDLE: Final = 1  # of `KNOTS_DAYS`
_MOST_SHIFT: Final = 5.0  # log-odds
_HABITS: Final = 3.0  # imagined habits of which as many are kept as expected


@dataclass(frozen=True)
class Learnt:
    """What is known of a level's items when a window begins.

    Parameters
    ----------
    gaps : GapParameters
    taste : Taste or None
    """

    gaps: GapParameters
    taste: Taste | None

    @classmethod
    def of(
        cls, pairs: pd.DataFrame, items: Items, levels: int, everybody: ItemCounts | None = None
    ) -> "Learnt":
        """Learn from all pairs as of a day; arguments as for `models.gap_curve.fit_gaps`."""
        return cls(fit_gaps(pairs, items, levels, everybody), Taste.fit(pairs, items))


@dataclass(frozen=True)
class Examples:
    """Pairs as they stood when a window began, and what they did next.

    Parameters
    ----------
    inputs : (n, k) float
        Columns of `DESCRIBED`.
    offsets : (n, 3) float
        Log-odds of the curve at `KNOTS_DAYS`.
    next_days : (n,) float, days
        To the next purchase; NaN when there was none yet.
    known_days : int
        How far the outcomes reach.
    """

    inputs: npt.NDArray[np.float32]
    offsets: Floats
    next_days: Floats
    known_days: int


def described(
    learnt: Learnt, items: Items, curve: GapCurve, pairs: pd.DataFrame, rows: Ints
) -> npt.NDArray[np.float32]:
    """Return what the trees read of some pairs.

    Parameters
    ----------
    learnt : Learnt
    items : Items
    curve : GapCurve
        Of the m pairs asked for.
    pairs : (n, k) pandas.DataFrame
        Whole customers.
    rows : (m,) int
        The pairs asked for.

    Returns
    -------
    (m, k) float
        In the order of `DESCRIBED`.
    """
    parameters = learnt.gaps
    paths = parameters.paths(items)[pairs["item"].to_numpy()]
    nothing = np.full(len(rows), np.nan)
    taste, rest = (nothing, nothing) if learnt.taste is None else learnt.taste.of(pairs, items, rows)
    node = paths[rows, -1]
    # How far the customer keeps his habits, beside what others do with theirs of the same items.
    expected = pairs["habit"].to_numpy() * parameters.kept_share[paths[:, -1]]
    customer, _ = pd.factorize(pairs["customer"])
    kept = np.bincount(customer, pairs["habit_kept"]) + _HABITS
    kept = kept / (np.bincount(customer, expected) + _HABITS)
    derived = {
        "count": np.minimum(pairs["days_bought"].to_numpy()[rows], _MOST_COUNT),
        "customer_kept": kept[customer[rows]],
        "taste": taste,
        "taste_rest": rest,
        "item_rebuys": parameters.rebuy_share[node],
        "item_kept": parameters.kept_share[node],
        "item_trend": parameters.trend[node],
        "item_trend_14d": parameters.trend_14d[node],
        "item_season": parameters.season[node],
        "item_log_gap": parameters.log_gap_mean[node],
        "item_stops": parameters.stopped_first[node],
        "curve_hazard": hazard(curve.probability(KNOTS_DAYS[1])),
        "curve_mean": curve.mean,
        "curve_deviation": curve.deviation,
        "curve_place": (np.log(curve.elapsed_days) - curve.mean) / curve.deviation,
        "curve_rebuys": curve.rebuys,
    }
    out = np.empty((len(node), len(DESCRIBED)), dtype=np.float32)
    for place, name in enumerate(DESCRIBED):
        out[:, place] = derived[name] if name in derived else pairs[name].to_numpy()[rows]
    return out


def log_odds(curve: GapCurve) -> Floats:
    """Return (n, 3) float, the curve's log-odds at `KNOTS_DAYS`."""
    columns = [curve.probability(days) for days in KNOTS_DAYS]
    return np.asarray(logit(np.clip(np.column_stack(columns), _CERTAIN, 1 - _CERTAIN)))


@dataclass(frozen=True)
class RebuyTrees:
    """The fitted trees.

    Parameters
    ----------
    text : str
        LightGBM's own text format.
    shift : float, log-odds
        Added to every answer, so that what is said of the newest windows adds up to what happened in them.
    shared : int, trees
        The first ones, that answer alike for every horizon.
    """

    text: str
    shift: float = 0.0
    shared: int = 0

    @cached_property
    def _booster(self) -> "Booster":
        from lightgbm import Booster  # noqa: PLC0415 - a second to import

        return Booster(model_str=self.text)

    @classmethod
    def fit(cls, examples: list[Examples], seed: int, most_rows: int = MOST_ROWS) -> "RebuyTrees | None":
        """Fit on windows that are over; None where they hold too little to learn from.

        Parameters
        ----------
        examples : list of Examples
        seed : int
        most_rows : int
        """
        import lightgbm  # noqa: PLC0415 - a second to import

        random = np.random.default_rng(seed)
        inputs, targets, offsets = [], [], []
        for place, days in enumerate(KNOTS_DAYS):
            windows = [window for window in examples if window.known_days >= days]
            size = sum(len(window.next_days) for window in windows)
            chosen = sample(size, most_rows // len(KNOTS_DAYS), random)
            start = 0
            for window in windows:
                rows = chosen[(chosen >= start) & (chosen < start + len(window.next_days))] - start
                start += len(window.next_days)
                inputs.append(_with_horizon(window.inputs[rows], days))
                targets.append(window.next_days[rows] < days)
                offsets.append(window.offsets[rows, place])
        target = np.concatenate(targets).astype(np.float64) if targets else np.zeros(0)
        if len(target) < LEAST_ROWS or min(target.sum(), len(target) - target.sum()) < LEAST_REBOUGHT:
            return None
        leaf = int(np.clip(len(target) // 1000, 20, 200))
        settings = {**_SETTINGS, "seed": seed, "min_data_in_leaf": leaf}
        data = lightgbm.Dataset(
            np.concatenate(inputs),
            target,
            init_score=np.concatenate(offsets),
            feature_name=[*DESCRIBED, "horizon_days"],
            params=settings,
        )
        # A gain that counts nothing: the horizon is not split on, until it is let in.
        told = [1.0] * len(DESCRIBED)
        booster = lightgbm.Booster({**settings, "feature_contri": [*told, 0.0]}, data)
        for _ in range(SHARED_ROUNDS):
            booster.update()
        booster.reset_parameter({"feature_contri": [*told, 1.0]})
        for _ in range(HORIZON_ROUNDS):
            booster.update()
        return cls(booster.model_to_string(), shared=SHARED_ROUNDS)

    def settled(self, newest: list[Examples]) -> "RebuyTrees":
        """Return the same trees, their answers shifted to add up over the newest windows.

        Pairs are bought ever more seldom as a store's customers grow older, and its seasons change: older windows
        teach who buys before whom, the newest ones how many do.

        Parameters
        ----------
        newest : list of Examples
        """
        days = KNOTS_DAYS[_MIDDLE]
        said = [window.offsets[:, _MIDDLE] + self._added(window.inputs, (days,))[:, 0] for window in newest]
        scores = np.concatenate(said)
        target = float(np.concatenate([window.next_days < days for window in newest]).mean())
        shift = brentq(lambda by: float(expit(scores + by).mean()) - target, -_MOST_SHIFT, _MOST_SHIFT)
        return replace(self, shift=self.shift + round(float(shift), 6))

    def hazard_within(self, window: Examples, place: int) -> Floats:
        """Return (n,) float, -log(1 - P) at one of `KNOTS_DAYS` for the rows of a window."""
        return self._hazards(window.inputs, window.offsets[:, [place]], (KNOTS_DAYS[place],))[:, 0]

    def hazards(self, inputs: npt.NDArray[np.float32], offsets: Floats) -> Floats:
        """Return (n, 3) float, -log(1 - P(bought within `KNOTS_DAYS`)), never falling along a row."""
        return np.maximum.accumulate(self._hazards(inputs, offsets, KNOTS_DAYS), axis=1)

    def _hazards(self, inputs: npt.NDArray[np.float32], offsets: Floats, ahead: tuple[int, ...]) -> Floats:
        return hazard(expit(offsets + self._added(inputs, ahead)))

    def _added(self, inputs: npt.NDArray[np.float32], ahead: tuple[int, ...]) -> Floats:
        """Return (n, horizons) float, what the trees add to the curve's log-odds."""
        asked = _with_horizon(inputs, ahead[0])
        shared = np.full(len(asked), self.shift)
        if self.shared:
            shared += self._predicted(asked, 0, self.shared)
        own = []
        for days in ahead:
            asked[:, -1] = days
            own.append(shared + self._predicted(asked, self.shared, -1))  # to the last
        return np.column_stack(own)

    def _predicted(self, asked: npt.NDArray[np.float32], first: int, rounds: int) -> Floats:
        booster = self._booster
        said = booster.predict(
            asked, raw_score=True, num_threads=1, start_iteration=first, num_iteration=rounds
        )
        return np.asarray(said)


def _with_horizon(inputs: npt.NDArray[np.float32], days: int) -> npt.NDArray[np.float32]:
    return np.column_stack([inputs, np.full(len(inputs), days, dtype=np.float32)])
