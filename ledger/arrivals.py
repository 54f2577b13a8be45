"""What was posted to the service and acknowledged: rows of the ledger's tables, kept until a published run has them.

One SQLite file in write-ahead mode, synced to the disk before a post is answered: what was acknowledged outlives a
killed process and a power cut, and any number of workers read and write it. `ledger.settling` brings the rows into the
Delta tables; they stay here until the scores that are served were made of them, see `Arrivals.drop`.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from ledger.schema import Table
from ledger.sqlite import is_there, opened
from ledger.tables.events import EVENTS
from ledger.tables.orders import ORDERS

TAKEN: tuple[Table, ...] = (ORDERS, EVENTS)
"""The tables to which the service takes rows."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS arrivals (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, thing TEXT NOT NULL, customer_id TEXT,
    anonymous_id TEXT, whose TEXT, from_us INTEGER NOT NULL, settled INTEGER NOT NULL DEFAULT 0, content TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS arrivals_thing ON arrivals (table_name, thing);
CREATE INDEX IF NOT EXISTS arrivals_whose ON arrivals (whose);
CREATE INDEX IF NOT EXISTS arrivals_waiting ON arrivals (seq) WHERE settled = 0;
"""


class ChangedMeanwhileError(Exception):
    """Another post about the same order or event came first; what was decided must be decided again."""


@dataclass(frozen=True)
class Arrival:
    """Where one row stands, without what it says.

    Parameters
    ----------
    seq : int
        Its number; later ones are larger.
    customer_id : str
        Whose it is, accounts that are one person taken as one.
    from_us : int, microseconds since 1970
        The instant from which it counts.
    """

    seq: int
    customer_id: str
    from_us: int


class Arrivals:
    """The rows that came to one home.

    Parameters
    ----------
    path : Path
        Of the SQLite file; made by the first row.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether anything was ever posted."""
        return is_there(self.path)

    @contextmanager
    def open(self, *, make: bool = False) -> Iterator[sqlite3.Connection]:
        """Give a connection, closed in the end; each statement commits by itself."""
        with opened(self.path, schema=_SCHEMA if make else None) as connection:
            connection.execute("PRAGMA synchronous = FULL")  # a commit returns when it is on the disk
            connection.execute("PRAGMA secure_delete = ON")  # who is erased leaves no page behind
            yield connection

    def about(self, table: Table, things: Sequence[str]) -> tuple[int, pa.Table]:
        """Return the rows about some orders or events, and the number of the last of them (0 without any)."""
        if not self.exists:
            return 0, table.arrow_schema.empty_table()
        marks = ", ".join("?" * len(things))
        select = f"SELECT seq, content FROM arrivals WHERE table_name = ? AND thing IN ({marks}) ORDER BY seq"
        with self.open() as connection:
            found = connection.execute(select, (table.name, *things)).fetchall()
        return max((seq for seq, _ in found), default=0), unpacked(table, [content for _, content in found])

    def append(
        self,
        table: Table,
        rows: pa.Table,
        whose: Sequence[str | None],
        *,
        after: int,
        before_commit: Callable[[], None],
    ) -> None:
        """Append rows, all or none; they are on the disk when this returns.

        Parameters
        ----------
        table : Table
        rows : pa.Table
            In the stored schema.
        whose : sequence of str or None
            The customer of each row, accounts that are one person taken as one.
        after : int
            From `about`: the last row about the same orders or events when this was decided.
        before_commit : callable
            Called while nobody else can write; what it raises leaves everything as it was.

        Raises
        ------
        ChangedMeanwhileError
            When there is a later one by now.
        """
        things = sorted(set(rows[table.key[0]].to_pylist()))
        marks = ", ".join("?" * len(things))
        newest = f"SELECT max(seq) FROM arrivals WHERE table_name = ? AND thing IN ({marks})"
        with self.open(make=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            ((found,),) = connection.execute(newest, (table.name, *things)).fetchall()
            if (found or 0) > after:
                raise ChangedMeanwhileError
            connection.executemany(
                "INSERT INTO arrivals (table_name, thing, customer_id, anonymous_id, whose, from_us, content) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                _cells(table, rows, whose),
            )
            before_commit()
            connection.execute("COMMIT")

    def of(self, customers: Iterable[str]) -> dict[Table, pa.Table]:
        """Return all rows of some customers or visitors, by table."""
        ids = sorted(customers)
        marks = ", ".join("?" * len(ids))
        select = (
            "SELECT table_name, content FROM arrivals "
            f"WHERE whose IN ({marks}) OR customer_id IN ({marks}) OR anonymous_id IN ({marks}) ORDER BY seq"
        )
        with self.open() as connection:
            found = connection.execute(select, ids * 3).fetchall()
        return {
            table: unpacked(table, [text for name, text in found if name == table.name]) for table in TAKEN
        }

    def waiting(self) -> tuple[dict[Table, pa.Table], int]:
        """Return the rows that the tables do not have yet, in the order they came, and the number of the last one."""
        with self.open() as connection:
            select = "SELECT seq, table_name, content FROM arrivals WHERE settled = 0 ORDER BY seq"
            found = connection.execute(select).fetchall()
        rows = {
            table: unpacked(table, [text for _, name, text in found if name == table.name]) for table in TAKEN
        }
        return rows, max((seq for seq, _, _ in found), default=0)

    def settle(self, last: int) -> None:
        """Write down that the tables have all rows up to a number."""
        with self.open() as connection:
            connection.execute("UPDATE arrivals SET settled = 1 WHERE settled = 0 AND seq <= ?", (last,))

    def settled_through(self) -> int:
        """Return the number up to which the tables have every row."""
        if not self.exists:
            return 0
        with self.open() as connection:
            ((waiting, newest),) = connection.execute(
                "SELECT (SELECT min(seq) FROM arrivals WHERE settled = 0), "
                "(SELECT seq FROM sqlite_sequence WHERE name = 'arrivals')"
            ).fetchall()
        return int(waiting - 1 if waiting is not None else newest or 0)

    def drop(self, through: int, as_of: datetime) -> None:
        """Remove the rows that a published run was made of.

        Call it for the run that is served before the next is published: a worker that still serves the run before
        that one has moved on by then.

        Parameters
        ----------
        through : int
            `settled_through` when the run read the tables.
        as_of : datetime
            Of the run: what counts only from then on is not in it.
        """
        with self.open() as connection:
            gone = "DELETE FROM arrivals WHERE settled = 1 AND seq <= ? AND from_us < ?"
            connection.execute(gone, (through, microseconds(as_of)))

    def forget(self, ids: Iterable[str]) -> int:
        """Remove every row of an erased customer, from the file's free pages too, and return how many there were."""
        if not self.exists:
            return 0
        named = sorted(ids)
        marks = ", ".join("?" * len(named))
        gone = (
            f"DELETE FROM arrivals WHERE whose IN ({marks}) OR customer_id IN ({marks}) "
            f"OR anonymous_id IN ({marks})"
        )
        with self.open() as connection:
            removed = connection.execute(gone, named * 3).rowcount
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return int(removed)


