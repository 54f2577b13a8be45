"""Rows of a file as text with their place in it: what every reader gives the check."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

Progress = Callable[[str, float], None]
MALFORMED_SCHEMA = pa.schema([("line", pa.int64()), ("reason", pa.string()), ("raw", pa.string())])


@dataclass(frozen=True)
class Rows:
    """What a reader made of one file.

    Parameters
    ----------
    path : Path
    raw : pa.Table
        line (int64) and the plain-format columns the file has, as text.
    malformed : pa.Table
        line, reason, raw (JSON) of what is no row at all.
    unknown : tuple of str
        Columns that are not imported.
    place : str
        What `line` counts: line or row.
    """

    path: Path
    raw: pa.Table
    malformed: pa.Table
    unknown: tuple[str, ...]
    place: str
