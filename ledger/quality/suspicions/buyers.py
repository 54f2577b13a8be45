"""Suspicions about who ordered: robots, wholesalers, and one person under several ids."""

from ledger.quality.suspicion import Suspicion

ROBOTS = Suspicion(
    "robots",
    """
    WITH days AS (SELECT customer_key, order_day, count(*) AS orders FROM examined_orders GROUP BY ALL)
    SELECT count(DISTINCT customer_key) FILTER (orders >= 20) AS found, count(DISTINCT customer_key) AS among,
        max(orders) AS most
    FROM days
    """,
    "{found:,} of {among:,} customers placed 20 orders or more on one day, up to {most:,}; "
    "a robot, a reseller, or an id of the shop's own?",
    "Nobody orders like that for himself; such ids bend averages, percentiles and what is learnt of frequent buyers.",
    "Find out who they are, and leave their orders out of the import if they are not customers.",
)

# Times that are only days, or whole minutes in a busy shop, bring many customers together: hence ten times the usual.
SAME_INSTANT = Suspicion(
    "same_instant",
    """
    WITH instants AS (
        SELECT count(DISTINCT customer_key) AS customers FROM examined_orders WHERE timed GROUP BY ordered_at
    ),
    crowded AS (
        FROM instants WHERE customers >= 10 AND customers >= 10 * (SELECT avg(customers) FROM instants)
    )
    SELECT sum(customers)::BIGINT AS found, (SELECT count(*) FROM examined_customers) AS among, count(*) AS instants,
        max(customers) AS most
    FROM crowded
    """,
    "up to {most:,} customers ordered at the very same instant ({found:,} customers at {instants:,} instants); "
    "were orders copied, or ids made up by a script?",
    "Copied or made-up customers bought once and never come back: they look like people who left.",
    "Look at the orders of that instant in the shop system, and leave them out of the import if they are not real.",
)

WHOLESALERS = Suspicion(
    "wholesalers",
    """
    WITH ranked AS (
        SELECT net_minor, quantity_milli, row_number() OVER (ORDER BY net_minor DESC, customer_key) AS place,
            count(*) OVER () AS customers
        FROM examined_customers
    )
    SELECT sum(net_minor) FILTER (place <= 0.01 * customers) / 100 AS found, sum(net_minor) / 100 AS among,
        count(*) FILTER (place <= 0.01 * customers) AS top, coalesce(
        sum(net_minor) FILTER (place <= 0.2 * customers) / nullif(sum(net_minor), 0), 0) AS top_fifth_share,
        coalesce(median(quantity_milli) FILTER (place <= 0.01 * customers) / nullif(median(quantity_milli), 0), 0)
            AS times_pieces
    FROM ranked HAVING count(*) >= 100
    """,
    "the top 1 % of customers ({top:,}) make {share:.0%} of sales and the top fifth {top_fifth_share:.0%}; "
    "they bought {times_pieces:,.0f} times the pieces of an ordinary customer; are they wholesalers?",
    "A few large accounts decide every total and average; a prediction of money for all others is less sure.",
    "Judge money by segments, not in total; if wholesale is a business of its own, import it into a home of its own.",
    from_share=0.25,
)

ONE_LARGE_CUSTOMER = Suspicion(
    "one_large_customer",
    "SELECT greatest(max(net_minor), 0) / 100 AS found, sum(net_minor) / 100 AS among FROM examined_customers",
    "one customer makes {share:.0%} of all sales; a wholesaler, or an id that stands for 'unknown'?",
    "An id that stands for everyone who bought without an account looks like the best customer of all.",
    "If it stands for 'unknown' or 'guest', leave its orders out of the import or give each guest an id.",
    from_share=0.2,
)

DUPLICATE_CUSTOMERS = Suspicion(
    "duplicate_customers",
    """
    WITH who AS (SELECT customer_key, unnest([email_key, phone_key]) AS contact FROM examined_people),
    shared AS (
        SELECT unnest(list(DISTINCT customer_key)) AS customer_key FROM who WHERE contact IS NOT NULL
        GROUP BY contact HAVING count(DISTINCT customer_key) > 1
    )
    SELECT count(DISTINCT customer_key) AS found,
        (SELECT count(DISTINCT customer_key) FROM who WHERE contact IS NOT NULL) AS among
    FROM shared
    """,
    "{found:,} of {among:,} customers share their e-mail address or telephone number with another customer id",
    "Somebody who buys under two ids looks like two people, one of whom left.",
    "Import identities: one row an id that is the same person as another (`regulars import identities`).",
    from_share=0.005,
)

BUYERS = (ROBOTS, SAME_INSTANT, WHOLESALERS, ONE_LARGE_CUSTOMER, DUPLICATE_CUSTOMERS)
