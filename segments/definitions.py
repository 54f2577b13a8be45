"""A shop's own definitions of segments, in every version they had: who wrote which when, and what is followed now.

Nothing is changed or removed: an edit, hiding and restoring are new versions. What ships is noted as versions too, so
that a run can say by which text it judged, whoever wrote it.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from ledger.errors import InputError
from ledger.sqlite import is_there, opened
from segments.segment import Segment

State = Literal["followed", "hidden"]
LIBRARY: Final = "library"
"""Who wrote what ships."""

SCHEMA = """
    CREATE TABLE IF NOT EXISTS versions (
        name TEXT NOT NULL, version INTEGER NOT NULL, title TEXT NOT NULL, description TEXT NOT NULL,
        expression TEXT NOT NULL, advice TEXT NOT NULL, state TEXT NOT NULL, by TEXT NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (name, version)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS numbers (
        release TEXT NOT NULL, key TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (release, key)
    ) WITHOUT ROWID;
"""
COLUMNS = "name, title, description, expression, advice, version, state, by, at"
LATEST = f"SELECT {COLUMNS} FROM versions v WHERE version = (SELECT max(version) FROM versions WHERE name = v.name)"


@dataclass(frozen=True)
class Version:
    """One version of one definition.

    Parameters
    ----------
    segment : Segment
    number : int
        From 1, without gaps.
    state : "followed" or "hidden"
        Whether scoring runs assign it.
    by : str
        Who made it; `LIBRARY` for what ships.
    at : datetime
        When; of what ships, the cutoff of the first run that used it or when it was first edited.
    """

    segment: Segment
    number: int
    state: State
    by: str
    at: datetime


@dataclass(frozen=True)
class Definitions:
    """The definitions kept in one file.

    Parameters
    ----------
    path : Path
        An SQLite file; made with the first version.
    """

    path: Path

    def history(self, name: str) -> list[Version]:
        """Return every version of a segment, oldest first; none of one that was never used or edited."""
        return self._versions(f"SELECT {COLUMNS} FROM versions WHERE name = ? ORDER BY version", (name,))

    def latest(self) -> dict[str, Version]:
        """Return the last version of every segment there is a version of, by name."""
        return {each.segment.name: each for each in self._versions(f"{LATEST} ORDER BY name", ())}

    def followed(self, library: Sequence[Segment]) -> tuple[Segment, ...]:
        """Return what a scoring run is to assign.

        Parameters
        ----------
        library : sequence of Segment
            What ships. The shop's versions stand in their places, its own segments follow by name.
        """
        latest = self.latest()
        shipped = {segment.name for segment in library}
        mine = [each.segment for name, each in latest.items() if name not in shipped and each.by != LIBRARY]
        stands = [latest[each.name].segment if self._is_own(latest, each.name) else each for each in library]
        hidden = {name for name, each in latest.items() if each.state == "hidden"}
        return tuple(each for each in (*stands, *mine) if each.name not in hidden)

    def note(self, library: Iterable[Segment], at: datetime) -> dict[str, int]:
        """Make versions of what ships where it is not the last one, and return every segment's last version.

        Parameters
        ----------
        library : iterable of Segment
            What ships. Where the shop has a version of its own, that stays the last.
        at : datetime
            Aware.
        """
        latest = self.latest()
        new = [
            each
            for each in library
            if not self._is_own(latest, each.name)
            and (each.name not in latest or latest[each.name].segment != each)
        ]
        if new:
            with self._writing() as database:
                for segment in new:
                    _add(database, segment, "followed", LIBRARY, at, _last(database, segment.name))
        return {name: each.number for name, each in self.latest().items()}

    def save(self, segment: Segment, by: str, at: datetime, *, state: State = "followed", after: int) -> int:
        """Make a new version of a segment and return its number.

        Parameters
        ----------
        segment : Segment
        by : str
            Who.
        at : datetime
            When; aware.
        state : "followed" or "hidden"
        after : int
            Number of the version that its writer had before him, 0 for a new segment.

        Raises
        ------
        InputError
            When somebody else has made a version since; nothing is saved then.
        """
        with self._writing() as database:
            last = _last(database, segment.name)
            if last != after:
                raise InputError(
                    f"segment '{segment.name}' is at version {last} by now, and this would be an edit of version "
                    f"{after}; look at `regulars segments history {segment.name}` and edit again"
                )
            return _add(database, segment, state, by, at, last)

    def numbers(self, release: str) -> dict[str, float]:
        """Return the numbers of the store that own segments need beside those of a release, by key."""
        if not is_there(self.path):
            return {}
        with opened(self.path) as database:
            rows = database.execute("SELECT key, value FROM numbers WHERE release = ?", (release,))
            return dict(rows.fetchall())

    def keep_numbers(self, release: str, numbers: Mapping[str, float]) -> None:
        """Keep numbers of the store for a release; those kept already stay, so that members do not drift."""
        with self._writing() as database:
            rows = [(release, key, value) for key, value in numbers.items()]
            database.executemany("INSERT OR IGNORE INTO numbers VALUES (?, ?, ?)", rows)

    @staticmethod
    def _is_own(latest: Mapping[str, Version], name: str) -> bool:
        return name in latest and latest[name].by != LIBRARY

    def _versions(self, query: str, parameters: tuple[str, ...]) -> list[Version]:
        if not is_there(self.path):
            return []
        with opened(self.path) as database:
            return [_version(*row) for row in database.execute(query, parameters).fetchall()]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with opened(self.path, schema=SCHEMA) as database:
            database.execute("BEGIN IMMEDIATE")
            with database:  # commits, or takes all of it back
                yield database


def _last(database: sqlite3.Connection, name: str) -> int:
    (last,) = database.execute("SELECT max(version) FROM versions WHERE name = ?", (name,)).fetchone()
    return int(last or 0)


def _add(  # noqa: PLR0913, PLR0917 - a row's columns
    database: sqlite3.Connection, segment: Segment, state: State, by: str, at: datetime, last: int
) -> int:
    texts = (segment.name, segment.title, segment.description, segment.expression, segment.advice)
    row = (*texts, last + 1, state, by, at.astimezone(UTC).isoformat())
    database.execute(f"INSERT INTO versions ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return last + 1


def _version(  # noqa: PLR0913, PLR0917 - a row's columns
    name: str,
    title: str,
    description: str,
    expression: str,
    advice: str,
    number: int,
    state: State,
    by: str,
    at: str,
) -> Version:
    segment = Segment(name=name, title=title, description=description, expression=expression, advice=advice)
    return Version(segment, number, state, by, datetime.fromisoformat(at))
