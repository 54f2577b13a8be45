"""What segments may ask of a customer's refills: how many are due, which, and what a reminder is worth.

The columns are `segments.vocabulary.REFILLS`; every customer of a run has them, with nothing in them when no refill of
his is known. What must not be reminded counts nowhere; of what is due counts what a reminder might name, which has a
chance of `suggestion.LEAST_LIKELY` in the next 14 days; and lost is what was bought twice at least.
"""

from typing import Final

import duckdb
import pyarrow as pa

from serving.reminders.curve import bought_between_sql, hazards_sql, horizons
from serving.reminders.suggestion import DAYS_AHEAD, LEAST_LIKELY

_COUNTED: Final = ("due_soon", "due_now", "late", "lost")

# A purchase due as a product and as its category is one refill; both may be asked for by name. Names stand between line
# feeds, which no name holds.
_COLUMNS = """
with known as (
    select * from (select *, {hazards} from reminder_refills)
    where suppressed_because is null and case
        when state = 'lost' then times_bought > 1
        when state in ('due_soon', 'due_now', 'late') then {soon} >= {least}
        else false end
), told as (
    select r.*, level = 'product' or not exists (
        select 1 from known p
        where p.customer_id = r.customer_id and p.level = 'product' and p.category = r.category and p.state = r.state
    ) as counts
    from known r
), by_customer as (
    select customer_id, {counts}, {names},
        count(*) filter (where counts and times_bought = 1 and state in ('due_now', 'late')) as first_refills_due
    from told group by customer_id
)
select c.customer_id, {filled}, coalesce(first_refills_due, 0) as first_refills_due,
    coalesce(s.expected_value, 0) as reminder_value
from reminder_customers c
left join by_customer b on c.customer_id = b.customer_id
left join reminder_suggestions s on c.customer_id = s.customer_id
order by c.customer_id
"""


def columns(
    connection: duckdb.DuckDBPyConnection, customers: pa.ChunkedArray, suggestions: pa.Table
) -> pa.Table:
    """
    Return a row a customer with the columns of `segments.vocabulary.REFILLS`.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        After `serving.reminders.refills.stage`.
    customers : (n,) str
        Everybody whom the run scored.
    suggestions : pyarrow.Table
        From `serving.reminders.suggestion.stage`.
    """
    connection.register("reminder_customers", pa.table({"customer_id": customers}))
    connection.register("reminder_suggestions", suggestions.select(["customer_id", "expected_value"]))
    counts = ", ".join(
        f"count(*) filter (where counts and state = '{state}') as refills_{state}" for state in _COUNTED
    )
    item = "case when level = 'product' then product_id else category end"
    names = ", ".join(
        f"string_agg({item}, chr(10) order by row) filter (where state = '{state}') as {state}_items"
        for state in _COUNTED
    )
    filled = ", ".join(
        f"coalesce(refills_{state}, 0) as refills_{state}, "
        f"coalesce(chr(10) || {state}_items || chr(10), '') as {state}_items"
        for state in _COUNTED
    )
    days = horizons(row[0] for row in connection.execute("describe reminder_refills").fetchall())
    select = _COLUMNS.format(
        counts=counts,
        names=names,
        filled=filled,
        hazards=hazards_sql(days),
        soon=bought_between_sql(0, DAYS_AHEAD, days),
        least=LEAST_LIKELY,
    )
    found = connection.sql(select).to_arrow_table()
    for name in ("reminder_customers", "reminder_suggestions"):
        connection.unregister(name)
    return found
