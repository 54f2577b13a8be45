"""The staged relations a feature may aggregate, column by column; the fragment check and the docs read them.

How the relations are filled is written in `features.history`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Relation:
    """One staged relation.

    Parameters
    ----------
    name : str
        What a feature's `over` says.
    holds : str
        What one row is.
    columns : mapping of str to str
        Column name to its meaning with unit; `customer_id` is left out: a fragment never names a customer.
    """

    name: str
    holds: str
    columns: Mapping[str, str]

    @property
    def table(self) -> str:
        """Name of the temporary table that `features.history.stage` fills."""
        return f"history_{self.name}"


ORDERS = Relation(
    name="orders",
    holds="one customer's local day with a valid order: after cancellations and refunds more than 0 is left",
    columns={
        "order_day": "local day number, days since 1970-01-01",
        "age_days": "days from the order to the cutoff",
        "order_number": "1 for the customer's first order, 2 for the next, ...",
        "gap_days": "days since the customer's previous order; NULL for the first",
        "next_gap_days": "days to the customer's next order before the cutoff; NULL for the last",
        "net_minor": "paid less refunded, hundredths of the currency",
        "net_minor_squared": "net_minor times itself, exact",
        "gross_minor": "paid, hundredths of the currency",
        "refund_minor": "refunded, hundredths of the currency, not negative",
        "discount_minor": "discount given, hundredths of the currency; NULL when the shop does not say",
        "lines": "lines bought",
        "quantity_milli": "thousandths of a piece bought; NULL when the shop does not say",
        "products": "different products bought and not wholly refunded; NULL when none is known",
        "order_hour": "local hour of the day's first order, 0 to 23",
        "order_isoweekday": "1 Monday to 7 Sunday, local",
    },
)

ITEMS = Relation(
    name="items",
    holds="one product a customer bought on the local day of a valid order; wholly refunded products and "
    "lines without a product are left out",
    columns={
        "product_id": "the product",
        "category": "the product's category path as known at the cutoff; NULL when unknown",
        "order_day": "local day number, days since 1970-01-01",
        "age_days": "days from the purchase to the cutoff",
        "gap_days": "days since the customer's previous day with this product; NULL for the first",
        "quantity_milli": "thousandths of a piece bought; NULL when the shop does not say",
        "net_minor": "paid less refunded, hundredths of the currency",
        "product_first": "1 on the customer's first row of the product, else 0",
    },
)

CATEGORIES = Relation(
    name="categories",
    holds="one category of which a customer bought items",
    columns={
        "category": "category path as known at the cutoff",
        "items": "the customer's items in it",
        "products": "different products of it that the customer bought",
        "net_minor": "paid less refunded, hundredths of the currency",
        "age_days": "days from the last purchase in it to the cutoff",
    },
)

CUSTOMERS = Relation(
    name="customers",
    holds="one customer of whom the ledger held any order's row before the cutoff, valid or not; an id that is "
    "another customer by the cutoff has no row of its own",
    columns={
        "gross_minor": "paid, hundredths of the currency; cancelled lines are left out",
        "refund_minor": "refunded, hundredths of the currency, not negative",
    },
)

RELATIONS: Mapping[str, Relation] = {
    relation.name: relation for relation in (ORDERS, ITEMS, CATEGORIES, CUSTOMERS)
}
