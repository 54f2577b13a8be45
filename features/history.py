"""History as known at a cutoff, staged as relations: which ledger rows count, and as what.

Everything a feature can see is decided here. `collapse` reads the ledger once and says from when to when
each row was in force; `cut` keeps the rows in force at one cutoff and measures ages back from it. The text
keeps to the SQL that means the same on DuckDB and Spark. Which aggregates are taken: `features.catalog`.
"""

from datetime import datetime

import duckdb
import pyarrow as pa

from features import surroundings
from features.cutoff import Cutoff
from ledger import identity
from ledger.staging import Step

# A row is in force from the moment it is known until the same key (order, line, status) is known otherwise,
# or the line is known to be cancelled. Both ends are kept, so that any cutoff can be cut from one pass over
# the ledger. Most keys have one row; only the repeated ones are ordered, which halves the time. Corrections
# known at one instant are ordered by their content: how rows lie on the disk must not matter.
COLLAPSE = Step(
    "history_lines",
    """
with suspects as (
    select hash(order_id, line_id, status) as suspect
    from ledger_orders
    group by hash(order_id, line_id, status)
    having count(*) > 1
),
repeated as (
    select order_id, line_id, status
    from ledger_orders
    where hash(order_id, line_id, status) in (select suspect from suspects)
    group by order_id, line_id, status
    having count(*) > 1
),
cancelled as (
    select order_id, line_id, min(known_at) as void_at
    from ledger_orders
    where status = 'cancelled'
    group by order_id, line_id
),
versions as (
    select o.*, nullif(o.known_at, o.known_at) as superseded_at
    from ledger_orders o
    left join repeated r on o.order_id = r.order_id and o.line_id = r.line_id and o.status = r.status
    where r.order_id is null
    union all
    select o.*, lead(o.known_at) over (
        partition by o.order_id, o.line_id, o.status
        order by o.known_at, o.ordered_at, o.customer_id, o.net_minor, o.product_id nulls first,
            o.quantity_milli nulls first, o.discount_minor nulls first
    ) as superseded_at
    from ledger_orders o
    join repeated r on o.order_id = r.order_id and o.line_id = r.line_id and o.status = r.status
)
select
    v.customer_id, v.product_id, v.status,
    cast(v.order_day as bigint) as order_day,
    cast(v.order_hour as bigint) as order_hour,
    v.net_minor, v.discount_minor, v.quantity_milli,
    greatest(v.known_at, v.ordered_at) as from_at,
    least(v.superseded_at, c.void_at) as until_at
from versions v
left join cancelled c on v.order_id = c.order_id and v.line_id = c.line_id
""",
)

# Since when anything is known of an id, valid or not.
IDS = Step(
    "history_ids",
    "select customer_id, min(from_at) as from_at from history_lines group by customer_id",
)

# From here on a customer is whoever an id is by the cutoff, and a row is his whatever id it was bought under.
BASKETS = Step(
    "history_baskets",
    """
select
    coalesce(i.customer_id, l.customer_id) as customer_id, l.order_day, l.product_id,
    cast(sum(case when status = 'paid' then net_minor else 0 end) as bigint) as gross_minor,
    cast(sum(case when status = 'refunded' then -net_minor else 0 end) as bigint) as refund_minor,
    cast(sum(case when status = 'paid' then discount_minor end) as bigint) as discount_minor,
    cast(sum(case when status = 'paid' then quantity_milli end) as bigint) as quantity_milli,
    count(case when status = 'paid' then 1 end) as lines,
    min(case when status = 'paid' then order_hour end) as order_hour
from history_lines l
left join identities_resolved i on l.customer_id = i.anonymous_id
where status <> 'cancelled' and from_at < :cutoff_at and (until_at is null or until_at >= :cutoff_at)
group by coalesce(i.customer_id, l.customer_id), l.order_day, l.product_id
""",
)

_CUTOFF_MONTH = "cast(extract(month from date '1970-01-01' + cast(:cutoff_day as int)) as bigint)"

MONTHS_FROM_CUTOFF = f"least(abs(order_month - {_CUTOFF_MONTH}), 12 - abs(order_month - {_CUTOFF_MONTH}))"
NET_MINOR_SQUARED = "cast(net_minor as decimal(19, 0)) * cast(net_minor as decimal(19, 0))"

ORDERS = Step(
    "history_orders",
    f"""
with days as (
    select
        customer_id, cast(order_day as bigint) as order_day,
        cast(sum(gross_minor) - sum(refund_minor) as bigint) as net_minor,
        cast(sum(gross_minor) as bigint) as gross_minor,
        cast(sum(refund_minor) as bigint) as refund_minor,
        cast(sum(discount_minor) as bigint) as discount_minor,
        cast(sum(lines) as bigint) as lines,
        cast(sum(quantity_milli) as bigint) as quantity_milli,
        nullif(count(
            case when lines > 0 and (refund_minor = 0 or gross_minor > refund_minor) then product_id end
        ), 0) as products,
        cast(min(order_hour) as bigint) as order_hour,
        ((cast(order_day as bigint) + 3) % 7 + 7) % 7 + 1 as order_isoweekday,
        cast(extract(month from date '1970-01-01' + cast(order_day as int)) as bigint) as order_month
    from history_baskets
    group by customer_id, order_day
    having sum(gross_minor) > sum(refund_minor)
)
select
    customer_id, order_day,
    :cutoff_day - order_day as age_days,
    cast(row_number() over (partition by customer_id order by order_day) as bigint) as order_number,
    order_day - lag(order_day) over (partition by customer_id order by order_day) as gap_days,
    lead(order_day) over (partition by customer_id order by order_day) - order_day as next_gap_days,
    net_minor,
    {NET_MINOR_SQUARED} as net_minor_squared,
    gross_minor, refund_minor, discount_minor, lines, quantity_milli, products, order_hour, order_isoweekday,
    order_month,
    {MONTHS_FROM_CUTOFF} as months_from_cutoff
from days
""",
)

