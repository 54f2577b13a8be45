"""Small files of a home that are replaced whole: a reader finds the old one or the new one, and so does a crash."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ledger.errors import InputError

Read = TypeVar("Read")


def put(path: Path, text: str) -> None:
    """
    Put a text in the place of a file, of which the directory is made when it is missing.

    Parameters
    ----------
    path : Path
    text : str

    Raises
    ------
    OSError
        When it cannot be written; the file before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as directory:
        draft = Path(directory) / path.name
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def read(path: Path, parse: Callable[[bytes], Read], *, remedy: str) -> Read | None:
    """
    Return what a file says, None when there is none.

    Parameters
    ----------
    path : Path
    parse : callable
        Takes the bytes; raises ValueError when they are not what it expects.
    remedy : str
        What to do about a damaged file.

    Raises
    ------
    InputError
        When it is damaged.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return parse(content)
    except ValueError as error:
        raise InputError(f"{path} cannot be read; {remedy}") from error
