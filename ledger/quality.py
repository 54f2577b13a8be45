"""What the ledger holds, what is wrong with it, and which predictions its history allows."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from ledger.store import Ledger


@dataclass(frozen=True)
class Finding:
    """Something suspicious, one sentence with its figures."""

    name: str
    text: str


@dataclass(frozen=True)
class Allowance:
    """Whether the history allows a prediction, and why (not)."""

    prediction: str
    allowed: bool
    why: str


@dataclass(frozen=True)
class Report:
    """What `examine` found.

    Parameters
    ----------
    currency, time_zone : str
    first_day, last_day : str
        Local ISO dates of the first and the last order.
    span_days : int
        Local days from the first to the last order, both counted.
    lines, orders, customers, products : int
        `orders` counts a customer's local days with a paid line, as features do.
    repeat_share : float
        Share of customers who ordered on two days or more, 0 to 1.
    median_gap_days : float or None
        Between a customer's consecutive orders; None when nobody came back.
    quiet_days : int
        Longest run of local days without any order.
    rejected : int
        Rows of imported files that were refused.
    findings : tuple of Finding
    predictions : tuple of Allowance
    """

    currency: str
    time_zone: str
    first_day: str
    last_day: str
    span_days: int
    lines: int
    orders: int
    customers: int
    products: int
    repeat_share: float
    median_gap_days: float | None
    quiet_days: int
    rejected: int
    findings: tuple[Finding, ...]
    predictions: tuple[Allowance, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the same as plain dictionaries, lists, texts and numbers."""
        return asdict(self)


@dataclass(frozen=True)
class Suspicion:
    """A question to the ledger: SQL giving how many and of how many, and what is said when the share is large.

    Parameters
    ----------
    name : str
    sql : str
        Over the ledger's views; gives `found` and `among`.
    from_share : float
        Smallest share worth telling, above 0.
    says : str
        With `{found}`, `{among}` and `{share:.0%}`.
    """

    name: str
    sql: str
    from_share: float
    says: str


SUSPICIONS = (
    Suspicion(
        "free_lines",
        "SELECT count(*) FILTER (net_minor = 0) AS found, count(*) AS among FROM ledger_orders WHERE status = 'paid'",
        0.05,
        "{found} of {among} paid lines ({share:.0%}) cost nothing; are their amounts in another column?",
    ),
    Suspicion(
        "shared_orders",
        "SELECT count(*) FILTER (buyers > 1) AS found, count(*) AS among FROM "
        "(SELECT count(DISTINCT customer_id) AS buyers FROM ledger_orders GROUP BY order_id)",
        0.0,
        "{found} of {among} order ids belong to more than one customer; are order ids used again?",
    ),
    Suspicion(
        "refunds_without_order",
        "SELECT count(*) FILTER (NOT paid) AS found, count(*) AS among FROM (SELECT bool_or(status = 'paid') AS paid, "
        "bool_or(status <> 'paid') AS undone FROM ledger_orders GROUP BY order_id, line_id) WHERE undone",
        0.0,
        "{found} of {among} refunded or cancelled lines have no paid line of the same order_id and line_id",
    ),
    Suspicion(
        "midnight_orders",
        "SELECT count(*) FILTER (order_hour = 0) AS found, count(*) AS among FROM ledger_orders WHERE status = 'paid'",
        0.5,
        "{share:.0%} of paid lines were ordered in the hour after midnight; no times given, or another time zone?",
    ),
    Suspicion(
        "one_large_customer",
        "SELECT greatest(max(spent), 0) AS found, sum(spent) AS among FROM "
        "(SELECT sum(net_minor) AS spent FROM ledger_orders WHERE status <> 'cancelled' GROUP BY customer_id)",
        0.2,
        "one customer makes {share:.0%} of all sales; a wholesaler, or an id that stands for 'unknown'?",
    ),
    Suspicion(
        "unknown_products",
        "SELECT count(*) FILTER (product_id NOT IN (SELECT product_id FROM ledger_products)) AS found, "
        "count(*) AS among FROM (SELECT DISTINCT product_id FROM ledger_orders WHERE product_id IS NOT NULL) "
        "WHERE EXISTS (FROM ledger_products)",
        0.01,
        "{found} of {among} products ordered are not in the products table; they have no title and no category",
    ),
    Suspicion(
        "rejected_rows",
        "SELECT (SELECT count(*) FROM ledger_rejected) AS found, "
        "(SELECT count(*) FROM ledger_rejected) + count(*) AS among FROM ledger_orders",
        0.01,
        "{found} of {among} imported rows ({share:.0%}) were refused; the table `rejected` holds each with its reason",
    ),
)


