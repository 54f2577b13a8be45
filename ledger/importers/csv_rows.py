"""CSV files as rows of text, each with the line it starts on; a malformed line is set aside and reading goes on.

The standard library's reader is used because it alone tells the line of every row, also after quoted line breaks.
`csv_fast` is tried before it, for files in which every row is a line.
"""

import csv
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

import pyarrow as pa

from ledger.errors import InputError
from ledger.importers.source import Progress, Source, stream_schema

if TYPE_CHECKING:
    from _csv import Reader

ROWS_AT_ONCE = 50_000
TEXT_KEPT = 2000  # characters of a malformed line kept for the person who repairs it
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Record(NamedTuple):
    """What stands on a line: fields, or why there are none and the line's text."""

    line: int
    fields: list[str]
    refused: str | None = None
    text: str | None = None


def open_csv(path: Path, encoding: str, separator: str, progress: Progress) -> Source:
    """Read a file's header.

    Raises
    ------
    InputError
        When the file is empty, its header is malformed, or it is not in `encoding`.
    """
    with _records(path, encoding, separator) as (records, _):
        header = next(records, None)
    if header is None:
        raise InputError(f"{path.name} is empty; a header line and rows are expected, see docs/ledger.md")
    if header.refused:
        raise InputError(f"{path.name}: line {header.line}, the header, is malformed CSV; check its quotes")
    stream = partial(_batches, path, encoding, separator, progress)
    return Source(path, path.name, "line", tuple(header.fields), stream=stream)


@contextmanager
def _records(path: Path, encoding: str, separator: str) -> Iterator[tuple[Iterator[Record], TextIO]]:
    try:
        handle = path.open(encoding=_codec(encoding), newline="")
    except (LookupError, ValueError) as error:
        raise InputError(
            f"unknown encoding {encoding[:40]!r}; try utf-8, latin-1, cp1252 or utf-16"
        ) from error
    try:
        with handle:
            yield iter(_Records(handle, separator)), handle
    except UnicodeError as error:
        raise InputError(_where_undecodable(path, encoding)) from error


def _codec(encoding: str) -> str:
    """Return the codec that also takes the mark Excel puts at the start of UTF-8."""
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


class _Records:
    """Iterator over records; what cannot be parsed is refused one line at a time.

    An open quote would swallow the lines after it: only the line it stands in is given up, the others are read again.
    """

    def __init__(self, handle: TextIO, separator: str) -> None:
        self._handle = handle
        self._separator = separator
        self._again: deque[str] = deque()  # lines to be read once more
        self._seen: list[str] = []  # lines of the record being read
        self._done = 0  # lines before the current reader's first
        self._reader = self._new_reader()

    def _new_reader(self) -> "Reader":
        return csv.reader(self._lines(), strict=True, delimiter=self._separator)

    def _lines(self) -> Iterator[str]:
        while True:
            line = self._again.popleft() if self._again else self._handle.readline()
            if not line:
                return
            self._seen.append(line)
            yield line

    def __iter__(self) -> Iterator[Record]:
        while True:
            line = self._done + self._reader.line_num + 1
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._give_up(line, str(error))
                continue
            self._seen.clear()
            if len(fields) > 1 or (fields and fields[0].strip()):  # a blank line is no row
                yield Record(line, fields)

    def _give_up(self, line: int, why: str) -> Record:
        refused = Record(line, [], f"malformed CSV: {why}", self._seen[0])
        self._again.extendleft(reversed(self._seen[1:]))
        self._seen.clear()
        self._done = line
        self._reader = self._new_reader()
        return refused


def _batches(
    path: Path, encoding: str, separator: str, progress: Progress, positions: Mapping[str, int]
) -> Iterator[pa.RecordBatch]:
    size = max(path.stat().st_size, 1)
    with _records(path, encoding, separator) as (records, handle):
        width = len(next(records).fields)
        rows: list[Record] = []
        for record in records:
            rows.append(record if record.refused else _of_width(record, width, separator))
            if len(rows) == ROWS_AT_ONCE:
                yield _batch(rows, positions)
                rows = []
                progress(f"reading {path.name}", min(handle.buffer.tell() / size, 1.0))
        if rows:
            yield _batch(rows, positions)


def _of_width(record: Record, width: int, separator: str) -> Record:
    found = len(record.fields)
    if found == width:
        return record
    return Record(
        record.line, [], f"has {found} fields, the header has {width}", separator.join(record.fields)
    )


def _batch(rows: Sequence[Record], positions: Mapping[str, int]) -> pa.RecordBatch:
    texts = [
        pa.array([row.fields[position] if row.fields else None for row in rows], pa.string())
        for position in positions.values()
    ]
    lines = pa.array([row.line for row in rows], pa.int64())
    refused = pa.array([row.refused for row in rows], pa.string())
    kept = pa.array([row.text and row.text.rstrip("\r\n")[:TEXT_KEPT] for row in rows], pa.string())
    return pa.RecordBatch.from_arrays([lines, *texts, refused, kept], schema=stream_schema(positions))


def _where_undecodable(path: Path, encoding: str) -> str:
    """Return the error for a file that is not in the encoding, with the first place that shows it."""
    told = " ".join(encoding.split())  # Python takes a line break in an encoding's name
    with path.open("rb") as handle:
        mark = handle.read(2)
    if mark in UTF16_MARKS:
        return f"{path.name} is not {told} but UTF-16; import it with --encoding utf-16"
    position = 0
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                place = f"byte {position + error.start + 1} (line {number})"
                return f"{path.name} is not {told}: {place}; save it as UTF-8 or import it with --encoding latin-1"
            except UnicodeError:
                break  # a codec that does not tell the place
            position += len(line)
    return f"{path.name} is not {told}; save it as UTF-8 or import it with --encoding latin-1"
