"""Suspicions about when orders were placed: days that miss, jumps, times that cannot be."""

from ledger.quality.suspicion import Suspicion

# Five quiet days in a row are more than a holiday. Three are, too, where hardly another day was ever quiet. The same
# weeks of another year quiet as well is a shop that closes. Twenty orders that fail to come are no chance.
MISSING_DAYS = Suspicion(
    "missing_days",
    """
    WITH quiet AS (
        SELECT day, usual, day - row_number() OVER (ORDER BY day) AS stretch FROM examined_days WHERE orders = 0
    ),
    stretches AS (
        SELECT min(day) AS first, max(day) AS last, count(*) FILTER (usual > 0) AS days, sum(usual) AS missed
        FROM quiet GROUP BY stretch
    ),
    unusual AS (
        SELECT * FROM stretches AS s
        WHERE missed >= 20
            AND (days >= 5 OR days >= 3 AND days >= 2 * ((SELECT sum(days) FROM stretches) - days))
            AND NOT EXISTS (
                FROM stretches AS other
                WHERE 2 * other.days >= s.days AND abs(other.first - s.first) > 300
                    AND abs((abs(other.first - s.first) + 182.625) % 365.25 - 182.625) <= 14
            )
    )
    SELECT sum(days)::BIGINT AS found, (SELECT count(*) FILTER (usual > 0) FROM examined_days) AS among,
        count(*) AS stretches, round(sum(missed))::BIGINT AS missed,
        CAST(DATE '1970-01-01' + arg_max(first, days) AS VARCHAR) AS first,
        CAST(DATE '1970-01-01' + arg_max(last, days) AS VARCHAR) AS last
    FROM unusual
    """,
    "no order on {found:,} days on which this shop usually sells, the most of them from {first} to {last}; "
    "about {missed:,} orders would be usual",
    "A stretch that an export left out looks as if all customers had stayed away: gaps come out too long, and too many "
    "people seem to leave.",
    "Import the orders of those days; if the shop was closed, leave it.",
)

# The middle of the eight weeks before and of the eight from then on, so that neither a sale nor a season of a month
# counts; and the weeks next to it, so that steady growth does not. It is told of the week of the largest step.
VOLUME_JUMPS = Suspicion(
    "volume_jumps",
    """
    WITH weeks AS (
        SELECT (day + 3) // 7 AS week, min(day) AS monday, sum(orders) AS orders, sum(new_customers) AS new_customers
        FROM examined_days GROUP BY week HAVING count(*) = 7
    ),
    compared AS (
        SELECT week, monday, (orders + 1) / (lag(orders) OVER (ORDER BY week) + 1) AS step,
            median(orders) OVER before AS before, median(orders) OVER after AS after,
            median(new_customers) OVER before AS new_before, median(new_customers) OVER after AS new_after,
            median(orders) OVER (ORDER BY week ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) AS just_before,
            median(orders) OVER (ORDER BY week ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING) AS just_after
        FROM weeks
        WINDOW before AS (ORDER BY week ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING),
            after AS (ORDER BY week ROWS BETWEEN CURRENT ROW AND 7 FOLLOWING)
        QUALIFY count(*) OVER before = 8 AND count(*) OVER after = 8
    ),
    jumps AS (
        SELECT *, week - row_number() OVER (ORDER BY week) AS jump, greatest(step, 1 / step) AS times
        FROM compared
        WHERE before > 0 AND after > 0 AND greatest(before, after) >= 20
            AND greatest(after / before, before / after) >= 3
            AND (after > before AND just_after >= 2 * just_before OR after < before AND just_before >= 2 * just_after)
    )
    SELECT count(DISTINCT jump) AS found,
        CAST(DATE '1970-01-01' + arg_max(monday, times) AS VARCHAR) AS day,
        round(arg_max(before, times))::BIGINT AS before, round(arg_max(after, times))::BIGINT AS after,
        round(arg_max(new_before, times))::BIGINT AS new_before, round(arg_max(new_after, times))::BIGINT AS new_after
    FROM jumps
    """,
    "from the week of {day} on, orders go from about {before:,} a week to {after:,} and stay there "
    "(new customers from {new_before:,} to {new_after:,})",
    "A channel that was added or left out, or a file imported under two sets of ids, changes the level for good; what "
    "was learnt before it does not hold after it.",
    "Check what changed in that week: a channel, a shop system, a file that is missing or was imported under new ids. "
    "If it was business, leave it.",
)

CROWDED_DAY = Suspicion(
    "crowded_day",
    """
    WITH middle AS (SELECT median(orders) AS orders FROM examined_days),
    crowded AS (
        SELECT day, d.orders, round(greatest(usual, middle.orders))::BIGINT AS usual
        FROM examined_days AS d, middle WHERE d.orders >= 50 AND d.orders >= 10 * greatest(usual, middle.orders)
    )
    SELECT max(orders) AS found, (SELECT sum(orders)::BIGINT FROM examined_days) AS among, count(*) AS days,
        CAST(DATE '1970-01-01' + arg_max(day, orders) AS VARCHAR) AS day, arg_max(usual, orders) AS usual
    FROM crowded
    """,
    "{found:,} orders were placed on {day}, when {usual:,} would be usual",
    "When a shop moves to another system, old orders are often dated by the day of the move.",
    "If the orders are older than that, import them again with their own dates; if it was a sale, leave it.",
)

MIDNIGHT_ORDERS = Suspicion(
    "midnight_orders",
    "SELECT count(*) FILTER (NOT timed) AS found, count(*) AS among FROM examined_orders",
    "{share:.0%} of orders were placed at midnight sharp; the files seem to give dates without times",
    "Without times nothing can be said of the hour, and what happened on one day has no order.",
    "Export the time of the order as well, if the shop system has it; predictions do without.",
    from_share=0.5,
)

NIGHT_ORDERS = Suspicion(
    "night_orders",
    """
    SELECT count(*) FILTER (order_hour < 6) AS found, count(*) AS among, arg_max(order_hour, orders) AS hour
    FROM (SELECT order_hour, count(*) OVER (PARTITION BY order_hour) AS orders FROM examined_orders WHERE timed)
    """,
    "{share:.0%} of orders were placed between midnight and 6 in the morning, the most in the hour from {hour}:00; "
    "is the time zone right?",
    "In a wrong time zone evening orders fall on the next day, and weekdays, hours and gaps are off.",
    "Check how the export writes times (often UTC) and import into a new home with --time-zone, or with times that "
    "carry their offset.",
    from_share=0.4,
    from_found=20,
)

# An older end is a history loaded on purpose, not a feed that broke.
STOPPED_ARRIVING = Suspicion(
    "stopped_arriving",
    """
    WITH days AS (SELECT order_day - lag(order_day) OVER (ORDER BY order_day) AS gap, order_day
        FROM (SELECT DISTINCT order_day FROM examined_orders)),
    ends AS (SELECT max(order_day) AS last, coalesce(max(gap), 1) AS longest_gap FROM days)
    SELECT epoch_us(written_at) // 86400000000 - last AS found,
        CAST(DATE '1970-01-01' + last AS VARCHAR) AS day
    FROM ends, examined_import
    WHERE found BETWEEN greatest(14, 3 * longest_gap) AND 730
    """,
    "the newest order is of {day}, {found:,} days before the last import",
    "Scores and segments are as of the newest order: what happened since is not in them.",
    "Import the orders since then; check that the export still runs.",
)

DATES = (MISSING_DAYS, VOLUME_JUMPS, CROWDED_DAY, MIDNIGHT_ORDERS, NIGHT_ORDERS, STOPPED_ARRIVING)
