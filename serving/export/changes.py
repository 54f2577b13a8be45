"""Whom to add to a list and whom to remove, so that it becomes the members of now.

Keys are what the other side knows somebody by. Two customers may share one (a family's telephone), so a key is removed
only when nobody who stays has it.
"""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from serving.export.contacts import KEYS
from serving.export.deliveries import ROWS

_KEYS = ", ".join(KEYS)
_SAME = " and ".join(f"r.{key} is not distinct from n.{key}" for key in KEYS)
_UNLESS_STAYING = ", ".join(
    f"case when {key} not in (select {key} from now where {key} is not null) then {key} end as {key}"
    for key in KEYS
)
_ANY = f"coalesce({_KEYS}) is not null"
_HELD = "added <= $since and (removed is null or removed > $since)"

ADDS = f"""
select n.place from now n
where not exists (select 1 from record r where {_HELD} and {_SAME})
order by n.place
"""

# Also whoever was added later than `$since`: the other side may have had those deliveries.
REMOVES = f"""
with owed as (
    select customer_id, {_UNLESS_STAYING} from record where removed is null or removed > $since
)
select distinct * from owed where {_ANY} order by customer_id nulls last, {_KEYS}
"""

# A row is a row of before when its keys are: it keeps when it was added, and has the id that its customer has now.
CARRIED = f"""
with standing as (select * from record r where added is not null and removed is null),
before as (
    select * from record where added is not null and removed is not null
    union all
    select r.* replace ($number as removed) from standing r
    where customer_id is not null and not exists (select 1 from now n where {_SAME})
    union all
    select r.* replace ($number as added, $number as removed) from record r
    where added is null and customer_id is not null and not exists (select 1 from now n where {_SAME})
),
after as (
    select n.customer_id, {", ".join(f"n.{key}" for key in KEYS)},
        coalesce((select min(added) from standing r where {_SAME}), $number) as added, cast(null as bigint) as removed
    from now n
)
select * from after union all select * from before
order by customer_id, {_KEYS}, added, removed
"""


@dataclass(frozen=True)
class Changes:
    """The difference between a list and the members of now.

    Parameters
    ----------
    adds : pa.Table
        Rows of the contacts given.
    removes : pa.Table
        customer_id (None once erased) and keys; a key is null when it is not to be removed.
    """

    adds: pa.Table
    removes: pa.Table


def changes(contacts: pa.Table, record: pa.Table, since: int, *, everybody: bool) -> Changes:
    """
    Return whom to add and whom to remove.

    Parameters
    ----------
    contacts : pa.Table
        The members of now that may be delivered.
    record : pa.Table
        Columns of `deliveries.ROWS`.
    since : int
        Number of the delivery that the other side has; 0 when it has none.
    everybody : bool
        Whether to add all members, and not only those who are not held.
    """
    with _over(contacts, record) as connection:
        adds = contacts
        if not everybody:
            places = connection.sql(ADDS, params={"since": since}).to_arrow_table()["place"]
            adds = contacts.take(places)
        return Changes(adds, connection.sql(REMOVES, params={"since": since}).to_arrow_table())


def carried(contacts: pa.Table, record: pa.Table, number: int) -> pa.Table:
    """
    Return a record's rows after a delivery: who is held since when, and who no longer is.

    Parameters
    ----------
    contacts, record
        As of `changes`.
    number : int
        Of the delivery.
    """
    with _over(contacts, record) as connection:
        return connection.sql(CARRIED, params={"number": number}).to_arrow_table().cast(ROWS)


def _over(contacts: pa.Table, record: pa.Table) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    places = pa.array(range(contacts.num_rows), pa.int64())
    connection.register("now", contacts.select(["customer_id", *KEYS]).append_column("place", places))
    connection.register("record", record)
    return connection
