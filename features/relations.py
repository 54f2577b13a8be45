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
    of_customers : bool
        False when its one row is about the store, the same for every customer.
    """

    name: str
    holds: str
    columns: Mapping[str, str]
    of_customers: bool = True

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
        "order_month": "1 January to 12 December, local",
        "months_from_cutoff": "months of the year from the order's month to the cutoff's, whichever way is "
        "shorter: 0 to 6",
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
        "order_number": "1 on the customer's first order, 2 on the next, ...",
        "product_number": "1 on the customer's first row of the product, 2 on the next, ...",
        "gap_days": "days since the customer's previous day with this product; NULL for the first",
        "quantity_milli": "thousandths of a piece bought; NULL when the shop does not say",
        "net_minor": "paid less refunded, hundredths of the currency",
        "list_milli": "thousandths of hundredths of the currency: the quantity at the product's price as known at "
        "the cutoff; NULL when either is unknown",
        "product_first": "1 on the customer's first row of the product, else 0",
    },
)

CATEGORIES = Relation(
    name="categories",
    holds="one category of which a customer bought items",
    columns={
        "category": "category path as known at the cutoff",
        "items": "the customer's items in it",
        "first_order_items": "of these, the ones of the customer's first order",
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
        "cutoff_month": "month of the cutoff's local day, 1 January to 12 December",
    },
)

EVENTS = Relation(
    name="events",
    holds="one customer's local day with an event of a common name (docs/ledger.md), his visitors' ids included",
    columns={
        "event_day": "local day number, days since 1970-01-01",
        "age_days": "days from the day to the cutoff",
        "product_views": "product pages viewed",
        "product_list_views": "lists of products viewed",
        "searches": "searches for products and filters put on lists",
        "cart_additions": "products put into the cart",
        "carts": "1 when a product was put into the cart, the cart was viewed or a checkout started, else 0",
        "abandoned_carts": "1 when there was such a cart and, by the cutoff, neither a paid line nor Order "
        "Completed on that day or the next, else 0",
        "checkouts": "checkouts started",
        "abandoned_checkouts": "1 when a checkout was started and, by the cutoff, neither a paid line nor Order "
        "Completed on that day or the next, else 0",
        "checkout_steps": "steps of the checkout viewed or completed, ways of payment given",
        "visits": "sessions that began on the day; where events have no session_id, 1 for a day with any in the shop",
        "active": "1 when anything was done in the shop, else 0: an e-mail is not, nor what becomes of an order",
        "emails_delivered": "e-mails that arrived",
        "emails_opened": "times an e-mail was opened",
        "emails_clicked": "times a link in an e-mail was clicked",
        "unsubscribes": "times all e-mails were unsubscribed from",
    },
)

ATTRIBUTES = Relation(
    name="attributes",
    holds="the shop's last description of one customer as known at the cutoff, under whichever of his ids; "
    "customers who were never described have none",
    columns={
        "sign_up_age_days": "days from the first sign-up under any of his ids to the cutoff; NULL when unknown",
        "sign_up_to_order_days": "days from that sign-up to the first order, negative when the order came first; "
        "NULL when unknown or without an order",
        "loyalty_member": "1 or 0; NULL when unknown",
        "email_consent": "1 or 0; NULL when unknown",
        "sms_consent": "1 or 0; NULL when unknown",
        "ads_consent": "1 or 0; NULL when unknown",
        "has_email": "1 when an e-mail address is known, else 0",
        "has_phone": "1 when a telephone number is known, else 0",
        "age_years": "whole years from the birth date to the cutoff's local day; NULL when unknown",
        "days_to_birthday": "days from the cutoff's local day to the next birthday, 0 on the day; NULL when unknown",
        "same_country": "1 in the country of most of the store's customers, 0 in another; NULL when unknown",
    },
)

STORE = Relation(
    name="store",
    holds="the whole store as known at the cutoff: the one row is the same for all customers",
    of_customers=False,
    columns={
        "first_order_age_days": "days from the store's first order to the cutoff",
        "orders_30d": "orders of the last 30 days; as everywhere, a customer's orders of one local day count once",
        "orders_prior_360d": "orders of the 360 days before those",
        "orders_last_year": "orders of the last 365 days",
        "orders_30d_a_year_ago": "orders of the first 30 of these: what followed the same day of last year",
        "orders_90d_a_year_ago": "orders of the first 90 of these",
        "customers_90d": "customers with an order in the last 90 days",
        "new_customers_90d": "of these, the ones whose first order it was",
        "most_frequent_country": "country of most customers; of several the first by its code",
        "no_product_views": "0 once the shop has recorded a product view, NULL before",
        "no_product_list_views": "0 once the shop has recorded a view of a list, NULL before",
        "no_searches": "0 once the shop has recorded a search or filter, NULL before",
        "no_cart_additions": "0 once the shop has recorded a product put into a cart, NULL before",
        "no_carts": "0 once the shop has recorded anything that makes a cart, NULL before",
        "no_checkouts": "0 once the shop has recorded a checkout, NULL before",
        "no_checkout_steps": "0 once the shop has recorded a step of a checkout, NULL before",
        "no_visits": "0 once the shop has recorded anything done in it, NULL before",
        "no_emails_delivered": "0 once the shop has recorded an e-mail's arrival, NULL before",
        "no_emails_opened": "0 once the shop has recorded an opened e-mail, NULL before",
        "no_emails_clicked": "0 once the shop has recorded a click in an e-mail, NULL before",
        "no_unsubscribes": "0 once the shop has recorded that somebody unsubscribed, NULL before",
    },
)

RELATIONS: Mapping[str, Relation] = {
    relation.name: relation for relation in (ORDERS, ITEMS, CATEGORIES, CUSTOMERS, EVENTS, ATTRIBUTES, STORE)
}
