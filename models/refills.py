"""One level's model of refills: the gap curve, and what the store's own past windows teach beyond it.

The curve is always there. A factor may scale its hazard (`models.rebuy_hazard`), and pairs bought on two days or more
may get boosted trees instead (`models.rebuy_trees`): each only where it said better what happened in the store's two
latest complete windows than all that is simpler, having learnt from earlier ones alone. That is the gate.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.boosting import sample
from models.gap_curve import GapCurve, GapParameters, curves
from models.gaps import Days, Floats, Ints, Items, Level
from models.item_counts import ItemCounts
from models.pair_history import Runs, pairs_as_of
from models.rebuy_hazard import COUNTS, WINDOW_DAYS, HazardScale, covariates, fit_scale
from models.rebuy_trees import MOST_ROWS, Examples, Learnt, RebuyTrees, described, log_odds
from models.refill_curve import KNOTS_DAYS, RefillCurve, hazard
from models.taste import Taste

Rows = npt.NDArray[np.bool_]

ACTIVE_DAYS: Final = 365
LEVELS_OF_ITEMS: Final[dict[Level, int]] = {"category": 1, "product": 2}
LEAST_REBUY_SHARE: Final = 0.1
"""A pair bought once is forecast where at least this share of first-time buyers come back for the item in 84 days."""

ROWS_A_WINDOW: Final = 50_000
"""Pairs bought on several days, and as many bought on one, that are learnt from in each window."""

_WINDOWS: Final = 8  # of 14 days each, before the cutoff
_RECENT_WINDOWS: Final = (
    3  # of them, those on which the hazard's factor is fitted: one alone may hold a holiday
)
_NEWEST: Final = 2  # to whose totals the trees are settled
_HELD_OUT: Final = 2  # windows on which the gate judges
_JUDGED_ROWS: Final = MOST_ROWS // 6  # learnt from for the gate's question alone
_REFIT_EVERY: Final = 4  # windows between two fits of the curve's parameters
_MIN_HISTORY_DAYS: Final = 28  # before the earliest window
_REPEATED: Final = 2  # days bought: from here on a pair has a gap of its own


@dataclass(frozen=True)
class _Window:
    """Some pairs of a past window as they were known when it began, and what happened.

    Of each two, the first is of pairs bought on several days, the second of pairs bought on one.
    """

    repeated: Examples
    scale_inputs: tuple[Floats, Floats]
    bought_again: tuple[Floats, Floats]
    curve_hazards: tuple[Floats, Floats]  # within WINDOW_DAYS


@dataclass(frozen=True)
class Known:
    """What one level is learnt from.

    Parameters
    ----------
    level : "product" or "category"
    items : Items
    days : Days
        Of all customers or of some.
    everybody : ItemCounts or None
        Where they are of some: the items' counts over all.
    """

    level: Level
    items: Items
    days: Days
    everybody: ItemCounts | None = None


@dataclass(frozen=True)
class RefillModel:
    """One level's parameters.

    Parameters
    ----------
    gaps : GapParameters
    scale, first_scale : HazardScale or None
        Factor on the hazard of pairs bought on several days, and on one; None where there was too little to learn.
    trees : RebuyTrees or None
        None where too little was known, or the gate refused them.
    taste : Taste or None
        None without trees, which alone read it.
    judged : dict of str to tuple of float
        Mean log loss in the gate's windows, newest first, of "curve", "factor" and "trees", and for pairs bought once
        of "first curve" and "first factor". Empty where there was too little history to judge.
    """

    gaps: GapParameters
    scale: HazardScale | None
    first_scale: HazardScale | None
    trees: RebuyTrees | None
    taste: Taste | None
    judged: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def fit(cls, known: Known, cutoff_day: int, seed: int) -> "RefillModel":
        """Fit on what was known before a day, judged on its own last complete windows.

        Parameters
        ----------
        known : Known
        cutoff_day : int, local days since 1970-01-01
        seed : int
        """
        levels, items = LEVELS_OF_ITEMS[known.level], known.items
        learnt = Learnt.of(pairs_as_of(known.days, items, cutoff_day), items, levels, known.everybody)
        windows = _past_windows(known.days, items, levels, cutoff_day, seed)
        judged = _judge(windows, seed)
        trees = _wins(judged, "trees", "curve", "factor")
        return cls(
            learnt.gaps,
            _fit_scale(windows, 0) if _wins(judged, "factor", "curve") else None,
            _fit_scale(windows, 1) if _wins(judged, "first factor", "first curve") else None,
            _fit_trees([window.repeated for window in windows], seed) if trees else None,
            learnt.taste if trees else None,
            judged,
        )

    def curve(self, pairs: pd.DataFrame, items: Items) -> tuple[RefillCurve, pd.DataFrame]:
        """Return the curves of pairs that can be forecast, and their rows of `pairs`.

        Left out are pairs not bought for a year, and pairs bought once of an item that hardly anybody buys again.

        Parameters
        ----------
        pairs : pandas.DataFrame
            As `models.pair_history.pairs_as_of` gives it, with whole customers.
        items : Items
        """
        paths = self.gaps.paths(items)[pairs["item"].to_numpy()]
        curve = curves(self.gaps, paths, pairs)
        repeated = pairs["days_bought"].to_numpy() >= _REPEATED
        hazards = np.column_stack([hazard(curve.probability(days)) for days in KNOTS_DAYS])
        for rows, scale in ((repeated, self.scale), (~repeated, self.first_scale)):
            if scale is not None and rows.any():
                hazards[rows] *= scale.factor(_covariates(self.gaps, paths, curve, pairs, rows))[:, None]
        if self.trees is not None and repeated.any():
            own = curve.take(repeated)
            inputs = described(Learnt(self.gaps, self.taste), items, own, pairs, np.flatnonzero(repeated))
            hazards[repeated] = self.trees.hazards(inputs, log_odds(own))
        active = pairs["elapsed_days"].to_numpy() <= ACTIVE_DAYS
        kept = active & (repeated | (self.gaps.rebuy_share[paths[:, -1]] >= LEAST_REBUY_SHARE))
        return RefillCurve(curve.take(kept), hazards[kept]), pairs[kept]

    def to_json_dict(self) -> dict[str, Any]:
        """Return the parameters, trees in LightGBM's text format; no customer's rows are among them."""
        scales = {name: getattr(self, name) for name in ("scale", "first_scale")}
        return {
            "gaps": self.gaps.to_json_dict(),
            **{name: scale and scale.to_json_dict() for name, scale in scales.items()},
            "trees": self.trees and asdict(self.trees),
            "taste": self.taste and self.taste.to_json_dict(),
            "judged": {name: list(losses) for name, losses in self.judged.items()},
        }

    @classmethod
    def from_json_dict(cls, stored: dict[str, Any]) -> "RefillModel":
        """Return the same model, bit for bit."""
        return cls(
            GapParameters.from_json_dict(stored["gaps"]),
            stored["scale"] and HazardScale.from_json_dict(stored["scale"]),
            stored["first_scale"] and HazardScale.from_json_dict(stored["first_scale"]),
            stored["trees"] and RebuyTrees(**stored["trees"]),
            stored["taste"] and Taste.from_json_dict(stored["taste"]),
            {name: tuple(losses) for name, losses in stored["judged"].items()},
        )


def _covariates(gaps: GapParameters, paths: Ints, curve: GapCurve, pairs: pd.DataFrame, rows: Rows) -> Floats:
    return covariates(gaps, paths[rows], curve.take(rows), pairs.loc[rows, list(COUNTS)])


def _past_windows(days: Days, items: Items, levels: int, cutoff_day: int, seed: int) -> list[_Window]:
    """Describe pairs as they stood when each of the last windows began, newest first.

    The parameters in force are those fitted last before a window; what is merely counted is counted anew.
    """
    begins = [cutoff_day - WINDOW_DAYS * back for back in range(1, _WINDOWS + 1)]
    begins = [day for day in begins if len(days.day) and day >= days.day.min() + _MIN_HISTORY_DAYS]
    windows: list[_Window] = []
    learnt: Learnt | None = None
    random = np.random.default_rng(seed)
    for place, day in reversed(list(enumerate(begins))):
        pairs = pairs_as_of(days, items, day)
        if learnt is None or place % _REFIT_EVERY == _REFIT_EVERY - 1:
            learnt = Learnt.of(pairs, items, levels)
        else:
            learnt = replace(learnt, gaps=learnt.gaps.counted_anew(pairs, items))
        chosen = [np.flatnonzero(rows) for rows in _asked(pairs)]
        some = [rows[sample(len(rows), ROWS_A_WINDOW, random)] for rows in chosen]
        asked = [(rows, _next_days(days, pairs.iloc[rows], day)) for rows in some]
        windows.append(_window(learnt, items, pairs, asked, cutoff_day - day))
    return windows[::-1]


def _asked(pairs: pd.DataFrame) -> tuple[Rows, Rows]:
    """Return which pairs are asked about: those bought on several days, and on one."""
    active = pairs["elapsed_days"].to_numpy() <= ACTIVE_DAYS
    repeated = pairs["days_bought"].to_numpy() >= _REPEATED
    return active & repeated, active & ~repeated


def _next_days(days: Days, pairs: pd.DataFrame, day: int) -> Floats:
    """Return the days from `day` to each pair's next purchase, NaN without one."""
    later = days.day >= day
    pair = Runs(days.customer[later], days.item[later])
    first = days.customer[later][pair.first] * 2**32 + days.item[later][pair.first]
    asked = pairs["customer"].to_numpy() * 2**32 + pairs["item"].to_numpy()
    if not len(first):
        return np.full(len(pairs), np.nan)
    at = np.minimum(np.searchsorted(first, asked), len(first) - 1)
    return np.where(first[at] == asked, days.day[later][pair.first][at] - day, np.nan)