# The description of a product that was known last; its `version` is 1.
KNOWN_PRODUCTS = """
    select product_id, category, price_minor, row_number() over (
        partition by product_id order by known_at desc, category nulls last, price_minor nulls last
    ) as version
    from ledger_products
    where known_at < :cutoff_at"""

# Only the products bought are looked up: a request about one customer must not order the whole catalogue.
ITEMS = Step(
    "history_items",
    f"""
with known as ({KNOWN_PRODUCTS} and product_id in (select product_id from history_baskets)
),
bought as (
    select b.customer_id, b.product_id, k.category, o.order_day, o.order_number, b.quantity_milli,
        b.gross_minor - b.refund_minor as net_minor,
        cast(b.quantity_milli as decimal(19, 0)) * cast(k.price_minor as decimal(19, 0)) as list_milli
    from history_baskets b
    join history_orders o on b.customer_id = o.customer_id and b.order_day = o.order_day
    left join known k on b.product_id = k.product_id and k.version = 1
    where b.product_id is not null and b.lines > 0 and (b.refund_minor = 0 or b.gross_minor > b.refund_minor)
)
select
    customer_id, product_id, category, order_day,
    :cutoff_day - order_day as age_days,
    order_number,
    cast(row_number() over (partition by customer_id, product_id order by order_day) as bigint) as product_number,
    order_day - lag(order_day) over (partition by customer_id, product_id order by order_day) as gap_days,
    case when row_number() over (partition by customer_id, product_id order by order_day) = 1
        then 1 else 0 end as product_first,
    quantity_milli, net_minor, list_milli
from bought
""",
)

CATEGORIES = Step(
    "history_categories",
    """
select
    customer_id, category,
    count(*) as items,
    count(case when order_number = 1 then 1 end) as first_order_items,
    cast(sum(product_first) as bigint) as products,
    cast(sum(net_minor) as bigint) as net_minor,
    min(age_days) as age_days
from history_items
where category is not null
group by customer_id, category
""",
)

CUSTOMERS = Step(
    "history_customers",
    f"""
select
    k.customer_id,
    coalesce(b.gross_minor, 0) as gross_minor,
    coalesce(b.refund_minor, 0) as refund_minor,
    {_CUTOFF_MONTH} as cutoff_month
from (
    select coalesce(i.customer_id, l.customer_id) as customer_id
    from history_ids l
    left join identities_resolved i on l.customer_id = i.anonymous_id
    where l.from_at < :cutoff_at
    group by coalesce(i.customer_id, l.customer_id)
) k
left join (
    select customer_id,
        cast(sum(gross_minor) as bigint) as gross_minor,
        cast(sum(refund_minor) as bigint) as refund_minor
    from history_baskets
    group by customer_id
) b on k.customer_id = b.customer_id
""",
)

CUT = (IDS, BASKETS, ORDERS, ITEMS, CATEGORIES, CUSTOMERS)

# In this order they stage a cutoff on any engine; `stage` does the same and skips what an empty ledger needs not.
STEPS = (COLLAPSE, *identity.STEPS, *CUT, *surroundings.STEPS)


def text() -> str:
    """Return the whole history SQL, one white-space between words; a feature set's fingerprint covers it."""
    return "\n".join(step.text for step in STEPS)


def values(cutoff: Cutoff) -> dict[str, datetime | int]:
    """Return what the names after a colon stand for in the steps."""
    return {"cutoff_at": cutoff.at, "cutoff_day": cutoff.day, "known_before": cutoff.at}


def collapse(connection: duckdb.DuckDBPyConnection) -> None:
    """Say from when to when each ledger row was in force; needed once while the ledger stays as it is.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view `ledger_orders` in the stored schema.
    """
    COLLAPSE.fill(connection)


def cut(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> None:
    """Stage the relations as of a cutoff from a collapsed ledger, replacing those of the cutoff before.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        On which `collapse` has run since the ledger's views were last changed.
    cutoff : Cutoff
    """
    identity.stage(connection, cutoff.at)
    _fill(connection, cutoff)


def stage(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> None:
    """Stage `history_orders`, `_items`, `_categories` and `_customers` as of a cutoff.

    The tables are temporary, so connections and cursors (`connection.cursor()`) of one database do not meet.
    Calling it again replaces them.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views `ledger_orders`, `ledger_products` and `ledger_identities` in the stored schema.
    cutoff : Cutoff
    """
    collapse(connection)
    cut(connection, cutoff)


def stage_apart(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> None:
    """Stage as `stage` does, but with every id by itself, whoever it is known to be.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views `ledger_orders` and `ledger_products` in the stored schema.
    cutoff : Cutoff
    """
    collapse(connection)
    identity.stage_nobody(connection)
    _fill(connection, cutoff)


def _fill(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> None:
    for step in CUT:
        step.fill(connection, **values(cutoff))


def last_order_at(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> datetime | None:
    """Return the instant of the last order known before a cutoff; None without one.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view `ledger_orders`.
    cutoff : Cutoff
    """
    last = "select max(ordered_at) as last from ledger_orders where ordered_at < $at and known_at < $at"
    found = connection.sql(last, params={"at": cutoff.at}).to_arrow_table()
    moment: datetime | None = found["last"].cast(pa.timestamp("us", "UTC"))[0].as_py()
    return moment
