"""Purchase processes as published, on their own: BG/NBD and Pareto/NBD, each with Gamma-Gamma."""

import logging
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.pareto_nbd import fit_pareto_nbd
from models.purchase_process import Histories, fit_bg_nbd
from training.ask import ask
from training.curves import Knots, curve_days
from training.metrics import Prediction
from training.peers.case import Case

Floats = NDArray[np.float64]

_log = logging.getLogger(__name__)


class _Process(Protocol):
    """What every purchase process answers."""

    def p_order(self, histories: Histories, horizon_days: float) -> Floats: ...

    def expected_orders(self, histories: Histories, horizon_days: float) -> Floats: ...


def without_trees(case: Case) -> Prediction:
    """Return what is served where the gate refuses a candidate."""
    return ask(case.ours.without_trees(), case.snapshot, case.horizon_days)


def bg_nbd(case: Case) -> Prediction | None:
    """Return BG/NBD and Gamma-Gamma, or None where `lifetimes` finds no parameters."""
    past, buyers = case.histories, case.histories.orders > 0
    found = fit_bg_nbd(past.frequency[buyers], past.recency_days[buyers], past.age_days[buyers])
    return _said(found, case, "BG/NBD")


def pareto_nbd(case: Case) -> Prediction | None:
    """Return Pareto/NBD and Gamma-Gamma, or None where no parameters are found."""
    past, buyers = case.histories, case.histories.orders > 0
    found = fit_pareto_nbd(past.frequency[buyers], past.recency_days[buyers], past.age_days[buyers])
    return _said(found, case, "Pareto/NBD")


def _said(process: _Process | None, case: Case, name: str) -> Prediction | None:
    if process is None:
        _log.info("%s did not converge as of %s: no such peer", name, case.test.local_date)
        return None
    days = curve_days(case.horizon_days)
    curve = np.column_stack([process.p_order(case.histories, day) for day in days])
    orders = process.expected_orders(case.histories, case.horizon_days)
    value = orders * case.order_value.expected(case.histories)
    return Prediction(curve[:, -1], orders, value, Knots(tuple(days), curve))
