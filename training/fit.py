"""Fit every predictor on what was known as of a date: the one recipe of backtests, evaluation and training."""

import logging
from dataclasses import dataclass, replace

import pandas as pd

from features import history
from features.cutoff import Cutoff
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
from training.dataset import Dataset

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
    now = Histories(dataset.snapshot(as_of))
    process, order_value = fit_purchase_process(now), fit_order_value(now)
    bare = CustomerPredictors(
        NextOrder(process, dataset.horizon_days, None),
        OrdersAndValue(process, order_value, dataset.horizon_days, None, None),
    )
    cutoffs = dataset.training_cutoffs(as_of)
    if not cutoffs:
        _log.info("too few complete %d-day windows as of %s", dataset.horizon_days, as_of.local_date)
        return bare
    rows, happened = dataset.stacked(cutoffs)
    buyers = int((happened.orders > 0).sum())
    if len(rows) < MINIMUM_TRAINING_ROWS or buyers < MINIMUM_TRAINING_BUYERS:
        _log.info("%d training rows, %d with an order: too few for trees", len(rows), buyers)
        return bare
    return _fit_trees(rows, happened, Histories(dataset.snapshot(cutoffs[0])), process, order_value, seed)


def _fit_trees(  # noqa: PLR0913, PLR0917  # what is learnt from, what it starts from
    rows: pd.DataFrame,
    happened: Outcomes,
    then: Histories,
    process: PurchaseProcess,
    order_value: OrderValue,
    seed: int,
) -> CustomerPredictors:
    """Fit the trees on the processes of the newest training cutoff, then put today's processes under them.

    Processes fitted on the training windows' own outcomes would look better there than they are.
    """
    inputs = [name for name in rows.columns if name != "customer_id"]
    process_then, order_value_then = fit_purchase_process(then), fit_order_value(then)
    next_order = NextOrder.fit(rows, happened, process_then, inputs, seed)
    worth = OrdersAndValue.fit(rows, happened, process_then, order_value_then, inputs, seed)
    # Trees learnt on one kind of process say nothing about another.
    kept = process if type(process) is type(process_then) else process_then
    return CustomerPredictors(
        replace(next_order, process=kept), replace(worth, process=kept, order_value=order_value)
    )


def fit_all(dataset: Dataset, as_of: Cutoff, customers: CustomerPredictors) -> Predictors:
    """Return the predictors of a release: those of customers, and the refill model fitted as of the same date."""
    history.stage(dataset.connection, as_of)
    return Predictors(customers.next_order, customers.worth, ReplenishmentModel.fit(dataset.connection))
