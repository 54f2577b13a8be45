"""The days and the products of a run's refills, counted: who is due when, and for what."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from ledger.engine import open_engine
from models.gaps import Level
from serving.reminders.curve import horizons
from serving.reminders.states import STATES
from serving.store import PublishedRun

DAYS: Final = 28  # four weeks; forecasts name probabilities of up to 30 days
WEEK_DAYS: Final = 7

# A purchase is due as a product and as its category: one level alone is counted.
_DAYS = """
with days as (
    select cast(unnest(range(date '{first}', date '{last}' + interval 1 day, interval 1 day)) as date) as day
), due as (
    select next_purchase_p50 as day, count(*) as refills, count(distinct customer_id) as customers,
        sum({likely} * coalesce(value_if_bought, 0)) as expected_value
    from refills
    where level = '{level}' and suppressed_because is null
        and next_purchase_p50 between date '{first}' and date '{last}'
    group by next_purchase_p50
), sent as (
    select send_on as day, count(*) as reminders, sum(expected_purchases) as reminder_purchases,
        sum(expected_value) as reminder_value
    from suggestions group by send_on
)
select d.day, coalesce(u.refills, 0) as refills, coalesce(u.customers, 0) as customers,
    coalesce(u.expected_value, 0) as expected_value, coalesce(s.reminders, 0) as reminders,
    coalesce(s.reminder_purchases, 0) as reminder_purchases, coalesce(s.reminder_value, 0) as reminder_value
from days d left join due u using (day) left join sent s using (day)
order by d.day
"""
_ITEMS = """
with counted as (
    select case when level = 'product' then product_id else category end as item, any_value(category) as category,
        {states}, count(*) filter (where suppressed_because is not null) as suppressed,
        sum({soon} * coalesce(value_if_bought, 0)) filter (where suppressed_because is null) as expected_value
    from refills where level = '{level}' group by item
), units as (
    select case when level = 'product' then product_id else category end as item, sum(expected_units) as units
    from demand where level = '{level}' and date < date '{first}' + {week} group by item
)
select c.*, coalesce(u.units, 0) as units
from counted c left join units u using (item)
order by c.due_now + c.late desc, c.due_soon desc, c.item
"""


@dataclass(frozen=True)
class Week:
    """The first days of a run, its own local day being the first.

    Parameters
    ----------
    first, last : date
        Both included.
    """

    first: date
    last: date

    @classmethod
    def of(cls, run: PublishedRun, days: int = WEEK_DAYS) -> "Week":
        """Return so many days from the run's on."""
        first = run.facts.as_of.astimezone(ZoneInfo(run.facts.time_zone)).date()
        return cls(first, first + timedelta(days=days - 1))


def level_of(run: PublishedRun) -> Level:
    """Return the level at which refills are counted."""
    return run.facts.due_level or "product"


def calendar(run: PublishedRun) -> list[dict[str, Any]]:
    """
    Return each of the next `DAYS` days.

    Returns
    -------
    list of dict
        day; refills and customers, whose median next purchase it is and of which they may be reminded;
        expected_value, of these within the last horizon of the forecast, in the shop's currency; reminders to be sent,
        reminder_purchases and reminder_value, as `serving.reminders.suggestion` expects them.
    """
    span = Week.of(run, DAYS)
    likely = f"p_due_{max(horizons(run.tables['replenishment'].column_names), default=14)}d"
    sql = _DAYS.format(first=span.first, last=span.last, level=level_of(run), likely=likely)
    with _tables(run) as connection:
        return list(connection.sql(sql).to_arrow_table().to_pylist())


def items(run: PublishedRun, level: Level) -> pa.Table:
    """
    Return every product or category that anybody is expected to buy again, what is due for most customers first.

    Returns
    -------
    pa.Table
        item, category; of refills in each state that nobody is kept from being reminded of, how many; suppressed, of
        whatever state; expected_value within 14 days, in the shop's currency; units expected within `WEEK_DAYS`.
    """
    counts = ", ".join(
        f"count(*) filter (where state = '{state}' and suppressed_because is null) as {state}"
        for state in STATES
    )
    sql = _ITEMS.format(
        states=counts, level=level, soon="p_due_14d", first=Week.of(run).first, week=WEEK_DAYS
    )
    with _tables(run) as connection:
        return connection.sql(sql).to_arrow_table()


def _tables(run: PublishedRun) -> duckdb.DuckDBPyConnection:
    connection = open_engine()
    for name, table in (("refills", "replenishment"), ("suggestions", "suggestions"), ("demand", "demand")):
        connection.register(name, run.tables[table])
    return connection
