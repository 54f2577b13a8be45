"""People who never ordered: described from what else is known of them, and apart from those who did.

Whoever the shop knows by name, of a description or of something done under it, is one. They are described by the text
that describes customers, in a staging of their own that holds their rows alone, beside the store's row as it was
computed of its customers: so nothing that is said of customers, and of the store, hangs on who else has signed up.
Visitors without a name are nobody here.
"""

import duckdb
import pyarrow as pa

from features import numbers
from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.snapshot import compute
from features.surroundings import read_store
from ledger import identity

_ORDERED = "ordered_already"
# Under which ids, and since when. A visitor is known as whoever he was identified to be.
_NAMED = """
select customer_id as id, known_at as from_at from ledger_customers
union all
select customer_id, greatest(known_at, happened_at) from ledger_events where customer_id is not null
union all
select e.anonymous_id, greatest(e.known_at, e.happened_at)
from ledger_events e
join identities_resolved i on e.anonymous_id = i.anonymous_id
where e.customer_id is null
"""
_PROSPECTS = f"""
create or replace table prospects as
select distinct n.id
from ({_NAMED}) n
left join identities_resolved i on n.id = i.anonymous_id
where n.from_at < $at and coalesce(i.customer_id, n.id) not in (select customer_id from {_ORDERED})
"""
_THEMSELVES = f"select id, from_at from ({_NAMED}) named where id in (from prospects)"
# Of their events each version, whoever it names: an event that turned out to be somebody else's is theirs no more.
_ROWS = {
    "ledger_customers": "select * from ledger_customers where customer_id in (from prospects)",
    "ledger_events": "select * from ledger_events where event_id in "
    "(select event_id from ledger_events where coalesce(customer_id, anonymous_id) in (from prospects))",
    "ledger_orders": "select * from ledger_orders limit 0",
}


def describe(
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    ordered: pa.ChunkedArray,
    feature_set: FeatureSet = CATALOG,
) -> pa.Table:
    """Describe everybody who is known by name before a cutoff and has not ordered.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views of the ledger's tables, which its cursors have too, left staged by `features.snapshot.compute` as of
        the cutoff. What that has staged stays.
    cutoff : Cutoff
    ordered : (n,) str
        The customers that it described.
    feature_set : FeatureSet

    Returns
    -------
    pyarrow.Table
        As `features.snapshot.compute`; features of orders are those of somebody whose orders were all undone.
    """
    identity.stage(connection, cutoff.at)
    connection.register(_ORDERED, pa.table({"customer_id": ordered}))
    connection.execute(_PROSPECTS, {"at": cutoff.at})
    connection.unregister(_ORDERED)
    if not connection.execute("from prospects limit 1").fetchall():
        return pa.table({name: pa.array([], pa.string()) for name in ("customer_id", *feature_set.names)})
    with connection.cursor() as apart:  # whose temporary tables hide the views, and are gone with it
        for table, rows in _ROWS.items():
            apart.execute(f"create temp table {table} as {rows}")
        return describe_few(apart, cutoff, read_store(connection), feature_set, _THEMSELVES)


def describe_few(
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    store: pa.Table,
    feature_set: FeatureSet = CATALOG,
    named: str = _NAMED,
) -> pa.Table:
    """Describe everybody of whom a connection holds any row, whether they ordered or not.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the rows of a part of the store's people.
    cutoff : Cutoff
    store : pyarrow.Table
        The store's row of `features.surroundings.read_store`.
    feature_set : FeatureSet
    named : str
        SELECT of id and from_at: who is known by name, of those rows, and since when.
    """
    identity.stage(connection, cutoff.at)
    return compute(connection, cutoff, feature_set, store, known=f"{numbers.ORDERED} union all {named}")
