"""Lists as files to keep."""

import tempfile
from pathlib import Path

import pyarrow as pa

from serving.export.csv import CSV, write
from serving.look.page import Download


def csv(table: pa.Table, name: str) -> Download:
    """Return a table as CSV for spreadsheets, in which no cell runs as a formula.

    Parameters
    ----------
    table : pa.Table
    name : str
        Of the file, with its ending.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / f"list{CSV.extension}"
        write(table, path)
        return Download(name, "text/csv; charset=utf-8", path.read_bytes())
