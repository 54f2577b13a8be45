"""How many orders and how much money? Expected orders and net value over any horizon up to a year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincinv

from models.asked import Asked
from models.boosting import Correction, fit_correction
from models.level import STEADY, Level
from models.next_order import NextOrder
from models.predictor import NOTHING, OLDER_THAN_SEEN, Common, Outcomes, cutoffs_of, described, log_pace
from models.purchase_process import OrderValue, PurchaseProcess
from models.rows import Rows, Snapshot
from models.scores import VALUE_HORIZON_DAYS
from models.value_shape import EXPONENTIAL, ValueShape

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

SMALLEST = 1e-9
"""Expected orders and values are kept above this, where logarithms end."""
FOLLOWS_CURVE = 0.5
"""How far expected orders move with the probability of one: of the way, on a logarithm."""
_ORDERS_HORIZONS_DAYS = (90, 365)
_VALUE_HORIZONS_DAYS = (90,)
_MOST_TIMES_EXPECTED = 5.0
"""One wholesale order of a hundred times the usual would otherwise move all that look like its buyer."""


@dataclass(frozen=True)
class OrdersAndValue:
    """Expected orders and net value: the purchase process and the mean order value, corrected by trees.

    Parameters
    ----------
    process : PurchaseProcess
    order_value : OrderValue
    horizon_days : int, days
        Horizon that the corrections were trained on; on other horizons they apply unchanged, in proportion.
    orders_correction, value_correction : Correction or None
        None leaves process and mean order value alone.
    value_shape : ValueShape
    level : Level
        The clock that the process is asked by: the next-order curve's.
    orders_common, value_common : Common
        What all customers together add to the logarithms of corrected orders and of the value of an order.
    """

    process: PurchaseProcess
    order_value: OrderValue
    horizon_days: int
    orders_correction: Correction | None
    value_correction: Correction | None
    value_shape: ValueShape = EXPONENTIAL
    level: Level = STEADY
    orders_common: Common = NOTHING
    value_common: Common = NOTHING

    @classmethod
    def fit(  # noqa: PLR0913, PLR0917  # what it learns from, and what it starts from
        cls,
        snapshot: pd.DataFrame,
        outcomes: Outcomes,
        next_order: NextOrder,
        order_value: OrderValue,
        inputs: Sequence[str],
        seed: int,
        on_day: Days | None = None,
    ) -> "OrdersAndValue":
        """Fit both corrections on snapshots of earlier cutoffs and their outcomes.

        What a cutoff's customers have in common is taken out first, as in `NextOrder.fit`.

        Parameters
        ----------
        snapshot, outcomes, inputs, seed, on_day
            As of `NextOrder.fit`.
        next_order : NextOrder
            Fitted on the same rows; its process and level are used.
        order_value : OrderValue
            Fitted on what was known before the last of the outcomes began.
        """
        features, cutoff = Rows.of(snapshot), cutoffs_of(on_day, len(snapshot))
        days = outcomes.horizon_days
        bare = cls(next_order.process, order_value, days, None, None, level=next_order.level)
        asked = Asked.of(bare.process, features)
        one_order = order_value.expected(asked.histories)
        rows = features.only(inputs).plus(**asked.described, expected_order_value=one_order)
        p_order = next_order.p_order(features, [days], on_day)[:, 0]
        base = bare._log_orders(asked, bare.level.business_days(on_day, days), p_order)
        shift = _level_logs(base, outcomes.orders, cutoff)
        orders_correction = fit_correction(
            rows, outcomes.orders, base + shift[cutoff], objective="poisson", seed=seed
        )
        one_order = np.maximum(one_order, SMALLEST)
        first = np.unique(cutoff, return_index=True)[1]
        pace = np.broadcast_to(log_pace(bare.level, on_day, days), len(snapshot))[first]
        fitted = replace(
            bare,
            orders_correction=orders_correction,
            value_correction=_fit_value_correction(rows, outcomes, one_order, cutoff, seed),
            orders_common=Common.fit(shift, pace),
            value_common=Common.fit(
                _level_logs(np.log(outcomes.orders * one_order + SMALLEST), outcomes.value, cutoff), pace
            ),
        )
        orders, value = fitted.expected(features, days, p_order, on_day)
        spent = outcomes.value > 0
        ratios = (outcomes.value * p_order / value)[spent]
        return replace(fitted, value_shape=ValueShape.fit(ratios, (orders / p_order)[spent]))

    def placed(
        self, snapshot: pd.DataFrame, next_order: NextOrder, order_value: OrderValue
    ) -> "OrdersAndValue":
        """Return the same corrections on today's curve and order values, their totals held as by `NextOrder.placed`.

        Parameters
        ----------
        snapshot : (n, k) DataFrame
            Of the day that the level was fitted at.
        next_order : NextOrder
            Placed already.
        order_value : OrderValue
        """
        now = replace(self, process=next_order.process, level=next_order.level, order_value=order_value)
        return now.settled(snapshot, next_order)

    def settled(self, snapshot: pd.DataFrame, next_order: NextOrder) -> "OrdersAndValue":
        """Return the same with half of what the corrections say of all together taken back."""
        if self.orders_correction is None or self.value_correction is None or snapshot.empty:
            return self
        features = Rows.of(snapshot)
        asked, rows = Asked.of(self.process, features), self.described(features)
        p_order = next_order.p_order(features, [self.horizon_days])[:, 0]
        ahead = self.level.business_days(None, self.horizon_days)
        orders = np.exp(self._log_orders(asked, ahead, p_order))
        one_order = np.maximum(self.order_value.expected(asked.histories), SMALLEST)
        more = orders * np.exp(self.orders_correction.raw(rows))
        dearer = one_order * np.exp(self.value_correction.raw(rows))
        ordering, paying = more.sum() / orders.sum(), (more * dearer).sum() / (more * one_order).sum()
        return replace(
            self,
            orders_common=self.orders_common.raised(-OLDER_THAN_SEEN * float(np.log(ordering))),
            value_common=self.value_common.raised(-OLDER_THAN_SEEN * float(np.log(paying))),
        )

    def expected(
        self,
        snapshot: Snapshot,
        days: float,
        p_order: Floats | None = None,
        on_day: int | Days | None = None,
    ) -> tuple[Floats, Floats]:
        """Return the orders and the net value to expect over the next `days`.

        Parameters
        ----------
        snapshot : (n, k) DataFrame
        days : float, days
        p_order : (n,) float, probability, or None
            Of an order within those days, by the next-order curve: who is likelier to order than the process says is
            expected to order more often too, and nobody less often than that. None is the process' own.
        on_day : int, (n,) int or None
            Local day number of the cutoff, of all or of each; None is the one that the level was fitted at.

        Returns
        -------
        orders : (n,) float, orders
        value : (n,) float, currency
            Orders times the value of one, so the two cannot contradict each other.
        """
        rows = Rows.of(snapshot)
        ahead = self.level.business_days(on_day, days)
        return self._over(ahead, Asked.of(self.process, rows), self._learnt(rows, on_day), p_order)

    def _learnt(self, snapshot: Rows, on_day: int | Days | None) -> tuple[Floats, Floats]:
        """Return what holds over every horizon: the trees' factor on orders, and the value of one order."""
        rows = self.described(snapshot)
        one_order = rows["expected_order_value"]
        if self.orders_correction is None or self.value_correction is None:
            return np.ones_like(one_order), one_order
        pace = log_pace(self.level, on_day, self.horizon_days)
        factor = np.exp(self.orders_common.at(pace) + self.orders_correction.raw(rows))
        return factor, one_order * np.exp(self.value_common.at(pace) + self.value_correction.raw(rows))

    def _over(
        self,
        ahead: float | Floats,
        asked: Asked,
        learnt: tuple[Floats, Floats],
        p_order: Floats | None,
    ) -> tuple[Floats, Floats]:
        factor, one_order = learnt
        # Without trees the process answers alone, as its curve does.
        alone = self.orders_correction is None
        orders = np.exp(self._log_orders(asked, ahead, None if alone else p_order)) * factor
        if p_order is not None:
            orders = np.maximum(orders, p_order)
        return orders, np.maximum(orders * one_order, SMALLEST)

    def _log_orders(self, asked: Asked, ahead: float | Floats, p_order: Floats | None) -> Floats:
        """Return the logarithm of the process' orders, moved half as far as the curve moved its probability.

        Moved as far, it would be the curve's probability times the process' orders of one who orders. The geometric
        mean of both errs less than either, on stores of few and of many heavy buyers.
        """
        orders = np.log(np.maximum(asked.expected_orders([ahead])[:, 0], SMALLEST))
        if p_order is None:
            return np.asarray(orders)
        of_process = np.maximum(asked.p_order([ahead])[:, 0], SMALLEST)
        return np.asarray(
            orders + FOLLOWS_CURVE * (np.log(np.maximum(p_order, SMALLEST)) - np.log(of_process))
        )

    def described(self, snapshot: Snapshot) -> Rows:
        """Return what the corrections read: as `models.predictor.described`, and expected_order_value, in currency."""
        features = Rows.of(snapshot)
        histories, rows = Asked.of(self.process, features).histories, described(features, self.process)
        return rows.kept(
            self.order_value, lambda: rows.plus(expected_order_value=self.order_value.expected(histories))
        )

    def predict(
        self, snapshot: pd.DataFrame, next_order: NextOrder, on_day: int | None = None
    ) -> pd.DataFrame:
        """Return expected_orders_{h}d, expected_value_{h}d and clv_365d with its p10 and p90.

        Parameters
        ----------
        snapshot : (n, k) DataFrame
        next_order : NextOrder
            The curve that orders and money must agree with.
        on_day : int or None
            As of `expected`.
        """
        return pd.DataFrame(
            self.columns(snapshot, next_order.curve(snapshot, on_day), on_day), index=snapshot.index
        )

    def columns(
        self, snapshot: Snapshot, curve: Mapping[int, Floats], on_day: int | None = None
    ) -> dict[str, Floats]:
        """Return the columns of `predict`, each (n,) float, from what `NextOrder.curve` gave for the same customers."""
        columns = {}
        rows = Rows.of(snapshot)
        asked, learnt = Asked.of(self.process, rows), self._learnt(rows, on_day)
        horizons = [*dict.fromkeys((*_ORDERS_HORIZONS_DAYS, self.horizon_days))]
        every = self.level.ahead(on_day, horizons)
        asked.expected_orders(every)  # at once, and each below from what is known
        for days, ahead in zip(horizons, every, strict=True):
            p_order = curve[days]
            orders, value = self._over(ahead, asked, learnt, p_order)
            columns[f"expected_orders_{days}d"] = orders
            if days in (*_VALUE_HORIZONS_DAYS, self.horizon_days):
                columns[f"expected_value_{days}d"] = value
            if days == VALUE_HORIZON_DAYS:
                columns["clv_365d"] = value
                columns["clv_365d_p10"] = self.value_quantile(orders, value, p_order, 0.1)
                columns["clv_365d_p90"] = self.value_quantile(orders, value, p_order, 0.9)
        return columns

    def value_quantile(self, orders: Floats, value: Floats, p_order: Floats, share: float) -> Floats:
        """Return below which value a share of such customers stays.

        Parameters
        ----------
        orders : (n,) float, orders
            Expected over a horizon.
        value : (n,) float, currency
            Expected over the same.
        p_order : (n,) float, probability
            Of any order within it.
        share : float, probability

        Returns
        -------
        (n,) float, currency
            0 where fewer than `share` order at all; else the gamma of those who do, whose mean is value / p_order.
        """
        among_buyers = np.clip((share - (1.0 - p_order)) / np.maximum(p_order, SMALLEST), 0.0, 1.0)
        shape = self.value_shape.at(orders / np.maximum(p_order, SMALLEST))
        scale = value / np.maximum(p_order, SMALLEST) / shape
        return np.asarray(scale * gammaincinv(shape, among_buyers), dtype=np.float64)


