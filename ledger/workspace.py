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
        with _alone(home.work):
            for left in home.work.iterdir():
                if left.is_dir() and not _is_used(left):
                    shutil.rmtree(left)
            directory = Path(tempfile.mkdtemp(dir=home.work))
            lock = _locked(directory / LOCK, fcntl.LOCK_EX)
    except OSError as error:
        raise InputError(f"cannot write to {home.work}: {(error.strerror or str(error)).lower()}") from error
    try:
        yield directory
    finally:
        with _alone(home.work):
            shutil.rmtree(directory)
            os.close(lock)
            _leave_no_trace(home)


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Hold the lock on making and removing workspaces; without it one could be removed while it is being made."""
    lock = None
    while lock is None:
        lock = _locked_while_there(work)
    try:
        yield
    finally:
        os.close(lock)


def _locked_while_there(work: Path) -> int | None:
    """Lock the directory of workspaces, made when there is none; None when another import removed it meanwhile."""
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = _locked(work / LOCK, fcntl.LOCK_EX)
    except FileNotFoundError:
        return None
    except FileExistsError:  # it was there, and then it was not
        if work.exists() and not work.is_dir():
            raise
        return None
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(lock), (work / LOCK).stat()):
            return lock
    os.close(lock)
    return None


def _locked(path: Path, how: int) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, how)
    except OSError:
        os.close(lock)
        raise
    return lock


def _is_used(directory: Path) -> bool:
    """Whether a workspace's process lives."""
    try:
        os.close(_locked(directory / LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB))
    except BlockingIOError:
        return True
    return False


def _leave_no_trace(home: Home) -> None:
    """Remove what an import that was refused would leave, unless another import is at work."""
    if [path.name for path in home.work.iterdir()] == [LOCK]:
        (home.work / LOCK).unlink()
    for empty in (home.work, home.path):
        with suppress(OSError):
            empty.rmdir()
