"""Refills judged on a store's own past: what was forecast as of a day, beside the peers, and what was then bought.

Judged are pairs bought on at least two days, the last within a year; of a store too large, some of the customers with
all their pairs. Ids count as whose they were known to be at the cutoff, as everywhere.
"""

from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from features import history
from features.cutoff import Cutoff
from ledger import identity
from ledger.errors import InputError
from models.gaps import LEVELS, Floats, Items, Level, read_items
from models.pair_history import pairs_as_of
from models.refill_curve import RefillCurve
from models.replenishment import ReplenishmentModel, learnt_from
from training.evaluate import Progress, silent
from training.refill_peers import PEERS, REPEATED, Asked, mean_gap_days

OURS: Final = "regulars"
TOP_CUSTOMERS: Final = 50
LEAST_PAIRS_AN_ITEM: Final = 200
"""Below it an item's fifty top customers are a large part of all."""
MOST_FOLLOWED_DAYS: Final = 90
DECILES: Final = 10

_BOUGHT = """
CREATE OR REPLACE TEMP TABLE refills_then AS
SELECT coalesce(joined.customer_id, history_items.customer_id) AS customer_id, product_id, category,
       order_day - {day} AS ahead
FROM history_items LEFT JOIN refills_joined AS joined ON joined.anonymous_id = history_items.customer_id
WHERE order_day >= {day}
"""

# A product keeps the category that it had at the cutoff.
_NEXT = """
WITH known AS (SELECT product_id, min(category) AS category FROM history_items GROUP BY product_id),
bought AS (
    SELECT customer_id, ahead, product_id AS product,
           CASE WHEN known.product_id IS NULL THEN refills_then.category ELSE known.category END AS category
    FROM refills_then LEFT JOIN known USING (product_id)
)
SELECT customer, item, min(ahead) AS ahead
FROM bought
JOIN replenishment_customers USING (customer_id)
JOIN replenishment_{level}_items AS items ON items.name = bought.{level}
GROUP BY customer, item
"""


@dataclass(frozen=True)
class RefillComparison:
    """One level judged.

    Parameters
    ----------
    level : "product" or "category"
    cutoff : str
        ISO date.
    horizon_days : int
    pairs : int
    bought_share : float
        Of them, those bought again within the horizon.
    methods : list of dict
        `method` and every metric; ours first. NaN where a method has no answer.
    deciles : list of dict
        Ours: predicted and observed share by decile of the prediction.
    dates : dict of str to float
        `followed_days`, how far later purchases are known; how many pairs have their middle date before then and were
        bought again, and the median absolute error (days) over these, ours and that of last + mean gap; the mean
        absolute error over all pairs, dates and purchases beyond what is followed taken for its end; and the share
        bought between p25 and p75, and by p95, among pairs whose p75, or p95, lies before then.
    trees : bool
        Whether the gate let trees answer.
    """

    level: Level
    cutoff: str
    horizon_days: int
    pairs: int
    bought_share: float
    methods: list[dict[str, str | float]]
    deciles: list[dict[str, float]]
    dates: dict[str, float]
    trees: bool


def evaluate_refills(
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    horizon_days: int,
    seed: int,
    progress: Progress = silent,
) -> list[RefillComparison]:
    """Fit as of a past day, forecast every pair, ask the peers, and compare with what was bought.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A ledger connection.
    cutoff : Cutoff
        Midnight of the day that is taken for today.
    horizon_days : int, days
    seed : int
    progress : callable

    Returns
    -------
    list of RefillComparison
        Category first; a level without pairs to judge is left out.

    Raises
    ------
    InputError
        When no order names a product, the orders end before the horizon does, or nobody had bought anything on two
        days.
    """
    progress("reading what was bought then", 0.0)
    followed_days = _read_then(connection, cutoff, horizon_days)
    progress("fitting", 0.1)
    history.stage(connection, cutoff)
    model = ReplenishmentModel.fit(connection, seed)
    found = []
    for place, level in enumerate(sorted(LEVELS)):
        progress(f"judging at level {level}", 0.6 + 0.2 * place)
        judged = _judge(connection, model, level, (cutoff, horizon_days, followed_days, seed))
        found += [] if judged is None else [judged]
    progress("judged", 1.0)
    if not found:
        raise InputError(
            f"before {cutoff.local_date} nobody had bought a product on two days; choose a later --as-of, or with it a "
            "shorter --horizon-days"
        )
    return found


def _read_then(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, horizon_days: int) -> int:
    """Stage what was bought from the cutoff on, and return for how many days it is known."""
    joined = identity.resolved(connection, cutoff.at)
    history.stage_apart(connection, cutoff.plus_days(MOST_FOLLOWED_DAYS))
    connection.register("refills_joined", joined)
    connection.execute(_BOUGHT.format(day=cutoff.day))
    connection.unregister("refills_joined")
    if (
        connection.execute("SELECT 1 FROM history_items WHERE product_id IS NOT NULL LIMIT 1").fetchone()
        is None
    ):
        raise InputError(
            "no order line names a product, so there are no refills to judge; import orders with a product_id "
            "(--map product_id=NAME says what a file calls it)"
        )
    last = connection.execute("SELECT max(ahead) FROM refills_then").fetchone()
    followed = 0 if last is None or last[0] is None else min(int(last[0]) + 1, MOST_FOLLOWED_DAYS)
    # A shop that is closed on some days has complete windows too.
    if followed < horizon_days - horizon_days // 10:
        raise InputError(
            f"orders end {horizon_days - followed} days before the {horizon_days} days after {cutoff.local_date} do; "
            "choose an earlier --as-of or a shorter --horizon-days"
        )
    return max(followed, horizon_days)