@dataclass(frozen=True)
class Need:
    """What a prediction needs of the history at least."""

    prediction: str
    span_days: int
    customers: int
    repeat_customers: int
    products: int = 0


# Least history for a model of the shop's own to be fitted and backtested once: two windows of outcomes, one to learn
# from and one to be judged by, two months between the cutoffs that are learnt from, and two to look back on. Below it
# scores come from rules and say so in `confidence`.
NEEDS = (
    Need("who leaves within 90 days", span_days=300, customers=200, repeat_customers=60),
    Need("the same with --horizon-days 30", span_days=180, customers=200, repeat_customers=60),
    Need("customer lifetime value", span_days=300, customers=200, repeat_customers=100),
    Need("next purchase of a product", span_days=90, customers=100, repeat_customers=30, products=2),
)


def examine(ledger: Ledger) -> Report:
    """Examine the whole ledger.

    Raises
    ------
    InputError
        When nothing was imported yet.
    """
    shop = ledger.shop
    ledger.data_through()  # raises when there is no order
    with ledger.connect() as connection:
        facts = _facts(connection)
        findings = tuple(_findings(connection))
    return Report(
        currency=shop.currency,
        time_zone=shop.time_zone,
        findings=findings,
        predictions=tuple(_allowance(need, facts) for need in NEEDS),
        **{name: value for name, value in facts.items() if name != "repeat_customers"},
    )


def _facts(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return the figures of a Report and repeat_customers."""
    relation = connection.sql("""
        WITH lines AS (SELECT * FROM ledger_orders WHERE status = 'paid'),
        days AS (SELECT DISTINCT customer_id, order_day FROM lines),
        gaps AS (SELECT order_day - lag(order_day) OVER (PARTITION BY customer_id ORDER BY order_day) AS gap FROM days),
        buyers AS (SELECT count(*) AS n FROM days GROUP BY customer_id),
        open_days AS (SELECT DISTINCT order_day FROM days),
        pauses AS (SELECT order_day - lag(order_day) OVER (ORDER BY order_day) - 1 AS quiet FROM open_days)
        SELECT CAST(DATE '1970-01-01' + min(order_day) AS VARCHAR) AS first_day,
            CAST(DATE '1970-01-01' + max(order_day) AS VARCHAR) AS last_day,
            max(order_day) - min(order_day) + 1 AS span_days,
            (SELECT count(*) FROM ledger_orders) AS lines,
            (SELECT count(*) FROM days) AS orders,
            (SELECT count(*) FROM buyers) AS customers,
            count(DISTINCT product_id) AS products,
            (SELECT count(*) FILTER (n > 1) FROM buyers) AS repeat_customers,
            (SELECT coalesce(count(*) FILTER (n > 1) / nullif(count(*), 0), 0.0) FROM buyers) AS repeat_share,
            (SELECT median(gap) FROM gaps) AS median_gap_days,
            (SELECT coalesce(max(quiet), 0) FROM pauses) AS quiet_days,
            (SELECT count(*) FROM ledger_rejected) AS rejected
        FROM lines
    """)
    (row,) = relation.fetchall()
    return dict(zip(relation.columns, row, strict=True))


def _findings(connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    for suspicion in SUSPICIONS:
        for found, among in connection.execute(suspicion.sql).fetchall():
            share = float(found) / float(among) if among and among > 0 else 0.0
            if share > 0 and share >= suspicion.from_share:
                told = suspicion.says.format(found=f"{found:,}", among=f"{among:,}", share=share)
                yield Finding(suspicion.name, told)


def _allowance(need: Need, facts: dict[str, Any]) -> Allowance:
    lacks = [
        f"{facts[name]:,} of {least:,} {words}"
        for name, least, words in (
            ("span_days", need.span_days, "days of history"),
            ("customers", need.customers, "customers"),
            ("repeat_customers", need.repeat_customers, "customers who came back"),
            ("products", need.products, "products"),
        )
        if (facts[name] or 0) < least
    ]
    if lacks:
        return Allowance(
            need.prediction, allowed=False, why=f"there are only {', '.join(lacks)}; rules answer instead"
        )
    return Allowance(need.prediction, allowed=True, why="the history is long enough")
