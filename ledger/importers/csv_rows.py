"""CSV files as rows of text, each with the line it starts on; a malformed line is set aside and reading goes on.

The standard library's reader is used because it alone tells the line of every row, also after quoted line breaks.
"""

import csv
import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from ledger.errors import InputError
from ledger.importers.header import Header, match_header
from ledger.importers.rows import MALFORMED_SCHEMA, Progress, Rows
from ledger.schema import Table

ROWS_AT_ONCE = 50_000
RAW_KEPT = 2000  # characters of a malformed line kept for the person who repairs it
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_csv(table: Table, path: Path, encoding: str, progress: Progress | None) -> Rows:
    """Read a comma-separated file.

    Raises
    ------
    InputError
        When the file is empty, has no rows, lacks a required column, or is not in `encoding`.
    """
    try:
        with path.open(encoding=_codec(encoding), newline="") as handle:
            return _read(table, path, handle, progress)
    except UnicodeError as error:
        raise InputError(_where_undecodable(path, encoding)) from error
    except LookupError as error:
        raise InputError(
            f"unknown encoding {encoding[:40]!r}; try utf-8, latin-1, cp1252 or utf-16"
        ) from error


def _codec(encoding: str) -> str:
    """Return the codec that also takes the mark Excel puts at the start of UTF-8."""
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


def _read(table: Table, path: Path, handle: TextIO, progress: Progress | None) -> Rows:
    records = _Records(handle)
    names = next((fields for _, fields in records if fields), None)
    if names is None:
        raise InputError(f"{path.name} is empty; a header line and rows are expected, see docs/ledger.md")
    if records.malformed:
        raise InputError(
            f"{path.name}: line {records.malformed[0]['line']}, the header, is malformed CSV; check its quotes"
        )
    header = match_header(table, names, path.name)
    chunks = list(_chunks(records, header, path, handle, progress))
    malformed = pa.Table.from_pylist(records.malformed, MALFORMED_SCHEMA)
    if not chunks and not malformed.num_rows:
        raise InputError(f"{path.name} has a header and no rows; nothing was imported")
    schema = pa.schema([("line", pa.int64()), *((name, pa.string()) for name in header.positions)])
    return Rows(path, pa.Table.from_batches(chunks, schema), malformed, header.unknown, "line")


class _Records:
    """Iterator over (line it starts on, fields); what cannot be parsed goes to `malformed`, one line at a time.

    An open quote would swallow the lines after it: only the line it stands in is given up, the others are read again.
    """

    def __init__(self, handle: TextIO) -> None:
        self.malformed: list[dict[str, object]] = []
        self._handle = handle
        self._again: deque[str] = deque()  # lines to be read once more
        self._seen: list[str] = []  # lines of the record being read
        self._done = 0  # lines before the current reader's first
        self._reader = csv.reader(self._lines(), strict=True)

    def _lines(self) -> Iterator[str]:
        while True:
            line = self._again.popleft() if self._again else self._handle.readline()
            if not line:
                return
            self._seen.append(line)
            yield line

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        while True:
            line = self._done + self._reader.line_num + 1
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._give_up(line, str(error))
                continue
            self._seen.clear()
            if len(fields) > 1 or (fields and fields[0].strip()):  # a blank line is no row
                yield line, fields

    def _give_up(self, line: int, why: str) -> None:
        self.refuse(line, f"malformed CSV: {why}", self._seen[0])
        self._again.extendleft(reversed(self._seen[1:]))
        self._seen.clear()
        self._done = line
        self._reader = csv.reader(self._lines(), strict=True)

    def refuse(self, line: int, reason: str, text: str) -> None:
        """Set a line aside."""
        raw = json.dumps({"text": text.rstrip("\r\n")[:RAW_KEPT]}, ensure_ascii=False)
        self.malformed.append({"line": line, "reason": reason, "raw": raw})


def _chunks(
    records: _Records, header: Header, path: Path, handle: TextIO, progress: Progress | None
) -> Iterator[pa.RecordBatch]:
    lines: list[int] = []
    rows: list[list[str]] = []
    size = max(path.stat().st_size, 1)
    for line, fields in records:
        if len(fields) != header.width:
            reason = f"has {len(fields)} fields, the header has {header.width}"
            records.refuse(line, reason, ",".join(fields))
            continue
        lines.append(line)
        rows.append(fields)
        if len(rows) == ROWS_AT_ONCE:
            yield _batch(lines, rows, header)
            lines, rows = [], []
            if progress:
                progress(f"reading {path.name}", min(handle.buffer.tell() / size, 1.0))
    if rows:
        yield _batch(lines, rows, header)


def _batch(lines: list[int], rows: list[list[str]], header: Header) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True))
    texts = [pa.array(columns[position], pa.string()) for position in header.positions.values()]
    return pa.RecordBatch.from_arrays([pa.array(lines, pa.int64()), *texts], ["line", *header.positions])


def _where_undecodable(path: Path, encoding: str) -> str:
    """Return the error for a file that is not in the encoding, with the first place that shows it."""
    if path.read_bytes()[:2] in UTF16_MARKS:
        return f"{path.name} is not {encoding} but UTF-16; import it with --encoding utf-16"
    position = 0
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                place = f"byte {position + error.start + 1} (line {number})"
                return f"{path.name} is not {encoding}: {place}; save it as UTF-8 or import it with --encoding latin-1"
            position += len(line)
    return f"{path.name} is not {encoding}; save it as UTF-8 or import it with --encoding latin-1"