def _judge(
    connection: duckdb.DuckDBPyConnection,
    model: ReplenishmentModel,
    level: Level,
    asked: tuple[Cutoff, int, int, int],
) -> RefillComparison | None:
    cutoff, horizon_days, followed_days, seed = asked
    items, days = read_items(connection, level), learnt_from(connection, level, seed)
    every = pairs_as_of(days, items, cutoff.day)
    repeated = _repeated(model, level, items, every)
    if repeated is None:
        return None
    curve, pairs = repeated
    then = _next_days(connection, level, pairs)
    happened = (then < horizon_days).astype(np.float64)
    question = Asked(days, items, pairs, cutoff.day, horizon_days, every)
    said = {peer.name: (peer.score(question), peer.probability) for peer in PEERS}
    ours = curve.probability(horizon_days)
    answers = {OURS: (ours, True)} | said
    return RefillComparison(
        level=level,
        cutoff=cutoff.local_date.isoformat(),
        horizon_days=horizon_days,
        pairs=len(pairs),
        bought_share=float(happened.mean()),
        methods=[
            {"method": name, **measure(pairs, score, happened, probability=is_probability)}
            for name, (score, is_probability) in answers.items()
            if score is not None
        ],
        deciles=deciles(ours, happened),
        dates=_dates(curve, pairs, then, followed_days),
        trees=model.levels[level].trees is not None,
    )


def _repeated(
    model: ReplenishmentModel, level: Level, items: Items, every: pd.DataFrame
) -> tuple[RefillCurve, pd.DataFrame] | None:
    """Return curves and rows of the pairs that are judged; None without any."""
    curve, kept = model.levels[level].curve(every, items)
    rows = (kept["days_bought"] >= REPEATED).to_numpy()
    return (curve.take(rows), kept[rows].reset_index(drop=True)) if rows.any() else None


def _next_days(connection: duckdb.DuckDBPyConnection, level: Level, pairs: pd.DataFrame) -> Floats:
    """Return the days from the cutoff to each pair's next purchase; NaN without one."""
    then = connection.execute(_NEXT.format(level=level)).df()
    both = pairs[["customer", "item"]].merge(then, on=["customer", "item"], how="left", validate="one_to_one")
    return both["ahead"].to_numpy(np.float64)


def measure(pairs: pd.DataFrame, score: Floats, happened: Floats, *, probability: bool) -> dict[str, float]:
    """Return every metric of one method.

    Parameters
    ----------
    pairs : (n, k) pandas.DataFrame
        With `item` and `customer`.
    score : (n,) float
    happened : (n,) float, 0 or 1
    probability : bool
        Whether the score is one; Brier and calibration are NaN otherwise.
    """
    known = 0 < happened.sum() < len(happened)
    groups = deciles(score, happened) if probability else []
    worst = max((abs(group["predicted"] - group["observed"]) for group in groups), default=np.nan)
    return {
        "average_precision": float(average_precision_score(happened, score)) if known else np.nan,
        "auc": float(roc_auc_score(happened, score)) if known else np.nan,
        "precision_top_50": precision_at_top(pairs, score, happened),
        "brier": float(np.mean((score - happened) ** 2)) if probability else np.nan,
        "worst_decile": float(worst),
    }


def precision_at_top(pairs: pd.DataFrame, score: Floats, happened: Floats) -> float:
    """Return the share bought among each item's fifty top customers, over items with at least 200 pairs."""
    size = np.bincount(pairs["item"])[pairs["item"]]
    rows = pairs[["item", "customer"]].assign(score=score, happened=happened)[size >= LEAST_PAIRS_AN_ITEM]
    ordered = rows.sort_values(["item", "score", "customer"], ascending=[True, False, True])
    return float(ordered.groupby("item").head(TOP_CUSTOMERS)["happened"].mean())


def deciles(score: Floats, happened: Floats) -> list[dict[str, float]]:
    """Return predicted and observed shares by tenth of the prediction, lowest first."""
    parts = np.array_split(np.argsort(score, kind="stable"), DECILES)
    return [
        {"predicted": float(score[part].mean()), "observed": float(happened[part].mean())}
        for part in parts
        if len(part)
    ]


def _dates(curve: RefillCurve, pairs: pd.DataFrame, then: Floats, followed_days: int) -> dict[str, float]:
    """Judge the dates where the time that followed can: not where they lie beyond it."""
    by = {percent: curve.days_ahead(percent / 100) for percent in (25, 50, 75, 95)}
    again = then < followed_days
    told = again & (by[50] < followed_days)
    rule = np.maximum(mean_gap_days(pairs) - pairs["elapsed_days"].to_numpy(), 0.0)
    within, sure = by[75] < followed_days, by[95] < followed_days
    inside = again & (then >= by[25]) & (then <= by[75])
    return {
        "followed_days": float(followed_days),
        "dated_and_bought_again": float(told.sum()),
        "median_error_days": _median(np.abs(by[50] - then)[told]),
        "last_mean_gap_error_days": _median(np.abs(rule - then)[told]),
        "mean_error_days_of_all": _missed(by[50], then, followed_days),
        "last_mean_gap_mean_error_days_of_all": _missed(rule, then, followed_days),
        "between_p25_and_p75": _share(inside[within]),
        "by_p95": _share((again & (then <= by[95]))[sure]),
    }


def _missed(said: Floats, then: Floats, followed_days: int) -> float:
    """Return by how many days dates are off: judged on pairs bought again alone, whoever says "now" looks good."""
    happened = np.where(np.isnan(then), followed_days, np.minimum(then, followed_days))
    return float(np.abs(np.minimum(said, followed_days) - happened).mean())


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else np.nan


def _share(which: npt.NDArray[np.bool_]) -> float:
    return float(which.mean()) if len(which) else np.nan
