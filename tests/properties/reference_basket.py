"""The features of what was bought, and of how the customer began, in plain Python."""

from collections import Counter
from dataclasses import dataclass

from tests.properties.reference_rows import (
    Days,
    Row,
    Value,
    in_currency,
    net,
    paid,
    ratio,
    summed,
)

MILLI_PER_PIECE = 1000
QUARTER_DAYS = 90


@dataclass(frozen=True)
class Purchase:
    """One product on one day, as far as it was not wholly refunded."""

    day: int
    product: str
    net_minor: int
    quantity_milli: int | None
    category: str | None
    price_minor: int | None


def purchases(days: Days, described: dict[str, Row]) -> list[Purchase]:
    """Return what was bought, oldest first."""
    return [
        Purchase(
            day,
            product,
            kept,
            quantity_of([row for row in of_day if row["product_id"] == product]),
            described.get(product, {}).get("category"),
            described.get(product, {}).get("price_minor"),
        )
        for day, of_day in days.items()
        for product, kept in kept_products(of_day).items()
    ]


def kept_products(of_day: list[Row]) -> dict[str, int]:
    """Return the products bought on a day with their net amount, without those wholly refunded."""
    kept = {}
    for product in {row["product_id"] for row in paid(of_day)} - {None}:
        rows = [row for row in of_day if row["product_id"] == product]
        was_refunded = any(row["net_minor"] < 0 for row in rows)
        if net(rows) > 0 or not was_refunded:
            kept[product] = net(rows)
    return kept


def quantity_of(of_day: list[Row]) -> int | None:
    return summed([row["quantity_milli"] for row in paid(of_day)])


def basket(days: Days, described: dict[str, Row], today: int) -> dict[str, Value]:
    kept = [products for of_day in days.values() if (products := kept_products(of_day))]
    quantities = [amount for of_day in days.values() if (amount := quantity_of(of_day)) is not None]
    return {
        "lines_per_order": ratio(sum(len(paid(of_day)) for of_day in days.values()), len(days)),
        "quantity_per_order": ratio(sum(quantities), MILLI_PER_PIECE * len(quantities)),
        "products_per_order": ratio(sum(len(products) for products in kept), len(kept)),
        **products_of(purchases(days, described), today),
        **prices_of(purchases(days, described)),
        **categories_of(purchases(days, described)),
    }


def products_of(bought: list[Purchase], today: int) -> dict[str, Value]:
    times = Counter(one.product for one in bought)
    firsts = {one.product: one.day for one in reversed(bought)}
    recent = [one for one in bought if today - one.day <= QUARTER_DAYS]
    new = [one for one in recent if firsts[one.product] == one.day]
    return {
        "products": len(times) or None,
        "repeat_product_share": ratio(len(bought) - len(times), len(bought)),
        "new_product_share_90d": ratio(len(new), len(recent)),
        "days_since_new_product": today - max(firsts.values()) if firsts else None,
        "repeat_products": sum(1 for count in times.values() if count > 1) if times else None,
        "top_product_share": ratio(max(times.values()), len(bought)) if times else None,
    }


def prices_of(bought: list[Purchase]) -> dict[str, Value]:
    counted = [(one, one.quantity_milli) for one in bought if one.quantity_milli]
    listed = [(one, pieces * one.price_minor) for one, pieces in counted if one.price_minor]
    return {
        "mean_piece_price": in_currency(
            ratio(
                MILLI_PER_PIECE * sum(one.net_minor for one, _ in counted),
                sum(pieces for _, pieces in counted),
            )
        ),
        "price_level": ratio(
            MILLI_PER_PIECE * sum(one.net_minor for one, _ in listed), sum(cost for _, cost in listed)
        ),
    }


def categories_of(bought: list[Purchase]) -> dict[str, Value]:
    spent: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for one in bought:
        if one.category is not None:
            spent[one.category] += one.net_minor
            times[one.category] += 1
    return {
        "categories": len(times) or None,
        "top_category_share": ratio(max(spent.values()), sum(spent.values())) if spent else None,
        "category_concentration": ratio(sum(n * n for n in times.values()), times.total() * times.total()),
    }


def first_order(days: Days, described: dict[str, Row]) -> dict[str, Value]:
    first = days[min(days)] if days else []
    values = [net(of_day) for of_day in days.values()]
    quantity, discount = quantity_of(first), summed([row["discount_minor"] for row in paid(first)])
    bought = purchases(days, described)
    begun = {one.category for one in bought if one.day == min(days)} - {None}
    later = [one.category for one in bought if one.day > min(days) and one.category is not None]
    return {
        "first_order_lines": len(paid(first)) or None,
        "first_order_products": len(kept_products(first)) or None,
        "first_order_pieces": None if quantity is None else ratio(quantity, MILLI_PER_PIECE),
        "first_order_discount_share": None
        if discount is None
        else ratio(discount, discount + net(paid(first))),
        "first_order_weekday": first[0]["order_isoweekday"] if first else None,
        "first_order_hour": min(row["order_hour"] for row in paid(first)) if first else None,
        "first_order_over_mean_order": ratio(values[0] * len(values), sum(values)) if values else None,
        "first_order_categories": len(begun) or None,
        "first_order_category_share": ratio(sum(1 for each in later if each in begun), len(later))
        if begun
        else None,
    }
