"""What each score is the sum of: the store's usual customer, and what a customer's own history and features add.

Scores add up on their raw scale: log-odds for a probability, the logarithm for orders and money. The sum is exact;
`models.reasons` puts it into words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.special import expit

from models.asked import Asked, log_odds
from models.boosting import Correction
from models.histories import Histories
from models.next_order import NextOrder
from models.predictor import described, log_pace
from models.purchase_process import OrderValue, PurchaseProcess
from models.rows import Rows, Snapshot
from models.scores import CHURN_HORIZON_DAYS, Score, scores_for
from models.worth import FOLLOWS_CURVE, SMALLEST, OrdersAndValue

Floats = NDArray[np.float64]
Scale = Literal["log_odds", "log"]

PROCESS = "process"
"""What the purchase process makes of the orders so far, of the days since the last and of those since the first."""
ORDER_VALUE = "order_value"
"""What is paid for an order."""
LEVEL = "level"
"""How busy the store is in the days ahead."""
AT_LEAST_THE_CHANCE = "at_least_the_chance"
"""No fewer orders are expected than the chance of one: what the corrected orders were below it."""
AT_LEAST_NOTHING = "at_least_nothing"
"""No value below nothing is expected."""
TERMS = (PROCESS, ORDER_VALUE, LEVEL, AT_LEAST_THE_CHANCE, AT_LEAST_NOTHING)
"""Beside the inputs of trees and lines."""


class UsualCustomer(BaseModel):
    """The medians of a store's customers: whom every customer is told apart from.

    Parameters
    ----------
    orders : float, orders
    days_first_to_last_order, days_since_first_order : float, days
    mean_order_value : float, currency
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    orders: float
    days_first_to_last_order: float
    days_since_first_order: float
    mean_order_value: float

    @classmethod
    def of(cls, snapshot: pd.DataFrame) -> "UsualCustomer":
        """Return the usual customer among those with an order; the lower of two medians, so that orders are whole."""
        found = Histories(snapshot)
        some = found.orders > 0
        columns = (found.orders, found.recency_days, found.age_days, found.mean_order_value)
        medians = [
            float(np.quantile(each[some], 0.5, method="lower")) if some.any() else 0.0 for each in columns
        ]
        return cls(**dict(zip(cls.model_fields, medians, strict=True)))

    def histories(self) -> Histories:
        """Return what a purchase process reads of one row."""
        return Histories(Rows({name: np.array([value]) for name, value in self.model_dump().items()}, 1))


@dataclass(frozen=True)
class Contributions:
    """The addends of one score's raw value.

    Parameters
    ----------
    score : Score
    scale : "log_odds" or "log"
        Of what the addends sum to.
    base : float
        The usual customer's, of whom nothing else is known.
    terms : tuple of str
        Names of the addends: TERMS and inputs.
    added : (n, k) float
        What each term adds for each customer.
    """

    score: Score
    scale: Scale
    base: float
    terms: tuple[str, ...]
    added: Floats

    @property
    def raw(self) -> Floats:
        """(n,) float, on the scale."""
        return np.asarray(self.base + self.added.sum(axis=1))

    def value(self, raw: Floats | float) -> Floats:
        """Return the score of a raw value."""
        return np.asarray(expit(raw) if self.scale == "log_odds" else np.exp(raw))


def explained(horizon_days: int) -> tuple[Score, ...]:
    """Return the scores that have contributions: chances, orders and money, not their percentiles and intervals."""
    units = ("probability", "orders", "currency")
    return tuple(
        score
        for score in scores_for(horizon_days)
        if score.unit in units and not score.name.endswith(("_p10", "_p90"))
    )


def contributions(
    next_order: NextOrder,
    worth: OrdersAndValue,
    usual: UsualCustomer,
    snapshot: Snapshot,
    on_day: int | None = None,
) -> dict[str, Contributions]:
    """Return the contributions of every score of `explained`, by its name.

    Parameters
    ----------
    next_order : NextOrder
    worth : OrdersAndValue
        On the same process and level.
    usual : UsualCustomer
    snapshot : (n, k) DataFrame or Rows
    on_day : int or None
        Local day number of its cutoff; None is the day that the predictors were placed on.
    """
    sums = _Sums(next_order, worth, usual, snapshot, on_day)
    found = {}
    for score in explained(worth.horizon_days):
        scale, addends = sums.of(score)
        found[score.name] = Contributions(score, scale, addends.base, sums.terms, addends.added)
    return found


@dataclass(frozen=True)
class _Addends:
    """What is the same for all, and (n, k) float what each term adds."""

    base: float
    added: Floats

    def plus(self, other: "_Addends") -> "_Addends":
        return _Addends(self.base + other.base, self.added + other.added)


