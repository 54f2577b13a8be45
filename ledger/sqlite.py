"""SQLite files of a home that several processes read and write: they appear with their tables, or not at all."""

import logging
import os
import re
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ledger.errors import InputError

BUSY_SECONDS = 5.0
"""Another process is writing a few rows; well within the time that a request may take."""
LOOK_SECONDS = 0.1
"""For who only reads, whom no writer holds up: what makes it wait longer is no writing."""
PRIMARY_CODE = 0xFF

_DAMAGED = "is damaged; restore it from a backup"
_CANNOT_OPEN = (
    "cannot be opened: it must be a file that this user may write, in a directory that he may write to"
)
_CANNOT_WRITE = (
    "cannot be written: this user must be allowed to write it and its directory, on a disk with room"
)
_LOCKED = "is locked by another process; end that one or try again"
_OTHER_TABLES = (
    "has not the tables of this version: restore it from a backup, or run the version that made it"
)
_WHY = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CANTOPEN: _CANNOT_OPEN,
    sqlite3.SQLITE_PERM: _CANNOT_OPEN,
    sqlite3.SQLITE_READONLY: _CANNOT_WRITE,
    sqlite3.SQLITE_FULL: _CANNOT_WRITE,
    sqlite3.SQLITE_IOERR: "cannot be read from its disk; restore it from a backup",
    sqlite3.SQLITE_BUSY: _LOCKED,
}
# What SQLite says of a statement that does not fit the tables; other statements are wrong in themselves.
_UNFIT = re.compile(r"no such (table|column)|has no column|values for \d+ columns|columns but \d+ values")
_FIRST_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)")

logger = logging.getLogger(__name__)


class UnusableFileError(InputError):
    """An SQLite file of the home cannot be read or written.

    Parameters
    ----------
    path : Path
    why : str
        What is wrong with it and what mends it, as the rest of a sentence about the file.
    """

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} {why}")
        self.told = f"{path.name} {why}"
        """For who need not know where the home lies."""


def is_there(path: Path) -> bool:
    """
    Return whether anything has a file's name, be it a link to nothing: only what was never made counts as empty.

    Raises
    ------
    UnusableFileError
        When that cannot be known.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UnusableFileError(path, _CANNOT_OPEN) from error
    return True


@contextmanager
def opened(path: Path, *, schema: str | None = None) -> Iterator[sqlite3.Connection]:
    """
    Give a connection, closed in the end; each statement outside a transaction commits by itself.

    Parameters
    ----------
    path : Path
        Of a database that exists, unless there is a schema.
    schema : str, optional
        Statements that make the tables, and may be run again; then the file is made when there is none. The first
        table has been there from the first version on: a file without it is damaged and is left as it is.

    Raises
    ------
    UnusableFileError
        When the file is damaged, locked, another version's, or may not be opened or written.
    """
    with _explained(path):
        if schema is not None and not is_there(path):
            _make(path, schema)
        with closing(connect(path)) as connection:
            if schema is not None:
                for first in _FIRST_TABLE.findall(schema)[:1]:
                    connection.execute(f"SELECT 1 FROM {first} LIMIT 0")
                connection.executescript(schema)  # tables that a later version added
            yield connection


def connect(
    path: Path, *, timeout: float = BUSY_SECONDS, check_same_thread: bool = True
) -> sqlite3.Connection:
    """Return a connection to a file that exists, which waits for other writers; whoever asks closes it."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(
        address, uri=True, timeout=timeout, isolation_level=None, check_same_thread=check_same_thread
    )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE  # what Python itself raises has none
        why = _WHY.get(code)
        if code == sqlite3.SQLITE_ERROR and _UNFIT.search(str(error)):
            why = _OTHER_TABLES if path.stat().st_size else _DAMAGED
        if why is None:
            raise
        raise UnusableFileError(path, why) from error


def _make(path: Path, schema: str) -> None:
    """Make a database beside its place and link it there: who finds the file finds its tables, whoever was first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as directory:
            made = (
                Path(directory) / path.name
            )  # readable by its owner alone: only they may enter the directory
            made.touch(mode=0o600)
            with closing(connect(made)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")  # is kept in the file
                connection.executescript(schema)
            with suppress(FileExistsError):
                os.link(made, path)
    except OSError as error:
        raise UnusableFileError(path, _CANNOT_WRITE) from error


class Followed:
    """A database that a process goes on reading, at the cost of asking SQLite whether anything was written.

    Whoever uses it from several threads lets one in at a time.

    Parameters
    ----------
    read : callable
        Reads what is wanted, when something was written since; told whether the file is another one than before, a
        backup in its place perhaps, or one after it could not be read.
    """

    def __init__(self, read: Callable[[sqlite3.Connection, bool], None]) -> None:
        self._read = read
        self._path: Path | None = None
        self._file: tuple[int, int] | None = None
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None
        self._warned: str | None = None

    def refresh(self, path: Path) -> bool:
        """
        Read what was written since the last look, and return whether there is a file at all.

        Raises
        ------
        UnusableFileError
            When it cannot be read, or is gone since it was first read. It is opened again at the next look.
        """
        try:
            return self._refresh(path)
        except UnusableFileError as error:
            self._let_go()
            if error.told != self._warned:
                logger.warning("%s", error.told)
            self._warned = error.told
            raise

    def close(self) -> None:
        """Let go of the file, and forget that there was one."""
        self._let_go()
        self._path = None

    def _refresh(self, path: Path) -> bool:
        if not is_there(path):
            if path == self._path:
                raise UnusableFileError(path, "is gone; restore it from a backup")
            return False
        with _explained(path):
            connection = self._open(path)
            ((version,),) = connection.execute("PRAGMA data_version").fetchall()
            if version != self._version:
                self._read(connection, self._version is None)
        self._version, self._path, self._warned = version, path, None
        return True

    def _open(self, path: Path) -> sqlite3.Connection:
        try:
            told = path.stat()
        except OSError as error:
            raise UnusableFileError(path, _CANNOT_OPEN) from error
        file = (told.st_dev, told.st_ino)
        if self._connection is None or file != self._file:
            self._let_go()
            self._connection = connect(path, timeout=LOOK_SECONDS, check_same_thread=False)
            weakref.finalize(self, self._connection.close)  # for who forgets `close`
            self._file = file
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._file = self._version = None
