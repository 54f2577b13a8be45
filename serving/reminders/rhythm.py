"""How long a pair usually takes to be bought again, counted from its last purchase: what states are told by.

The forecast looks ahead from today, on condition that nothing was bought so far; its median always lies ahead. Whether
something is overdue is a question about the gap as it looked when the pair was last bought, so the gaps are read here
once more: log-normal, of those who do buy again, a pair's own gaps pooled with those of everybody who buys the product,
these with the category's, these with the store's. The weights are conjugate and count gaps; with no gap of its own a
pair has its product's rhythm.
"""

from collections.abc import Iterable
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from features.cutoff import Cutoff
from ledger import identity, quoting
from ledger.staging import Step
from serving.reminders.curve import hazards_sql, horizons

PAIR_GAPS: Final = 3
"""Weight of the item in a pair's mean: with fewer gaps of its own, others say more of what is usual."""
_ITEM_GAPS: Final = 20  # weight of the level above in an item's mean
_PAIR_FREEDOM: Final = 6  # weight of the item in a pair's variance
_ITEM_FREEDOM: Final = 50  # weight of the level above in an item's variance
_DEFAULT_LOG_GAP: Final = (
    3.4012  # log of 30 days: one imagined gap, so that a store without any gets an answer
)
_Z75, _Z95 = 0.6744897501960817, 1.6448536269514722  # standard normal quantiles

DAYS = Step(
    "reminder_days",
    """
with bought as (
    select
        customer_id, 'product' as level, product_id as item, category, order_day,
        sum(quantity_milli) as quantity_milli, sum(net_minor) as net_minor
    from history_items
    where product_id is not null
    group by customer_id, product_id, category, order_day
    union all
    select customer_id, 'category', category, category, order_day, sum(quantity_milli), sum(net_minor)
    from history_items
    where category is not null
    group by customer_id, category, order_day
)
select *,
    order_day - lag(order_day) over (partition by customer_id, level, item order by order_day) as gap,
    lead(order_day) over (partition by customer_id, level, item order by order_day) - order_day as next_gap
from bought
""",
)

# The days on which anything with a product was bought, and the next such day of the same customer.
VISITS = Step(
    "reminder_visits",
    """
select customer_id, order_day, lead(order_day) over (partition by customer_id order by order_day) as next_day
from (select distinct customer_id, order_day from history_items)
""",
)

# Logarithms are summed as whole millionths: integers add up to the same in any order of threads.
BOUGHT = Step(
    "reminder_bought",
    """
with counted as (
    select
        customer_id, level, item, min(category) as category,
        max(order_day) as last_day,
        count(gap) as gaps,
        coalesce(sum(cast(round(1e6 * ln(gap)) as bigint)), 0) / 1e6 as log_sum,
        coalesce(sum(cast(round(1e6 * ln(gap) * ln(gap)) as bigint)), 0) / 1e6 as log_squares,
        count(*) as days_bought,
        greatest(0, sum(net_minor)) as net_minor,
        sum(quantity_milli) as quantity_milli
    from reminder_days
    group by customer_id, level, item
)
select *, case when gaps > 1 then greatest(0, log_squares - log_sum * log_sum / gaps) else 0e0 end as within_sum
from counted
""",
)

_PARENT = "case when level = 'product' then coalesce(category, '') else '' end"

ITEMS = Step(
    "reminder_items",
    f"""
with items as (
    select
        level, item, {_PARENT} as parent,
        sum(gaps) as gaps, sum(cast(round(1e6 * log_sum) as bigint)) / 1e6 as log_sum,
        sum(greatest(gaps - 1, 0)) as freedom, sum(cast(round(1e6 * within_sum) as bigint)) / 1e6 as within_sum
    from reminder_bought
    group by level, item, {_PARENT}
), stores as (
    select
        level,
        (sum(cast(round(1e6 * log_sum) as bigint)) / 1e6 + {_DEFAULT_LOG_GAP}) / (sum(gaps) + 1) as mean,
        (sum(cast(round(1e6 * within_sum) as bigint)) / 1e6 + 1) / (sum(freedom) + 1) as variance
    from items
    group by level
), parents as (
    select
        i.level, i.parent,
        case when i.parent = '' then s.mean else
            (sum(cast(round(1e6 * i.log_sum) as bigint)) / 1e6 + {_ITEM_GAPS} * s.mean)
            / (sum(i.gaps) + {_ITEM_GAPS}) end as mean,
        case when i.parent = '' then s.variance else
            (sum(cast(round(1e6 * i.within_sum) as bigint)) / 1e6 + {_ITEM_FREEDOM} * s.variance)
            / (sum(i.freedom) + {_ITEM_FREEDOM}) end as variance
    from items i join stores s on i.level = s.level
    group by i.level, i.parent, s.mean, s.variance
)
select
    i.level, i.item, i.parent,
    (i.log_sum + {_ITEM_GAPS} * p.mean) / (i.gaps + {_ITEM_GAPS}) as mean,
    (i.within_sum + {_ITEM_FREEDOM} * p.variance) / (i.freedom + {_ITEM_FREEDOM}) as variance
from items i join parents p on i.level = p.level and i.parent = p.parent
""",
)

