"""What was posted since the published run, as one worker sees it, and the scores of customers to whom it happened.

A published run never changes. Of whoever has ordered since, all rows are read again, from the ledger's tables and from
what was posted, and go through the scorer that the run went through. Everybody else is answered from the run, at the
cost of asking SQLite whether anything was written.
"""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.cutoff import Cutoff
from ledger import identity
from ledger.arrivals import EPOCH, TAKEN, Arrivals, counts_from, microseconds
from ledger.engine import open_engine
from ledger.home import Home
from ledger.plans import alone
from ledger.schema import Table
from ledger.sought import listed
from ledger.sqlite import Followed, UnusableFileError
from ledger.store import Ledger, relation
from ledger.tables.customers import CUSTOMERS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from ledger.views import add_missing_tables
from serving.cells import spans
from serving.scorer import Scored, Scorer
from serving.store import PublishedRun

ANSWERS_KEPT = 1_000
_TAIL = "SELECT seq, whose, from_us FROM arrivals WHERE seq > ? AND whose IS NOT NULL ORDER BY seq"
_COUNT = "SELECT count(*) FROM arrivals WHERE seq <= ?"


@dataclass(frozen=True)
class Since:
    """What came of one customer since a run.

    Parameters
    ----------
    seq : int
        Number of the last row.
    at : datetime
        The instant from which the last of it counts.
    """

    seq: int
    at: datetime


@dataclass(frozen=True)
class Rescored:
    """A customer as of the end of the day of what came last.

    Parameters
    ----------
    scorer : Scorer
        With which.
    scored : Scored
        Of this customer alone.
    cutoff : Cutoff
    at : datetime
        The instant from which the last of what came counts.
    last_order_at : datetime or None
    bought : frozenset of str
        Products bought since the run, and their categories.
    """

    scorer: Scorer
    scored: Scored
    cutoff: Cutoff
    at: datetime
    last_order_at: datetime | None
    bought: frozenset[str]

    def data_through(self, run: PublishedRun) -> datetime | None:
        """Return the instant of the last order that is known, of this customer or in the run."""
        return max(filter(None, (self.last_order_at, run.facts.data_through)), default=None)


