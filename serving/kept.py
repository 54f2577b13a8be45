"""Answers of customers to whom nothing has happened since the run: the same until the next, so the latest are kept."""

import gzip
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

MOST_BYTES = 32_000_000
COMPRESSED_FROM_BYTES = 1_000  # less fits one packet
LEVEL = 5  # higher takes twice as long for a few per cent


class Kept(NamedTuple):
    """The body of an answer, compressed or not."""

    body: bytes
    compressed: bool


class KeptAnswers:
    """Bodies of answers from one source, those longest unasked for forgotten.

    To be used by one thread alone, the event loop's.

    Parameters
    ----------
    most_bytes : int
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._source: Hashable = None
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._bytes = 0

    def find(self, source: Hashable, key: Hashable) -> Kept | None:
        """Return what was kept under a key; what came of another source is forgotten.

        Parameters
        ----------
        source : hashable
            What the answer is of: a run.
        key : hashable
        """
        if source != self._source:
            self._source, self._bytes = source, 0
            self._kept.clear()
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, source: Hashable, key: Hashable, kept: Kept) -> None:
        """Keep a body, unless its source is no longer the one asked for."""
        if source != self._source or key in self._kept:
            return
        self._kept[key] = kept
        self._bytes += len(kept.body)
        while self._bytes > self._most:
            _, forgotten = self._kept.popitem(last=False)
            self._bytes -= len(forgotten.body)


def packed(body: bytes, *, compress: bool) -> Kept:
    """Return a body, compressed where that is wanted and worth while."""
    if not compress or len(body) < COMPRESSED_FROM_BYTES:
        return Kept(body, compressed=False)
    return Kept(gzip.compress(body, LEVEL, mtime=0), compressed=True)
