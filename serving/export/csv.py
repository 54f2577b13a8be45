"""CSV for spreadsheets and import forms."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from serving.export.destination import Destination

# A spreadsheet runs a cell that starts with one of these as a formula (OWASP, "CSV Injection"; the last four
# are their full-width twins, which some spreadsheets fold). A leading apostrophe makes it text.
FORMULA_START = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
LIST_SEPARATOR = "; "


def write(table: pa.Table, path: Path) -> None:
    """
    Write a table as UTF-8 CSV with a header; unknown is an empty cell.

    Parameters
    ----------
    table : pa.Table
    path : Path
    """
    columns = [_plain(table.schema.field(name).type, table[name]) for name in table.column_names]
    pa_csv.write_csv(pa.table(columns, names=table.column_names), str(path))


def _plain(kind: pa.DataType, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_list(kind):
        return _harmless(pc.binary_join(column, LIST_SEPARATOR))
    if pa.types.is_timestamp(kind):
        return pc.strftime(pc.cast(column, pa.timestamp("s", tz="UTC"), safe=False), "%Y-%m-%dT%H:%M:%SZ")
    return _harmless(column) if pa.types.is_string(kind) or pa.types.is_large_string(kind) else column


def _harmless(column: pa.ChunkedArray) -> pa.ChunkedArray:
    escaped = pc.binary_join_element_wise("'", column, "")
    return pc.if_else(pc.match_substring_regex(column, FORMULA_START), escaped, column)


CSV = Destination(
    "csv", ".csv", write, "Spreadsheets and import forms; cells that would run as formulas are defused."
)
