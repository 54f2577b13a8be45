"""CSV for spreadsheets and import forms."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from serving.export.destination import Destination

# A spreadsheet runs a cell that starts with one of these as a formula (OWASP, "CSV Injection"; the last four
# are their full-width twins, which some spreadsheets fold). A leading apostrophe makes it text. Where a list is
# separated by semicolons, as in most of Europe, a cell also starts after one, and quotes around a comma's cell then
# keep nothing together: so it may start after any mark that parts cells or rows.
FORMULA_START = r"(^|[;,|\t\r\n])([=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])"
LIST_SEPARATOR = "; "
# Excel reads a file without this mark as the machine's old code page; where all is ASCII both read the same.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def write(table: pa.Table, path: Path) -> None:
    """
    Write a table as UTF-8 CSV with a header; unknown is an empty cell.

    Parameters
    ----------
    table : pa.Table
    path : Path
    """
    columns = [_plain(table.schema.field(name).type, table[name]) for name in table.column_names]
    with path.open("wb") as file:
        if not (all(map(str.isascii, table.column_names)) and all(map(_is_ascii, columns))):
            file.write(BYTE_ORDER_MARK)
        pa_csv.write_csv(pa.table(columns, names=table.column_names), file)


def _plain(kind: pa.DataType, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_list(kind):
        return _harmless(pc.binary_join(column, LIST_SEPARATOR))
    if pa.types.is_timestamp(kind):
        return pc.strftime(pc.cast(column, pa.timestamp("s", tz="UTC"), safe=False), "%Y-%m-%dT%H:%M:%SZ")
    return _harmless(column) if _is_text(kind) else column


def _harmless(column: pa.ChunkedArray) -> pa.ChunkedArray:
    for _ in range(2):  # of three such marks in a row the first pass takes the first two as one start
        column = pc.replace_substring_regex(column, FORMULA_START, r"\1'\2")
    return column


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_ascii(column: pa.ChunkedArray) -> bool:
    return not _is_text(column.type) or bool(pc.all(pc.string_is_ascii(column)).as_py() is not False)


CSV = Destination(
    "csv", ".csv", write, "Spreadsheets and import forms; cells that would run as formulas are defused."
)
