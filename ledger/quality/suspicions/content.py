"""Suspicions about what was imported: orders that share an id, tests, unknown products, and rows that were refused."""

from ledger.quality.suspicion import Suspicion

SHARED_ORDERS = Suspicion(
    "shared_orders",
    "SELECT count(*) FILTER (shared) AS found, count(*) AS among FROM examined_orders",
    "{found:,} of {among:,} order ids belong to more than one customer; are order ids used again?",
    "Lines of different orders count as one.",
    "Make order ids unique in the export, for example with the shop's or the year's number in front.",
)

# "Pregnancy test kits" are sold, "test product" is not. All that is in an order must be such: a title may have been
# tried out on something that is sold.
TEST_ORDERS = Suspicion(
    "test_orders",
    r"""
    WITH products AS (
        SELECT DISTINCT hash(product_id) FROM ledger_products
        WHERE regexp_full_match(lower(product_id), 'test[-_ ]?[0-9]*')
            OR regexp_matches(lower(title), '^test[-_ ]?[0-9]*$|\b(test|dummy) (product|item|article|order|sku)\b')
    ),
    people AS (SELECT customer_key FROM examined_people WHERE test),
    lines AS (
        SELECT order_key FROM examined_lines WHERE EXISTS (FROM products)
        GROUP BY order_key HAVING bool_and(coalesce(product_key IN (FROM products), false))
    )
    SELECT count(*) FILTER (test OR customer_key IN (FROM people) OR order_key IN (FROM lines)) AS found,
        count(*) AS among
    FROM examined_orders
    """,
    "{found:,} of {among:,} orders look like tests: an id, an e-mail address or a product that says so",
    "Orders that nobody meant make regulars of the people who test the shop.",
    "Leave test orders out of the import.",
)

UNKNOWN_PRODUCTS = Suspicion(
    "unknown_products",
    """
    SELECT count(*) FILTER (product_key NOT IN (SELECT hash(product_id) FROM ledger_products)) AS found,
        count(*) AS among
    FROM (SELECT DISTINCT product_key FROM examined_lines WHERE product_key IS NOT NULL)
    WHERE EXISTS (FROM ledger_products)
    """,
    "{found:,} of {among:,} products ordered are not in the products table; they have no title and no category",
    "A refill of such a product cannot fall back on its category, and lists show its id.",
    "Import the missing products (`regulars import products`); check that both files use the same ids.",
    from_share=0.01,
)

REJECTED_ROWS = Suspicion(
    "rejected_rows",
    """
    WITH reasons AS (SELECT reason, sum(rows) AS rows FROM examined_rejected GROUP BY reason)
    SELECT sum(rows)::BIGINT AS found,
        sum(rows)::BIGINT + (SELECT count(*) FROM ledger_orders) + (SELECT count(*) FROM ledger_products)
            + (SELECT count(*) FROM ledger_customers) + (SELECT count(*) FROM ledger_events) AS among,
        arg_max(reason, rows) AS reason, max(rows)::BIGINT AS most
    FROM reasons
    """,
    "{found:,} of {among:,} imported rows ({share:.0%}) were refused, {most:,} of them because: {reason}",
    "What was refused is not in any figure, score or segment.",
    "The table `rejected` holds each with its file, line and reason; correct the files and import them again.",
    from_share=0.01,
)

OTHER_CURRENCY = Suspicion(
    "other_currency",
    """
    SELECT count(*) AS found, (SELECT count(*) FROM ledger_orders) + count(*) AS among
    FROM ledger_rejected WHERE contains(reason, 'shop''s currency')
    """,
    "{found:,} of {among:,} order lines were refused because they are in another currency",
    "Sales in other currencies are missing from every figure.",
    "Convert amounts to the shop's currency before the import, or keep a home for each currency.",
)

FUTURE_DATES = Suspicion(
    "future_dates",
    """
    SELECT (SELECT count(*) FROM ledger_rejected WHERE contains(reason, 'in the future'))
            + count(*) FILTER (known_at > written_at + INTERVAL 1 DAY) AS found,
        (SELECT count(*) FROM ledger_rejected) + count(*) AS among
    FROM ledger_orders, examined_import
    """,
    "{found:,} of {among:,} rows tell of the future: they were refused, or are known only after the last import",
    "What is known later than now counts for no score; such rows mostly have day and month in each other's place.",
    "Check how the export writes dates; year first (2024-01-31) cannot be mistaken.",
)

CONTENT = (SHARED_ORDERS, TEST_ORDERS, UNKNOWN_PRODUCTS, REJECTED_ROWS, OTHER_CURRENCY, FUTURE_DATES)