@dataclass(frozen=True)
class _Usual:
    """What the process says of the usual customer on days of ordinary business, and what an order of his is worth.

    Parameters
    ----------
    chances, orders : mapping of float to float
        By days: the probability of an order, and the orders to expect.
    one_order : float, currency
    """

    chances: Mapping[float, float]
    orders: Mapping[float, float]
    one_order: float

    @staticmethod
    @lru_cache(maxsize=16)
    def of(
        usual: UsualCustomer,
        process: PurchaseProcess,
        order_value: OrderValue,
        days: tuple[float, ...],
        of_orders: tuple[float, ...],
    ) -> "_Usual":
        """Ask it; of a release the answers stay the same."""
        asked = Asked(process, usual.histories())
        return _Usual(
            dict(zip(days, asked.p_order(days)[0].tolist(), strict=True)),
            dict(zip(of_orders, asked.expected_orders(of_orders)[0].tolist(), strict=True)),
            float(order_value.expected(asked.histories)[0]),
        )


class _Sums:
    """The addends of corrections, computed once for all scores, and each score's from them."""

    def __init__(
        self,
        next_order: NextOrder,
        worth: OrdersAndValue,
        usual: UsualCustomer,
        snapshot: Snapshot,
        on_day: int | None,
    ) -> None:
        features = Rows.of(snapshot)
        self.next_order, self.worth = next_order, worth
        asked = Asked.of(next_order.process, features)
        self._customers = len(features)
        scores = explained(worth.horizon_days)
        days = tuple(sorted({_days_of(score) for score in scores}))
        of_orders = tuple(sorted({_days_of(score) for score in scores if score.unit != "probability"}))
        self._ahead = dict(zip(days, next_order.level.ahead(on_day, days), strict=True))
        # On days of ordinary business and on those ahead.
        chances, orders = ([*some, *map(self._ahead.__getitem__, some)] for some in (days, of_orders))
        self._chances = dict(zip(chances, asked.p_order(chances).T, strict=True))
        self._expected = dict(zip(orders, asked.expected_orders(orders).T, strict=True))
        self._usual = _Usual.of(usual, next_order.process, worth.order_value, days, of_orders)
        corrections = (next_order.correction, worth.orders_correction, worth.value_correction)
        inputs = dict.fromkeys(name for each in corrections if each is not None for name in each.inputs)
        self.terms = (*TERMS, *inputs)
        self._place = {name: place for place, name in enumerate(self.terms)}
        rows = worth.described(features)
        self._one_order = rows["expected_order_value"]
        # Each of the rows that it was asked about for the scores: what was made of them is kept with them.
        self._chance, self._orders, self._value = (
            self._correction(each, of_each)
            for each, of_each in zip(
                corrections, (described(features, next_order.process), rows, rows), strict=True
            )
        )
        self._pace = float(log_pace(next_order.level, on_day, worth.horizon_days))
        self._curves: dict[float, _Addends] = {}

    def of(self, score: Score) -> tuple[Scale, _Addends]:
        """Return the scale and the addends of a score."""
        days = _days_of(score)
        if score.unit == "probability":
            curve = self._curve(days)
            if score.name == f"churn_probability_{CHURN_HORIZON_DAYS}d":
                return "log_odds", _Addends(-curve.base, -curve.added)
            return "log_odds", curve
        orders = self._orders_within(days)
        return "log", orders if score.unit == "orders" else self._value_of(orders)

    def _correction(self, correction: Correction | None, rows: Rows) -> _Addends:
        added = np.zeros((len(rows), len(self.terms)))
        if correction is None:
            return _Addends(0.0, added)
        found, constant = correction.contributions(rows)
        added[:, [self._place[name] for name in correction.inputs]] = found
        return _Addends(constant, added)

    def _own(self, base: float = 0.0, **terms: Floats | float) -> _Addends:
        """Return addends of named terms alone."""
        added = np.zeros((self._customers, len(self.terms)))
        for name, values in terms.items():
            added[:, self._place[name]] = values
        return _Addends(base, added)

    def _curve(self, days: float) -> _Addends:
        """Return the addends of the log-odds of an order."""
        if days not in self._curves:
            self._curves[days] = self._curve_at(days)
        return self._curves[days]

    def _curve_at(self, days: float) -> _Addends:
        own, usual, ahead = self._log_odds(days)
        if self.next_order.correction is None:
            return self._own(usual, process=own - usual, level=ahead - own)
        calm, busy = (float(self.next_order.calibration.at(days, pace)) for pace in (0.0, self._pace))
        process = self._own(usual + calm, process=own - usual, level=ahead - own + busy - calm)
        return process.plus(self._chance)

    def _log_odds(self, days: float) -> tuple[Floats, float, Floats]:
        """Return the process' log-odds on days of ordinary business, the usual customer's, and on the days ahead."""
        own, ahead = log_odds(self._chances[days]), log_odds(self._chances[self._ahead[days]])
        return own, float(log_odds(np.float64(self._usual.chances[days]))), ahead

    def _orders_within(self, days: float) -> _Addends:
        """Return the addends of the logarithm of expected orders."""
        asked = (self._expected[days], self._expected[self._ahead[days]], self._usual.orders[days])
        own, then, of_usual = (np.log(np.maximum(each, SMALLEST)) for each in asked)
        usual = float(of_usual)
        found = self._own(usual, process=own - usual, level=then - own)
        if self.worth.orders_correction is not None:
            calm, busy = (float(self.worth.orders_common.at(pace)) for pace in (0.0, self._pace))
            found = found.plus(self._own(calm, level=busy - calm)).plus(self._orders)
            found = found.plus(self._moved_by_the_curve(days))
        curve = self._curve(days)
        chance = expit(curve.base + curve.added.sum(axis=1))
        so_far = found.base + found.added.sum(axis=1)
        # Where the chance is the larger it is the answer; elsewhere nothing is added, not even a rounding.
        lifted = np.where(chance > np.exp(so_far), np.log(np.maximum(chance, SMALLEST)) - so_far, 0.0)
        return found.plus(self._own(at_least_the_chance=lifted))

    def _moved_by_the_curve(self, days: float) -> _Addends:
        """Return the addends of half the logarithm of the curve's probability over the process'.

        The logarithm of a probability rises with its log-odds; between two of them by a mean slope of 0 to 1. By this
        slope each addend of the log-odds moves the orders.
        """
        curve = self._curve(days)
        own, usual, before = self._log_odds(days)
        process = np.log(np.maximum(self._chances[self._ahead[days]], SMALLEST))
        usual_process = float(np.log(np.maximum(self._usual.chances[days], SMALLEST)))
        same = curve.base - usual
        slope = _mean_slope(before, curve.base + curve.added.sum(axis=1))
        usual_slope = float(_mean_slope(np.array([usual]), np.array([curve.base]))[0])
        # What the process may not be surer of than it may be is its own.
        held, usual_held = (
            _log_expit(before) - process,
            float(_log_expit(np.array([usual]))[0]) - usual_process,
        )
        moved = curve.added * slope[:, None]
        moved[:, self._place[PROCESS]] = same * (slope - usual_slope) + held - usual_held
        moved[:, self._place[LEVEL]] = (curve.added[:, self._place[LEVEL]] - (before - own)) * slope
        return _Addends(FOLLOWS_CURVE * (usual_slope * same + usual_held), FOLLOWS_CURVE * moved)

    def _value_of(self, orders: _Addends) -> _Addends:
        """Return the addends of the logarithm of expected value: the orders' and those of one order's value."""
        worth = self.worth
        expected = self._one_order
        own = np.log(np.maximum(expected, SMALLEST))
        usual_log = float(np.log(np.maximum(self._usual.one_order, SMALLEST)))
        found = orders.plus(self._own(usual_log, order_value=own - usual_log))
        if worth.value_correction is not None:
            calm, busy = (float(worth.value_common.at(pace)) for pace in (0.0, self._pace))
            found = found.plus(self._own(calm, level=busy - calm)).plus(self._value)
        so_far = found.base + found.added.sum(axis=1)
        nothing = (expected <= 0.0) | (np.exp(so_far) <= SMALLEST)
        return found.plus(self._own(at_least_nothing=np.where(nothing, np.log(SMALLEST) - so_far, 0.0)))


def _days_of(score: Score) -> float:
    """Return the horizon that a score is named after, in days."""
    return float(score.name.rpartition("_")[2].removesuffix("d"))


def _log_expit(raw: Floats) -> Floats:
    """Return the logarithm of the probability, kept where `OrdersAndValue` keeps it."""
    return np.asarray(np.log(np.maximum(expit(raw), SMALLEST)))


def _mean_slope(before: Floats, after: Floats) -> Floats:
    """Return by how much the logarithm of a probability rises for each unit of log-odds between two of them."""
    step = after - before
    moved = np.abs(step) > 1e-9  # noqa: PLR2004 - a shorter step has the slope of its place
    found = (_log_expit(after) - _log_expit(before)) / np.where(moved, step, 1.0)
    return np.asarray(np.where(moved, found, 1.0 - expit(before)))


def by_score(found: Mapping[str, Contributions]) -> pd.DataFrame:
    """Return (n, m) DataFrame, the scores that the contributions sum to."""
    return pd.DataFrame({name: each.value(each.raw) for name, each in found.items()})
