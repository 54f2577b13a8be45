"""Many cutoffs of one ledger: what does not change from one to the next is staged once, and a cutoff reads part of it.

At a cutoff a customer is *settled* when of each of his days either all is known and stays as it is, or nothing is known
yet, and the former days come before the latter. That is almost everybody: the others have a refund, a correction or a
late row ahead of them that concerns what is known already. A settled customer's orders and items at the cutoff are the
first ones of those as of the end of time, numbers and gaps included. The others, and whoever is somebody else at the
cutoff, are staged by the steps themselves.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features import history, numbered
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.numbers import CUSTOMERS, fill, name
from ledger import identity
from ledger.staging import Step

EVER: Mapping[str, datetime | int] = {"cutoff_at": datetime(9999, 1, 1, tzinfo=UTC), "cutoff_day": 0}
STAGED = (history.BASKETS, history.ORDERS, history.ITEMS)

# `settled_at`: when the last thing became known of this day or one before it.
_DAYS = f"""
select customer_id, order_day, first_at, gross_minor, refund_minor,
    max(last_at) over (partition by customer_id order by order_day) as settled_at
from (
    select customer_id, order_day,
        min(from_at) as first_at,
        max(greatest(from_at, until_at)) as last_at,
        sum(case when status = 'paid' and until_at is null then net_minor else 0 end)::bigint as gross_minor,
        sum(case when status = 'refunded' and until_at is null then -net_minor else 0 end)::bigint as refund_minor
    from {name(history.COLLAPSE.table, "ever")}
    where status <> 'cancelled'
    group by customer_id, order_day
)
"""
_ORDERS = f"""
select o.customer_id, o.order_day::int as order_day, o.order_number::int as order_number,
    o.gap_days::int as gap_days, o.next_gap_days::int as next_gap_days, o.net_minor, o.gross_minor,
    o.refund_minor, o.discount_minor, o.lines::int as lines, o.quantity_milli, o.products::int as products,
    o.order_hour::tinyint as order_hour, o.order_isoweekday::tinyint as order_isoweekday,
    o.order_month::tinyint as order_month, d.settled_at,
    lead(d.settled_at) over (partition by o.customer_id order by o.order_day) as next_settled_at
from {name(history.ORDERS.table, "ever")} o
join ever_days d on o.customer_id = d.customer_id and o.order_day = d.order_day
"""
_ITEMS = f"""
select i.customer_id, i.product_id, i.order_day::int as order_day, i.order_number::int as order_number,
    i.product_number::int as product_number, i.gap_days::int as gap_days, i.quantity_milli, i.net_minor, d.settled_at
from {name(history.ITEMS.table, "ever")} i
join ever_days d on i.customer_id = d.customer_id and i.order_day = d.order_day
"""
_ONCE = {"ever_days": _DAYS, "ever_orders": _ORDERS, "ever_items": _ITEMS}

_UNSETTLED_CUSTOMERS = f"""
select distinct number from (
    select customer_id as number from settled_days where first_at < :cutoff_at and settled_at >= :cutoff_at
    union all select anonymous_id from {name(identity.RESOLVED.table)}
    union all select customer_id from {name(identity.RESOLVED.table)}
)
"""

_KNOWN = f"""
select distinct coalesce(i.customer_id, k.number)::int as number
from {CUSTOMERS} k left join {name(identity.RESOLVED.table)} i on k.number = i.anonymous_id
where k.from_at < :cutoff_at
order by number
"""
CHOSEN = "chosen_customers"


def _relations(theirs: str) -> dict[str, str]:
    """Return what the cutoff's relations read, of those customers for whom a condition holds."""
    settled = f"""settled_at < :cutoff_at and {theirs}
            and customer_id not in (select number from unsettled_customers)"""
    return {
        history.BASKETS.table: f"""
        select customer_id, gross_minor, refund_minor from settled_days where {settled}
        union all by name
        select customer_id, gross_minor, refund_minor
        from {name(history.BASKETS.table, "unsettled")} where {theirs}""",
        history.ORDERS.table: f"""
        select customer_id, order_day::bigint as order_day, (:cutoff_day - order_day)::bigint as age_days,
            order_number::bigint as order_number, gap_days::bigint as gap_days,
            case when next_settled_at < :cutoff_at then next_gap_days::bigint end as next_gap_days, net_minor,
            {history.NET_MINOR_SQUARED} as net_minor_squared, gross_minor, refund_minor, discount_minor,
            lines::bigint as lines, quantity_milli, products::bigint as products, order_hour::bigint as order_hour,
            order_isoweekday::bigint as order_isoweekday, order_month::bigint as order_month,
            {history.MONTHS_FROM_CUTOFF} as months_from_cutoff
        from settled_orders where {settled}
        union all by name from {name(history.ORDERS.table, "unsettled")} where {theirs}""",
        history.ITEMS.table: f"""
        select customer_id, i.product_id, k.category, order_day::bigint as order_day,
            (:cutoff_day - order_day)::bigint as age_days, order_number::bigint as order_number,
            product_number::bigint as product_number, gap_days::bigint as gap_days,
            case when product_number = 1 then 1 else 0 end as product_first, quantity_milli, net_minor,
            cast(quantity_milli as decimal(19, 0)) * cast(price_minor as decimal(19, 0)) as list_milli
        from settled_items i left join settled_products k on i.product_id = k.product_id where {settled}
        union all by name from {name(history.ITEMS.table, "unsettled")} where {theirs}""",
    }


