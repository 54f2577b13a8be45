"""The features of orders in plain Python: slow, obvious, and written from what the columns mean, not from the SQL.

Dictionaries, loops and whole numbers; the last divisions alone are floating-point.
"""

from datetime import datetime

from features.cutoff import Cutoff
from tests.properties.reference_basket import basket, first_order
from tests.properties.reference_orders import frequency, money, recency, rhythm, season
from tests.properties.reference_rows import Row, Value, lines_in_force, valid_days, who_is_who


def describe(
    orders: list[Row], products: list[Row], identities: list[Row], cutoff: Cutoff
) -> dict[str, dict[str, Value]]:
    """Return every known customer's features as of a cutoff, from ledger rows in the stored schema."""
    known = [row for row in orders if row["known_at"] < cutoff.at]
    bought = lines_in_force(known, cutoff.at)
    described = products_known(products, cutoff.at)
    who = who_is_who(identities, cutoff.at)

    def customer_of(row: Row) -> str:
        return who.get(str(row["customer_id"]), str(row["customer_id"]))

    answer = {}
    for customer in sorted({customer_of(row) for row in known}):
        rows = [row for row in bought if customer_of(row) == customer]
        answer[customer] = features_of(rows, described, cutoff.day)
    return answer


def features_of(rows: list[Row], described: dict[str, Row], today: int) -> dict[str, Value]:
    """Return one customer's features from the lines in force."""
    days = valid_days(rows)
    return {
        **recency(days, today),
        **frequency(days, today),
        **money(days, rows),
        **rhythm(days, today),
        **season(days, today),
        **basket(days, described, today),
        **first_order(days, described),
    }


def products_known(products: list[Row], at: datetime) -> dict[str, Row]:
    """Return each product as last described before an instant."""
    described: dict[str, Row] = {}
    for row in products:
        before = described.get(row["product_id"])
        if row["known_at"] < at and (before is None or row["known_at"] > before["known_at"]):
            described[row["product_id"]] = row
    return described
