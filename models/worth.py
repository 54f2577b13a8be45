"""How many orders and how much money? Expected orders and net value over any horizon up to a year."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import digamma
from scipy.stats import gamma

from models.boosting import Correction, fit_correction
from models.predictor import Outcomes, described
from models.purchase_process import Histories, OrderValue, PurchaseProcess
from models.scores import VALUE_HORIZON_DAYS

Floats = NDArray[np.float64]

_SMALLEST = 1e-9
"""Expected orders and values are kept above this, where logarithms end."""
_ORDERS_HORIZONS_DAYS = (90, 365)
_VALUE_HORIZONS_DAYS = (90,)
DEFAULT_SHAPE = 1.0
"""Spread of a buyer's value before a store has shown its own: an exponential."""


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
    value_shape : float
        Shape of the gamma that spreads a buyer's value around its expectation; without unit.
    """

    process: PurchaseProcess
    order_value: OrderValue
    horizon_days: int
    orders_correction: Correction | None
    value_correction: Correction | None
    value_shape: float = DEFAULT_SHAPE

    @classmethod
    def fit(  # noqa: PLR0913, PLR0917  # what it learns from, and what it starts from
        cls,
        snapshot: pd.DataFrame,
        outcomes: Outcomes,
        process: PurchaseProcess,
        order_value: OrderValue,
        inputs: Sequence[str],
        seed: int,
    ) -> "OrdersAndValue":
        """Fit both corrections on snapshots of earlier cutoffs and their outcomes."""
        bare = cls(process, order_value, outcomes.horizon_days, None, None)
        histories = Histories(snapshot)
        orders, value = bare.expected(snapshot, outcomes.horizon_days)
        rows = bare._described(snapshot, histories, inputs)
        fitted = cls(
            process,
            order_value,
            outcomes.horizon_days,
            fit_correction(rows, outcomes.orders, np.log(orders), objective="poisson", seed=seed),
            # A window's net value may be negative (returns of earlier orders); the Tweedie loss needs it at 0 or above.
            fit_correction(
                rows, np.maximum(outcomes.value, 0.0), np.log(value), objective="tweedie", seed=seed
            ),
        )
        p_order = np.clip(process.p_order(histories, outcomes.horizon_days), _SMALLEST, 1.0)
        _, expected = fitted.expected(snapshot, outcomes.horizon_days)
        bought = outcomes.value > 0
        shape = gamma_shape((outcomes.value * p_order / expected)[bought])
        return cls(**{**vars(fitted), "value_shape": shape})

    def expected(self, snapshot: pd.DataFrame, days: float) -> tuple[Floats, Floats]:
        """Return ((n,) expected orders, (n,) expected net value in currency) over the next `days`."""
        histories = Histories(snapshot)
        process_orders = np.maximum(self.process.expected_orders(histories, days), _SMALLEST)
        orders = process_orders.copy()
        value = np.maximum(process_orders * self.order_value.expected(histories), _SMALLEST)
        if self.orders_correction is not None and self.value_correction is not None:
            rows = self._described(snapshot, histories, self.orders_correction.inputs)
            orders *= np.exp(self.orders_correction.raw(rows))
            value *= np.exp(self.value_correction.raw(rows))
        return orders, value

    def _described(self, snapshot: pd.DataFrame, histories: Histories, inputs: Sequence[str]) -> pd.DataFrame:
        rows = described(snapshot, histories, self.process, inputs)
        return rows.assign(expected_order_value=self.order_value.expected(histories))

    def predict(self, snapshot: pd.DataFrame) -> pd.DataFrame:
        """Return expected_orders_{h}d, expected_value_{h}d and clv_365d."""
        columns = {}
        for days in dict.fromkeys((*_ORDERS_HORIZONS_DAYS, self.horizon_days)):
            orders, value = self.expected(snapshot, days)
            columns[f"expected_orders_{days}d"] = orders
            if days in (*_VALUE_HORIZONS_DAYS, self.horizon_days):
                columns[f"expected_value_{days}d"] = value
            if days == VALUE_HORIZON_DAYS:
                columns["clv_365d"] = value
        return pd.DataFrame(columns, index=snapshot.index)

    def value_quantile(self, value: Floats, p_order: Floats, share: float) -> Floats:
        """Return below which value a share of such customers stays.

        Parameters
        ----------
        value : (n,) float, currency
            Expected value over a horizon.
        p_order : (n,) float, probability
            Of any order within the same horizon.
        share : float, probability

        Returns
        -------
        (n,) float, currency
            0 where fewer than `share` order at all; else the gamma of those who do, whose mean is value / p_order.
        """
        among_buyers = np.clip((share - (1.0 - p_order)) / np.maximum(p_order, _SMALLEST), 0.0, 1.0)
        scale = value / np.maximum(p_order, _SMALLEST) / self.value_shape
        return np.asarray(gamma.ppf(among_buyers, self.value_shape, scale=scale), dtype=np.float64)


def gamma_shape(ratios: Floats) -> float:
    """Return the maximum-likelihood shape of a gamma.

    Parameters
    ----------
    ratios : (n,) float
        Positive; what happened over what was expected.

    Notes
    -----
    The shape k solves log k - digamma(k) = log(mean) - mean(log); the left side falls from infinity to 0.
    Choi and Wette (1969), Technometrics 11(4).
    """
    enough = 20
    if len(ratios) < enough:
        return DEFAULT_SHAPE
    gap = float(np.log(ratios.mean()) - np.log(ratios).mean())
    lowest, highest = 0.05, 50.0

    def excess(k: float) -> float:
        return float(np.log(k) - digamma(k)) - gap

    if excess(highest) > 0:
        return highest
    return lowest if excess(lowest) < 0 else float(brentq(excess, lowest, highest))
