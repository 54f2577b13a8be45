"""One reminder a customer: which products, on which day, at what hour, and how much is at stake.

**Which.** What is due soon, due now or late and not suppressed: products, and of categories those of which no product
is listed, that are bought in the next 14 days with a probability of at least `LEAST_LIKELY`. Of a category of which
the customer takes one product at a time (`grounds`) one is named. Of these the `MOST_ITEMS` at which most is at
stake in that time.

**When.** A reminder catches a purchase that would fall on the day it is sent or the six after it: what is bought before
needs none, what is bought later is forgotten by then. For each of the next 14 days the expected number of the listed
items that it would catch is summed from their own curves; of the days within 5 % of the best, the one on whose weekday
the customer orders most, then the earliest.

**Weekday and hour.** The customer's own orders, beside `STORE_ORDERS` orders spread as the store's are (the mean of a
Dirichlet posterior): who ordered twice is told the store's habit, who ordered often his own. Hours are the shop's local
ones; without times of day in the orders there is none.

**Expected value** is what is at stake: over the listed items the probability that it is bought in those seven days,
times the quantity, times what the customer paid for a piece, net of refunds. Most of it would come without a reminder:
it ranks customers, and is not what the reminder adds.
"""

from typing import Final

import duckdb
import pyarrow as pa

from features.cutoff import Cutoff
from ledger.staging import Step
from serving.reminders.curve import bought_between_sql, hazards_sql, horizons
from serving.reminders.states import DUE

MOST_ITEMS: Final = 8
LEAST_LIKELY: Final = 0.1  # what fewer than one in ten would buy is news to nine
DAYS_AHEAD: Final = 14
WINDOW_DAYS: Final = 7
NEARLY_BEST: Final = 0.95
STORE_ORDERS: Final = 10

SCHEMA: Final = pa.schema(
    [
        pa.field("customer_id", pa.string()),
        pa.field("send_on", pa.date32()),
        pa.field("weekday", pa.int32()),
        pa.field("hour", pa.int32()),
        pa.field("products", pa.list_(pa.string())),
        pa.field("categories", pa.list_(pa.string())),
        pa.field("expected_purchases", pa.float64()),
        pa.field("expected_value", pa.float64()),
        pa.field("reasons", pa.list_(pa.string())),
    ]
)
"""One row a customer with anything to be reminded of. `weekday` is ISO's, 1 for Monday; `hour` 0 to 23."""

_DUE_STATES = ", ".join(f"'{state}'" for state in DUE)

_ITEMS = """
create or replace temp table reminder_listed as
with due as (
    select *, {soon} as soon, {soon} * coalesce(value_if_bought, 0) as at_stake
    from (select *, {hazards} from reminder_refills where state in ({states}) and suppressed_because is null)
    where {soon} >= {least}
)
select * from (
    select d.* from due d
    left join reminder_one_at_a_time a on d.customer_id = a.customer_id and d.category = a.category
    where d.level = 'product' or not exists (
        select 1 from due p
        where p.customer_id = d.customer_id and p.level = 'product' and p.category = d.category
    )
    qualify row_number() over (
        partition by d.customer_id, case when a.category is null then d.row end, a.category order by {order}
    ) = 1
)
qualify row_number() over (partition by customer_id order by {order}) <= {most}
"""

# The titles of what is named; a category is named by its path. Lists are joined by semicolons in CSV, so none is in it.
_LISTED = """
select
    l.customer_id,
    list(coalesce(l.offer_product_id, l.product_id) order by l.at_stake desc, l.row)
        filter (where l.level = 'product') as products,
    list(l.category order by l.at_stake desc, l.row) filter (where l.level = 'category') as categories,
    list(
        coalesce(t.title, l.product_id, l.category) || ': ' || replace(l.state_reason, ';', ',')
        || case when l.offer_product_id is null then ''
            else ', no longer sold, offer ' || coalesce(o.title, l.offer_product_id) end
        order by l.at_stake desc, l.row
    ) as reasons,
    {catches},
    {values}
from reminder_listed l
left join reminder_products t on l.product_id = t.product_id
left join reminder_products o on l.offer_product_id = o.product_id
group by l.customer_id
"""

