"""Whether a home still holds somebody: every file in it searched, and the places named but never a value.

What is searched for comes from `ledger.sought`; who that is and how he is removed is left to `ledger.erasure`.
"""

import gzip
import mmap
import os
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ledger import quoting
from ledger.engine import open_engine
from ledger.home import Home
from ledger.sought import SHORTEST_IN_TEXT, Sought, column_kind

Progress = Callable[[str, float], None]
Hits = Iterator[tuple[str, int]]

OUTSIDE = (
    "files exported before, and copies that ad or e-mail tools made of them",
    "backups, and snapshots of the disk",
    "the files that were imported, unless they lie in the home",
    "an MLflow server outside the home, if one is set (runs hold figures and releases, no customers)",
)
NOT_LOOKED_FOR = (
    f"identifiers of fewer than {SHORTEST_IN_TEXT} characters in free text, where they would mean anything",
    "identifiers of digits alone in columns that number something else, such as product_id",
    "anything inside pictures and archives, of which a home has none but the figures of training runs",
)


@dataclass(frozen=True)
class Finding:
    """A place that holds him.

    Parameters
    ----------
    path : str
        Relative to the home.
    kind : str
        What the file was read as.
    place : str
        Column, table and column, or part of the file.
    cells : int
        How many.
    """

    path: str
    kind: str
    place: str
    cells: int


@dataclass(frozen=True)
class Proof:
    """What a search of a home found.

    Parameters
    ----------
    files : int
    kinds : dict of str to int
        Files by what they were read as.
    found : tuple of Finding
        Empty when nothing holds him.
    unreadable : tuple of str
        Files that are not what they seem to be (half-written, damaged): searched as bytes instead.
    not_looked_for, outside : tuple of str
        What the search leaves out within the home, and what lies outside it.
    """

    files: int
    kinds: dict[str, int]
    found: tuple[Finding, ...]
    unreadable: tuple[str, ...]
    not_looked_for: tuple[str, ...] = NOT_LOOKED_FOR
    outside: tuple[str, ...] = OUTSIDE


def search(home: Home, sought: Sought, progress: Progress | None = None) -> Proof:
    """Search every file of a home, whether anything refers to it or not.

    Parameters
    ----------
    home : Home
    sought : Sought
    progress : callable, optional
        Called with what is being done and the share of it done, 0 to 1.

    Returns
    -------
    Proof
    """
    paths = list(_files(home.path))
    kinds: Counter[str] = Counter()
    found: list[Finding] = []
    unreadable: list[str] = []
    with open_engine() as engine:
        for number, path in enumerate(paths):
            name = str(path.relative_to(home.path))
            kind, hits = _search_file(engine, path, sought)
            if kind is None:
                unreadable.append(name)
            kinds[kind or BYTES] += 1
            found += [Finding(name, kind or BYTES, place, cells) for place, cells in hits]
            if sought.text and sought.text.search(name.encode()):
                found.append(Finding("(withheld)", "name", "name of a file or directory", 1))
            if progress:
                progress("Searching the home", (number + 1) / len(paths))
    return Proof(len(paths), dict(sorted(kinds.items())), tuple(found), tuple(unreadable))


def _files(root: Path) -> Iterator[Path]:
    """Yield every file, links followed once, in a stable order."""
    seen: set[Path] = set()
    for directory, below, names in os.walk(root, followlinks=True):
        below.sort()
        real = Path(directory).resolve()
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        yield from (path for name in sorted(names) if (path := Path(directory, name)).is_file())


def _search_file(
    engine: duckdb.DuckDBPyConnection, path: Path, sought: Sought
) -> tuple[str | None, list[tuple[str, int]]]:
    """Return what a file was read as, None when it could not be, and where it holds him."""
    try:
        with path.open("rb") as file:
            start = file.read(len(SQLITE_MAGIC))
        for kind, magic, read in READERS:
            if start.startswith(magic):
                return kind, list(read(engine, path, sought))
    except FileNotFoundError:
        return BYTES, []  # gone since it was listed: a running service's own temporary file
    except DAMAGED:
        return None, list(_bytes(path, sought))
    return BYTES, list(_bytes(path, sought))


