"""Lists as files to keep: written to the disk and sent from there, so that a long one takes no memory."""

import tempfile
from pathlib import Path
from typing import Final

import pyarrow as pa

from serving.export.exports import destination_for
from serving.export.files import write_whole
from serving.look.page import Download

MEDIA_TYPES: Final = {".csv": "text/csv; charset=utf-8", ".parquet": "application/vnd.apache.parquet"}


def download(table: pa.Table, name: str) -> Download:
    """
    Return a table as a file; of a CSV no cell runs as a formula in spreadsheets.

    Parameters
    ----------
    table : pa.Table
    name : str
        Of the file, with its ending: one of `MEDIA_TYPES`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / name
        write_whole(destination_for(path, None), [(table, path)])
        # What is open stays readable when its name is gone, and goes when it is closed.
        return Download(name, MEDIA_TYPES[path.suffix], path.open("rb"))