def _fit_value_correction(
    rows: Rows, outcomes: Outcomes, one_order: Floats, cutoff: NDArray[np.intp], seed: int
) -> Correction:
    """Fit how far the value of one order will be from what is expected, among those who ordered after one cutoff."""
    ordered = (outcomes.orders > 0) & (one_order > SMALLEST)
    weight = outcomes.orders[ordered]
    ratio = outcomes.value[ordered] / weight / one_order[ordered]
    ratio = np.clip(ratio, 1 / _MOST_TIMES_EXPECTED, _MOST_TIMES_EXPECTED)
    shift = _level_logs(np.log(weight), weight * ratio, cutoff[ordered])
    return fit_correction(
        rows.take(ordered), ratio, shift[cutoff[ordered]], objective="gamma", seed=seed, weight=weight
    )


def _level_logs(said: Floats, happened: Floats, cutoff: NDArray[np.intp]) -> Floats:
    """Return (cutoffs,) float, what to add to the logarithms of each cutoff so that its total is what happened."""
    total, truth = np.bincount(cutoff, weights=np.exp(said)), np.bincount(cutoff, weights=happened)
    return np.where(
        (total > 0) & (truth > 0), np.log(np.maximum(truth, 0.5) / np.maximum(total, SMALLEST)), 0.0
    )
