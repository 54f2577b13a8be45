"""Rows posted to the service: checked and judged as an import's are, then kept as arrivals, all of a post or none."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ledger import identity
from ledger.arrivals import Arrivals, ChangedMeanwhileError
from ledger.check_statement import key_hash, said_hash
from ledger.checks import Checked, check
from ledger.engine import open_engine
from ledger.erasure import REASON, refused_sql
from ledger.merge import CLASH, judge
from ledger.schema import Table
from ledger.store import Ledger, relation
from ledger.tables.erased import ERASED
from ledger.tables.identities import IDENTITIES

LINE = "line"
SAID_TWICE = re.compile(r"duplicate of item \d+")  # of the same id and content: one row
_COUNTED = ("added", "corrected", "unchanged")


class RefusedError(Exception):
    """A post that holds a row which an import would refuse; nothing of it is taken.

    Parameters
    ----------
    rows : sequence of (int, str)
        Place of each such row in the post, from 0, and why; at least one.
    """

    def __init__(self, rows: Sequence[tuple[int, str]]) -> None:
        super().__init__(f"{len(rows)} rows refused")
        self.rows = tuple(rows)


@dataclass(frozen=True)
class Posted:
    """What became of the rows of one post.

    Parameters
    ----------
    added, corrected, unchanged : int
        New to the ledger, a later version of what it holds, and known already.
    """

    added: int
    corrected: int
    unchanged: int


def post(ledger: Ledger, table: Table, raw: pa.Table, posted_at: datetime) -> Posted:
    """Take rows, all of them or none; when this returns they are on the disk.

    Parameters
    ----------
    ledger : Ledger
        With a shop: something was imported before.
    table : Table
    raw : pa.Table
        `line` from 0, and the table's plain-format columns that were given, as text.
    posted_at : datetime
        Aware; when corrections without a known_at of their own became known.

    Raises
    ------
    RefusedError
        When a row is not one that an import would take.
    InputError
        When the ledger is empty or damaged.
    """
    with _engine() as connection:
        checked = check(table, raw, ledger.shop, posted_at, connection, place="item")
        refused = [(row[LINE], row["reason"]) for row in checked.rejected.to_pylist()]
        if wrong := [(line, reason) for line, reason in refused if not SAID_TWICE.fullmatch(reason)]:
            raise RefusedError(wrong)
        given = tuple(name for name in raw.column_names if name != LINE)
        _stage(connection, table, given, checked)
        while True:
            try:
                posted = _decided(connection, ledger, table, given, posted_at)
                return replace(posted, unchanged=posted.unchanged + len(refused))
            except ChangedMeanwhileError:  # another post about the same things was a moment earlier
                continue


@contextmanager
def _engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        connection.execute("SET threads = 1")  # a few rows: handing them out takes longer than they do
        yield connection


def _stage(
    connection: duckdb.DuckDBPyConnection, table: Table, given: Sequence[str], checked: Checked
) -> None:
    rows = checked.accepted.append_column(LINE, checked.lines).append_column(
        "known_given", checked.known_given
    )
    connection.register("posted_rows", rows)
    connection.execute(
        f"CREATE TEMP TABLE fresh AS SELECT *, {key_hash(table)} AS key, {said_hash(table, given)} AS said "
        "FROM posted_rows"
    )
    connection.execute("CREATE TEMP TABLE repeated AS SELECT key FROM fresh GROUP BY key HAVING count(*) > 1")
    connection.unregister("posted_rows")


def _decided(
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    table: Table,
    given: Sequence[str],
    posted_at: datetime,
) -> Posted:
    things = (
        connection.sql(f"SELECT DISTINCT {table.key[0]} FROM fresh").to_arrow_table().column(0).to_pylist()
    )
    arrivals = Arrivals(ledger.home.arrivals)
    last, before = arrivals.about(table, things)
    files = ledger.all_files()
    _refuse_erased(connection, table, relation(ERASED, files[ERASED]))
    connection.register("arrived_rows", before)
    judged = judge(
        connection, table, given,
        fresh="fresh", repeated="repeated", held=files[table], beside="arrived_rows", imported_at=posted_at,
    )  # fmt: skip
    found = connection.sql(f"SELECT * FROM ({judged}) ORDER BY line").to_arrow_table()
    connection.unregister("arrived_rows")
    clashes = found.filter(pc.equal(found["verdict"], "clash"))
    if clashes.num_rows:
        raise RefusedError([(line, CLASH) for line in clashes[LINE].to_pylist()])
    counts = found["verdict"].to_pylist()
    new = found.filter(pc.invert(pc.equal(found["verdict"], "unchanged")))
    rows = new.select(table.names).cast(table.arrow_schema)
    if rows.num_rows:
        whose = _whose(connection, relation(IDENTITIES, files[IDENTITIES]), rows, posted_at)

        def still_nobody_erased() -> None:
            # Whoever erases writes it down first and removes arrivals later, for which he needs the lock held here.
            if (now := ledger.files(ERASED)) != files[ERASED]:
                _refuse_erased(connection, table, relation(ERASED, now))

        arrivals.append(table, rows, whose, after=last, before_commit=still_nobody_erased)
    return Posted(*(counts.count(verdict) for verdict in _COUNTED))


def _refuse_erased(connection: duckdb.DuckDBPyConnection, table: Table, erased: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ledger_erased AS {erased}")
    past = refused_sql(table, "fresh")
    if past is not None and connection.execute("SELECT 1 FROM ledger_erased LIMIT 1").fetchall():
        lines = connection.sql(f"SELECT line FROM ({past}) ORDER BY line").to_arrow_table()[LINE].to_pylist()
        if lines:
            raise RefusedError([(line, REASON) for line in lines])


def _whose(
    connection: duckdb.DuckDBPyConnection, identities: str, rows: pa.Table, at: datetime
) -> list[str | None]:
    """Return the customer of each row, as is known now; None for a visitor of whom nobody knows who it is."""
    connection.execute(f"CREATE OR REPLACE TEMP VIEW ledger_identities AS {identities}")
    known = identity.resolved(connection, at)
    named = rows["customer_id"]
    if "anonymous_id" in rows.column_names:
        named = pc.coalesce(named, rows["anonymous_id"])
    place = pc.index_in(named, value_set=known["anonymous_id"].combine_chunks())
    return list(pc.coalesce(known["customer_id"].take(place), named).to_pylist())
