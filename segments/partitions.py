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

from features.cutoff import Cutoff
from ledger import identity
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
        Order count reached: 1, 2 or 3, which stands for three and more; 0 of those who signed up.
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


def waits_since_sign_up(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> Waits:
    """Count the times from sign-up to first order, with those who signed up and have not ordered.

    Whoever ordered on the day of his sign-up or before it is left out: his order made the account, or was there first,
    and he never waited.

    Parameters
    ----------
    connection : DuckDBPyConnection
        As of `waits`, with views of the ledger's tables.
    cutoff : Cutoff
        That the history was staged for.
    """
    identity.stage(connection, cutoff.at)
    columns = connection.execute(
        """
        WITH known_last AS (
            SELECT customer_id, signed_up_day FROM ledger_customers WHERE known_at < $at
            QUALIFY row_number() OVER (
                PARTITION BY customer_id ORDER BY known_at DESC, signed_up_day NULLS FIRST
            ) = 1
        ),
        sign_ups AS (
            SELECT coalesce(i.customer_id, k.customer_id) AS customer_id, min(k.signed_up_day)::BIGINT AS day
            FROM known_last k LEFT JOIN identities_resolved i ON k.customer_id = i.anonymous_id
            GROUP BY ALL
        )
        SELECT 0 AS orders, coalesce(o.order_day, $day) - s.day AS days,
            count(o.order_day) AS returned, count(*) - count(o.order_day) AS waiting
        FROM sign_ups s
        LEFT JOIN history_orders o ON s.customer_id = o.customer_id AND o.order_number = 1
        WHERE coalesce(o.order_day > s.day, $day >= s.day)
        GROUP BY days ORDER BY days
        """,
        {"at": cutoff.at, "day": cutoff.day},
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


def lifecycle_limits(gaps: Waits, sign_ups: Waits, owner: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return the store's day limits `A_0` .. `A_3` and `C_0` .. `C_3`, always A_k < C_k.

    An order count with fewer than `ENOUGH_RETURNS` returns takes the limits of all the store's gaps
    together, and a store with fewer than that in all takes `DEFAULT_LIMITS`. So do `A_0` and `C_0` also where fewer
    than `ENOUGH_RETURNS` are known to wait: a store that knows its buyers alone does not know how many never came.

    Parameters
    ----------
    gaps : Waits
        Between orders, of `waits`.
    sign_ups : Waits
        Of `waits_since_sign_up`.
    owner : mapping of str to int, days, optional
        The owner's own days in place of some, A_k < C_k. A limit that the store's data gave moves out of their way.
    """
    pooled = _limits(gaps, np.ones(len(gaps.days), dtype=bool)) or DEFAULT_LIMITS
    own = {count: _limits(gaps, gaps.orders == count) for count in ORDER_COUNTS}
    if sign_ups.waiting.sum() >= ENOUGH_RETURNS:
        own[0] = _limits(sign_ups, np.ones(len(sign_ups.days), dtype=bool))
    limits: dict[str, int] = {}
    for count in ORDER_COUNTS:
        active, churned = own[count] or pooled
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
