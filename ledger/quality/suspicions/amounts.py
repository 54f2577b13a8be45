"""Suspicions about money: lines for nothing, refunds of nothing, commas in the wrong place."""

from ledger.quality.suspicion import Suspicion

FREE_LINES = Suspicion(
    "free_lines",
    "SELECT count(*) FILTER (net_minor = 0) AS found, count(*) AS among FROM examined_lines WHERE state = 0",
    "{found:,} of {among:,} paid lines ({share:.0%}) cost nothing; are their amounts in another column?",
    "An order that costs nothing does not count as an order, and its customer as worth nothing.",
    "Check which column holds what was paid for the line, and map it to net_amount.",
    from_share=0.05,
)

ONE_CENT_ORDERS = Suspicion(
    "one_cent_orders",
    "SELECT count(*) FILTER (net_minor = 1) AS found, count(*) AS among FROM examined_orders",
    "{found:,} of {among:,} orders have a total of 0.01; are they tests of the checkout?",
    "Orders that nobody meant make regulars of the people who test the shop.",
    "Leave test orders out of the import.",
    from_share=0.0005,
    from_found=3,
)

REFUNDS_WITHOUT_ORDER = Suspicion(
    "refunds_without_order",
    """
    WITH undone AS (
        SELECT line_key, bool_and(state = 1) AS refunded, any_value(hash(customer_key, product_key, ordered_at)) AS sale
        FROM examined_lines WHERE state > 0 GROUP BY line_key
    ),
    paid AS (SELECT line_key, hash(customer_key, product_key, ordered_at) AS sale FROM examined_lines WHERE state = 0)
    SELECT count(*) FILTER (
        line_key NOT IN (SELECT line_key FROM paid) AND NOT (refunded AND sale IN (SELECT sale FROM paid))
    ) AS found, count(*) AS among FROM undone
    """,
    "{found:,} of {among:,} refunded or cancelled lines have no paid line of the same order_id and line_id, nor of "
    "the same customer, product and ordered_at",
    "The money is taken off, but the order that it undoes still counts as valid.",
    "Give refunds and cancellations the order_id and line_id of what they undo, or refunds its ordered_at, and import "
    "the orders themselves.",
)

REFUNDS_ABOVE_PAID = Suspicion(
    "refunds_above_paid",
    """
    WITH undone AS (SELECT line_key, -sum(net_minor) AS back FROM examined_lines WHERE state = 1 GROUP BY line_key),
    paid AS (
        SELECT line_key, sum(net_minor) AS paid FROM examined_lines
        WHERE state = 0 AND line_key IN (SELECT line_key FROM undone) GROUP BY line_key
    )
    SELECT count(*) FILTER (back > paid) AS found, count(*) AS among FROM undone JOIN paid USING (line_key)
    """,
    "{found:,} of {among:,} refunded lines gave back more than was paid for them",
    "Such a customer's spend is too low, or negative.",
    "Check that a refunded row holds what was given back for its own line alone, not for the whole order.",
)

# A product whose price swings by itself (postage, "manual") says nothing: nine tenths of its lines must lie within
# a factor of four. Free lines are told elsewhere.
PRICE_OUTLIERS = Suspicion(
    "price_outliers",
    """
    WITH priced AS (
        SELECT product_key, net_minor / coalesce(nullif(quantity_milli, 0), 1000) AS price
        FROM examined_lines WHERE state = 0 AND product_key IS NOT NULL AND net_minor > 0
    ),
    usual AS (
        SELECT product_key, median(price) AS price FROM priced GROUP BY product_key
        HAVING count(*) >= 10 AND quantile_cont(price, 0.95) <= 4 * quantile_cont(price, 0.05)
    )
    SELECT count(*) FILTER (p.price / u.price BETWEEN 80 AND 125 OR u.price / p.price BETWEEN 80 AND 125) AS found,
        count(*) AS among
    FROM priced AS p JOIN usual AS u USING (product_key)
    """,
    "{found:,} of {among:,} lines cost about a hundred times, or a hundredth of, what their product usually costs; "
    "is a decimal comma missing?",
    "One such line makes its customer the best of all.",
    "Correct the amounts in the shop system, and import those orders again.",
    from_found=3,
)

WITHOUT_DECIMALS = (
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "VND",
    "VUV",
    "XAF",
)
"""Currencies that have no hundredths (ISO 4217, minor unit 0)."""

NEEDLESS_DECIMALS = Suspicion(
    "needless_decimals",
    f"""
    SELECT count(*) FILTER (net_minor % 100 <> 0) AS found, count(*) AS among, any_value(currency) AS currency
    FROM ledger_orders WHERE currency IN {WITHOUT_DECIMALS}
    """,
    "{found:,} of {among:,} amounts have decimals, but {currency} has none; is it another currency?",
    "Amounts in another currency are compared and summed as if they were this one's.",
    "Check the currency of the export; import into a new home with the right --currency.",
    from_share=0.01,
)

AMOUNTS = (
    FREE_LINES,
    ONE_CENT_ORDERS,
    REFUNDS_WITHOUT_ORDER,
    REFUNDS_ABOVE_PAID,
    PRICE_OUTLIERS,
    NEEDLESS_DECIMALS,
)
