"""Which ledger rows count for a plain reference: who is who, which lines are in force, and the sums over them.

Slow and obvious, and written from what the columns mean, not from the SQL; only the last divisions are floating-point.
"""

import itertools
import math
from collections import defaultdict
from datetime import datetime
from typing import Any

from ledger.identity import MOST_CUSTOMERS

Row = dict[str, Any]
Value = int | float | None
Days = dict[int, list[Row]]  # a customer's rows by local day of the order, oldest first
MINOR_PER_UNIT = 100


def who_is_who(identities: list[Row], at: datetime) -> dict[str, str]:
    """Return the customer behind each id that was said to be somebody else before an instant."""
    said: dict[str, list[Row]] = defaultdict(list)
    for row in identities:
        if row["known_at"] < at:
            said[row["anonymous_id"]].append(row)
    hubs = {
        each
        for each, rows in said.items()
        if len({row["customer_id"] for row in rows} - {None}) > MOST_CUSTOMERS
    }
    links = {each: last_said(rows) for each, rows in said.items()}
    followed = {
        each: customer
        for each, customer in links.items()
        if customer is not None and not {each, customer} & hubs
    }
    return {each: end_of(each, followed) for each in followed}


def last_said(rows: list[Row]) -> str | None:
    """Return the customer of the row known last; at one instant an un-merge outweighs, then the smallest id."""
    latest = max(row["known_at"] for row in rows)
    customers = {row["customer_id"] for row in rows if row["known_at"] == latest}
    return None if None in customers else min(customers)


def end_of(start: str, links: dict[str, str]) -> str:
    """Follow links to their end; a ring's smallest id stands for all of it."""
    path = [start]
    while path[-1] in links:
        following = links[path[-1]]
        if following in path:
            return min(path[path.index(following) :])
        path.append(following)
    return path[-1]


def lines_in_force(known: list[Row], at: datetime) -> list[Row]:
    """Keep the latest row of each key, and of those no line that is cancelled."""
    latest: dict[tuple[str, str, str], Row] = {}
    for row in known:
        key = (row["order_id"], row["line_id"], row["status"])
        if key not in latest or precedence(row) > precedence(latest[key]):
            latest[key] = row
    void = {(order, line) for order, line, status in latest if status == "cancelled"}
    return [
        row
        for (order, line, status), row in latest.items()
        if status != "cancelled" and (order, line) not in void and row["ordered_at"] < at
    ]


def precedence(row: Row) -> tuple[Any, ...]:
    """Later known wins; of rows known at one instant the larger content, an unknown value being the smallest."""
    unknown_first = [
        (row[name] is not None, row[name]) if row[name] is not None else (False,)
        for name in ("product_id", "quantity_milli", "discount_minor")
    ]
    return (row["known_at"], row["ordered_at"], row["customer_id"], row["net_minor"], *unknown_first)


def valid_days(rows: list[Row]) -> Days:
    """Return a customer's rows by local day, days with something left after refunds only, oldest first."""
    days = defaultdict(list)
    for row in rows:
        days[row["order_day"]].append(row)
    return {day: days[day] for day in sorted(days) if net(days[day]) > 0}


def net(rows: list[Row]) -> int:
    return sum(row["net_minor"] for row in rows)


def paid(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["status"] == "paid"]


def ratio(over: float, under: float) -> float | None:
    return None if under == 0 else float(over) / float(under)


def in_currency(minor: float | None) -> float | None:
    return None if minor is None else float(minor) / MINOR_PER_UNIT


def spread(values: list[int]) -> float | None:
    """Return the standard deviation over the mean, from sums and sums of squares."""
    count, total, squares = len(values), sum(values), sum(value * value for value in values)
    return None if count <= 1 else math.sqrt(count * squares - total * total) / total


def gaps(days: Days) -> list[int]:
    ordered = list(days)
    return [later - earlier for earlier, later in itertools.pairwise(ordered)]


def summed(values: list[int | None]) -> int | None:
    """Return the sum of what is known of some values; None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def slope_over_mean(values: list[int]) -> float | None:
    """Return how much the next value is above the last, by least squares over 1 ... n, in means of them."""
    count, total = len(values), sum(values)
    weighted = sum(place * value for place, value in enumerate(values, start=1))
    if count <= 1:
        return None
    return ratio(12 * weighted - 6 * (count + 1) * total, (count * count - 1) * total)
