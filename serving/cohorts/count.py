"""Counting cohorts off the ledger: a few sums over the history as of a cutoff, some customers after the others."""

from collections.abc import Mapping
from typing import Any, Final

import duckdb
import numpy as np

from features import numbered, snapshot
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.numbers import CUSTOMERS, PRODUCTS, name
from serving.cohorts.found import Cohorts, First, Month, Second

DAYS: Final = 90
"""After the first order, within which products and channels are compared."""
SECOND_DAYS: Final = 365
PRODUCTS_SHOWN: Final = 20
MONTHS_SHOWN: Final = 36
_MINOR: Final = 100.0

_ORDERS, _ITEMS = name("history_orders"), name("history_items")
_MONTH = "(extract(year from {day}) * 12 + extract(month from {day}) - 1)::int"
_TABLES = """
create or replace temp table cohort_firsts
    (customer_id int, first_day int, second_day int, value_minor bigint, product_id int);
create or replace temp table cohort_months (cohort int, month int, customers bigint, net_minor bigint);
"""
_FIRSTS = f"""
insert into cohort_firsts
with orders as (
    select *, min(order_day) over (partition by customer_id) as first_day from {_ORDERS}
),
bought as (
    -- Of several first products one stands for all: that most was spent on.
    select customer_id, arg_max(product_id, (net_minor, -product_id)) as product_id
    from {_ITEMS} where order_number = 1 group by customer_id
)
select customer_id, min(first_day), min(case when order_number = 2 then order_day end),
    sum(case when order_day < first_day + {DAYS} then net_minor else 0 end), any_value(product_id)
from orders left join bought using (customer_id)
group by customer_id
"""
_MONTHS = f"""
insert into cohort_months
select {_MONTH.format(day="(date '1970-01-01' + first_day)")} as cohort,
    {_MONTH.format(day="(date '1970-01-01' + order_day::int)")} as month,
    count(distinct customer_id), sum(net_minor)
from {_ORDERS} join cohort_firsts using (customer_id)
group by cohort, month
"""
_CHANNELS = f"""
create or replace temp table cohort_channels as
select f.customer_id, min(o.channel) as channel
from ledger_orders o
join {CUSTOMERS} k on o.customer_id = k.id
left join {name("identities_resolved")} r on k.number = r.anonymous_id
join cohort_firsts f on coalesce(r.customer_id, k.number) = f.customer_id and o.order_day = f.first_day
where o.channel is not null and o.status = 'paid' and o.known_at < $1
group by f.customer_id
"""
_COMPARED = f"""
select {{name}}, count(*),
    count(case when first_day <= $1 - {DAYS} then 1 end),
    count(case when first_day <= $1 - {DAYS} and second_day < first_day + {DAYS} then 1 end),
    coalesce(sum(case when first_day <= $1 - {DAYS} then value_minor end), 0)
from cohort_firsts {{joined}}
group by 1 order by 2 desc, 1 limit {PRODUCTS_SHOWN}
"""


def count(
    connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, costs: Mapping[str, float] | None = None
) -> Cohorts:
    """
    Count cohorts as of a cutoff.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A ledger connection; it is left staged as of the cutoff, with some of the customers.
    cutoff : Cutoff
    costs : mapping of str to float, currency
        Of a new customer, by channel.
    """
    snapshot.collapse(connection, FeatureSet(()))
    connection.execute(_TABLES)
    for some in numbered.in_turn(connection):
        numbered.cut(connection, cutoff, some)
        connection.execute(_FIRSTS)
        connection.execute(_MONTHS)
    connection.execute(_CHANNELS, [cutoff.at])
    return Cohorts(
        as_of=cutoff.local_date,
        months=_months(connection, cutoff),
        second=_second(connection, cutoff),
        firsts=(*_products(connection, cutoff), *_channels(connection, cutoff)),
        acquisition_costs=dict(costs or {}),
    )


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, *given: object) -> list[Any]:
    return connection.execute(sql, list(given)).fetchall()


def _months(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> tuple[Month, ...]:
    over = cutoff.local_date.year * 12 + cutoff.local_date.month - 1  # the month under way, which is left out
    sums = _rows(
        connection,
        "select cohort, month, sum(customers), sum(net_minor) from cohort_months where month < $1 group by all",
        over,
    )
    active: dict[int, dict[int, int]] = {}
    spent: dict[int, dict[int, int]] = {}
    for cohort, month, customers, net_minor in sums:
        active.setdefault(cohort, {})[month] = int(customers)
        spent.setdefault(cohort, {})[month] = int(net_minor)
    return tuple(
        Month(
            month=f"{cohort // 12:04d}-{cohort % 12 + 1:02d}",
            customers=active[cohort][cohort],
            active=tuple(active[cohort].get(month, 0) for month in range(cohort, over)),
            value=tuple(
                np.cumsum([spent[cohort].get(month, 0) / _MINOR for month in range(cohort, over)]).tolist()
            ),
        )
        for cohort in sorted(active)[-MONTHS_SHOWN:]
    )


def _second(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> tuple[Second, ...]:
    """Return the share with a second order by each day, by Kaplan and Meier: who is new counts for as long as he is."""
    came, left = np.zeros(SECOND_DAYS + 2), np.zeros(SECOND_DAYS + 2)
    found = _rows(
        connection,
        f"select second_day is not null, least(coalesce(second_day, $1) - first_day, {SECOND_DAYS + 1}), count(*) "
        "from cohort_firsts group by all",
        cutoff.day,
    )
    for second, day, customers in found:
        (came if second else left)[day] += customers
    at_risk = came[::-1].cumsum()[::-1] + left[::-1].cumsum()[::-1]
    hazard = np.divide(came, at_risk, out=np.zeros_like(came), where=at_risk > 0)
    share = 1.0 - np.cumprod(1.0 - hazard)
    return tuple(
        Second(day=day, share=float(share[day]), customers=int(at_risk[day]))
        for day in range(1, SECOND_DAYS + 1)
        if at_risk[day] > 0
    )


def _products(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> list[First]:
    joined = f"join {PRODUCTS} p on cohort_firsts.product_id = p.number"
    found = _rows(connection, _COMPARED.format(name="p.id", joined=joined), cutoff.day)
    titles = dict(
        _rows(
            connection,
            "select product_id, arg_max(title, known_at) from ledger_products where known_at < $1 group by 1",
            cutoff.at,
        )
    )
    return [_first("product", row, titles.get(row[0])) for row in found]


def _channels(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> list[First]:
    joined = "join cohort_channels c on cohort_firsts.customer_id = c.customer_id"
    found = _rows(connection, _COMPARED.format(name="c.channel", joined=joined), cutoff.day)
    return [_first("channel", row, None) for row in found]


def _first(kind: Any, row: Any, title: str | None) -> First:  # noqa: ANN401 - a row of a query
    named, customers, old_enough, came_back, value_minor = row
    return First(
        kind=kind,
        name=named,
        title=title or named,
        customers=customers,
        old_enough=old_enough,
        came_back=came_back,
        value=int(value_minor) / _MINOR,
    )