def _parquet(engine: duckdb.DuckDBPyConnection, path: Path, sought: Sought) -> Hits:
    yield from _columns(engine, f"read_parquet({quoting.text(path)})", sought)
    footer = pq.read_metadata(path).metadata or {}
    if sought.text and any(sought.text.search(text) for pair in footer.items() for text in pair):
        yield "footer", 1


def _arrow(engine: duckdb.DuckDBPyConnection, path: Path, sought: Sought) -> Hits:
    with pa.memory_map(str(path)) as mapped:
        engine.register("arrow_rows", pa.ipc.open_file(mapped).read_all())
        try:
            yield from _columns(engine, "arrow_rows", sought)
        finally:
            engine.unregister("arrow_rows")


def _columns(engine: duckdb.DuckDBPyConnection, rows: str, sought: Sought) -> Hits:
    described = engine.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()
    for name, type_, *_ in described:
        column = quoting.name(name)
        kind = column_kind(name)
        condition = sought.cell_sql(kind)
        if condition is None or (kind != "person" and "VARCHAR" not in type_ and type_ != "BLOB"):
            continue
        cells = f"SELECT CAST({column} AS VARCHAR) AS cell, count(*) AS cells FROM {rows} GROUP BY ALL"
        if kind != "person":  # texts are mostly one of a kind: grouping them costs more than it saves
            cells = f"SELECT CAST({column} AS VARCHAR) AS cell, 1 AS cells FROM {rows}"
        (hits,) = engine.execute(f"SELECT sum(cells) FROM ({cells}) WHERE {condition}").fetchall()[0]
        if hits:
            yield f"column {name}", int(hits)


def _sqlite(engine: duckdb.DuckDBPyConnection, path: Path, sought: Sought) -> Hits:
    """Search every cell, then the file's bytes: a page that is free may still hold what was deleted."""
    seen = 0
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL")
        for (table,) in tables.fetchall():
            rows = database.execute(f'SELECT * FROM "{table}"')  # names come from the file's own schema
            names = [described[0] for described in rows.description]
            for place, cells in _sqlite_cells(engine, names, rows, sought):
                seen += cells
                yield f"table {table}, {place}", cells
    if not seen:
        yield from (("free pages", cells) for _, cells in _bytes(path, sought))


def _sqlite_cells(
    engine: duckdb.DuckDBPyConnection, names: Sequence[str], rows: sqlite3.Cursor, sought: Sought
) -> Hits:
    hits: Counter[str] = Counter()
    while batch := rows.fetchmany(SQLITE_BATCH):
        columns = {
            f"{number} {name}": pa.array([_text(row[number]) for row in batch], pa.string())
            for number, name in enumerate(names)
        }
        renamed = pa.table(list(columns.values()), names=list(names))
        engine.register("sqlite_rows", renamed)
        try:
            hits.update(dict(_columns(engine, "sqlite_rows", sought)))
        finally:
            engine.unregister("sqlite_rows")
    yield from hits.items()


def _text(cell: object) -> str | None:
    if cell is None:
        return None
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


def _bytes(path: Path, sought: Sought) -> Hits:
    if sought.text is None or path.stat().st_size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        hits = sum(1 for _ in sought.text.finditer(content))
    if hits:
        yield "text", hits


def _gzip(_engine: duckdb.DuckDBPyConnection, path: Path, sought: Sought) -> Hits:
    with gzip.open(path) as file:
        hits = sum(1 for _ in sought.text.finditer(file.read())) if sought.text else 0
    if hits:
        yield "text", hits


BYTES = "text and bytes"
DAMAGED = (pa.ArrowException, duckdb.Error, sqlite3.DatabaseError, OSError, EOFError, zlib.error)
SQLITE_BATCH = 10_000
SQLITE_MAGIC = b"SQLite format 3\x00"
READERS: tuple[tuple[str, bytes, Callable[[duckdb.DuckDBPyConnection, Path, Sought], Hits]], ...] = (
    ("Parquet", b"PAR1", _parquet),
    ("Arrow", b"ARROW1", _arrow),
    ("SQLite", SQLITE_MAGIC, _sqlite),
    ("gzip", b"\x1f\x8b", _gzip),
)
