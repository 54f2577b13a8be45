"""What was found out of a run and takes long to find out again, kept for the runs asked of last."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from serving.store import PublishedRun

T = TypeVar("T")


class Kept(Generic[T]):
    """Answers by run and name.

    Parameters
    ----------
    most : int
        How many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[str, str, str], T] = OrderedDict()

    def of(self, run: PublishedRun, name: str, find: Callable[[], T]) -> T:
        """Return what is kept of a run by a name; what is not there is found once, whoever waits for it."""
        key = (str(run.home.path), run.name, name)
        with self._lock:
            if key not in self._found:
                self._found[key] = find()
                while len(self._found) > self._most:
                    self._found.popitem(last=False)
            self._found.move_to_end(key)
            return self._found[key]
