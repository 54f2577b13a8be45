"""What is known at a cutoff besides orders: events, the customer's own description, and the store he is one of.

These relations are staged on top of those of `features.history`, and only for features that look at them: models that
are fitted on orders alone do not wait for millions of events.

A customer alone gets the row that he has in the crowd, although some of his features compare him with the store or
say 0 only where the store records such a thing at all: all of that is one row, `history_store`. Whoever has the ledger
computes it (give no `store`); whoever has one customer's rows alone is given the row that was computed where the ledger
was (`read_store` there, `store=` here). A scoring run publishes it beside the products for the requests that post a
history. Such a request brings orders and neither events nor a description, and what it does not bring is unknown, not
0: `orders_alone` says so.
"""

import duckdb
import pyarrow as pa

from features import events, numbers, people
from features.cutoff import Cutoff
from features.relations import ATTRIBUTES, EVENTS, STORE, Relation
from ledger.staging import Step

NAMES = frozenset({EVENTS.name, ATTRIBUTES.name, STORE.name})
"""The relations that are staged here."""

COLLAPSE = (events.COLLAPSE, events.NAMES)
CUT = (*events.CUT, people.PEOPLE, people.STORE, people.ATTRIBUTES)
# In this order, after those of `features.history`, they stage a cutoff on any engine.
STEPS = (*COLLAPSE, *CUT)
GIVEN = "history_store_given"

_EVENT_LINES = f"""
create or replace temp table {numbers.name(events.COLLAPSE.table)} as
select e.* exclude (who), k.number as who
from ({events.COLLAPSE.sql}) e
left join {numbers.CUSTOMERS} k on e.who = k.id
"""

_LEDGER_CUSTOMERS = f"""
create or replace temp view numbered_ledger_customers as
select k.number as customer_id, c.* exclude (customer_id)
from ledger_customers c
join {numbers.CUSTOMERS} k on c.customer_id = k.id
"""
# What the steps would leave where there is nothing to read; a request about one customer does not wait for them.
_NO_EVENTS = f"""
create or replace temp table {numbers.name(events.COLLAPSE.table)} (who int);
create or replace temp table {numbers.name(events.NAMES.table)} (event varchar, from_at timestamp with time zone);
"""
_NO_PEOPLE = f"""
create or replace temp table {numbers.name(people.PEOPLE.table)} (customer_id int, country varchar)
"""


def collapse(connection: duckdb.DuckDBPyConnection) -> None:
    """Say from when to when each event was in force; needed once while the ledger stays as it is.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the views `ledger_events` and `ledger_customers` in the stored schema; ids have numbers.
    """
    connection.execute(_LEDGER_CUSTOMERS)
    if _any(connection, "ledger_events"):
        connection.execute(_EVENT_LINES)
        numbers.fill(connection, events.NAMES, {})
    else:
        connection.execute(_NO_EVENTS)


def cut(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, store: pa.Table | None = None) -> None:
    """Stage `history_events`, `_attributes` and `_store` as of a cutoff, replacing those of the cutoff before.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Collapsed here and staged by `features.numbered` as of the same cutoff; with the view `ledger_customers`.
    cutoff : Cutoff
    store : pyarrow.Table, optional
        The store's row as `read_store` gave it, for a connection that holds a part of the store's customers. By
        default the customers of the connection are all there are.
    """
    skipped: set[Step] = set()
    if not _any(connection, numbers.name(events.COLLAPSE.table)):
        connection.execute(_empty(EVENTS))
        skipped |= set(events.CUT)
    if not _any(connection, "ledger_customers"):
        connection.execute(f"{_NO_PEOPLE};{_empty(ATTRIBUTES)}")
        skipped |= {people.PEOPLE, people.ATTRIBUTES}
    if store is not None:
        connection.register(GIVEN, store)
        connection.execute(f"create or replace temp table {STORE.table} as select * from {GIVEN}")
        connection.unregister(GIVEN)
        skipped |= {people.STORE}
    for step in CUT:
        if step not in skipped:
            numbers.fill(connection, step, {"cutoff_at": cutoff.at, "cutoff_day": cutoff.day})


def read_store(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return the store's row, for connections that hold a part of its customers.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        On which `cut` has run.

    Returns
    -------
    pyarrow.Table
        One row: `as_of_day`, the local day number of the cutoff, and the columns of the relation `store`.
    """
    return connection.sql(f"from {STORE.table}").to_arrow_table()


def orders_alone(store: pa.Table) -> pa.Table:
    """Return a store's row for customers of whom nothing but orders is told: no kind of event counts as recorded.

    Parameters
    ----------
    store : pyarrow.Table
        From `read_store`.
    """
    unknown = pa.nulls(store.num_rows, pa.int64())
    names = ("as_of_day", *STORE.columns)
    return pa.table({name: unknown if name in events.RECORDED else store[name] for name in names})


def _any(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(connection.execute(f"select 1 from {table} limit 1").fetchall())


def _empty(relation: Relation) -> str:
    columns = ", ".join(f"{name} bigint" for name in relation.columns)
    return f"create or replace temp table {numbers.name(relation.table)} (customer_id int, {columns})"