def _cells(table: Table, rows: pa.Table, whose: Sequence[str | None]) -> Iterator[tuple[object, ...]]:
    for row, who, since in zip(rows.to_pylist(), whose, counts_from(table, rows), strict=True):
        thing, ids = row[table.key[0]], (row.get("customer_id"), row.get("anonymous_id"))
        yield (table.name, thing, *ids, who, since, packed(row))


def counts_from(table: Table, rows: pa.Table) -> list[int]:
    """Return the instant from which each row counts, in microseconds: when it happened or was known, the later."""
    happened = rows[table.local_of].cast(pa.int64()).to_pylist()
    known = rows["known_at"].cast(pa.int64()).to_pylist()
    return [max(pair) for pair in zip(happened, known, strict=True)]


def microseconds(at: datetime) -> int:
    """Return an instant as `Arrival.from_us` has it."""
    return (at - EPOCH) // MICROSECOND


def packed(row: dict[str, object]) -> str:
    """Return a row as text; instants as microseconds."""
    cells = {name: microseconds(cell) if isinstance(cell, datetime) else cell for name, cell in row.items()}
    return json.dumps({name: cell for name, cell in cells.items() if cell is not None}, ensure_ascii=False)


def unpacked(table: Table, contents: Sequence[str]) -> pa.Table:
    """Return rows in the stored schema."""
    rows = [json.loads(content) for content in contents]
    columns = []
    for field in table.arrow_schema:
        cells = [row.get(field.name) for row in rows]
        instant = pa.types.is_timestamp(field.type)
        columns.append(
            pa.array(cells, pa.int64()).cast(field.type) if instant else pa.array(cells, field.type)
        )
    return pa.table(columns, schema=table.arrow_schema)
