"""The lifecycle grid: twelve cells that part all customers, and the store's own day limits between them.

The cells are segments of the library (`library/lifecycle.toml`); this module finds their limits and puts
them into one column. Limits come from the time customers take to their next order, by Kaplan and Meier, so
that those who are still waiting count as what they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt

from segments.segment import Segment, load_file

ORDER_COUNTS = (0, 1, 2, 3)  # the grid's rows; 3 stands for three or more
ACTIVE_SHARE, CHURNED_SHARE = 0.5, 0.9  # of those who ever come back, how many are back by A_k and by C_k
ENOUGH_RETURNS = 30  # fewer returns than this say little about a median and less about a ninetieth percentile
DEFAULT_LIMITS = (60, 180)  # days; a shop without a history of its own: two and six months


class Waits(NamedTuple):
    """How long customers took to come back, or have waited so far, after reaching an order count.

    Parameters
    ----------
    orders : (n,) int
        Order count reached: 1, 2 or 3, which stands for three and more.
    days : (n,) int, days
        To the next order, or to the cutoff for those who have not come back.
    returned : (n,) int, customers
        How many came back after exactly that time.
    waiting : (n,) int, customers
        How many had waited that long at the cutoff.
    """

    orders: npt.NDArray[np.int64]
    days: npt.NDArray[np.int64]
    returned: npt.NDArray[np.int64]
    waiting: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Curve:
    """Share of customers not back yet, by day.

    Parameters
    ----------
    days : (m,) int, days
        Days on which somebody came back, ascending.
    surviving : (m,) float
        Share not back after that day.
    """

    days: npt.NDArray[np.int64]
    surviving: npt.NDArray[np.float64]

    def day_by_which(self, share: float) -> int:
        """Return the first day by which `share` of those who ever come back have come back."""
        back = 1.0 - self.surviving
        return int(self.days[np.searchsorted(back, share * back[-1] * (1 - 1e-12))])


def waits(connection: duckdb.DuckDBPyConnection) -> Waits:
    """Count the times to the next order, with those still waiting.

    A customer counts once for each of the three order counts, so that those who order every other day do not decide
    for all others when somebody counts as gone: of three and more orders, it is the time from the third to the fourth.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Staged by `features.history.stage`: `history_orders` has customer_id, age_days, order_number and
        gap_days.
    """
    columns = connection.execute(
        """
        SELECT orders, days, sum(returned)::BIGINT AS returned, sum(waiting)::BIGINT AS waiting
        FROM (
            SELECT order_number - 1 AS orders, gap_days AS days, 1 AS returned, 0 AS waiting
            FROM history_orders WHERE order_number BETWEEN 2 AND 4
            UNION ALL
            SELECT max(order_number), min(age_days), 0, 1 FROM history_orders
            GROUP BY customer_id HAVING max(order_number) <= 3
        )
        GROUP BY orders, days ORDER BY orders, days
        """
    ).fetchnumpy()
    return Waits(*(np.asarray(columns[name], dtype=np.int64) for name in Waits._fields))


def kaplan_meier(
    days: npt.NDArray[np.int64], returned: npt.NDArray[np.int64], waiting: npt.NDArray[np.int64]
) -> Curve:
    """Estimate the share not back yet by day, when some are still waiting.

    Parameters
    ----------
    days : (n,) int, days
        Any order; a day may come more than once.
    returned, waiting : (n,) int, customers
        Came back after exactly that day; were last seen waiting on it (and count as at risk on that day).

    Returns
    -------
    Curve
        One step for each day on which somebody came back; empty when nobody did.

    References
    ----------
    Kaplan and Meier (1958), Journal of the American Statistical Association 53(282).
    """
    steps, place = np.unique(days, return_inverse=True)
    back = np.bincount(place, weights=returned, minlength=len(steps))
    gone = back + np.bincount(place, weights=waiting, minlength=len(steps))
    at_risk = gone[::-1].cumsum()[::-1]
    happened = back > 0
    surviving = np.cumprod(1.0 - back[happened] / at_risk[happened])
    return Curve(steps[happened], surviving)


def lifecycle_limits(gaps: Waits, owner: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return the store's day limits `A_0` .. `A_3` and `C_0` .. `C_3`, always A_k < C_k.

    An order count with fewer than `ENOUGH_RETURNS` returns takes the limits of all the store's gaps
    together, and a store with fewer than that in all takes `DEFAULT_LIMITS`. `A_0` and `C_0` are the pooled
    ones: the ledger knows no sign-up dates to measure the first order from.

    Parameters
    ----------
    gaps : Waits
    owner : mapping of str to int, days, optional
        The owner's own days in place of some, A_k < C_k. A limit that the store's data gave moves out of their way.
    """
    pooled = _limits(gaps, np.ones(len(gaps.days), dtype=bool)) or DEFAULT_LIMITS
    limits: dict[str, int] = {}
    for count in ORDER_COUNTS:
        active, churned = _limits(gaps, gaps.orders == count) or pooled
        given = owner or {}
        churned = given.get(f"C_{count}", max(churned, given.get(f"A_{count}", active) + 1))
        active = given.get(f"A_{count}", min(active, churned - 1))
        limits |= {f"A_{count}": active, f"C_{count}": churned}
    return limits


def _limits(gaps: Waits, chosen: npt.NDArray[np.bool_]) -> tuple[int, int] | None:
    if gaps.returned[chosen].sum() < ENOUGH_RETURNS:
        return None
    curve = kaplan_meier(gaps.days[chosen], gaps.returned[chosen], gaps.waiting[chosen])
    active = curve.day_by_which(ACTIVE_SHARE)
    return active, max(curve.day_by_which(CHURNED_SHARE), active + 1)


def lifecycle_cells() -> tuple[Segment, ...]:
    """Return the twelve cells as segments."""
    return load_file("lifecycle")
