"""Rejected rows: what imports refused, and why."""

import pyarrow as pa

from ledger.schema import INSTANT_TYPE, Column, Table

REJECTED = Table(
    name="rejected",
    means="Rows of imported files that were refused, with the reason; a file imported again adds none.",
    key=("file_sha256", "table_name", "line"),
    columns=(
        Column("table_name", pa.string(), "The table the row was meant for."),
        Column("file_name", pa.string(), "Name of the file, without its directory."),
        Column("file_sha256", pa.string(), "SHA-256 of the file's bytes."),
        Column(
            "line", pa.int64(), "Line of a CSV file (the header is line 1) or row of a Parquet file (from 1)."
        ),
        Column("reason", pa.string(), "What is wrong with the row."),
        Column("imported_at", INSTANT_TYPE, "When it was imported."),
        Column("raw", pa.string(), "The row's text as a JSON object."),
    ),
)
