"""What was known of customers before a cutoff, as the relations that measured columns read.

They are made from what `features` leaves staged on a ledger connection, and from the ledger's events and customers as
of the same instant under the same ids (`ledger.identity`). No row that became known at the cutoff or later is in them.
The SQL is fixed: nothing that a condition says is in it. Days are local day numbers, ages are counted back from the
cutoff, `age_us` in microseconds.
"""

from collections.abc import Collection

import duckdb
import pyarrow as pa

from features.cutoff import Cutoff
from ledger import identity
from ledger.staging import Step
from segments.event_words import FROM_ORDERS
from segments.movement import INSTANT, STAYS
from segments.units import quoted

GIVEN = "known_customers_given"
SEASON_DAYS = 42
OF_HIS_ROWS = frozenset(
    {"known_customers", "known_orders", "known_items", "known_events", "known_people", "recorded_events"}
)
"""Relations that a customer's own rows fill, and what the store has recorded; the others hang on more than that."""
PAST = {
    "segment_stays": pa.schema(
        [(name, STAYS.field(name).type) for name in ("customer_id", "segment", "entered_at", "left_at")]
    ),
    "segment_runs": pa.schema([("segment", pa.string()), ("as_of", INSTANT)]),
}
"""What earlier runs recorded, which whoever stages may lay beside the ledger's tables."""

ORDERS = "select customer_id, order_day as day, age_days, gap_days, net_minor from history_orders"
ITEMS = """
select customer_id, order_day as day, age_days, product_id, category, net_minor, quantity_milli from history_items
"""

# As features have it: an event counts from the moment it is known until its event_id is known otherwise.
_EVENTS = Step(
    "known_event_rows",
    """
with repeated as (
    select event_id from ledger_events where known_at < :cutoff_at group by event_id having count(*) > 1
),
rows as (
    select event_id, event, happened_at, known_at, event_day, coalesce(customer_id, anonymous_id) as who,
        session_id, product_id, order_id
    from ledger_events
    where known_at < :cutoff_at and happened_at < :cutoff_at
),
in_force as (
    select r.* from rows r left join repeated x on r.event_id = x.event_id where x.event_id is null
    union all
    select r.* exclude (turn) from (
        select rows.*, row_number() over (
            partition by rows.event_id
            order by known_at desc, happened_at desc, event desc, who desc, session_id desc nulls last
        ) as turn
        from rows join repeated x on rows.event_id = x.event_id
    ) r where turn = 1
)
select who, event, happened_at, cast(event_day as bigint) as day, product_id, order_id from in_force
""",
)

# What orders tell of themselves: placed when it was, undone when that was known.
_OF_ORDERS = Step(
    "known_order_events",
    """
with rows as (
    select customer_id as who, order_id, line_id, status, ordered_at, known_at, cast(order_day as bigint) as day,
        row_number() over (
            partition by order_id, line_id, status
            order by known_at desc, ordered_at desc, customer_id desc, net_minor desc
        ) as turn
    from ledger_orders
    where known_at < :cutoff_at and ordered_at < :cutoff_at
),
in_force as (select * from rows where turn = 1),
undone as (select distinct order_id, line_id from in_force where status = 'cancelled'),
placed as (
    select p.* from in_force p
    left join undone u on p.order_id = u.order_id and p.line_id = u.line_id
    where p.status = 'paid' and u.order_id is null
)
select who, 'Order Completed' as event, min(ordered_at) as happened_at, min(day) as day, order_id
from placed group by who, order_id
union all
select who, case status when 'refunded' then 'Order Refunded' else 'Order Cancelled' end, min(known_at),
    cast(min(date_diff('day', date '1970-01-01', cast(timezone(:zone, known_at) as date))) as bigint), order_id
from in_force where status <> 'paid' group by who, order_id, status
""",
)

