"""What a ledger holds, in figures: one SELECT a subject, one column a figure."""

from collections.abc import Mapping
from typing import Any

import duckdb

from ledger.event_names import EVENT_NAMES
from ledger.schema import Table
from ledger.tables.shipped import TABLES

_DAY = "CAST(DATE '1970-01-01' + {} AS VARCHAR)"

ORDERS = f"""
    WITH buying_days AS (
        SELECT DISTINCT customer_key, order_day FROM examined_lines WHERE state = 0 AND NOT voided
    ),
    gaps AS (
        SELECT order_day - lag(order_day) OVER (PARTITION BY customer_key ORDER BY order_day) AS gap FROM buying_days
    ),
    pauses AS (
        SELECT order_day - lag(order_day) OVER (ORDER BY order_day) - 1 AS quiet
        FROM (SELECT DISTINCT order_day FROM buying_days)
    ),
    span AS (SELECT min(order_day) AS first, max(order_day) AS last FROM examined_lines),
    buyers AS (
        SELECT count(*) FILTER (days > 0) AS customers, count(*) FILTER (days > 1) AS repeat_customers
        FROM examined_customers
    )
    SELECT {_DAY.format("first")} AS first_day, {_DAY.format("last")} AS last_day, last - first + 1 AS span_days,
        (SELECT count(*) FROM ledger_orders) AS lines,
        (SELECT count(*) FROM buying_days) AS orders,
        customers, repeat_customers,
        (SELECT count(DISTINCT product_key) FROM examined_lines WHERE state = 0) AS products,
        coalesce(repeat_customers / nullif(customers, 0), 0.0) AS repeat_share,
        (SELECT median(gap) FROM gaps) AS median_gap_days,
        (SELECT quantile_cont(gap, 0.9) FROM gaps) AS p90_gap_days,
        (SELECT coalesce(max(quiet), 0) FROM pauses) AS quiet_days,
        (SELECT count(*) FROM ledger_rejected) AS rejected
    FROM span, buyers
"""

LINES = """
    SELECT
        count(*) FILTER (state = 0) AS paid_lines,
        count(*) FILTER (state = 1) AS refunded_lines,
        coalesce(refunded_lines / nullif(paid_lines, 0), 0.0) AS refunded_line_share,
        coalesce(-sum(net_minor) FILTER (state = 1) / nullif(sum(net_minor) FILTER (state = 0), 0), 0.0)
            AS refunded_money_share,
        count(*) FILTER (state = 0 AND voided) AS cancelled_lines,
        coalesce(cancelled_lines / nullif(paid_lines, 0), 0.0) AS cancelled_line_share,
        coalesce(
            sum(net_minor) FILTER (state = 0 AND voided) / nullif(sum(net_minor) FILTER (state = 0), 0), 0.0
        ) AS cancelled_money_share,
        coalesce(count(*) FILTER (state = 0 AND discount_minor IS NOT NULL) / nullif(paid_lines, 0), 0.0)
            AS known_discount_share,
        (SELECT count(*) FROM examined_orders) AS order_ids,
        (SELECT coalesce(avg(timed::INTEGER), 0.0) FROM examined_orders) AS hour_coverage,
        (SELECT coalesce(avg(with_product::INTEGER), 0.0) FROM examined_orders) AS orders_with_product_share,
        (SELECT count(DISTINCT channel) FROM ledger_orders) AS channels
    FROM examined_lines
"""

PRODUCTS = """
    SELECT count(DISTINCT product_id) AS products, count(DISTINCT product_id) FILTER (title IS NOT NULL) AS with_title,
        count(DISTINCT product_id) FILTER (category IS NOT NULL) AS with_category,
        count(DISTINCT product_id) FILTER (price_minor IS NOT NULL) AS with_price
    FROM ledger_products
"""

CUSTOMERS = """
    SELECT count(*) AS customers, count(email_key) AS with_email, count(phone_key) AS with_phone,
        count(*) FILTER (email_consent) AS may_be_emailed, count(*) FILTER (sms_consent) AS may_be_texted,
        count(*) FILTER (ads_consent) AS may_be_advertised_to,
        count(signed_up_at) AS with_sign_up_date, count(birth_date) AS with_birth_date,
        count(coalesce(country, city)) AS with_place
    FROM examined_people
"""

IDENTITIES = """
    SELECT (SELECT count(DISTINCT anonymous_id) FROM ledger_identities) AS ids,
        (SELECT count(*) FROM identities_resolved) AS joined,
        (SELECT count(DISTINCT customer_id) FROM identities_resolved) AS customers,
        (SELECT count(*) FROM identities_hubs) AS hubs
"""

UPKEEP = """
    SELECT (SELECT count(DISTINCT subscription_id) FROM ledger_subscriptions) AS subscriptions,
        (SELECT count(DISTINCT reminder_id) FROM ledger_reminders) AS reminders,
        (SELECT count(DISTINCT pause_id) FROM ledger_pauses) AS pauses
"""

SUBJECTS: Mapping[str, str] = {
    "order_lines": LINES,
    "products": PRODUCTS,
    "customers": CUSTOMERS,
    "identities": IDENTITIES,
    "upkeep": UPKEEP,
}
"""One row each. Besides: the figures of ORDERS, which head a Report."""

REJECTED = "SELECT table_name, reason, rows FROM examined_rejected ORDER BY rows DESC, table_name, reason"

# A shop's own event names are counted together: what is written there is nobody's to repeat.
EVENTS = f"""
    WITH named AS (
        SELECT CASE WHEN event IN {tuple(EVENT_NAMES)} THEN event END AS named, events, of_customers
        FROM examined_events
    )
    SELECT named AS event, count(*) AS names, sum(events)::BIGINT AS events, sum(of_customers)::BIGINT AS of_customers
    FROM named GROUP BY named ORDER BY named IS NULL, sum(events) DESC, named
"""

WHEN = (
    "ordered_at",
    "happened_at",
    "imported_at",
    "erased_at",
    "sent_at",
    "started_at",
    "paused_at",
    "known_at",
)
"""The column that says when a table's rows are of: the first of these that it has."""


def row_of(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    """Return the one row that a SELECT gives, by column."""
    (row,) = rows_of(connection, sql)
    return row


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """Return the rows that a SELECT gives, by column."""
    result = connection.execute(sql)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def tables(connection: duckdb.DuckDBPyConnection, time_zone: str) -> list[dict[str, Any]]:
    """Return rows, first and last local day of every table that has any."""
    counted = [row_of(connection, _span(table, time_zone)) for table in TABLES]
    return [row for row in counted if row["rows"]]


def _span(table: Table, time_zone: str) -> str:
    when = next(name for name in WHEN if name in table.names)
    # 1970-01-01 stands for "always known", as products are by default.
    known = f"nullif({when}, TIMESTAMPTZ '1970-01-01 00:00:00+00')"
    first, last = (
        f"CAST(CAST(timezone('{time_zone}', {side}({known})) AS DATE) AS VARCHAR)" for side in ("min", "max")
    )
    return (
        f"SELECT '{table.name}' AS \"table\", count(*) AS rows, {first} AS first_day, {last} AS last_day "
        f"FROM ledger_{table.name}"
    )
