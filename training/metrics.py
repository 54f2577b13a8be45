"""How good predictions are: each metric a row with its direction and a sentence.

What each answers, and how interval coverage stays unbiased when the window ends before the interval does, is in
docs/accuracy.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from models.predictor import Outcomes
from training.curves import Curve

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

TOP_SHARE = 0.1
DECILES = 10
LEAST_A_DECILE = 500
"""Customers a group of `calibration_error`: with fewer, luck alone moves a group by more than two points."""
LOW, HIGH = 0.1, 0.9
COVERAGE = HIGH - LOW
LEAST_COVERED = 100
"""Customers that a coverage is a share of; of fewer it is not told."""
MOST_JUDGED_DAYS = 30
"""Days of the horizon on which curves are compared: the middles of as many equal stretches."""
NAN = float("nan")


@dataclass(frozen=True)
class Prediction:
    """What one method said about the customers of a test cutoff.

    Parameters
    ----------
    p_order : (n,) float, probability
        Of an order within the horizon.
    orders : (n,) float, orders, or None
        Expected within the horizon; None from a method that does not say.
    value : (n,) float, currency, or None
        Likewise.
    curve : Curve or None
        Of an order by any day of the horizon.
    value_p10, value_p90 : (n,) float, currency, or None
        Below which the value stays in 1 and in 9 of 10 cases.
    """

    p_order: Floats
    orders: Floats | None
    value: Floats | None
    curve: Curve | None = None
    value_p10: Floats | None = None
    value_p90: Floats | None = None

    def take(self, rows: Rows) -> "Prediction":
        """Return what was said about some of the customers."""

        def of(values: Floats | None) -> Floats | None:
            return None if values is None else values[rows]

        return Prediction(
            self.p_order[rows],
            of(self.orders),
            of(self.value),
            None if self.curve is None else self.curve.take(rows),
            of(self.value_p10),
            of(self.value_p90),
        )


def outcomes_of(happened: Outcomes, rows: Rows) -> Outcomes:
    """Return what some of the customers did."""
    return replace(
        happened,
        next_order_days=happened.next_order_days[rows],
        orders=happened.orders[rows],
        value=happened.value[rows],
    )


@dataclass(frozen=True)
class Metric:
    """One way of judging.

    Parameters
    ----------
    name : str
    about : {"who", "when", "how much"}
        The question it belongs to.
    better : {"higher", "lower", "one", "covered"}
        `one`: a total divided by the truth. `covered`: a share that should be COVERAGE.
    of : callable
        (Prediction, Outcomes) to float; NaN where the question has no answer.
    means : str
    """

    name: str
    about: Literal["who", "when", "how much"]
    better: Literal["higher", "lower", "one", "covered"]
    of: Callable[[Prediction, Outcomes], float]
    means: str

    def distance(self, value: float) -> float:
        """Return how far a value is from perfect, comparable within this metric: lower is better."""
        if self.better == "one":
            return abs(float(np.log(value))) if value > 0 else float("inf")
        if self.better == "covered":
            return abs(value - COVERAGE)
        return -value if self.better == "higher" else value


def auc(ordered: NDArray[np.bool_], p_order: Floats) -> float:
    """Return how often one who ordered was thought likelier than one who did not; NaN when all or none did."""
    ordering = int(ordered.sum())
    if not 0 < ordering < len(ordered):
        return NAN
    ranks = rankdata(p_order)[ordered].sum() - ordering * (ordering + 1) / 2
    return float(ranks / (ordering * (len(ordered) - ordering)))


def brier_losses(said: Prediction, happened: Outcomes) -> Floats:
    """Return (n,) float, the squared error of each customer's probability."""
    return (np.clip(said.p_order, 0.0, 1.0) - (happened.orders > 0)) ** 2


def judged_days(horizon_days: int) -> list[int]:
    """Return the days that stand for days 1 to the horizon: all of them up to 30, of 90 every third from the second."""
    count = min(horizon_days, MOST_JUDGED_DAYS)
    return [round(horizon_days * (k - 0.5) / count + 0.5) for k in range(1, count + 1)]


