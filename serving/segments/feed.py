"""The feed of changes: who entered and left which segment, in one order for ever, read from any position on.

A token names a position and never comes to mean another one. A run that is done again takes nothing back: what it says
otherwise than the run before it follows as changes of its own, at the same instant. Whoever has read to the end has
heard each change once, and adding and removing as told has brought him to the present members.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ledger import delta
from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.home import Home
from serving.segments.records import TOLD, view_files
from serving.store import PublishedRun

TOKEN: Final = re.compile(r"([0-9a-f]{8})-([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True)
class Page:
    """Some changes, in the feed's order.

    Parameters
    ----------
    changes : list of dict
        Columns of `serving.segments.records.TOLD`.
    token : str
        Position after them; to be given as `since` next time.
    more : bool
        Whether there are more by now.
    """

    changes: list[dict[str, Any]]
    token: str
    more: bool


@dataclass(frozen=True)
class Feed:
    """The feed as it stood after a run.

    Parameters
    ----------
    home : Home
    name : str
        Tells this feed from another home's; part of every token.
    through : int
        Last position.
    """

    home: Home
    name: str
    through: int

    @classmethod
    def of(cls, run: PublishedRun) -> "Feed":
        """Return the feed as it stood after a published run."""
        # Its first cutoff, which no run that is done again changes.
        began = pc.min(run.tables["trend"]["as_of"]).as_py()
        name = hashlib.sha256(f"feed of {began and began.isoformat()}".encode()).hexdigest()[:8]
        return cls(run.home, name, run.facts.changes_through)

    @property
    def end(self) -> str:
        """The token after all there is."""
        return f"{self.name}-{self.through}"

    def read(self, segment: str, since: str | None, limit: int) -> Page:
        """
        Return a segment's next changes.

        Parameters
        ----------
        segment : str
        since : str or None
            A token; None begins at the beginning.
        limit : int
            Changes at most.

        Raises
        ------
        InputError
            When the token is none of this feed's.
        """
        after = self._position(since)
        with open_engine() as connection:
            files = delta.files_at(self.home.movements, delta.version_of(self.home.movements))
            view_files(connection, "told", files, TOLD)
            # Positions first: they are a thousandth of what is told, and then only one page of that is read.
            mine = "FROM told WHERE segment = $segment AND position > $after AND position <= $until ORDER BY position"
            asked: dict[str, Any] = {"segment": segment, "after": after, "until": self.through}
            found = connection.execute(f"SELECT position {mine} LIMIT {limit + 1}", asked).fetchall()
            if not found:
                return Page([], self.end, more=False)
            more = len(found) > limit
            (last,) = found[:limit][-1]
            page = connection.sql(f"SELECT * {mine}", params={**asked, "until": last}).to_arrow_table()
        return Page(_rows(page), f"{self.name}-{last}" if more else self.end, more)

    def _position(self, token: str | None) -> int:
        if token is None:
            return 0
        read = TOKEN.fullmatch(token)
        if read is None or read[1] != self.name or int(read[2]) > self.through:
            raise InputError("the token is none of this feed's; begin without one, and take the members anew")
        return int(read[2])


def _rows(page: pa.Table) -> list[dict[str, Any]]:
    return list(page.cast(TOLD).to_pylist())
