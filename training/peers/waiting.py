"""What is read off times between orders alone: Kaplan-Meier by order count, and last order plus mean gap."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segments.partitions import kaplan_meier
from training.curves import Dates, Waiting
from training.level import orders_known
from training.metrics import Prediction
from training.peers.case import Case
from training.peers.rules import gaps, numbers

Days = NDArray[np.int64]

MOST_ORDERS = 10
"""Customers with more share one curve with those who have this many."""


def by_order_count(case: Case) -> Prediction:
    """Return Kaplan-Meier's curve of the time to the next order, one for each number of orders so far.

    Gaps that ended before the cutoff count as returns and those that had not as censored. A customer's curve is
    that of his number of orders, given that he has waited as long as he has; it says nothing of counts and money.
    """
    orders, days, returned = _waits(orders_known(case.dataset, case.test), case.test.day)
    longest = int(days.max()) if len(days) else 0
    surviving = np.ones((MOST_ORDERS + 1, longest + 1))
    for count in range(1, MOST_ORDERS + 1):
        mine = orders == count
        curve = kaplan_meier(days[mine], returned[mine], 1 - returned[mine])
        step = np.searchsorted(curve.days, np.arange(longest + 1), side="right")
        surviving[count] = np.concatenate([[1.0], curve.surviving])[step]
    group = np.clip(numbers(case.snapshot, "orders"), 0, MOST_ORDERS).astype(np.intp)
    curves = Waiting(surviving, group, numbers(case.snapshot, "days_since_last_order"))
    return Prediction(curves.at(case.horizon_days), None, None, curves)


def _waits(bought: pd.DataFrame, as_of_day: int) -> tuple[Days, Days, Days]:
    """Return of each order how many there were by then, the days waited since, and 1 where the next one ended that."""
    customer = bought["customer_id"].astype("category").cat.codes.to_numpy()
    by_customer = np.lexsort((bought["order_day"], customer))
    customer, day = customer[by_customer], bought["order_day"].to_numpy(np.int64)[by_customer]
    last = np.append(customer[1:] != customer[:-1], True)[: len(customer)]
    begins = np.flatnonzero(np.append(True, last[:-1])[: len(customer)])
    number = np.arange(len(customer)) - np.repeat(begins, np.diff(np.append(begins, len(customer)))) + 1
    until = np.where(last, as_of_day - 1, np.append(day[1:], as_of_day)[: len(day)])
    return np.minimum(number, MOST_ORDERS), until - day, (~last).astype(np.int64)


def mean_gap(case: Case) -> Prediction:
    """Return the date that marketing suites print: the last order plus the customer's mean gap.

    One-time buyers get the store's mean gap. A date that is past is one on which the order is due at once, as the
    suites show it.
    """
    late = numbers(case.snapshot, "days_since_last_order") - np.rint(gaps(case.snapshot))
    dates = Dates(np.maximum(-late, 0.0))
    return Prediction(dates.at(case.horizon_days), None, None, dates)
