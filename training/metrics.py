"""How good predictions are, as MODELS.md judges them: each metric a row with its direction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, roc_auc_score

from models.predictor import Outcomes

Floats = NDArray[np.float64]

TOP_SHARE = 0.1
DECILES = 10
CURVE_POINTS = 9
NAN = float("nan")


@dataclass(frozen=True)
class Prediction:
    """What one method said about the customers of a test cutoff.

    Parameters
    ----------
    p_order : (n,) float, probability
        Of an order within the horizon.
    orders : (n,) float, orders
        Expected within the horizon.
    value : (n,) float, currency
        Expected within the horizon.
    curve : (n, CURVE_POINTS) float, probability, or None
        Of an order by each of `curve_days`; None for a method that has no curve.
    """

    p_order: Floats
    orders: Floats
    value: Floats
    curve: Floats | None = None


def curve_days(horizon_days: int) -> list[float]:
    """Return the days at which curves are compared, evenly spread up to the horizon."""
    return [round(horizon_days * k / CURVE_POINTS) for k in range(1, CURVE_POINTS + 1)]


@dataclass(frozen=True)
class Metric:
    """One way of judging.

    Parameters
    ----------
    name : str
    better : {"higher", "lower", "one"}
        `one`: a total divided by the truth.
    of : callable
        (Prediction, Outcomes) to float; NaN where the question has no answer.
    means : str
    """

    name: str
    better: Literal["higher", "lower", "one"]
    of: Callable[[Prediction, Outcomes], float]
    means: str

    def distance(self, value: float) -> float:
        """Return how far a value is from perfect, comparable within this metric: lower is better."""
        if self.better == "one":
            return abs(float(np.log(value))) if value > 0 else float("inf")
        return -value if self.better == "higher" else value


def _auc(said: Prediction, happened: Outcomes) -> float:
    ordered = happened.orders > 0
    return float(roc_auc_score(ordered, said.p_order)) if 0 < ordered.sum() < len(ordered) else NAN


def _brier(said: Prediction, happened: Outcomes) -> float:
    return float(brier_score_loss(happened.orders > 0, np.clip(said.p_order, 0.0, 1.0)))


def _integrated_brier(said: Prediction, happened: Outcomes) -> float:
    if said.curve is None:
        return NAN
    days = curve_days(happened.horizon_days)
    misses = [np.mean((said.curve[:, k] - happened.ordered_within(day)) ** 2) for k, day in enumerate(days)]
    return float(np.mean(misses))


def _orders_rmse(said: Prediction, happened: Outcomes) -> float:
    return float(np.sqrt(np.mean((said.orders - happened.orders) ** 2)))


def gini(predicted: Floats, value: Floats) -> float:
    """Return the Gini coefficient of `value` when customers are ranked by `predicted`, not normalised."""
    ranked = value[np.argsort(-predicted, kind="stable")]
    share = np.cumsum(ranked) / ranked.sum()
    return float(share.mean() - (len(value) + 1) / (2 * len(value)))


def _normalised_gini(said: Prediction, happened: Outcomes) -> float:
    best = gini(happened.value, happened.value) if happened.value.sum() > 0 else 0.0
    return gini(said.value, happened.value) / best if best > 0 else NAN


def _top_share(said: Prediction, happened: Outcomes) -> float:
    if happened.value.sum() <= 0:
        return NAN
    top = np.argsort(-said.value, kind="stable")[: max(1, round(TOP_SHARE * len(said.value)))]
    return float(happened.value[top].sum() / happened.value.sum())


def _ratio(total: float, truth: float) -> float:
    return total / truth if truth > 0 else NAN


def _calibration_error(said: Prediction, happened: Outcomes) -> float:
    order = np.argsort(said.p_order, kind="stable")
    ordered = (happened.orders > 0).astype(np.float64)
    bins = np.array_split(order, DECILES)
    return max(abs(float(said.p_order[b].mean() - ordered[b].mean())) for b in bins if len(b))


METRICS: tuple[Metric, ...] = (
    Metric("auc", "higher", _auc, "ranking of who orders"),
    Metric("brier", "lower", _brier, "squared error of the probability of an order"),
    Metric("integrated_brier", "lower", _integrated_brier, "the same, averaged over the days of the horizon"),
    Metric("orders_rmse", "lower", _orders_rmse, "root mean squared error of the order count"),
    Metric("normalised_gini", "higher", _normalised_gini, "ranking of the money, 1 is perfect"),
    Metric("top_10_share", "higher", _top_share, "share of the money in the tenth predicted to spend most"),
    Metric(
        "orders_total_ratio",
        "one",
        lambda s, h: _ratio(s.orders.sum(), h.orders.sum()),
        "predicted / happened",
    ),
    Metric(
        "value_total_ratio", "one", lambda s, h: _ratio(s.value.sum(), h.value.sum()), "predicted / happened"
    ),
    Metric("calibration_error", "lower", _calibration_error, "largest miss of a decile of the probability"),
)


def judge(said: Prediction, happened: Outcomes) -> dict[str, float]:
    """Return every metric of one method at one test cutoff, by name."""
    return {metric.name: metric.of(said, happened) for metric in METRICS}
