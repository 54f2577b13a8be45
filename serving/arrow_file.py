"""Arrow files of a published run: on the disk before they are named, and known by what is in them."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

COMPRESSED = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1))
"""For files whose blocks are unpacked when asked for; others are mapped as they are."""


@contextmanager
def written(
    path: Path, schema: pa.Schema, options: pa.ipc.IpcWriteOptions | None = None
) -> Iterator[pa.ipc.RecordBatchFileWriter]:
    """Give a writer, and leave with the file on the disk.

    Parameters
    ----------
    path : Path
    schema : pyarrow.Schema
    options : pyarrow.ipc.IpcWriteOptions, optional
    """
    with path.open("wb") as file:
        with pa.ipc.new_file(file, schema, options=options) as writer:
            yield writer
        file.flush()
        os.fsync(file.fileno())


def digest(path: Path) -> bytes:
    """Return the SHA-256 of a file, (32,) bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