_KNOWN_EVENTS = """
select coalesce(i.customer_id, e.who) as customer_id, e.event, e.day, :cutoff_day - e.day as age_days,
    cast(epoch_us(:cutoff_at) - epoch_us(e.happened_at) as bigint) as age_us, e.product_id
from (
    select who, event, happened_at, day, product_id from known_event_rows r
    where event not in (:of_orders)
        or order_id is null or order_id not in (select order_id from known_order_events)
    union all
    select who, event, happened_at, day, cast(null as varchar) from known_order_events
) e
left join identities_resolved i on e.who = i.anonymous_id
"""

# As features have it: of all ids of a customer the row known last describes him.
_PEOPLE = """
with described as (
    select coalesce(i.customer_id, c.customer_id) as customer_id, c.customer_id as id, country, city, birth_date,
        attributes, signed_up_day, loyalty_member, email_consent, sms_consent, ads_consent, email, phone, known_at
    from ledger_customers c
    left join identities_resolved i on c.customer_id = i.anonymous_id
    where known_at < :cutoff_at
),
versions as (
    select described.*, row_number() over (partition by id order by :last_known) as version from described
),
turns as (
    select versions.*, min(signed_up_day) over (partition by customer_id) as first_signed_up,
        row_number() over (partition by customer_id order by :last_known) as turn
    from versions where version = 1
)
select customer_id, country, city,
    cast(date_diff('day', date '1970-01-01', birth_date) as bigint) as birth_day,
    cast(first_signed_up as bigint) as signed_up_day, attributes
from turns where turn = 1
""".replace(
    ":last_known",
    """known_at desc, signed_up_day nulls first, country nulls first, birth_date nulls first,
        loyalty_member nulls first, email_consent nulls first, sms_consent nulls first, ads_consent nulls first,
        (email is not null), (phone is not null), city nulls first, attributes nulls first""",
)

# Of the six weeks that begin on any of a customer's days with an order, year by year, those with the most of them: the
# year goes round, so that each order is laid out a second time a year later.
_SEASONS = f"""
with placed as (
    select customer_id, dayofyear(date '1970-01-01' + cast(order_day as integer)) as day from history_orders
),
laid_out as (
    select customer_id, day, 1 as own from placed
    union all
    select customer_id, day + 365, 0 from placed where day <= {SEASON_DAYS}
),
begun as (
    select customer_id, own, count(*) over (
        partition by customer_id order by day range between current row and {SEASON_DAYS - 1} following
    ) as together
    from laid_out
)
select customer_id, cast(max(together) filter (where own = 1) as double) / count(*) filter (where own = 1) as share
from begun group by customer_id
"""

# What a piece of each product cost on average, among all that were bought; fewer than ten have no tenth.
_PRICE_SHARES = """
with prices as (
    select product_id, count(*) over () as products,
        percent_rank() over (order by sum(net_minor) / sum(quantity_milli)) as place
    from history_items where quantity_milli > 0 and net_minor > 0 group by product_id
)
select i.customer_id, avg(case when p.place > 0.9 then 1.0 else 0.0 end) as dear,
    avg(case when p.place < 0.1 then 1.0 else 0.0 end) as cheap
from history_items i join prices p on i.product_id = p.product_id
where p.products >= 10
group by i.customer_id
"""

# As with the usual time of day, of several devices used as often the first by name.
_DEVICES = """
select customer_id, device from (
    select customer_id, device, row_number() over (partition by customer_id order by count(*) desc, device) as turn
    from (
        select coalesce(i.customer_id, e.who) as customer_id, lower(e.device) as device
        from (
            select distinct on (event_id) event_id, coalesce(customer_id, anonymous_id) as who,
                json_extract_string(properties, '$.device_type') as device
            from ledger_events where known_at < :cutoff_at and happened_at < :cutoff_at and properties is not null
            order by event_id, known_at desc, happened_at desc, device
        ) e
        left join identities_resolved i on e.who = i.anonymous_id
    ) used
    where device is not null group by customer_id, device
) ranked where turn = 1
"""

# Who was in which segment, as runs before the cutoff said, and since when each segment is followed.
_STAYS = """
select customer_id, segment, :cutoff_day - {entered} as entered_days, :cutoff_day - {left} as left_days
from segment_stays where entered_at < :cutoff_at
"""
_FOLLOWED = """
select segment, max(:cutoff_day - {run}) as days from segment_runs where as_of < :cutoff_at group by segment
"""


