"""Which reader opens a file: by its ending, and the fast one when it is proven to give the same."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from ledger import quoting
from ledger.errors import InputError
from ledger.importers.csv_fast import SEPARATORS, FastCsv, fast_csv
from ledger.importers.csv_rows import open_csv
from ledger.importers.parquet_rows import open_parquet
from ledger.importers.source import Progress, Source

PATTERN_MARKS = "*?["  # DuckDB takes a path with one of these for a pattern of paths


def open_file(
    path: Path, connection: duckdb.DuckDBPyConnection, encoding: str, separator: str, progress: Progress
) -> Source:
    """Open a CSV or Parquet file and read what its columns are called.

    Raises
    ------
    InputError
        When there is no such file, or it is not what its ending says.
    """
    if path.is_dir():
        raise InputError(f"{path} is a directory; give the files in it")
    ending = path.suffix.lower()
    if ending not in (".csv", ".parquet"):
        kind = ending or "without an extension"
        raise InputError(f"{path.name}: unknown kind of file {kind}; expected .csv or .parquet")
    if separator not in SEPARATORS:
        raise InputError("a separator is a comma, a semicolon, a tab or |")
    try:
        if path.is_file() and path.stat().st_size == 0:
            raise InputError(f"{path.name} is empty; a header line and rows are expected, see docs/ledger.md")
        with path.open("rb"):
            pass
        if ending == ".csv":
            return _open_csv(path, connection, encoding, separator, progress)
        if any(mark in str(path) for mark in PATTERN_MARKS):
            raise InputError(
                f"{path.name}: the path of a Parquet file may hold none of {PATTERN_MARKS}; rename it"
            )
        return open_parquet(path, connection)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from error


def _open_csv(
    path: Path, connection: duckdb.DuckDBPyConnection, encoding: str, separator: str, progress: Progress
) -> Source:
    exact = open_csv(path, encoding, separator, progress)
    fast = fast_csv(path, encoding, separator)
    if fast is None or not _is_proven(fast, connection):
        return exact
    names = fast.names

    def select(positions: Mapping[str, int]) -> str:
        texts = ", ".join(
            f'{quoting.name(names[position])} AS "{alias}"' for alias, position in positions.items()
        )
        return f"SELECT CAST(NULL AS BIGINT) AS line, {texts} FROM ({fast.sql})"

    return Source(path, exact.shown, exact.place, exact.names, select=select)


def _is_proven(fast: FastCsv, connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        return bool(connection.execute(f"SELECT {fast.proof} FROM ({fast.sql})").fetchall()[0][0])
    except duckdb.Error:
        return False  # the exact reader says what is wrong and where
