"""CSV for import forms: cells as they are, unknown ones empty.

Unlike `serving.export.csv` nothing is defused, for an apostrophe before +4930... or before a hash would be another
number or hash to the platform. What is written here cannot be a formula: hexadecimal digits, +digits, true and false,
instants, and e-mail addresses, which hold no blank, quote, comma, bar or bracket (`ledger.contacts`), so call nothing.
"""

import csv
from pathlib import Path

import pyarrow as pa


def write(table: pa.Table, path: Path) -> None:
    """
    Write a table as UTF-8 CSV with a header, quoted only where it must be.

    Parameters
    ----------
    table : pa.Table
        Columns of text.
    path : Path
    """
    columns = [table[name].to_pylist() for name in table.column_names]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.column_names)
        writer.writerows(zip(*columns, strict=True))