def curve_losses(said: Prediction, happened: Outcomes) -> Floats:
    """Return (n,) float, each customer's squared error of "ordered by day t", averaged over days 1 to the horizon."""
    if said.curve is None:
        return np.full(len(said.p_order), NAN)
    days = judged_days(happened.horizon_days)
    total = np.zeros(len(said.p_order))
    for day in days:
        total += (said.curve.at(day) - happened.ordered_within(day)) ** 2
    return total / len(days)


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else NAN


def _orders_rmse(said: Prediction, happened: Outcomes) -> float:
    if said.orders is None:
        return NAN
    return float(np.sqrt(np.mean((said.orders - happened.orders) ** 2)))


def gini(predicted: Floats, value: Floats) -> float:
    """Return the Gini coefficient of `value` when customers are ranked by `predicted`, not normalised."""
    ranked = value[np.argsort(-predicted, kind="stable")]
    share = np.cumsum(ranked) / ranked.sum()
    return float(share.mean() - (len(value) + 1) / (2 * len(value)))


def _normalised_gini(said: Prediction, happened: Outcomes) -> float:
    if said.value is None or happened.value.sum() <= 0:
        return NAN
    best = gini(happened.value, happened.value)
    return gini(said.value, happened.value) / best if best > 0 else NAN


def top_rows(predicted: Floats) -> Rows:
    """Return the customers in the tenth that is predicted highest, at least one."""
    return np.argsort(-predicted, kind="stable")[: max(1, round(TOP_SHARE * len(predicted)))]


def _top_share(said: Prediction, happened: Outcomes) -> float:
    if said.value is None:
        return NAN
    return _ratio(happened.value[top_rows(said.value)].sum(), happened.value.sum())


def _top_lift(said: Prediction, happened: Outcomes) -> float:
    ordered = happened.orders > 0
    return _ratio(float(ordered[top_rows(said.p_order)].mean()), float(ordered.mean()))


def _ratio(total: float, truth: float) -> float:
    return float(total / truth) if truth > 0 else NAN