def _window(
    learnt: Learnt, items: Items, pairs: pd.DataFrame, asked: list[tuple[Ints, Floats]], known_days: int
) -> _Window:
    gaps = learnt.gaps
    paths = gaps.paths(items)[pairs["item"].to_numpy()]
    curve = curves(gaps, paths, pairs)
    rows, next_days = asked[0]
    own = [curve.take(some) for some, _ in asked]
    counts = pairs[list(COUNTS)]
    told = [
        covariates(gaps, paths[some], of, counts.iloc[some]) for (some, _), of in zip(asked, own, strict=True)
    ]
    again = [(ahead < WINDOW_DAYS).astype(np.float64) for _, ahead in asked]
    base = [hazard(of.probability(WINDOW_DAYS)) for of in own]
    inputs = described(learnt, items, own[0], pairs, rows)
    return _Window(
        Examples(inputs, log_odds(own[0]), next_days, known_days),
        (told[0], told[1]),
        (again[0], again[1]),
        (base[0], base[1]),
    )


def _fit_scale(windows: list[_Window], which: int) -> HazardScale | None:
    recent = windows[:_RECENT_WINDOWS]
    told = np.concatenate([window.scale_inputs[which] for window in recent])
    again = np.concatenate([window.bought_again[which] for window in recent])
    return fit_scale(told, again > 0)