def stage(
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    customers: pa.ChunkedArray | pa.Array,
    relations: Collection[str],
    recorded: Collection[str] = (),
) -> None:
    """Stage relations as of a cutoff on a ledger connection.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views of the ledger's tables, and with `history_orders` and `history_items` as `features.snapshot.compute`
        leaves them for the same cutoff.
    cutoff : Cutoff
    customers : (n,) str
        Whom columns are measured for.
    relations : collection of str
        Names of those to stage.
    recorded : collection of str
        Events that the store has recorded, where the connection holds a part of its ledger.
    """
    days = pa.array([cutoff.day], pa.int64()).take(pa.array([0] * len(customers), pa.int64()))
    connection.register(GIVEN, pa.table({"customer_id": customers, "today": days}))
    connection.execute(f"create or replace temp view known_customers as from {GIVEN}")
    if "known_orders" in relations:
        connection.execute(f"create or replace temp view known_orders as {ORDERS}")
    if "known_items" in relations:
        connection.execute(f"create or replace temp view known_items as {ITEMS}")
    if "known_people" in relations:
        identity.stage(connection, cutoff.at)
        Step("known_people", _PEOPLE).fill(connection, cutoff_at=cutoff.at)
    if not {"known_events", "recorded_events"}.isdisjoint(relations):
        _stage_events(connection, cutoff)
        connection.register("recorded_elsewhere", pa.table({"event": pa.array([*recorded], pa.string())}))
        connection.execute("insert into recorded_events from recorded_elsewhere")
    if "known_seasons" in relations:
        Step("known_seasons", _SEASONS).fill(connection, cutoff_at=cutoff.at)
    if "known_price_shares" in relations:
        Step("known_price_shares", _PRICE_SHARES).fill(connection, cutoff_at=cutoff.at)
    if "known_devices" in relations:
        identity.stage(connection, cutoff.at)
        Step("known_devices", _DEVICES).fill(connection, cutoff_at=cutoff.at)
    if "known_stays" in relations:
        _stage_stays(connection, cutoff)


def _stage_events(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> None:
    identity.stage(connection, cutoff.at)
    _EVENTS.fill(connection, cutoff_at=cutoff.at)
    zoned = Step(_OF_ORDERS.table, _OF_ORDERS.sql.replace(":zone", quoted(cutoff.time_zone)))
    zoned.fill(connection, cutoff_at=cutoff.at)
    known = _KNOWN_EVENTS.replace(":of_orders", ", ".join(map(quoted, FROM_ORDERS)))
    Step("known_events", known).fill(connection, cutoff_at=cutoff.at, cutoff_day=cutoff.day)
    # Of the store, whoever the customers are; an event that is nobody's customer's was recorded as well.
    connection.execute(
        "create or replace temp table recorded_events as select event from known_event_rows group by event "
        "union select event from known_order_events group by event"
    )


def recorded(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> tuple[str, ...]:
    """Return the events that a whole ledger holds, for connections that hold a part of it.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views of the ledger's tables.
    cutoff : Cutoff
    """
    _stage_events(connection, cutoff)
    rows = connection.execute("select event from recorded_events order by event").fetchall()
    return tuple(event for (event,) in rows)


def _stage_stays(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> None:
    for name, schema in PAST.items():
        found = "select 1 from duckdb_views() where view_name = $name"
        if not connection.execute(found, {"name": name}).fetchall():  # nothing was ever followed here
            connection.register(name, schema.empty_table())
    days = {
        name: f"date_diff('day', date '1970-01-01', cast(timezone({quoted(cutoff.time_zone)}, {column}) as date))"
        for name, column in (("entered", "entered_at"), ("left", "left_at"), ("run", "as_of"))
    }
    for table, sql in (("known_stays", _STAYS), ("known_follows", _FOLLOWED)):
        Step(table, sql.format(**days)).fill(connection, cutoff_at=cutoff.at, cutoff_day=cutoff.day)
