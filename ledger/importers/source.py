"""A file as a relation of texts with the place of each row: what every reader gives the import."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from ledger.errors import InputError

Progress = Callable[[str, float], None]
STREAM = "csv_stream"


def nobody(what: str, share: float) -> None:
    """Tell nobody how far the work has come."""


@dataclass(frozen=True)
class Source:
    """One file.

    Parameters
    ----------
    path : Path
    shown : str
        What reports call it.
    place : str
        What `line` counts: line or row.
    names : tuple of str
        Its columns.
    select : callable, optional
        Takes an alias and the column's place by alias; gives SQL of `line` and the columns as text. A `line` that the
        reader does not tell is NULL: the row's place in the answer says it.
    stream : callable, optional
        Instead of `select`, takes the same and gives batches of line, the columns as text, `refused` (why a row is
        none) and `text` (of such a row). May raise InputError half-way.
    """

    path: Path
    shown: str
    place: str
    names: tuple[str, ...]
    select: Callable[[Mapping[str, int]], str] | None = None
    stream: Callable[[Mapping[str, int]], Iterator[pa.RecordBatch]] | None = None

    @contextmanager
    def rows(self, connection: duckdb.DuckDBPyConnection, positions: Mapping[str, int]) -> Iterator[str]:
        """Give SQL of the rows, to be run once: line, the columns under their aliases, `refused` and `text`.

        Raises
        ------
        InputError
            When the file turns out not to be what it seemed.
        """
        if self.select is not None:
            none = "CAST(NULL AS VARCHAR)"
            texts = self.select(positions)
            try:
                yield f"SELECT *, {none} AS refused, {none} AS text FROM ({texts})"
            except duckdb.Error as error:
                if _can_be_read(connection, texts):
                    raise
                raise InputError(f"{self.shown} is damaged: its rows cannot be read to the end") from error
            return
        failures: list[InputError] = []
        batches = _until_failure(self._stream(positions), failures)
        schema = stream_schema(positions)
        connection.register(STREAM, pa.RecordBatchReader.from_batches(schema, batches))
        try:
            yield f"SELECT * FROM {STREAM}"
        finally:
            connection.unregister(STREAM)
        if failures:
            raise failures[0]

    def _stream(self, positions: Mapping[str, int]) -> Iterator[pa.RecordBatch]:
        return self.stream(positions) if self.stream else iter(())


def stream_schema(positions: Mapping[str, int]) -> pa.Schema:
    """Return the schema of a reader's batches."""
    texts = [(name, pa.string()) for name in (*positions, "refused", "text")]
    return pa.schema([("line", pa.int64()), *texts])


def _until_failure(batches: Iterator[pa.RecordBatch], failures: list[InputError]) -> Iterator[pa.RecordBatch]:
    """Give batches until one cannot be read: an error raised through DuckDB would come out as another one."""
    try:
        yield from batches
    except InputError as error:
        failures.append(error)


def _can_be_read(connection: duckdb.DuckDBPyConnection, texts: str) -> bool:
    """Whether a file's rows can be read when nothing is done with them."""
    try:
        connection.execute(f"SELECT bit_xor(hash(each_row)) FROM ({texts}) AS each_row").fetchall()
    except duckdb.Error:
        return False
    return True
