"""Taking a customer out of all that scoring wrote: the tables of record, and the runs published to the service."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from features import history
from features.catalog.shipped import CORE
from features.cutoff import Cutoff
from features.snapshot import compute
from ledger import delta
from ledger.delta_log import forget_the_past
from ledger.engine import bound, open_engine
from ledger.errors import InputError
from ledger.home import Home
from ledger.quoting import text as quoted
from ledger.store import Ledger
from ledger.workspace import workspace
from serving.batch import LIKELY_TO_LEAVE, count_due
from serving.export import deliveries
from serving.facts import RunFacts, SegmentFacts, counted
from serving.publishing import publish
from serving.reminders import demand, rhythm
from serving.segments.columns import Customers
from serving.segments.following import arriving
from serving.store import PublishedRun

PUBLISHED = ("scores", "memberships", "replenishment", "suggestions")


def count(home: Home, ids: Sequence[str]) -> dict[str, int]:
    """Return how many rows are some customers': of tables of record by name, of "deliveries", of the run "published".

    What holds none is left out.

    Parameters
    ----------
    home : Home
    ids : sequence of str
        Customer ids.
    """
    rows = {}
    with open_engine() as connection:
        for path in _tables(home):
            rows[path.name] = sum(_rows_of(connection, file, ids) for file in _files(path))
    run = _served(home)
    mine = pa.array(ids, pa.string())
    held = 0 if run is None else sum(_among(run.tables[name], mine).num_rows for name in PUBLISHED)
    counted = rows | {"published": held, "deliveries": deliveries.count(home, ids)}
    return {name: found for name, found in counted.items() if found}


def unpublish(home: Home, ids: Sequence[str]) -> None:
    """
    Publish the served run anew without some customers, and remove every other run.

    Counts of people, and sums over them, become those of who is left. The service goes on answering: it sees the
    run before or the new one. Call it while the ledger still holds the customers: it knows what they had spent.

    Parameters
    ----------
    home : Home
    ids : sequence of str
        Customer ids.
    """
    if not home.published.is_dir():
        return
    run = _served(home)
    if run is None:
        home.published_pointer.unlink(missing_ok=True)  # what it names, if anything, cannot be opened
        served = None
    else:
        served = _published_without(home, run, pa.array(ids, pa.string()))
    for path in home.published.iterdir():
        if path.is_dir() and path.name != served:
            shutil.rmtree(path)


def remove(home: Home, ids: Sequence[str]) -> None:
    """Remove some customers' rows from the tables of record, all earlier versions of these, and every kept snapshot.

    Of what was delivered their ids go; see `serving.export.deliveries.forget`.
    """
    shutil.rmtree(home.snapshots, ignore_errors=True)
    # A cohort may have been one customer; the next scoring run counts anew.
    home.cohorts.unlink(missing_ok=True)
    deliveries.forget(home, ids)
    with open_engine() as connection:
        for path in _tables(home):
            removed = [file for file in _files(path) if _rows_of(connection, file, ids)]
            added = [_rewritten(connection, file, ids) for file in removed]
            if removed:
                schema = DeltaTable(str(path)).schema()
                delta.commit(path, schema, delta.version_of(path), added, removed)
            forget_the_past(path)


def _tables(home: Home) -> tuple[Path, ...]:
    return (home.scores, home.replenishment, home.suggestions, home.memberships, home.movements)


def _files(path: Path) -> list[Path]:
    return delta.files_at(path, delta.version_of(path))


def _theirs(ids: Sequence[str]) -> str:
    return f"customer_id IN ({', '.join(map(quoted, ids))})" if ids else "false"


def _rows_of(connection: duckdb.DuckDBPyConnection, file: Path, ids: Sequence[str]) -> int:
    select = f"SELECT count(*) FROM read_parquet({quoted(str(file))}) WHERE {_theirs(ids)}"
    return int(connection.execute(select).fetchall()[0][0])


def _rewritten(connection: duckdb.DuckDBPyConnection, file: Path, ids: Sequence[str]) -> Path:
    """Write a data file anew without some customers."""
    path = file.with_name(f"part-{uuid4().hex}.parquet")
    left = f"SELECT * FROM read_parquet({quoted(str(file))}) WHERE ({_theirs(ids)}) IS NOT TRUE"
    connection.execute(f"COPY ({left}) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    return path


def _served(home: Home) -> PublishedRun | None:
    """Return the run that is served; None when nothing is published or it cannot be opened."""
    try:
        return PublishedRun.open(home)
    except InputError:
        return None


def _among(table: pa.Table, ids: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table["customer_id"], value_set=ids))


def _without(table: pa.Table, ids: pa.Array) -> pa.Table:
    return table.filter(pc.invert(pc.is_in(table["customer_id"], value_set=ids)))


def _published_without(home: Home, run: PublishedRun, ids: pa.Array) -> str:
    """Return the name of the run that is served from now on."""
    if not any(_among(run.tables[name], ids).num_rows for name in PUBLISHED):
        return run.name
    left = {name: _without(run.tables[name], ids) for name in PUBLISHED}
    due_this_week, due_level = count_due(left["replenishment"])
    leaving = _leaving(_among(run.tables["scores"], ids))["customer_id"]
    at_stake = run.facts.money_at_stake - _spent(home, run.facts, ids, leaving)
    facts = run.facts.model_copy(
        update={
            **counted(left["scores"]),
            "likely_to_leave": _leaving(left["scores"]).num_rows,
            "money_at_stake": max(0.0, round(at_stake, 2)),
            "due_this_week": due_this_week,
            "due_level": due_level,
            "segments": _measured(run.facts.segments, left),
            "value": pc.sum(left["scores"]["clv_365d"]).as_py() or 0.0,
            **_arriving(home, run.facts, ids),
        }
    )
    return publish(
        home,
        **left,
        demand=_demand(home, run.facts, ids, left["replenishment"]),
        products=run.tables["products"],
        store=run.tables["store"],
        features=_without(run.features.all(), ids),
        facts=facts,
        trend=run.tables["trend"],
        customers=Customers(
            (_without(run.columns.everything(run.tables["scores"]["customer_id"]), ids),), left["memberships"]
        ),
    )


def _demand(home: Home, facts: RunFacts, ids: pa.Array, refills: pa.Table) -> pa.Table:
    """Return the calendar of demand of who is left: of their refills, and of what they bought."""
    cutoff = Cutoff(facts.as_of, facts.time_zone)
    with workspace(home) as spill, Ledger(home).connect() as connection:
        bound(connection, spill)
        _keep_orders(connection, f"({_theirs(ids.to_pylist())}) IS NOT TRUE")
        history.stage(connection, cutoff)
        rhythm.DAYS.fill(connection)
        connection.register("refills_left", refills)
        return demand.expected(connection, "refills_left", cutoff)


def _arriving(home: Home, facts: RunFacts, ids: pa.Array) -> dict[str, object]:
    """Return how the orders of who is left use to arrive."""
    with Ledger(home).connect() as connection:
        _keep_orders(connection, f"({_theirs(ids.to_pylist())}) IS NOT TRUE")
        return arriving(connection, Cutoff(facts.as_of, facts.time_zone))


def _keep_orders(connection: duckdb.DuckDBPyConnection, condition: str) -> None:
    """Let a ledger connection see some orders only."""
    connection.execute("ALTER VIEW ledger_orders RENAME TO all_orders")
    connection.execute(f"CREATE VIEW ledger_orders AS SELECT * FROM all_orders WHERE {condition}")


def _leaving(scores: pa.Table) -> pa.Table:
    likely = pc.greater(scores["churn_probability_90d"], LIKELY_TO_LEAVE)
    return scores.filter(pc.fill_null(likely, fill_value=False))


def _spent(home: Home, facts: RunFacts, ids: pa.Array, of: pa.ChunkedArray) -> float:
    """Return what some customers spent in the 365 days before the run's cutoff, in the shop's currency."""
    if len(of) == 0:
        return 0.0
    with Ledger(home).connect() as connection:
        _keep_orders(connection, _theirs(ids.to_pylist()))
        features = compute(connection, Cutoff(facts.as_of, facts.time_zone), CORE)
    return float(pc.sum(_among(features, of.combine_chunks())["spend_365d"]).as_py() or 0.0)


def _measured(segments: Sequence[SegmentFacts], left: Mapping[str, pa.Table]) -> tuple[SegmentFacts, ...]:
    """Return segments with size and value over who is left."""
    scores, members = left["scores"], left["memberships"]
    place = pc.index_in(members["customer_id"], value_set=scores["customer_id"].combine_chunks())
    worth = scores["clv_365d"].take(place)
    counted = []
    for segment in segments:
        mine = pc.equal(members["segment"], segment.name)
        value = pc.sum(worth.filter(mine)).as_py() or 0.0
        counted.append(segment.model_copy(update={"size": pc.sum(mine).as_py() or 0, "value": value}))
    return tuple(counted)
