"""The replay: some customers of a published run are described and scored anew, and must come out as they were stored.

What differs was altered, or what was known before the cutoff has changed since: rows imported late as known earlier, a
correction of the past, another version of a library.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.snapshot import compute
from ledger import identity
from ledger.errors import InputError
from ledger.schema import Table
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.events import EVENTS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from models.release import load_release
from serving import tables
from serving.facts import ordered
from serving.scorer import Scorer
from serving.store import PublishedRun

Floats = NDArray[np.float64]

REPLAYED: Final = 200
TOLERANCE: Final = 1e-9
"""Of scores, relative from 1 on; features must be equal to the last bit."""
_OWN_ROWS: Final[dict[Table, tuple[str, ...]]] = {
    ORDERS: ("customer_id",),
    EVENTS: ("customer_id", "anonymous_id"),
    CUSTOMERS: ("customer_id",),
    IDENTITIES: ("anonymous_id",),
}


class Difference(BaseModel):
    """A column in which what was stored is not what comes out now.

    Parameters
    ----------
    name : str
    customers : int
    largest : float or None
        By how much; None where one of the two is unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    customers: int
    largest: float | None


class Replay(BaseModel):
    """What a replay of one run found.

    Parameters
    ----------
    run, release, feature_fingerprint : str
    as_of : date
        Local day.
    customers : int
        Described and scored anew.
    columns : int
        Features and scores compared of each.
    features, scores : tuple of Difference
        Of those customers.
    recorded : tuple of Difference
        Scores of all customers that are not those of the table of record.
    skipped : str or None
        Why the run could not be replayed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    release: str
    feature_fingerprint: str
    as_of: date
    customers: int = 0
    columns: int = 0
    features: tuple[Difference, ...] = ()
    scores: tuple[Difference, ...] = ()
    recorded: tuple[Difference, ...] = ()
    skipped: str | None = None

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Everything that came out other than it was stored."""
        return self.features + self.scores + self.recorded


def replay(run: PublishedRun, customers: int = REPLAYED) -> Replay:
    """Describe and score some customers of a run anew, and compare.

    Parameters
    ----------
    run : PublishedRun
    customers : int
        How many; drawn by the run's name, so always the same.
    """
    facts = run.facts
    cutoff = Cutoff(facts.as_of, facts.time_zone)
    told = Replay(
        run=run.name,
        release=facts.release,
        feature_fingerprint=CATALOG.fingerprint,
        as_of=cutoff.local_date,
    )
    try:
        scorer = Scorer(load_release(run.home.releases / facts.release), ())
    except InputError as error:
        return told.model_copy(update={"skipped": str(error)})
    stored = run.tables["scores"]
    rows = _drawn(run.name, np.flatnonzero(run.scored), customers)
    ids = stored["customer_id"].take(rows)
    now = _described(Ledger(run.home), cutoff, ids.to_pylist(), run.tables["store"])
    kept = run.columns.read([name for name in CATALOG.names if name in run.columns.names]).take(rows)
    scores = scorer.of_features(now, cutoff.day).scores
    return told.model_copy(
        update={
            "customers": len(rows),
            "columns": len(kept.column_names) + len(stored.column_names) - 1,
            "features": _differences(ids, kept, now, 0.0),
            "scores": _differences(ids, stored.take(rows), scores, TOLERANCE),
            "recorded": _recorded(run),
        }
    )


def _drawn(name: str, known: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    seed = int.from_bytes(name.encode(), "big")
    some = np.random.default_rng(seed).choice(len(known), min(len(known), wanted), replace=False)
    return known[np.sort(some)]


def _described(ledger: Ledger, cutoff: Cutoff, customers: Sequence[str], store: pa.Table) -> pa.Table:
    """Return some customers as of a cutoff, from their own rows of the ledger alone."""
    with ledger.connect() as connection:
        known = identity.resolved(connection, cutoff.at)
        mine = pa.array(customers, pa.string())
        also = known.filter(pc.is_in(known["customer_id"], value_set=mine))["anonymous_id"]
        _keep(connection, pa.concat_arrays([mine, *also.cast(pa.string()).chunks]))
        found = compute(connection, cutoff, store=store)
    return found.filter(pc.is_in(found["customer_id"], value_set=mine))


def _keep(connection: duckdb.DuckDBPyConnection, ids: pa.Array) -> None:
    """Let a ledger connection see the rows of some ids only."""
    connection.register("replayed_rows", pa.table({"id": ids}))
    connection.execute("CREATE TEMP TABLE replayed AS SELECT id FROM replayed_rows")
    for table, columns in _OWN_ROWS.items():
        name = f"ledger_{table.name}"
        theirs = " OR ".join(f"{column} IN (SELECT id FROM replayed)" for column in columns)
        connection.execute(f"CREATE TEMP TABLE mine_of_{name} AS SELECT * FROM {name} WHERE {theirs}")
        connection.execute(f"DROP VIEW {name}")
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM mine_of_{name}")


def _recorded(run: PublishedRun) -> tuple[Difference, ...]:
    """Return where the scores that are served are not those of the table of record, if it still tells of this run.

    It keeps one run a cutoff: scored again by another release, the earlier run has no record to be held against.
    """
    served = ordered(run.tables["scores"])
    columns = served.column_names
    recorded = tables.read_as_of(run.home.scores, run.facts.as_of, [*columns, "release"])
    if recorded is None or pc.unique(recorded["release"]).to_pylist() not in ([], [run.facts.release]):
        return ()
    return _differences(served["customer_id"], served, recorded, 0.0)


def _differences(
    ids: pa.ChunkedArray, stored: pa.Table, now: pa.Table, tolerance: float
) -> tuple[Difference, ...]:
    """Return the columns that differ, for customers that both should have."""
    place = pc.index_in(ids, value_set=now["customer_id"].combine_chunks())
    gone = pc.sum(pc.is_null(place)).as_py() or 0
    found = [Difference(name="customer_id", customers=gone, largest=None)] if gone else []
    matched = now.take(place)
    for name in stored.column_names:
        if name != "customer_id" and name in matched.column_names:
            found += _difference(name, stored[name], matched[name], pc.is_valid(place), tolerance)
    return tuple(found)


def _difference(
    name: str, stored: pa.ChunkedArray, now: pa.ChunkedArray, there: pa.ChunkedArray, tolerance: float
) -> list[Difference]:
    here = there.to_numpy()
    if pa.types.is_string(stored.type) or pa.types.is_large_string(stored.type):
        texts = np.array(
            [one != other for one, other in zip(stored.to_pylist(), now.to_pylist(), strict=True)]
        )
        count = int((texts & here).sum())
        return [Difference(name=name, customers=count, largest=None)] if count else []
    one, other = _numbers(stored), _numbers(now)
    apart = np.abs(one - other)
    allowed = tolerance * np.maximum(1.0, np.abs(one))
    unknown = np.isnan(one) != np.isnan(other)
    wrong = here & (unknown | (apart > allowed))
    if not wrong.any():
        return []
    known = apart[wrong & ~unknown]
    return [
        Difference(name=name, customers=int(wrong.sum()), largest=float(known.max()) if len(known) else None)
    ]


def _numbers(column: pa.ChunkedArray) -> Floats:
    numbers: Floats = column.to_numpy().astype(np.float64)
    return numbers