class Arrived:
    """What came to one home, followed by one process.

    Parameters
    ----------
    home : Home
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._file = Followed(self._read)
        self._last, self._rows = 0, 0
        self._by_customer: dict[str, list[tuple[int, int]]] = {}
        self._kept: OrderedDict[tuple[str, str, str, int], Rescored] = OrderedDict()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()

    def unusable(self) -> str | None:
        """Return why what was posted cannot be read, None when it can."""
        try:
            with self._lock:
                self._file.refresh(self._home.arrivals)
        except UnusableFileError as error:
            return error.told
        return None

    def since(self, run: PublishedRun, customer_ids: Iterable[str]) -> dict[str, Since]:
        """Return what came of customers that a run was not made of; nothing of those of whom it has all."""
        with self._lock:
            self._file.refresh(self._home.arrivals)
            came = {each: self._by_customer[each] for each in customer_ids if each in self._by_customer}
        as_of = microseconds(run.facts.as_of)
        found = {}
        for customer_id, rows in came.items():
            if new := [each for each in rows if each[0] > run.facts.posted_through or each[1] >= as_of]:
                last = EPOCH + timedelta(microseconds=max(at for _, at in new))
                found[customer_id] = Since(new[-1][0], last)
        return found

    def latest(self, most: int) -> list[str]:
        """Return the customers of whom something came last, the newest first."""
        with self._lock:
            self._file.refresh(self._home.arrivals)
            last = {customer_id: rows[-1][0] for customer_id, rows in self._by_customer.items()}
        return sorted(last, key=last.__getitem__, reverse=True)[:most]

    def _read(self, connection: sqlite3.Connection, anew: bool) -> None:  # noqa: FBT001 - as `Followed` calls it
        ((rows,),) = connection.execute(_COUNT, (self._last,)).fetchall()
        if anew or rows != self._rows:  # a customer was erased, or a run has taken them over
            self._last, self._rows, self._by_customer = 0, 0, {}
            self._kept.clear()
        for seq, whose, from_us in connection.execute(_TAIL, (self._last,)).fetchall():
            self._by_customer.setdefault(whose, []).append((seq, from_us))
            self._last = seq
        ((self._rows,),) = connection.execute(_COUNT, (self._last,)).fetchall()

    def rescored(self, run: PublishedRun, scorer: Scorer, since: Mapping[str, Since]) -> dict[str, Rescored]:
        """
        Score customers by all that is known by now.

        Parameters
        ----------
        run : PublishedRun
            Its store is the one that the customers are compared with, until the next run.
        scorer : Scorer
        since : mapping of str to Since
            Whom, and what came of him.

        Returns
        -------
        dict of str to Rescored
            Nobody who is no customer: a visitor without a name.
        """
        keys = {each: (run.name, scorer.release.id, each, came.seq) for each, came in since.items()}
        with self._lock:
            found = {each: self._kept[key] for each, key in keys.items() if key in self._kept}
            for each in found:
                self._kept.move_to_end(keys[each])
        together: dict[Cutoff, dict[str, Since]] = {}
        for each, came in since.items():
            if each not in found:
                together.setdefault(cutoff_after(run, came.at), {})[each] = came
        for cutoff, some in together.items():
            scored = _rescore(self._home, run, scorer, some, cutoff)
            found |= scored
            with self._lock:
                self._kept |= {keys[each]: rescored for each, rescored in scored.items()}
                while len(self._kept) > ANSWERS_KEPT:
                    self._kept.popitem(last=False)
        return found


def cutoff_after(run: PublishedRun, at: datetime) -> Cutoff:
    """Return the first local midnight that knows of something: as `regulars score` would choose after it."""
    zone = run.facts.time_zone
    midnight = Cutoff.at_midnight(at.astimezone(ZoneInfo(zone)).date() + timedelta(days=1), zone)
    return midnight if midnight.at > run.facts.as_of else Cutoff(run.facts.as_of, zone)


def _rescore(
    home: Home, run: PublishedRun, scorer: Scorer, since: Mapping[str, Since], cutoff: Cutoff
) -> dict[str, Rescored]:
    with open_engine() as connection:
        alone(connection)
        # Of the same engine: to open another takes longer than to read from it.
        with connection.cursor() as reader:
            rows, known = everything_of(reader, home, list(since), cutoff)
        for table, found in rows.items():
            connection.register("rows_of_some", found)
            connection.execute(f"CREATE TABLE ledger_{table.name} AS FROM rows_of_some")
        add_missing_tables(connection)
        scored = scorer.score_own(connection, cutoff, run.tables["store"], run.facts.recorded_events)
    tables = (scored.features, scored.scores, scored.assignments)
    mine = [_mine(table, list(since)) for table in tables]
    orders = rows[ORDERS]
    place = pc.index_in(orders["customer_id"], value_set=known["anonymous_id"].combine_chunks())
    whose = pc.coalesce(known["customer_id"].take(place), orders["customer_id"])
    as_of = microseconds(run.facts.as_of)
    new = pa.array([at >= as_of for at in counts_from(ORDERS, orders)], pa.bool_())
    answers = {}
    for (customer_id, came), *of_one in zip(since.items(), *mine, strict=True):
        if of_one[1].num_rows:
            his = pc.equal(whose, customer_id)
            last = pc.max(orders["ordered_at"].filter(his)).as_py()
            bought = _bought(orders.filter(pc.and_(his, new)), rows[PRODUCTS])
            answers[customer_id] = Rescored(scorer, Scored(*of_one), cutoff, came.at, last, bought)
    return answers


def _mine(table: pa.Table, customer_ids: Sequence[str]) -> list[pa.Table]:
    """Return the rows of each customer, out of a table sorted by them."""
    starts, stops = spans(table["customer_id"], customer_ids)
    return [table.slice(start, stop - start) for start, stop in zip(starts, stops, strict=True)]


def _bought(orders: pa.Table, products: pa.Table) -> frozenset[str]:
    named = pc.unique(orders["product_id"].drop_null())
    categories = products.filter(pc.is_in(products["product_id"], value_set=named))["category"]
    return frozenset([*named.to_pylist(), *categories.drop_null().to_pylist()])


def everything_of(
    connection: duckdb.DuckDBPyConnection, home: Home, customer_ids: Sequence[str], cutoff: Cutoff
) -> tuple[Mapping[Table, pa.Table], pa.Table]:
    """Return all rows of some customers that are known by now, and of the products bought, by table; and who is who.

    The latter as `ledger.identity.resolved` gives it. The connection is to be closed afterwards.
    """
    files = Ledger(home).all_files()

    def read(table: Table, column: str, values: Sequence[str]) -> pa.Table:
        if not files[table] or not values:
            return table.arrow_schema.empty_table()
        rows = f"SELECT * FROM ({relation(table, files[table])}) WHERE {column} IN ({listed(values)})"
        return connection.sql(rows).to_arrow_table().cast(table.arrow_schema)

    connection.execute(f"CREATE TEMP VIEW ledger_identities AS {relation(IDENTITIES, files[IDENTITIES])}")
    known = identity.resolved(connection, cutoff.at)
    theirs = pc.is_in(known["customer_id"], value_set=pa.array(customer_ids, pa.string()))
    ids = [*customer_ids, *known["anonymous_id"].filter(theirs).to_pylist()]
    posted = Arrivals(home.arrivals).of(ids)
    found = {
        IDENTITIES: read(IDENTITIES, "anonymous_id", ids),
        CUSTOMERS: read(CUSTOMERS, "customer_id", ids),
    }
    for table in TAKEN:
        held = [read(table, name, ids) for name in ("customer_id", "anonymous_id") if name in table.names]
        connection.register("rows_of_some", pa.concat_tables([*held, posted[table]]))
        # A row that was settled meanwhile comes from both, and an event of a known visitor twice.
        distinct = connection.sql("SELECT DISTINCT * FROM rows_of_some").to_arrow_table()
        connection.unregister("rows_of_some")
        found[table] = distinct.cast(table.arrow_schema)
    bought = pc.unique(found[ORDERS]["product_id"].drop_null()).to_pylist()
    found[PRODUCTS] = read(PRODUCTS, "product_id", bought)
    return found, known