def stage(connection: duckdb.DuckDBPyConnection) -> None:
    """Stage once what any cutoff reads a part of.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With ids that are numbered and lines that are collapsed.
    """
    nobody = f"select number as anonymous_id, number as customer_id from {CUSTOMERS} where false"
    for turn, some in enumerate(numbered.in_turn(connection)):
        lines = f"select * from {numbered.LINES} where customer_id between {some.start} and {some.stop - 1}"
        _stage(connection, "ever", lines, nobody, EVER)
        for table, rows in _ONCE.items():
            kept = table.replace("ever_", "settled_")
            into = f"insert into {kept}" if turn else f"create or replace temp table {kept} as"
            connection.execute(f"create or replace temp table {table} as {rows}; {into} from {table}")
    for table in (*_ONCE, *(name(step.table, "ever") for step in STAGED)):
        connection.execute(f"drop table {table}")


def drop(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop what `stage` has staged and `describe` has made of it, if they have."""
    once = [table.replace("ever_", "settled_") for table in _ONCE]
    for table in (*once, *(name(step.table, "settled") for step in (history.CATEGORIES, history.CUSTOMERS))):
        connection.execute(f"drop table if exists {table}")


def known(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> NDArray[np.int32]:
    """Return (n,) int, rising: the numbers of the customers known before a cutoff, whoever they are by then.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With ids that are numbered.
    cutoff : Cutoff
    """
    numbered.resolve(connection, cutoff)
    found = connection.sql(Step("", _KNOWN).with_values(**history.values(cutoff))).fetchnumpy()
    return np.asarray(found["number"], dtype=np.int32)


def describe(
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    feature_set: FeatureSet,
    chosen: NDArray[np.int32] | None = None,
) -> pa.Table:
    """Describe every customer as of a cutoff, or some of them; as `features.snapshot.describe`.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        On which `stage` has run.
    cutoff : Cutoff
    feature_set : FeatureSet
        Of orders alone: none that looks around.
    chosen : (n,) int, optional
        Some of the numbers that `known` gives for the cutoff.
    """
    values = history.values(cutoff)
    numbered.resolve(connection, cutoff)
    Step("unsettled_customers", _UNSETTLED_CUSTOMERS).fill(connection, **values)
    latest = f"select * from ({name(history.KNOWN_PRODUCTS)}) known where version = 1"
    Step("settled_products", latest).fill(connection, **values)
    theirs = f"select * from {numbered.LINES} where customer_id in (select number from unsettled_customers)"
    whose = f"select * from {name(identity.RESOLVED.table)}"
    _stage(connection, "unsettled", theirs, whose, values)
    _choose(connection, chosen)
    share = 1.0 if chosen is None else len(chosen) / max(numbered.customers(connection), 1)
    parts = []
    for some in numbered.in_turn(connection, share):
        ids = numbered.among(f"select number as customer_id, from_at from {CUSTOMERS}", some)
        between = "customer_id between :first and :last"
        if chosen is not None:
            ids += f" and coalesce(i.customer_id, l.customer_id) in (from {CHOSEN})"
            between += f" and customer_id in (from {CHOSEN})"
        _view(connection, name(history.IDS.table, "settled"), ids)
        _view(connection, name(identity.RESOLVED.table, "settled"), whose)
        for relation, rows in _relations(between).items():
            told = Step("", rows).with_values(first=some.start, last=some.stop - 1, **values)
            _view(connection, name(relation, "settled"), told)
        for step in (history.CATEGORIES, history.CUSTOMERS):
            fill(connection, step, values, "settled")
        select = feature_set.sql(lambda table: name(table, "settled"))
        connection.execute(f"create or replace temp table {numbered.SNAPSHOT} as {select}")
        parts.append(numbered.read(connection))
    return pa.concat_tables(parts)


def _choose(connection: duckdb.DuckDBPyConnection, chosen: NDArray[np.int32] | None) -> None:
    if chosen is not None:
        connection.register("chosen_given", pa.table({"number": chosen}))
        connection.execute(f"create or replace temp table {CHOSEN} as from chosen_given")
        connection.unregister("chosen_given")


def _stage(
    connection: duckdb.DuckDBPyConnection,
    prefix: str,
    lines: str,
    whose: str,
    values: Mapping[str, datetime | int],
) -> None:
    """Stage the orders and items that some lines are, in tables of their own."""
    _view(connection, name(history.COLLAPSE.table, prefix), lines)
    _view(connection, name(identity.RESOLVED.table, prefix), whose)
    _view(connection, name("ledger_products", prefix), f"select * from {name('ledger_products')}")
    for step in STAGED:
        fill(connection, step, values, prefix)


def _view(connection: duckdb.DuckDBPyConnection, called: str, rows: str) -> None:
    connection.execute(f"create or replace temp view {called} as {rows}")