def _fit_trees(examples: list[Examples], seed: int, most_rows: int = MOST_ROWS) -> RebuyTrees | None:
    trees = RebuyTrees.fit(examples, seed, most_rows)
    return trees and trees.settled(examples[:_NEWEST])


def _judge(windows: list[_Window], seed: int) -> dict[str, tuple[float, ...]]:
    """Return the log loss of each method in windows that it has not seen; none without data."""
    held_out, known = windows[:_HELD_OUT], windows[_HELD_OUT:]
    if not known:
        return {}
    hidden = WINDOW_DAYS * _HELD_OUT
    examples = [replace(past.repeated, known_days=past.repeated.known_days - hidden) for past in known]
    trees = _fit_trees(examples, seed, _JUDGED_ROWS)
    out = {}
    for which, prefix in enumerate(("", "first ")):
        scale = _fit_scale(known, which)
        again = [window.bought_again[which] for window in held_out]
        curve = [window.curve_hazards[which] for window in held_out]
        out[f"{prefix}curve"] = _log_losses(curve, again)
        if scale is not None:
            factors = [scale.factor(window.scale_inputs[which]) for window in held_out]
            out[f"{prefix}factor"] = _log_losses([f * c for f, c in zip(factors, curve, strict=True)], again)
    if trees is not None:
        said = [trees.hazard_within(window.repeated, KNOTS_DAYS.index(WINDOW_DAYS)) for window in held_out]
        out["trees"] = _log_losses(said, [window.bought_again[0] for window in held_out])
    return out


def _wins(judged: dict[str, tuple[float, ...]], method: str, *others: str) -> bool:
    """Return whether a method was better than each other that was judged, in every window."""
    if method not in judged:
        return False
    return all(
        own < other
        for each in others
        if each in judged
        for own, other in zip(judged[method], judged[each], strict=True)
    )


def _log_losses(hazards: list[Floats], again: list[Floats]) -> tuple[float, ...]:
    return tuple(_log_loss(said, happened) for said, happened in zip(hazards, again, strict=True))


def _log_loss(hazards: Floats, again: Floats) -> float:
    safe = np.maximum(hazards, 1e-9)
    if not len(again):
        return float("inf")
    return float(np.mean(np.where(again > 0, -np.log(-np.expm1(-safe)), safe)))
