"""What the questions to a ledger read: its rows in force, and orders, customers and days made of them, staged once.

Who is known to be one customer is one. Ids are kept as 64-bit hashes: ten million lines take less than a gigabyte, and
no answer can quote a customer. What is asked of the relations is left to `facts` and `suspicions`.
"""

from datetime import UTC, datetime

import duckdb

from ledger import identity
from ledger.staging import Step

EVERYTHING_KNOWN = datetime(9999, 1, 1, tzinfo=UTC)

# Words that people who try out a shop write into ids: apart from other letters, so that "latest" is none.
TEST_WORD = r"(^|[^a-z])(test|tests|testing|dummy)([^a-z]|$)"

# Domains that nobody has (RFC 2606) or that are made for trying out.
TEST_DOMAIN = r"^((.*\.)?example\.(com|net|org)|test\.com|(.*\.)?test|mailinator\.com)$"

# A line has a row for each of its states, and further rows where a state was corrected: the last known counts.
# Few are corrected, so only those are ordered. A whole quarter of an hour in the local hour 0 stands for midnight: no
# zone is off by anything else.
LINES = Step(
    "examined_lines",
    f"""
with corrected as (
    select hash(order_id, line_id, status) as state_key
    from ledger_orders group by state_key having count(*) > 1
),
in_force as (
    select * from ledger_orders where hash(order_id, line_id, status) not in (from corrected)
    union all
    select * from ledger_orders where hash(order_id, line_id, status) in (from corrected)
    qualify row_number() over (partition by order_id, line_id, status order by known_at desc) = 1
),
cancelled as (select hash(order_id, line_id) from ledger_orders where status = 'cancelled')
select
    hash(order_id) as order_key,
    hash(order_id, line_id) as line_key,
    hash(coalesce(who.customer_id, in_force.customer_id)) as customer_key,
    case when product_id is not null then hash(product_id) end as product_key,
    case status when 'paid' then 0 when 'refunded' then 1 else 2 end :: utinyint as state,
    hash(order_id, line_id) in (from cancelled) as voided,
    ordered_at, order_day,
    order_hour :: utinyint as order_hour,
    not (order_hour = 0 and epoch_us(ordered_at) % 900000000 = 0) as timed,
    net_minor, discount_minor, quantity_milli,
    case when contains(ids, 'test') or contains(ids, 'dummy') then regexp_matches(ids, '{TEST_WORD}')
        else false end as test
from in_force
cross join lateral (select lower(order_id || '|' || in_force.customer_id) as ids)
left join identities_resolved as who on who.anonymous_id = in_force.customer_id
""",
)

ORDERS = Step(
    "examined_orders",
    """
select
    order_key, min(customer_key) as customer_key,
    min(customer_key) <> max(customer_key) as shared,
    min(ordered_at) as ordered_at, min(order_day) as order_day, min(order_hour) as order_hour,
    bool_or(timed) as timed, bool_or(test) as test,
    count(product_key) > 0 as with_product,
    sum(net_minor) as net_minor
from examined_lines where state = 0 and not voided
group by order_key
""",
)

CUSTOMERS = Step(
    "examined_customers",
    """
select
    customer_key,
    count(distinct order_day) filter (state = 0) as days,
    min(order_day) filter (state = 0) as first_day,
    sum(net_minor) as net_minor,
    sum(quantity_milli) filter (state = 0) as quantity_milli
from examined_lines where state < 2 and not voided
group by customer_key
""",
)

# What is usual on a day: the middle of the four same weekdays before it and the four after it.
DAYS = Step(
    "examined_days",
    """
with span as (select min(order_day) as first, max(order_day) as last from examined_orders),
calendar as (select cast(unnest(generate_series(first, last)) as integer) as day from span),
counted as (select order_day as day, count(*) as orders from examined_orders group by day),
new as (select first_day as day, count(*) as customers from examined_customers group by day),
grid as (
    select day, coalesce(orders, 0) as orders, coalesce(customers, 0) as new_customers
    from calendar left join counted using (day) left join new using (day)
)
select *, coalesce(median(orders) over (
    partition by day % 7 order by day rows between 4 preceding and 4 following exclude current row
), 0) as usual
from grid
""",
)

PEOPLE = Step(
    "examined_people",
    f"""
with last_known as (
    from ledger_customers qualify row_number() over (partition by customer_id order by known_at desc) = 1
)
select
    hash(coalesce(who.customer_id, last_known.customer_id)) as customer_key,
    case when email is not null then hash(email) end as email_key,
    case when phone is not null then hash(phone) end as phone_key,
    coalesce(regexp_matches(split_part(email, '@', 1), '{TEST_WORD}')
        or regexp_matches(split_part(email, '@', 2), '{TEST_DOMAIN}'), false) as test,
    last_known.* exclude (customer_id, known_at, email, phone, attributes)
from last_known left join identities_resolved as who on who.anonymous_id = last_known.customer_id
""",
)

EVENTS = Step(
    "examined_events",
    """
select
    event, count(*) as events,
    count(customer_id) as of_customers,
    count(session_id) as in_sessions
from ledger_events group by event
""",
)

# Reasons that name another line of the file are one reason.
REJECTED = Step(
    "examined_rejected",
    r"""
select table_name, regexp_replace(reason, '\b(line|row) [0-9,]+', 'another \1') as reason, count(*) as rows
from ledger_rejected group by all
""",
)

STEPS = (LINES, ORDERS, CUSTOMERS, DAYS, PEOPLE, EVENTS, REJECTED)


def stage(connection: duckdb.DuckDBPyConnection, written_at: datetime | None) -> None:
    """Fill the relations of `ledger.identity` as all known, those of STEPS, and `examined_import` (one row).

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the views `ledger_*` in the stored schema.
    written_at : datetime or None
        Aware; when the ledger was last written to, where that is known.
    """
    identity.hubs(connection, EVERYTHING_KNOWN)
    identity.stage(connection, EVERYTHING_KNOWN)
    for step in STEPS:
        step.fill(connection)
    connection.execute(
        "create or replace temp table examined_import as select cast($at as timestamptz) as written_at",
        {"at": written_at.isoformat() if written_at else None},
    )
