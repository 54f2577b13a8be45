"""One scoring run or erasure at a time: a run that read a customer before he was erased must not write him after."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from ledger.home import Home


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Wait for a scoring run or an erasure under way to end, then keep others waiting.

    A kernel file lock: it goes with the process.
    """
    home.path.mkdir(parents=True, exist_ok=True)
    with (home.path / "scoring.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
