"""A directory for what an import needs for a while: rows that do not fit in memory, a copy of a database's answer."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ledger.errors import InputError
from ledger.home import Home

LOCK = ".lock"


@contextmanager
def workspace(home: Home) -> Iterator[Path]:
    """Give a new directory inside the home, and remove it at the end.

    It holds customers' data, so those that killed imports left behind are removed too: each is locked by the kernel
    for as long as its process lives.

    Raises
    ------
    InputError
        When the home cannot be written to.
    """
    try:
        home.work.mkdir(parents=True, exist_ok=True)
        for left in home.work.iterdir():
            _remove_if_left(left)
        directory = Path(tempfile.mkdtemp(dir=home.work))
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise InputError(f"cannot write to {home.work}: {(error.strerror or str(error)).lower()}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield directory
    finally:
        shutil.rmtree(directory)
        os.close(lock)
        for empty in (home.work, home.path):  # an import that was refused leaves no trace
            with suppress(OSError):
                empty.rmdir()


def _remove_if_left(directory: Path) -> None:
    """Remove a workspace whose process is gone; one without a lock is just being made."""
    try:
        lock = os.open(directory / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(directory, ignore_errors=True)  # another import may be removing it at this moment
    finally:
        os.close(lock)
