"""What one customer did, as the ledger tells it by now: orders and events, those posted since the run among them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import duckdb

from ledger import identity
from ledger.arrivals import TAKEN, Arrivals
from ledger.home import Home
from ledger.sought import listed
from ledger.store import Ledger
from ledger.tables.products import PRODUCTS
from serving import cells

A_PAGE: Final = 25
LINES_TOLD: Final = 12
"""Products named of an order, the dearest first."""

# The row known last says how a line stands; a cancelled row voids its line, a refunded one adds what was given back.
_ORDERS = f"""
with known as (
    select *, max(known_at) over (partition by order_id) as order_known_at
    from theirs_orders
    qualify row_number() over (partition by order_id, line_id, status order by known_at desc, net_minor) = 1
), lines as (
    select order_id, line_id, any_value(product_id) as product_id, min(ordered_at) as happened_at,
        min(order_day) as day, max(order_known_at) as known_at, any_value(channel) as channel,
        bool_or(status = 'cancelled') as cancelled,
        sum(quantity_milli) filter (where status = 'paid') / 1000.0 as quantity,
        coalesce(sum(net_minor) filter (where status = 'paid'), 0) as paid,
        coalesce(sum(net_minor) filter (where status = 'refunded'), 0) as refunded
    from known group by order_id, line_id
)
select
    'order' as kind, order_id as id, min(happened_at) as happened_at,
    date '1970-01-01' + min(day) as day, max(known_at) as known_at,
    any_value(channel) as channel, count(*) as lines, bool_and(cancelled) as cancelled,
    coalesce(sum(paid) filter (where not cancelled), 0) / 100.0 as paid,
    coalesce(sum(refunded) filter (where not cancelled), 0) / 100.0 as refunded,
    list({{
        'product_id': product_id, 'quantity': quantity, 'net': (paid + refunded) / 100.0, 'cancelled': cancelled
    }} order by paid desc, product_id)[:{LINES_TOLD}] as items
from lines group by order_id
"""
_EVENTS = """
select
    'event' as kind, event as id, happened_at, date '1970-01-01' + event_day as day, known_at, channel,
    0 as lines, false as cancelled, 0.0 as paid, 0.0 as refunded,
    case when product_id is null then [] else
        [{'product_id': product_id, 'quantity': null::double, 'net': null::double, 'cancelled': false}] end as items
from theirs_events
"""


def timeline(home: Home, customer_id: str, now: datetime, page: int) -> dict[str, Any]:
    """
    Return what a customer did, the latest first.

    Parameters
    ----------
    home : Home
    customer_id : str
        Whatever other ids are his count too.
    now : datetime
        Aware; as of when it is asked who is who.
    page : int
        Of `A_PAGE` entries, the first being 1.

    Returns
    -------
    dict
        entries, each with kind ("order" or "event"), id (of an event: its name), happened_at, day, known_at, channel,
        lines, cancelled, paid and refunded (in the shop's currency), and items with product_id, title, quantity, net
        and cancelled; orders and events, how many there are.
    """
    posted = Arrivals(home.arrivals)
    with Ledger(home).connect() as connection:
        standing = identity.standing(connection, customer_id, now)
        ids = [customer_id, *standing.together_with]
        came = posted.of(ids) if posted.exists else {}
        for table in TAKEN:
            held = [name for name in ("customer_id", "anonymous_id") if name in table.names]
            mine = " or ".join(f"{name} in ({listed(ids)})" for name in held)
            rows = came.get(table, table.arrow_schema.empty_table())
            connection.register(f"posted_{table.name}", rows)
            # A row that was settled meanwhile comes from both.
            connection.execute(
                f"create temp table theirs_{table.name} as select distinct * from "
                f"(select * from ledger_{table.name} where {mine} union all select * from posted_{table.name})"
            )
        return _told(connection, page)


def _told(connection: duckdb.DuckDBPyConnection, page: int) -> dict[str, Any]:
    connection.execute(f"create temp table happened as ({_ORDERS}) union all ({_EVENTS})")
    ((orders, events),) = connection.execute(
        "select count(*) filter (where kind = 'order'), count(*) filter (where kind = 'event') from happened"
    ).fetchall()
    some = f"limit {A_PAGE} offset {(page - 1) * A_PAGE}"
    found = connection.sql(f"from happened order by happened_at desc, kind, id {some}").to_arrow_table()
    entries = cells.rows(found.drop_columns(["items"]))
    items = found["items"].to_pylist()
    titles = _titles(connection, [each["product_id"] for mine in items for each in mine])
    for entry, mine in zip(entries, items, strict=True):
        entry["items"] = [{**each, "title": titles.get(each["product_id"])} for each in mine]
    return {"orders": orders, "events": events, "entries": entries}


def _titles(connection: duckdb.DuckDBPyConnection, products: Sequence[str | None]) -> Mapping[str, str]:
    named = sorted({each for each in products if each is not None})
    if not named:
        return {}
    rows = connection.execute(
        f"select product_id, arg_max(title, known_at) from ledger_{PRODUCTS.name} "
        f"where title is not null and product_id in ({listed(named)}) group by product_id"
    ).fetchall()
    return dict(rows)