# Whole days, at least one: due on the day by which half of those who buy again have, and so on.
PAIRS = Step(
    "reminder_pairs",
    f"""
with pooled as (
    select
        b.*,
        (b.log_sum + {PAIR_GAPS} * i.mean) / (b.gaps + {PAIR_GAPS}) as mean,
        (
            b.within_sum + {_PAIR_FREEDOM} * i.variance
            + case when b.gaps = 0 then 0e0 else
                b.gaps * {PAIR_GAPS} / (b.gaps + {PAIR_GAPS}) * power(b.log_sum / b.gaps - i.mean, 2) end
        ) / (b.gaps + {_PAIR_FREEDOM}) * (1 + 1e0 / (b.gaps + {PAIR_GAPS})) as variance
    from reminder_bought b
    join reminder_items i on b.level = i.level and b.item = i.item
        and i.parent = case when b.level = 'product' then coalesce(b.category, '') else '' end
)
select
    customer_id, level, item, category, last_day, days_bought, net_minor, quantity_milli,
    :cutoff_day - last_day as elapsed,
    cast(greatest(1, round(least(exp(mean), 3650e0))) as bigint) as usual,
    cast(greatest(1, round(least(exp(mean + {_Z75} * sqrt(variance)), 3650e0))) as bigint) as usual_p75,
    cast(greatest(1, round(least(exp(mean + {_Z95} * sqrt(variance)), 3650e0))) as bigint) as usual_p95
from pooled
""",
)

_ROWS = """
create or replace temp table reminder_rows as
select
    f.*,
    p.last_day, p.days_bought, p.elapsed, p.usual, p.usual_p75, p.usual_p95,
    v.next_day as next_order_day,
    coalesce(
        f.quantity * p.net_minor * 1000 / nullif(p.quantity_milli, 0), p.net_minor / p.days_bought
    ) / 100 as value_if_bought
from reminder_forecast f
left join reminder_pairs p on f.customer_id = p.customer_id and f.level = p.level and f.item = p.item
left join reminder_visits v on f.customer_id = v.customer_id and p.last_day = v.order_day
"""


def _stage_some(connection: duckdb.DuckDBPyConnection, some: pa.Table, first: int, into: str) -> None:
    """Keep some rows of the forecast, numbered from `first` on."""
    numbered = some.append_column("row", pa.array(np.arange(first, first + some.num_rows)))
    connection.register("reminder_given", numbered)
    # The forecast's own word on who must not be reminded is taken anew, with its date, by `suppressions`.
    kept = ", ".join(quoting.name(name) for name in numbered.column_names if name != "suppressed_because")
    item = "case when level = 'product' then product_id else category end as item"
    hazards = hazards_sql(horizons(some.column_names))
    connection.execute(f"{into} select {kept}, {item}, {hazards} from reminder_given")
    connection.unregister("reminder_given")


def stage(connection: duckdb.DuckDBPyConnection, forecast: Iterable[pa.Table], cutoff: Cutoff) -> pa.Schema:
    """Fill the temporary table `reminder_rows`: the forecast's rows, numbered by `row`, with each pair's rhythm.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A ledger connection that holds `history_items` as of the cutoff.
    forecast : iterable of pyarrow.Table
        Rows of customer and product, or customer and category, as `models.replenishment` gives them; at least one
        table, which may be empty. Only one is held at a time.
    cutoff : Cutoff

    Returns
    -------
    pyarrow.Schema
        The forecast's.
    """
    identity.stage(connection, cutoff.at)
    rows, schema = 0, pa.schema([])
    for some in forecast:
        into = (
            "insert into reminder_forecast" if rows else "create or replace temp table reminder_forecast as"
        )
        _stage_some(connection, some, rows, into)
        rows, schema = rows + some.num_rows, some.schema
    for step in (DAYS, VISITS, BOUGHT, ITEMS, PAIRS):
        step.fill(connection, cutoff_day=cutoff.day)
    connection.execute(_ROWS)
    for table in ("reminder_forecast", PAIRS.table, ITEMS.table):
        connection.execute(f"drop table {table}")
    return schema
