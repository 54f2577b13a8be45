"""What a destination is: one way of writing a table to one file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa


@dataclass(frozen=True)
class Destination:
    """One kind of file that an export can be written as.

    Parameters
    ----------
    name : str
        Value of `--to`.
    extension : str
        File name ending that selects it when `--to` is not given.
    write : callable
        Writes a table to a path that may be overwritten; cells are text, numbers, dates, instants or lists
        of text.
    means : str
        For whom it is, in one sentence.
    """

    name: str
    extension: str
    write: Callable[[pa.Table, Path], None]
    means: str
