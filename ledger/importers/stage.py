"""Rows of a file staged on a connection: read one by one as they stream, then compared where keys come more than once.

What does not fit in memory is spilled to the import's workspace.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import duckdb

from ledger.check_statement import RAW, rows_read, rows_settled, rows_stored
from ledger.checks import FUTURE_ALLOWED
from ledger.engine import bound, open_engine
from ledger.importers.source import Progress, Source, nobody
from ledger.schema import Table
from ledger.shop import Shop

MEMORY_LIMIT_MB = 2048
HEADER_LINES = 1
PROGRESS_SECONDS = 0.5


@contextmanager
def staging_engine(work: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection that spills to `work` what does not fit in `MEMORY_LIMIT_MB`."""
    with open_engine() as connection:
        bound(connection, work, MEMORY_LIMIT_MB)
        # Without the setting no progress is counted, and DuckDB refuses it in a notebook that cannot draw bars.
        with suppress(duckdb.InvalidInputException):
            connection.execute("SET enable_progress_bar = true")
            connection.execute("SET enable_progress_bar_print = false")
        yield connection


@dataclass(frozen=True)
class Staged:
    """Rows of one file for one table.

    Parameters
    ----------
    source : Source
    table : Table
    given : tuple of str
        Plain-format columns that the file has.
    positions : mapping of str to int
        Columns of the file whose texts are kept of a refused row, and where they stand.
    number : int
        Tells the relations of this from those of others.
    texts : str, optional
        Relation that has these texts, where they were staged; otherwise the file is read again.
    empty_says_nothing : bool
        Whether an empty cell leaves what was known before: an order without a telephone number does not say that
        its customer has none.
    """

    source: Source
    table: Table
    given: tuple[str, ...]
    positions: Mapping[str, int]
    number: int
    texts: str | None = None
    empty_says_nothing: bool = False

    @property
    def cells(self) -> str:
        """Relation of all rows as read."""
        return f"cells_{self.number}"

    @property
    def repeated(self) -> str:
        """Relation of keys that come more than once."""
        return f"repeated_{self.number}"

    @property
    def settled(self) -> str:
        """Relation of the rows with such keys, judged among themselves."""
        return f"settled_{self.number}"

    @property
    def fresh(self) -> str:
        """Relation of accepted rows with all stored columns."""
        return f"fresh_{self.number}"

    @property
    def refused(self) -> str:
        """Table of line and reason of refused rows."""
        return f"refused_{self.number}"


@dataclass(frozen=True)
class Staging:
    """What all rows of an import are read with.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of `staging_engine`.
    shop : Shop
    imported_at : datetime
    tell : callable
        Called with what is being done and the share of it done.
    """

    connection: duckdb.DuckDBPyConnection
    shop: Shop
    imported_at: datetime
    tell: Progress = nobody


def stage(staging: Staging, staged: Staged, rows: str) -> None:
    """Fill the relations of `staged`.

    Parameters
    ----------
    staging : Staging
    staged : Staged
    rows : str
        SELECT of line, the given columns as text, and `refused`.
    """
    connection, shop = staging.connection, staging.shop
    latest = (staging.imported_at + FUTURE_ALLOWED).astimezone(UTC).isoformat()
    texts = ", ".join(staged.given)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {RAW} AS "
        f"SELECT line, {texts}, refused, TIMESTAMPTZ '{latest}' AS latest FROM ({rows})"
    )
    read = rows_read(staged.table, staged.given, shop, refused=True)
    with _watched(staging, f"reading {staged.source.shown}"):
        connection.execute(f"CREATE TEMP TABLE rows_{staged.number} AS {read}")
    connection.execute(f"CREATE TEMP VIEW {staged.cells} AS {numbered_table(f'rows_{staged.number}')}")
    _settle(connection, staged)
    _combine(connection, staged, shop)


@contextmanager
def _watched(staging: Staging, what: str) -> Iterator[None]:
    """Tell meanwhile how far the connection's statement has come."""
    done = Event()

    def watch() -> None:
        while not done.wait(PROGRESS_SECONDS):
            percent = staging.connection.query_progress()
            if percent > 0:
                staging.tell(what, min(percent / 100, 1.0))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _settle(connection: duckdb.DuckDBPyConnection, staged: Staged) -> None:
    """Judge rows whose keys come more than once; numbering them can make them meet further rows."""
    more_than_once = f"SELECT key FROM {staged.cells} WHERE reason IS NULL GROUP BY key HAVING count(*) > 1"
    connection.execute(f"CREATE TEMP TABLE {staged.repeated} AS {more_than_once}")
    among = f"(FROM {staged.cells} WHERE reason IS NULL AND key IN (FROM {staged.repeated}))"
    settled = rows_settled(staged.table, staged.given, among, staged.source.place)
    while True:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {staged.settled} AS {settled}")
        (met,) = connection.execute(
            f"INSERT INTO {staged.repeated} SELECT DISTINCT key FROM {staged.cells} WHERE reason IS NULL "
            f"AND key IN (SELECT key FROM {staged.settled}) AND key NOT IN (FROM {staged.repeated})"
        ).fetchall()[0]
        if not met:
            return


def _combine(connection: duckdb.DuckDBPyConnection, staged: Staged, shop: Shop) -> None:
    once = f"SELECT * FROM {staged.cells} WHERE reason IS NULL"
    (repeated,) = connection.execute(f"SELECT count(*) FROM {staged.repeated}").fetchall()[0]
    if repeated:
        once += f" AND key NOT IN (FROM {staged.repeated}) UNION ALL BY NAME SELECT * FROM {staged.settled}"
    stored = rows_stored(staged.table, staged.given, shop, f"({once})")
    connection.execute(f"CREATE TEMP VIEW {staged.fresh} AS {stored}")
    refused = " UNION ALL ".join(
        f"SELECT line, reason FROM {rows} WHERE reason IS NOT NULL" for rows in (staged.cells, staged.settled)
    )
    connection.execute(f"CREATE TEMP TABLE {staged.refused} AS {refused}")


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Return how many rows a relation has."""
    return int(connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])


def numbered_table(table: str) -> str:
    """Return SQL of a table's rows with their lines; they lie in the order of the file, whose reader tells none."""
    return f"SELECT * REPLACE (coalesce(line, rowid + {HEADER_LINES + 1}) AS line) FROM {table}"


def numbered(rows: str) -> str:
    """Return SQL of rows as they are read with their lines; on a table, `numbered_table` costs nothing."""
    return f"SELECT * REPLACE (coalesce(line, row_number() OVER () + {HEADER_LINES}) AS line) FROM ({rows})"