# A day's orders count once, at the hour of the first; day 0 of the local day numbers was a Thursday.
HABITS = Step(
    "reminder_habits",
    """
select v.customer_id, v.order_day, (v.order_day + 3) % 7 + 1 as weekday, min(o.order_hour) as hour
from reminder_visits v
join (
    select coalesce(i.customer_id, l.customer_id) as customer_id, l.order_day, l.order_hour
    from ledger_orders l left join identities_resolved i on l.customer_id = i.anonymous_id
    where l.status = 'paid' and l.known_at < :cutoff_at and l.ordered_at < :cutoff_at
) o on v.customer_id = o.customer_id and v.order_day = o.order_day
group by v.customer_id, v.order_day
""",
)

_ORDERS = """
select customer_id, count(*) as orders, {weekdays}, {hours}
from reminder_habits
group by customer_id
"""


def stage(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> pa.Table:
    """
    Suggest one reminder for each customer with anything due.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A ledger connection after `serving.reminders.refills.stage`.
    cutoff : Cutoff

    Returns
    -------
    pyarrow.Table
        Columns of `SCHEMA`, sorted by customer.
    """
    names = [row[0] for row in connection.execute("describe reminder_refills").fetchall()]
    days = horizons(names)
    connection.execute(
        _ITEMS.format(
            hazards=hazards_sql(days),
            states=_DUE_STATES,
            soon=bought_between_sql(0, DAYS_AHEAD, days),
            least=LEAST_LIKELY,
            most=MOST_ITEMS,
            order="at_stake desc, soon desc, level desc, row",
        )
    )
    HABITS.fill(connection, cutoff_at=cutoff.at)
    # Whole millionths: integers add up to the same in any order of threads.
    caught = [bought_between_sql(day, day + WINDOW_DAYS, days) for day in range(DAYS_AHEAD)]
    catches = ", ".join(f"sum(cast(round(1e6 * {each}) as bigint))" for each in caught)
    values = ", ".join(
        f"sum(cast(round(1e6 * {each} * coalesce(value_if_bought, 0)) as hugeint))" for each in caught
    )
    listed = _LISTED.format(catches=f"[{catches}] as catches", values=f"[{values}] as stakes")
    weekdays = [f"count(*) filter (where weekday = {day})" for day in range(1, 8)]
    hours = [f"count(*) filter (where hour = {hour})" for hour in range(24)]
    orders = _ORDERS.format(
        weekdays=f"[{', '.join(weekdays)}] as weekdays", hours=f"[{', '.join(hours)}] as hours"
    )
    everyone = (
        f"select [{', '.join(weekdays)}] as weekdays, [{', '.join(hours)}] as hours from reminder_habits"
    )
    found = connection.sql(_select(cutoff, listed, orders, everyone)).to_arrow_table()
    return found.cast(SCHEMA)


def _select(cutoff: Cutoff, listed: str, orders: str, everyone: str) -> str:
    today = cutoff.local_date.isoweekday() - 1
    return f"""
        with listed as ({listed}), orders as ({orders}), store as ({everyone}), shares as (
            select l.*,
                list_transform(range(1, 8), lambda d: {_share("weekdays", "d")}) as weekday_shares,
                list_transform(range(1, 25), lambda h: {_share("hours", "h")}) as hour_shares,
                list_sum(s.hours[2:24]) > 0 as timed
            from listed l left join orders o using (customer_id) cross join store s
        ), days as (
            select *, list_transform(range(0, {DAYS_AHEAD}), lambda d:
                case when catches[d + 1] >= {NEARLY_BEST} * list_max(catches)
                then weekday_shares[({today} + d) % 7 + 1] else -1e0 end) as fit
            from shares
        ), chosen as (
            select *, list_position(fit, list_max(fit)) as place from days
        )
        select
            customer_id,
            date '{cutoff.local_date}' + cast(place - 1 as integer) as send_on,
            list_position(weekday_shares, list_max(weekday_shares)) as weekday,
            case when timed then list_position(hour_shares, list_max(hour_shares)) - 1 end as hour,
            coalesce(products, []) as products, coalesce(categories, []) as categories,
            catches[place] / 1e6 as expected_purchases,
            stakes[place] / 1e6 as expected_value,
            reasons
        from chosen
        order by customer_id
        """


def _share(counts: str, place: str) -> str:
    """Return SQL of the pooled share of orders at a place of a list of counts."""
    store = f"s.{counts}[{place}] / greatest(1, list_sum(s.{counts}))"
    own = f"coalesce(o.{counts}[{place}], 0)"
    return f"({own} + {STORE_ORDERS} * {store}) / (coalesce(o.orders, 0) + {STORE_ORDERS}e0)"
