"""What counts say of each item, leaning on its category and that on the store as far as it was seen little.

Each is a total over a weight, pooled by what the weight of the level above counts for (`models.pooling`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.gaps import Items
from models.item_counts import ItemCounts
from models.pair_history import RECENT_DAYS, WINDOWS_DAYS
from models.pooling import Floats, Tree

ITEM_STRENGTH: Final = 20.0  # gaps: weight of the level above in an item's mean
VARIANCE_STRENGTH: Final = 50.0  # degrees of freedom: weight of the level above in an item's variance
SHARE_STRENGTH: Final = 20.0  # buyers or habits: weight of the level above in an item's shares
DEFAULT_GAP_DAYS: Final = 30.0  # one imagined gap, so that a store without any still gets an answer
DEFAULT_VARIANCE: Final = 1.0  # of that imagined gap, log days squared
_ELASTICITY_STRENGTH: Final = 30.0  # gaps begun with e times the usual quantity: weight of the level above
_STORE_ELASTICITY_STRENGTH: Final = 100.0  # likewise, of no effect at all in the store's
_TREND_STRENGTH: Final = 30.0  # purchases


@dataclass(frozen=True)
class ItemRates:
    """Rates of every node of a tree.

    Parameters
    ----------
    buyers, gaps : (nodes,) float
    log_gap_mean, log_gap_variance : (nodes,) float, log days; its square
        Of complete gaps alone.
    elasticity, rebuy_share, kept_share, trend, trend_14d, season : (nodes,) float
        As in `models.gap_curve.GapParameters`.
    """

    buyers: Floats
    gaps: Floats
    log_gap_mean: Floats
    log_gap_variance: Floats
    elasticity: Floats
    rebuy_share: Floats
    kept_share: Floats
    trend: Floats
    trend_14d: Floats
    season: Floats

    @classmethod
    def of(cls, counts: ItemCounts, items: Items, tree: Tree) -> "ItemRates":
        """Pool the counts of each item.

        Parameters
        ----------
        counts : ItemCounts
        items : Items
        tree : Tree
        """
        paths = tree.paths(items)
        total = {name: tree.totals(paths, values) for name, values in vars(counts).items()}
        gaps, freedom = total["gaps"], total["freedom"]
        root = float((total["log_gaps"][0] + np.log(DEFAULT_GAP_DAYS)) / (gaps[0] + 1))
        spread = float((total["within_pairs"][0] + DEFAULT_VARIANCE) / (freedom[0] + 1))
        # How long a pair's twice the usual lasts it: log gaps regressed on log quantities within pairs.
        moved, along = total["moved"], total["moved_gap"]
        elasticity = tree.pooled(
            along, moved, float(along[0] / (moved[0] + _STORE_ELASTICITY_STRENGTH)), _ELASTICITY_STRENGTH
        )
        return cls(
            buyers=total["buyers"],
            gaps=gaps,
            log_gap_mean=tree.pooled(total["log_gaps"], gaps, root, ITEM_STRENGTH),
            log_gap_variance=tree.pooled(total["within_pairs"], freedom, spread, VARIANCE_STRENGTH),
            elasticity=np.clip(elasticity, 0.0, 1.0),
            rebuy_share=_share(tree, total["rebought"], total["had_time"]),
            kept_share=_share(tree, total["habits_kept"], total["habits"]),
            trend=_trend(tree, total["month"], total["season"] * (WINDOWS_DAYS[0] / WINDOWS_DAYS[2])),
            trend_14d=_trend(tree, total["recent"], total["season"] * (RECENT_DAYS / WINDOWS_DAYS[2])),
            season=_season(tree, total["year_ago"], total["year"]),
        )


def _share(tree: Tree, some: Floats, whole: Floats) -> Floats:
    return tree.pooled(some, whole, float((some[0] + 1) / (whole[0] + 2)), SHARE_STRENGTH)


def _season(tree: Tree, then: Floats, year: Floats) -> Floats:
    """Return what part of a year's purchases the coming four weeks held last year, beside the store's part."""
    usual = then[0] / max(year[0], 1.0)
    # A store that was not open then says nothing.
    return tree.pooled(then, year * usual, 1.0, _TREND_STRENGTH) if usual > 0 else np.ones_like(then)


def _trend(tree: Tree, late: Floats, expected: Floats) -> Floats:
    return tree.pooled(late, expected, float((late[0] + 1) / (expected[0] + 1)), _TREND_STRENGTH)
