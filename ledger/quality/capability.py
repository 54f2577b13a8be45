"""What kinds of data a ledger holds: each a question with a count for an answer, and how a shop brings it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import duckdb

from ledger.event_names import VISITS


@dataclass(frozen=True)
class Capability:
    """One kind of data that something can be built on.

    Parameters
    ----------
    name : str
        Slug; what segments name as their need.
    means : str
        What it is, as in "needs {means}".
    sql : str
        Over the views `ledger_*` and what `relations` stages; counts what there is of it.
    bring : str
        How the shop gets it into the ledger.
    """

    name: str
    means: str
    sql: str
    bring: str


@dataclass(frozen=True)
class Held:
    """How much of one kind of data there is.

    Parameters
    ----------
    name : str
    means : str
    found : int
        Orders, products, customers or events that have it; 0 means that nothing can be built on it.
    bring : str
    """

    name: str
    means: str
    found: int
    bring: str


def _orders(name: str, means: str, condition: str, bring: str) -> Capability:
    return Capability(name, means, f"SELECT count(*) FROM examined_orders WHERE {condition}", bring)


def _lines(name: str, means: str, condition: str, bring: str) -> Capability:
    return Capability(name, means, f"SELECT count(*) FROM examined_lines WHERE {condition}", bring)


def _products(name: str, means: str, condition: str, how: str = "") -> Capability:
    sql = f"SELECT count(DISTINCT product_id) FROM ledger_products WHERE {condition}"
    return Capability(name, means, sql, how or f"import products with {means}")


def _customers(name: str, means: str, column: str) -> Capability:
    sql = f"SELECT count({column}) FROM examined_people"
    return Capability(name, means, sql, f"import customers with the column {column.removesuffix('_key')}")


def _events(name: str, means: str, *events: str) -> Capability:
    listed = ", ".join(f"'{event}'" for event in events)
    sql = f"SELECT coalesce(sum(events), 0)::BIGINT FROM examined_events WHERE event IN ({listed})"
    return Capability(name, means, sql, f"import events named {' or '.join(events)}")


def _rows(name: str, means: str) -> Capability:
    return Capability(name, means, f"SELECT count(*) FROM ledger_{name}", f"import {name}")


CAPABILITIES = (
    _orders("order_times", "times of orders", "timed", "import orders with the time of day in ordered_at"),
    _orders("order_products", "products on orders", "with_product", "import orders with product_id"),
    _lines(
        "quantities",
        "quantities",
        "state = 0 AND quantity_milli IS NOT NULL AND product_key IS NOT NULL",
        "import orders with product_id and quantity",
    ),
    _lines(
        "discounts",
        "discounts",
        "state = 0 AND discount_minor IS NOT NULL",
        "import orders with discount_amount (0 where there was none)",
    ),
    _lines(
        "refunds",
        "refunds or cancellations",
        "state > 0",
        "import a row with status refunded or cancelled for each; if there were none, nobody is missing",
    ),
    _products("categories", "categories", "category IS NOT NULL"),
    _products("discontinued", "discontinued products", "discontinued"),
    _products(
        "stock", "stock of products", "in_stock IS NOT NULL", "import products with the column in_stock"
    ),
    _customers("sign_up_dates", "sign-up dates", "signed_up_at"),
    Capability(
        "never_ordered",
        "customers who never ordered",
        "SELECT count(DISTINCT customer_key) FROM examined_people "
        "WHERE customer_key NOT IN (SELECT customer_key FROM examined_customers)",
        "import all customers, not only buyers",
    ),
    _customers("emails", "e-mail addresses", "email_key"),
    _customers("phones", "telephone numbers", "phone_key"),
    _customers("countries", "countries", "country"),
    _customers("cities", "cities", "city"),
    _customers("birth_dates", "birth dates", "birth_date"),
    _customers("loyalty", "loyalty membership", "loyalty_member"),
    _customers("email_consent", "consent to e-mails", "email_consent"),
    _customers("sms_consent", "consent to text messages", "sms_consent"),
    _customers("ads_consent", "consent to advertising audiences", "ads_consent"),
    _events("page_views", "product views", "Product Viewed"),
    _events("list_views", "views of lists", "Product List Viewed"),
    _events("searches", "searches", "Products Searched", "Product List Filtered"),
    _events("carts", "products put into carts", "Product Added"),
    _events("checkouts", "started checkouts", "Checkout Started"),
    _events(
        "checkout_steps",
        "steps of checkouts",
        "Checkout Step Viewed",
        "Checkout Step Completed",
        "Payment Info Entered",
    ),
    _events("reviews", "reviews", "Product Reviewed"),
    _events("email_sends", "sent e-mails", "Email Delivered"),
    _events("email_reactions", "opened or clicked e-mails", "Email Opened", "Email Link Clicked"),
    _events("unsubscribes", "unsubscriptions", "Unsubscribed"),
    replace(
        _events("activity", "things done in the shop", *VISITS),
        bring="import events of what is done in the shop, such as Product Viewed",
    ),
    Capability(
        "visitors",
        "visitors without an account",
        "SELECT coalesce(sum(events - of_customers), 0)::BIGINT FROM examined_events",
        "import events with anonymous_id",
    ),
    Capability(
        "sessions",
        "visits",
        "SELECT coalesce(sum(in_sessions), 0)::BIGINT FROM examined_events",
        "import events with session_id",
    ),
    Capability(
        "devices",
        "device types",
        "SELECT count(*) FROM ledger_events WHERE json_extract_string(properties, '$.device_type') IS NOT NULL",
        "import events with device_type in their properties",
    ),
    _rows("subscriptions", "subscriptions"),
    _rows("reminders", "sent reminders"),
    _rows("pauses", "pauses"),
)


def held(connection: duckdb.DuckDBPyConnection, capabilities: Iterable[Capability]) -> tuple[Held, ...]:
    """Return how much there is of each kind of data, in the order asked.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Staged by `relations.stage`.
    capabilities : iterable of Capability
    """
    return tuple(
        Held(each.name, each.means, int(connection.execute(each.sql).fetchall()[0][0]), each.bring)
        for each in capabilities
    )
