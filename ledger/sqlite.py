"""SQLite files of a home that several processes read and write: they appear with their tables, or not at all."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

BUSY_SECONDS = 10.0  # another process is writing a few rows


@contextmanager
def opened(path: Path, *, schema: str | None = None) -> Iterator[sqlite3.Connection]:
    """
    Give a connection, closed in the end; each statement outside a transaction commits by itself.

    Parameters
    ----------
    path : Path
        Of a database that exists, unless there is a schema.
    schema : str, optional
        Statements that make the tables, and may be run again; then the file is made when there is none.
    """
    if schema is not None and not path.exists():
        _make(path, schema)
    with closing(connect(path)) as connection:
        if schema is not None:  # tables that a later version added
            connection.executescript(schema)
        yield connection


def connect(path: Path, *, check_same_thread: bool = True) -> sqlite3.Connection:
    """Return a connection that waits for other writers; whoever asks closes it."""
    return sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=check_same_thread
    )


def _make(path: Path, schema: str) -> None:
    """Make a database beside its place and link it there: who finds the file finds its tables, whoever was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as directory:
        made = Path(directory) / path.name  # readable by its owner alone: only they may enter the directory
        with closing(connect(made)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # is kept in the file
            connection.executescript(schema)
        made.chmod(0o600)
        with suppress(FileExistsError):
            os.link(made, path)
