"""Predictions beside what then happened: of backtests, and of scoring runs whose horizon is over.

Runs are judged by the scores that were stored when they ran; nothing is predicted anew.
"""

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import beta, binom

from features.cutoff import Cutoff
from models.checked import Called, Checked, Group
from models.predictor import Outcomes
from models.scores import CHURN_HORIZON_DAYS
from training.dataset import Dataset
from training.evaluate import Comparison
from training.metrics import METRICS, Prediction, groups
from training.outcomes import outcomes

Floats = NDArray[np.float64]

COVERED = 0.95


def judged(as_of: date, release: str, said: Prediction, happened: Outcomes) -> Checked:
    """Return predictions as of a day beside what happened within their horizon.

    Parameters
    ----------
    as_of : date
        Local day.
    release : str
    said : Prediction
        With orders and value.
    happened : Outcomes
        Row by row.
    """
    found = {metric.name: metric.of(said, happened) for metric in METRICS}
    return Checked(
        as_of=as_of,
        release=release,
        horizon_days=happened.horizon_days,
        customers=len(said.p_order),
        expected_ordered=float(said.p_order.sum()),
        ordered=int((happened.orders > 0).sum()),
        groups=tuple(_group(said.take(rows), happened.take(rows)) for rows in groups(said.p_order)),
        metrics={name: value for name, value in found.items() if np.isfinite(value)},
    )


def of_backtest(test: Comparison) -> Checked:
    """Return a backtest in the same form; what was asked there is no release yet."""
    return judged(date.fromisoformat(test.cutoff), "", test.ours, test.happened)


def _group(said: Prediction, happened: Outcomes) -> Group:
    customers = len(said.p_order)
    share = float(np.clip(said.p_order.mean(), 0.0, 1.0))
    low, high = binom.interval(COVERED, customers, share)

    def total(values: Floats | None) -> float:
        return 0.0 if values is None else float(values.sum())

    return Group(
        customers=customers,
        p_order=share,
        ordered=float((happened.orders > 0).mean()),
        low=float(low) / customers,
        high=float(high) / customers,
        expected_orders=total(said.orders),
        orders=float(happened.orders.sum()),
        expected_value=total(said.value),
        value=float(happened.value.sum()),
    )


def called(p_leave: Floats, limit: float, happened: Outcomes) -> Called | None:
    """Return what became of those whose probability of leaving was above a limit; None when there were none.

    Parameters
    ----------
    p_leave : (n,) float, probability
        Of no order within the horizon of `happened`.
    limit : float
    happened : Outcomes
    """
    mine = p_leave > limit
    customers = int(mine.sum())
    if not customers:
        return None
    left = int((happened.orders[mine] == 0).sum())
    low, high = _likely_shares(left, customers)
    return Called(
        customers=customers,
        limit=limit,
        horizon_days=happened.horizon_days,
        expected=float(p_leave[mine].sum()),
        left=left,
        low=low,
        high=high,
    )


def _likely_shares(hits: int, of: int) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) interval of a share, 95 %.

    References
    ----------
    Clopper and Pearson (1934), Biometrika 26(4).
    """
    tail = (1 - COVERED) / 2
    low = float(beta.ppf(tail, hits, of - hits + 1)) if hits else 0.0
    return low, float(beta.ppf(1 - tail, hits + 1, of - hits)) if hits < of else 1.0


def past_run(  # noqa: PLR0913, PLR0917 - what was said, of whom, when, and how far ahead
    dataset: Dataset,
    cutoff: Cutoff,
    release: str,
    scores: pd.DataFrame,
    horizon_days: int,
    limit: float,
) -> Checked:
    """Return the scores of a run, as they were stored when it ran, beside what happened since.

    Parameters
    ----------
    dataset : Dataset
        Whose `known_until` no horizon ends after; whom it calls likely to leave is judged where 90 days are over too.
    cutoff : Cutoff
        Of the run.
    release : str
    scores : DataFrame
        customer_id, and for the horizon `p_order_{h}d`, `expected_orders_{h}d` and `expected_value_{h}d`; and
        `churn_probability_90d`.
    horizon_days : int, days
    limit : float, probability
        Above which a customer was called likely to leave.
    """

    def numbers(name: str) -> Floats:
        return scores[name].to_numpy(dtype=np.float64, na_value=np.nan)

    def happened(days: int) -> Outcomes:
        return outcomes(dataset.orders, dataset.joined(cutoff), scores["customer_id"], cutoff, days)

    said = Prediction(
        p_order=numbers(f"p_order_{horizon_days}d"),
        orders=numbers(f"expected_orders_{horizon_days}d"),
        value=numbers(f"expected_value_{horizon_days}d"),
    )
    came = happened(horizon_days)
    found = judged(cutoff.local_date, release, said, came)
    if cutoff.plus_days(CHURN_HORIZON_DAYS).at > dataset.known_until.at:
        return found
    left = came if horizon_days == CHURN_HORIZON_DAYS else happened(CHURN_HORIZON_DAYS)
    return found.model_copy(
        update={"called": called(numbers(f"churn_probability_{CHURN_HORIZON_DAYS}d"), limit, left)}
    )
