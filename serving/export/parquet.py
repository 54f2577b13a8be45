"""Parquet for data tools: types and unknowns kept as they are."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from serving.export.destination import Destination


def write(table: pa.Table, path: Path) -> None:
    """
    Write a table as one Parquet file.

    Parameters
    ----------
    table : pa.Table
    path : Path
    """
    pa_parquet.write_table(table, str(path))


PARQUET = Destination("parquet", ".parquet", write, "Data tools: types and unknowns kept as they are.")
