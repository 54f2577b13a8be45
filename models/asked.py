"""What a purchase process answers of some customers; nothing is asked twice.

Of one customer, asking takes longer than answering, and scores and their reasons ask for much the same.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from models.histories import Histories
from models.purchase_process import PurchaseProcess
from models.rows import Rows, Snapshot

Floats = NDArray[np.float64]

PROCESS_DAYS = 90.0
_FEW = 64
"""Customers, up to whom one question for all horizons takes less time than one each."""
_CERTAIN = 1e-3
"""A process may not be surer than this: BG/NBD takes a heavy buyer's first long break for his last day."""


class Asked:
    """A process and the customers that it is asked about.

    Parameters
    ----------
    process : PurchaseProcess
    histories : Histories
    """

    def __init__(self, process: PurchaseProcess, histories: Histories) -> None:
        self.process, self.histories = process, histories
        self._chances: dict[float, Floats] = {}
        self._orders: dict[float, Floats] = {}

    @classmethod
    def of(cls, process: PurchaseProcess, snapshot: Snapshot) -> "Asked":
        """Return the answers about a snapshot's customers, kept with its rows."""
        rows = Rows.of(snapshot)
        return rows.kept(("asked", process), lambda: cls(process, Histories(rows)))

    def p_order(self, business_days: Sequence[float | Floats]) -> Floats:
        """Return (n, k) float, the probability of an order within each of k numbers of days.

        Parameters
        ----------
        business_days : sequence of k float or (n,) float, days
            Of ordinary business.
        """
        return self._over_each(self.process.p_order, business_days, self._chances)

    def expected_orders(self, business_days: Sequence[float | Floats]) -> Floats:
        """Return (n, k) float, the orders to expect within each of k numbers of days; as `p_order`."""
        return self._over_each(self.process.expected_orders, business_days, self._orders)

    @cached_property
    def described(self) -> Mapping[str, Floats]:
        """What corrections read of the process, each (n,) float.

        Its log-odds of being active and of an order within PROCESS_DAYS of ordinary business, and its logarithm of the
        orders a day.
        """
        return {
            "process_active_log_odds": log_odds(self.process.p_active(self.histories)),
            "process_order_log_odds": log_odds(self.p_order([PROCESS_DAYS])[:, 0]),
            "process_log_rate": np.log(self.process.rate_per_day(self.histories)),
        }

    def _over_each(
        self,
        ask: Callable[[Histories, float | Floats], Floats],
        business_days: Sequence[float | Floats],
        known: dict[float, Floats],
    ) -> Floats:
        """Return (n, k) float; what is asked over the same days of all customers is known from then on."""
        alike = dict.fromkeys(days for days in business_days if isinstance(days, float))
        new = [days for days in alike if days not in known]
        known |= zip(new, self._ask(ask, new), strict=True)
        return np.column_stack(
            [known[days] if isinstance(days, float) else ask(self.histories, days) for days in business_days]
        )

    def _ask(
        self, ask: Callable[[Histories, float | Floats], Floats], new: Sequence[float]
    ) -> Sequence[Floats]:
        customers = len(self.histories.orders)
        if customers > _FEW or len(new) <= 1:
            return [ask(self.histories, days) for days in new]
        found = ask(self.histories.repeated(len(new)), np.repeat(new, customers))
        return list(found.reshape(len(new), customers))


def log_odds(probability: Floats | np.float64) -> Floats:
    """Return log-odds, kept within what a process may be sure of."""
    return np.asarray(logit(np.clip(probability, _CERTAIN, 1.0 - _CERTAIN)))
