"""Fit every predictor on what was known as of a date: the one recipe of backtests, evaluation and training."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.cutoff import Cutoff
from models.boosting import MOST_ROWS, sample
from models.level import Level
from models.next_order import NextOrder
from models.predictor import Outcomes
from models.purchase_process import (
    Histories,
    OrderValue,
    PurchaseProcess,
    fit_order_value,
    fit_purchase_process,
)
from models.release import Predictors
from models.replenishment import ReplenishmentModel
from models.worth import OrdersAndValue
from training.choice import choose_process, refit
from training.dataset import Dataset
from training.level import fit_level, orders_known

MINIMUM_TRAINING_ROWS = 500
MINIMUM_TRAINING_BUYERS = 100
"""Rows with an order in their window; below either the trees would learn names instead of habits."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CustomerPredictors:
    """The two predictors that describe a customer."""

    next_order: NextOrder
    worth: OrdersAndValue

    def without_trees(self) -> "CustomerPredictors":
        """Return what is served where the trees may not be: process and mean order value alone."""
        return CustomerPredictors(
            replace(self.next_order, correction=None),
            replace(self.worth, orders_correction=None, value_correction=None),
        )


Fit = Callable[[Dataset, Cutoff, int], CustomerPredictors]
"""How predictors are made: of what was known before a cutoff, and a seed. `fit_customers` is ours."""


def fit_customers(dataset: Dataset, as_of: Cutoff, seed: int) -> CustomerPredictors:
    """Fit what is known as of a date: processes on the history then, trees on complete windows before.

    Parameters
    ----------
    dataset : Dataset
    as_of : Cutoff
        Neither a feature nor an outcome after it is used.
    seed : int

    Returns
    -------
    CustomerPredictors
        Without trees where history or customers are below the minimums, which is logged.
    """
    cutoffs = dataset.training_cutoffs(as_of)
    now = dataset.snapshot(as_of)
    histories = Histories(now)
    process_then = _process_then(dataset, cutoffs)
    process = fit_purchase_process(histories) if process_then is None else refit(process_then, histories)
    order_value = fit_order_value(histories)
    orders = orders_known(dataset, as_of)
    level = fit_level(orders, as_of.day, process)
    _log.info("as of %s: %s", as_of.local_date, level.says)
    bare = CustomerPredictors(
        NextOrder(process, dataset.horizon_days, None, level),
        OrdersAndValue(process, order_value, dataset.horizon_days, None, None, level=level),
    )
    if process_then is None:
        _log.info("too few complete %d-day windows as of %s", dataset.horizon_days, as_of.local_date)
        return bare
    rows, happened = dataset.stacked(cutoffs)
    on_day = np.concatenate([np.full(len(dataset.sampled(each)), each.day) for each in cutoffs])
    buyers = int((happened.orders > 0).sum())
    if len(rows) < MINIMUM_TRAINING_ROWS or buyers < MINIMUM_TRAINING_BUYERS:
        _log.info("%d training rows, %d with an order: too few for trees", len(rows), buyers)
        return bare
    order_value_then = fit_order_value(Histories(dataset.snapshot(cutoffs[0])))
    level_then = fit_level(orders, as_of.day, process_then)
    trees = _fit_trees(rows, happened, on_day, (process_then, order_value_then, level_then), seed)
    # Trees learnt on one kind of process say nothing about another.
    if type(process) is not type(process_then):
        process, level = process_then, level_then
    next_order = trees.next_order.placed(now, process, level)
    return CustomerPredictors(next_order, trees.worth.placed(now, next_order, order_value))


def _process_then(dataset: Dataset, cutoffs: Sequence[Cutoff]) -> PurchaseProcess | None:
    """Return the process of the newest complete window, chosen by what happened in it; None without such windows."""
    if not cutoffs:
        return None
    newest = dataset.snapshot(cutoffs[0])
    return choose_process(newest, dataset.outcomes(cutoffs[0]))


def _fit_trees(
    rows: pd.DataFrame,
    happened: Outcomes,
    on_day: NDArray[np.int64],
    base: tuple[PurchaseProcess, OrderValue, Level],
    seed: int,
) -> CustomerPredictors:
    """Fit the trees on the processes of the newest training cutoff; today's are put under them afterwards.

    Processes fitted on the training windows' own outcomes would look better there than they are.
    """
    process, order_value, level = base
    kept = sample(len(rows), MOST_ROWS, np.random.default_rng(seed))
    rows, happened, on_day = rows.iloc[kept], happened.take(kept), on_day[kept]
    inputs = [name for name in rows.columns if name != "customer_id"]
    next_order = NextOrder.fit(rows, happened, process, inputs, seed, level, on_day)
    return CustomerPredictors(
        next_order, OrdersAndValue.fit(rows, happened, next_order, order_value, inputs, seed, on_day)
    )


def fit_all(dataset: Dataset, as_of: Cutoff, customers: CustomerPredictors, seed: int) -> Predictors:
    """Return the predictors of a release: those of customers, and the refill model fitted as of the same date."""
    dataset.stage(as_of)
    return Predictors(customers.next_order, customers.worth, ReplenishmentModel.fit(dataset.connection, seed))
