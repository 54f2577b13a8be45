"""One customer's columns on each of the days to come, if nothing else happens: his own rows, some days older."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import duckdb
import pyarrow as pa

from features import numbers
from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.prospects import describe_few
from features.relations import CATEGORIES, CUSTOMERS, EVENTS, ITEMS, ORDERS, STORE
from ledger import identity
from ledger.engine import open_engine
from ledger.views import add_missing_tables
from segments import known
from segments.clock import HORIZON_DAYS
from segments.measured import measure, relations_of
from segments.vocabulary import Measured

OF_ROWS = (ORDERS, ITEMS, CATEGORIES, CUSTOMERS, EVENTS)
"""Relations whose rows only grow older."""
DAYS = "days_ahead"

_MONTH = "cast(extract(month from date '1970-01-01' + cast({day} + d.ahead as int)) as bigint)"
_OLDER = {
    "age_days": "r.age_days + d.ahead as age_days",
    "months_from_cutoff": f"least(abs(r.order_month - {_MONTH}), 12 - abs(r.order_month - {_MONTH})) "
    "as months_from_cutoff",
    "cutoff_month": f"{_MONTH} as cutoff_month",
}

_OLDER_ROWS: Mapping[str, str] = {
    "known_customers": "r.today + d.ahead as today",
    "known_orders": "r.age_days + d.ahead as age_days",
    "known_items": "r.age_days + d.ahead as age_days",
    "known_events": "r.age_days + d.ahead as age_days, r.age_us + d.us as age_us",
    "known_people": "",
}


def recomputed(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of some columns that are features of rows which only grow older."""
    wanted, over = set(names), {relation.name for relation in OF_ROWS}
    return tuple(feature.name for feature in CATALOG if feature.name in wanted and feature.over in over)


def ages(column: Measured) -> bool:
    """Return whether a measured column is made of a customer's own rows, which only grow older."""
    return column.relations <= known.OF_HIS_ROWS


def days_ahead(  # noqa: PLR0913 - where, when, of whom, and what
    ledger: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    customer_id: str,
    store: pa.Table,
    *,
    names: Sequence[str],
    measured: Sequence[Measured] = (),
    recorded: Collection[str] = (),
) -> dict[str, list[Any]]:
    """Return columns of one customer on the cutoff's day and each of the `HORIZON_DAYS` after it.

    Parameters
    ----------
    ledger : duckdb.DuckDBPyConnection
        With views of the ledger's tables.
    cutoff : Cutoff
    customer_id : str
        As known before the cutoff.
    store : pyarrow.Table
        The store's row of `features.surroundings.read_store` as of the cutoff.
    names : sequence of str
        Features that are `recomputed`.
    measured : sequence of Measured
        Of which each `ages`.
    recorded : collection of str
        Events that the store has recorded, of whomever.

    Returns
    -------
    dict of str to list
        By column; empty when nothing is known of the customer.
    """
    with open_engine() as connection:
        _copy(ledger, connection, cutoff, customer_id)
        if customer_id not in describe_few(connection, cutoff, store)["customer_id"].to_pylist():
            return {}
        _stage_days(connection, cutoff)
        found = _features(connection, cutoff, customer_id, names) if names else {}
        if measured:
            found |= _measured(connection, cutoff, customer_id, measured, recorded)
    return found


def _stage_days(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> None:
    """Stage the days: how many ahead, how many microseconds that is, and a name that sorts as the number does."""
    days = range(HORIZON_DAYS + 1)
    later = [(cutoff.plus_days(day).at - cutoff.at) // timedelta(microseconds=1) for day in days]
    connection.register("days_given", pa.table({"ahead": pa.array(days, pa.int64()), "us": later}))
    connection.execute(
        f"create temp table {DAYS} as select *, lpad(ahead::varchar, 4, '0') as named from days_given"
    )


def _copy(
    ledger: duckdb.DuckDBPyConnection, into: duckdb.DuckDBPyConnection, cutoff: Cutoff, customer_id: str
) -> None:
    """Copy what the ledger holds of one customer, under whichever of his ids."""
    standing = identity.standing(ledger, customer_id, cutoff.at)
    ledger.register("ids_asked", pa.table({"id": [customer_id, *standing.together_with]}))
    asked = "(select id from ids_asked)"
    wanted = {
        "ledger_orders": f"customer_id in {asked}",
        "ledger_customers": f"customer_id in {asked}",
        "ledger_events": f"coalesce(customer_id, anonymous_id) in {asked}",
        "ledger_identities": f"anonymous_id in {asked} or customer_id in {asked}",
        "ledger_products": f"product_id in (select product_id from ledger_orders where customer_id in {asked})",
    }
    for table, condition in wanted.items():
        into.register(table, ledger.sql(f"select * from {table} where {condition}").to_arrow_table())
    add_missing_tables(into)


def _features(
    connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, customer_id: str, names: Sequence[str]
) -> dict[str, list[Any]]:
    asked = {"id": customer_id}
    mine = f"select number from {numbers.CUSTOMERS} where id = $id"
    number = connection.execute(mine, asked).fetchall()[0][0]
    for relation in OF_ROWS:
        staged = numbers.name(relation.table)
        columns = [row[0] for row in connection.execute(f"describe {staged}").fetchall()]
        changed = [sql.format(day=cutoff.day) for column, sql in _OLDER.items() if column in columns]
        replaced = ", ".join(["d.ahead as customer_id", *changed])
        connection.execute(
            f"create or replace temp view ahead_{relation.table} as select r.* replace ({replaced}) "
            f"from {staged} r, {DAYS} d where r.customer_id = {number}"
        )
    features = FeatureSet(feature for feature in CATALOG if feature.name in set(names))
    tables = {STORE.table: STORE.table, **{each.table: f"ahead_{each.table}" for each in OF_ROWS}}
    rows = connection.sql(f"select * from ({features.sql(tables.__getitem__)}) order by customer_id")
    found = rows.to_arrow_table().to_pydict()
    return {name: column for name, column in found.items() if name != "customer_id"}


def _measured(
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    customer_id: str,
    measured: Sequence[Measured],
    recorded: Collection[str],
) -> dict[str, list[Any]]:
    relations = relations_of(measured)
    known.stage(connection, cutoff, pa.array([customer_id]), relations, recorded)
    connection.register("asked_customer", pa.table({"id": [customer_id]}))
    for name in sorted(relations & _OLDER_ROWS.keys()):
        more = _OLDER_ROWS[name]
        replaced = ", ".join(filter(None, ["d.named as customer_id", more]))
        connection.execute(
            f"create temp table ahead_{name} as select r.* replace ({replaced}) from {name} r, {DAYS} d "
            "where r.customer_id in (select id from asked_customer)"
        )
    for name in sorted(relations & _OLDER_ROWS.keys()):
        kind = "view" if _is_view(connection, name) else "table"
        connection.execute(f"drop {kind} {name}; create temp view {name} as from ahead_{name}")
    rows = measure(connection, measured).to_pydict()
    return {name: column for name, column in rows.items() if name != "customer_id"}


def _is_view(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    asked = "select 1 from duckdb_views() where view_name = $name"
    return bool(connection.execute(asked, {"name": name}).fetchall())
