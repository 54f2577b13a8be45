"""Writing a table to a file that is there whole or not at all."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ledger.errors import InputError
from serving.export.destination import Destination


def write_whole(destination: Destination, tables: Sequence[tuple[pa.Table, Path]]) -> None:
    """
    Write tables beside their files and then move them over, so that a reader or a crash never sees half a file.

    Parameters
    ----------
    destination : Destination
        One that writes files.
    tables : sequence of (Table, Path)
        Of one directory; all are written before the first is moved.

    Raises
    ------
    InputError
        When a file cannot be written.
    """
    if destination.write is None:
        raise InputError(f"{destination.name} writes no file; give its address with --url instead of --out")
    out = tables[0][1]
    if not out.parent.is_dir():
        raise InputError(f"--out: there is no directory {out.parent}; make it first")
    for _, path in tables:
        if path.is_dir():
            raise InputError(f"--out: {path} is a directory; give a file name in it")
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as scratch:
            written = [Path(scratch) / path.name for _, path in tables]
            for (table, _), draft in zip(tables, written, strict=True):
                destination.write(table, draft)
                with draft.open("rb") as file:
                    os.fsync(file.fileno())
            for (_, path), draft in zip(tables, written, strict=True):
                draft.replace(path)
    except OSError as error:
        raise InputError(f"--out: cannot write {out}: {error.strerror or type(error).__name__}") from error
