"""The features in plain Python: slow, obvious, and written from what the columns mean, not from the SQL.

Dictionaries, loops and whole numbers; the last divisions alone are floating-point.
"""

import itertools
import math
from collections import defaultdict
from datetime import datetime
from statistics import median
from typing import Any

from features.cutoff import Cutoff
from ledger.identity import MOST_CUSTOMERS

Row = dict[str, Any]
Value = int | float | None
MINOR_PER_UNIT = 100
MILLI_PER_PIECE = 1000
SATURDAY = 6
EVENING_HOUR = 18


def describe(
    orders: list[Row], products: list[Row], identities: list[Row], cutoff: Cutoff
) -> dict[str, dict[str, Value]]:
    """Return every known customer's features as of a cutoff, from ledger rows in the stored schema."""
    known = [row for row in orders if row["known_at"] < cutoff.at]
    bought = lines_in_force(known, cutoff.at)
    categories = categories_known(products, cutoff.at)
    who = who_is_who(identities, cutoff.at)

    def customer_of(row: Row) -> str:
        return who.get(str(row["customer_id"]), str(row["customer_id"]))

    answer = {}
    for customer in sorted({customer_of(row) for row in known}):
        rows = [row for row in bought if customer_of(row) == customer]
        answer[customer] = features_of(rows, categories, cutoff.day)
    return answer


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


def features_of(rows: list[Row], categories: dict[str, str | None], today: int) -> dict[str, Value]:
    """Return one customer's features from the lines in force."""
    days = valid_days(rows)
    return {
        **recency(days, today),
        **frequency(days, today),
        **money(days, rows, today),
        **rhythm(days, today),
        **basket(days, categories),
    }


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


def categories_known(products: list[Row], at: datetime) -> dict[str, str | None]:
    """Return each product's category as last described before an instant."""
    described: dict[str, Row] = {}
    for row in products:
        before = described.get(row["product_id"])
        if row["known_at"] < at and (before is None or row["known_at"] > before["known_at"]):
            described[row["product_id"]] = row
    return {product: row["category"] for product, row in described.items()}


def valid_days(rows: list[Row]) -> dict[int, list[Row]]:
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


def gaps(days: dict[int, list[Row]]) -> list[int]:
    ordered = list(days)
    return [later - earlier for earlier, later in itertools.pairwise(ordered)]


def recency(days: dict[int, list[Row]], today: int) -> dict[str, Value]:
    if not days:
        return {
            "days_since_last_order": None,
            "days_since_first_order": None,
            "days_first_to_last_order": None,
        }
    first, last = min(days), max(days)
    return {
        "days_since_last_order": today - last,
        "days_since_first_order": today - first,
        "days_first_to_last_order": last - first,
    }


def frequency(days: dict[int, list[Row]], today: int) -> dict[str, Value]:
    def within(newest: int, oldest: int) -> int:
        return sum(1 for day in days if newest <= today - day <= oldest)

    return {
        "orders": len(days),
        **{f"orders_{length}d": within(0, length) for length in (30, 90, 180, 365)},
        "orders_90d_over_prior_90d": ratio(within(0, 90), within(91, 180)),
    }


def money(days: dict[int, list[Row]], rows: list[Row], today: int) -> dict[str, Value]:
    values = {day: net(of_day) for day, of_day in days.items()}

    def within(newest: int, oldest: int) -> list[int]:
        return [value for day, value in values.items() if newest <= today - day <= oldest]

    recent, prior = within(0, 90), within(91, 180)
    mean = ratio(sum(values.values()), len(values))
    discounts = [[row["discount_minor"] for row in paid(of_day)] for of_day in days.values()]
    known_discounts = [
        sum(amount for amount in of_day if amount is not None)
        for of_day in discounts
        if any(amount is not None for amount in of_day)
    ]
    refunded = -sum(row["net_minor"] for row in rows if row["status"] == "refunded")
    ordered = list(values.values())
    return {
        "spend": in_currency(sum(ordered)),
        **{f"spend_{length}d": in_currency(sum(within(0, length))) for length in (30, 90, 365)},
        "spend_90d_over_prior_90d": ratio(sum(recent), sum(prior)) if recent and prior else None,
        "mean_order_value": in_currency(mean),
        "last_order_value": in_currency(ordered[-1]) if ordered else None,
        "first_order_value": in_currency(ordered[0]) if ordered else None,
        "max_order_value": in_currency(max(ordered)) if ordered else None,
        "order_value_spread": spread(ordered),
        "discounted_order_share": ratio(
            sum(1 for amount in known_discounts if amount > 0), len(known_discounts)
        ),
        "refunded_share": ratio(refunded, net(paid(rows))),
    }


def rhythm(days: dict[int, list[Row]], today: int) -> dict[str, Value]:
    between = gaps(days)
    weekend = [day for day, of_day in days.items() if of_day[0]["order_isoweekday"] >= SATURDAY]
    evening = [
        day for day, of_day in days.items() if min(row["order_hour"] for row in paid(of_day)) >= EVENING_HOUR
    ]
    late = (today - max(days)) * len(between) if days else 0
    return {
        "mean_gap_days": ratio(sum(between), len(between)),
        "median_gap_days": float(median(between)) if between else None,
        "last_gap_days": between[-1] if between else None,
        "max_gap_days": max(between) if between else None,
        "gap_spread": spread(between),
        "days_since_last_over_mean_gap": ratio(late, sum(between)),
        "weekend_order_share": ratio(len(weekend), len(days)),
        "evening_order_share": ratio(len(evening), len(days)),
    }


def kept_products(of_day: list[Row]) -> dict[str, int]:
    """Return the products bought on a day with their net amount, without those wholly refunded."""
    kept = {}
    for product in {row["product_id"] for row in paid(of_day)} - {None}:
        rows = [row for row in of_day if row["product_id"] == product]
        was_refunded = any(row["net_minor"] < 0 for row in rows)
        if net(rows) > 0 or not was_refunded:
            kept[product] = net(rows)
    return kept


def basket(days: dict[int, list[Row]], categories: dict[str, str | None]) -> dict[str, Value]:
    kept = [kept_products(of_day) for of_day in days.values()]
    quantities = [[row["quantity_milli"] for row in paid(of_day)] for of_day in days.values()]
    known_quantities = [
        sum(amount for amount in of_day if amount is not None)
        for of_day in quantities
        if any(amount is not None for amount in of_day)
    ]
    seen: set[str] = set()
    of_category: dict[str, int] = defaultdict(int)
    items, repeats = 0, 0
    for products in kept:
        for product, amount in products.items():
            items += 1
            repeats += product in seen
            seen.add(product)
            category = categories.get(product)
            if category is not None:
                of_category[category] += amount
    with_products = [len(products) for products in kept if products]
    return {
        "lines_per_order": ratio(sum(len(paid(of_day)) for of_day in days.values()), len(days)),
        "quantity_per_order": ratio(sum(known_quantities), MILLI_PER_PIECE * len(known_quantities)),
        "products": len(seen) if items else None,
        "products_per_order": ratio(sum(with_products), len(with_products)),
        "repeat_product_share": ratio(repeats, items),
        "categories": len(of_category) or None,
        "top_category_share": ratio(max(of_category.values()), sum(of_category.values()))
        if of_category
        else None,
    }
