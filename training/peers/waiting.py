"""What is read off times between orders alone: Kaplan-Meier by order count, and last order plus mean gap."""

import numpy as np

from features import history
from segments.partitions import kaplan_meier
from training.curves import Dates, Waiting
from training.metrics import Prediction
from training.peers.case import Case
from training.peers.rules import gaps, numbers

MOST_ORDERS = 10
"""Customers with more share one curve with those who have this many."""

_WAITS = f"""
select orders, days, sum(returned) as returned, sum(waiting) as waiting
from (
    select least(order_number - 1, {MOST_ORDERS}) as orders, gap_days as days, 1 as returned, 0 as waiting
    from history_orders where order_number > 1
    union all
    select least(max(order_number), {MOST_ORDERS}), min(age_days) - 1, 0, 1 from history_orders group by customer_id
)
group by orders, days
"""


def by_order_count(case: Case) -> Prediction:
    """Return Kaplan-Meier's curve of the time to the next order, one for each number of orders so far.

    Gaps that ended before the cutoff count as returns and those that had not as censored. A customer's curve is
    that of his number of orders, given that he has waited as long as he has; it says nothing of counts and money.
    """
    history.stage(case.dataset.connection, case.test)
    found = case.dataset.connection.sql(_WAITS).fetchnumpy()
    orders, days, returned, waiting = (
        np.asarray(found[name]).astype(np.int64) for name in ("orders", "days", "returned", "waiting")
    )
    longest = int(days.max()) if len(days) else 0
    surviving = np.ones((MOST_ORDERS + 1, longest + 1))
    for count in range(1, MOST_ORDERS + 1):
        mine = orders == count
        curve = kaplan_meier(days[mine], returned[mine], waiting[mine])
        step = np.searchsorted(curve.days, np.arange(longest + 1), side="right")
        surviving[count] = np.concatenate([[1.0], curve.surviving])[step]
    group = np.clip(numbers(case.snapshot, "orders"), 0, MOST_ORDERS).astype(np.intp)
    curves = Waiting(surviving, group, numbers(case.snapshot, "days_since_last_order"))
    return Prediction(curves.at(case.horizon_days), None, None, curves)


def mean_gap(case: Case) -> Prediction:
    """Return the date that marketing suites print: the last order plus the customer's mean gap.

    One-time buyers get the store's mean gap. A date that is past is one on which the order is due at once, as the
    suites show it.
    """
    late = numbers(case.snapshot, "days_since_last_order") - np.rint(gaps(case.snapshot))
    dates = Dates(np.maximum(-late, 0.0))
    return Prediction(dates.at(case.horizon_days), None, None, dates)