def groups(predicted: Floats) -> list[Rows]:
    """Return the customers in groups of equal size by prediction, lowest first: ten, or fewer of LEAST_A_DECILE each.

    Never fewer than two, or a probability that is the same for all would look calibrated.
    """
    wanted = int(np.clip(len(predicted) // LEAST_A_DECILE, 2, DECILES))
    parts = np.array_split(np.argsort(predicted, kind="stable"), min(wanted, max(len(predicted), 1)))
    return [part for part in parts if len(part)]


def _calibration_error(said: Prediction, happened: Outcomes) -> float:
    ordered = (happened.orders > 0).astype(np.float64)
    return max(abs(float(said.p_order[g].mean() - ordered[g].mean())) for g in groups(said.p_order))


def _within(lower: Floats, upper: Floats) -> Floats:
    """Return which share of (lower, upper] lies in (LOW, HIGH].

    Orders are counted in whole days: where one day spans many of a curve's percents, its order counts in part.
    """
    overlap = np.minimum(upper, HIGH) - np.maximum(lower, LOW)
    return np.asarray(np.clip(overlap, 0.0, None) / np.maximum(upper - lower, 1e-12))


def order_percents(said: Prediction, happened: Outcomes) -> tuple[Floats, Floats]:
    """Return where on its customer's curve, cut off at the horizon, each order that came within it lies.

    Returns
    -------
    lower, upper : (buyers,) float, share
        Of the probability of an order within the horizon, at the begin and the end of the day of the order. Evenly
        spread from 0 to 1 where the curves are right.

    References
    ----------
    Czado, Gneiting and Held (2009), Biometrics 65(4): the probability integral transform of counts.
    """
    came = np.flatnonzero(np.isfinite(happened.next_order_days))
    if said.curve is None or not len(came):
        return np.empty(0), np.empty(0)
    curve, day = said.curve.take(came), happened.next_order_days[came]
    whole = np.maximum(curve.at(happened.horizon_days), 1e-12)
    return curve.at(day) / whole, curve.at(day + 1) / whole


def _timing_coverage(said: Prediction, happened: Outcomes) -> float:
    lower, upper = order_percents(said, happened)
    return _mean(_within(lower, upper)) if len(lower) >= LEAST_COVERED else NAN


def _date_coverage(said: Prediction, happened: Outcomes) -> float:
    if said.curve is None:
        return NAN
    inside = np.flatnonzero(said.curve.at(happened.horizon_days) >= HIGH)
    if len(inside) < LEAST_COVERED:
        return NAN
    curve, day = said.curve.take(inside), happened.next_order_days[inside]
    known = np.isfinite(day)
    at = np.where(known, day, 0.0)
    # An order after the horizon is one after p90.
    return _mean(np.where(known, _within(curve.at(at), curve.at(at + 1)), 0.0))


def _value_coverage(said: Prediction, happened: Outcomes) -> float:
    if said.value_p10 is None or said.value_p90 is None or len(happened.value) < LEAST_COVERED:
        return NAN
    spent = happened.value > 0
    between = (happened.value > said.value_p10) & (happened.value <= said.value_p90)
    nothing = _within(np.zeros(len(spent)), 1.0 - np.clip(said.p_order, 0.0, 1.0))
    return _mean(np.where(spent, between.astype(np.float64), nothing))


METRICS: tuple[Metric, ...] = (
    Metric(
        "auc",
        "who",
        "higher",
        lambda s, h: auc(h.orders > 0, s.p_order),
        "how often, of one who then ordered and one who did not, the first was thought likelier",
    ),
    Metric(
        "brier",
        "who",
        "lower",
        lambda s, h: _mean(brier_losses(s, h)),
        "squared error of the probability of an order within the horizon",
    ),
    Metric(
        "calibration_error",
        "who",
        "lower",
        _calibration_error,
        "largest difference between predicted and observed share in a tenth of the customers by probability; "
        f"with fewer than {DECILES * LEAST_A_DECILE:,} customers, in groups of {LEAST_A_DECILE}, at least two",
    ),
    Metric(
        "top_10_lift",
        "who",
        "higher",
        _top_lift,
        "share who ordered in the tenth thought likeliest, over the share of all",
    ),
    Metric(
        "integrated_brier",
        "when",
        "lower",
        lambda s, h: _mean(curve_losses(s, h)),
        'squared error of the probability of "ordered by day t", averaged over days 1 to the horizon',
    ),
    Metric(
        "timing_coverage",
        "when",
        "covered",
        _timing_coverage,
        "of the orders that came within the horizon, the share between the p10 and the p90 of the days that the "
        "curve gives an order within the horizon; 0.8 is right",
    ),
    Metric(
        "date_coverage",
        "when",
        "covered",
        _date_coverage,
        "of the customers whose next order date has its p10 and p90 both within the horizon, the share whose order "
        "came between them; 0.8 is right",
    ),
    Metric("orders_rmse", "how much", "lower", _orders_rmse, "root mean squared error of the order count"),
    Metric(
        "normalised_gini",
        "how much",
        "higher",
        _normalised_gini,
        "ranking of the money by predicted value; 1 is perfect, 0 is chance",
    ),
    Metric(
        "top_10_share",
        "how much",
        "higher",
        _top_share,
        "share of the money that came from the tenth predicted to spend most",
    ),
    Metric(
        "orders_total_ratio",
        "how much",
        "one",
        lambda s, h: NAN if s.orders is None else _ratio(s.orders.sum(), h.orders.sum()),
        "orders predicted for all customers together, over those that came",
    ),
    Metric(
        "value_total_ratio",
        "how much",
        "one",
        lambda s, h: NAN if s.value is None else _ratio(s.value.sum(), h.value.sum()),
        "money predicted for all customers together, over what came",
    ),
    Metric(
        "value_coverage",
        "how much",
        "covered",
        _value_coverage,
        "share of the customers whose spend came between its p10 and its p90; nothing spent counts with the part of "
        "its probability that lies between 10 and 90 %; 0.8 is right",
    ),
)

METRIC = {metric.name: metric for metric in METRICS}


def judge(said: Prediction, happened: Outcomes) -> dict[str, float]:
    """Return every metric of one method at one test cutoff, by name."""
    return {metric.name: metric.of(said, happened) for metric in METRICS}
