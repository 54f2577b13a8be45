"""API keys: made, listed and revoked by command, hashed in SQLite, asked by every worker without a restart.

A key is 256 random bits, so there is nothing to guess and no dictionary to try: one SHA-256 of it is as hard to turn
back as a slow hash would be, and costs a request microseconds. What is stored cannot be used as a key.
"""

import hashlib
import hmac
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ledger.errors import InputError
from ledger.sqlite import Followed, UnusableFileError, is_there, opened

SCOPES = {
    "scores": "scores of customers, stored and posted, and what the segments are",
    "members": "who is in a segment, who is due for what, and the pages",
    "segments": "save and restore segments, and send one to where it is used",
    "ledger": "write orders and events",
    "admin": "everything, the metrics too",
}
PER_MINUTE = 6_000
SPOKEN = re.compile(r"regulars_([0-9a-f]{8})_([\w-]{43})", re.ASCII)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, scopes TEXT NOT NULL, per_minute INTEGER NOT NULL, hash BLOB NOT NULL,
    made_at TEXT NOT NULL, revoked_at TEXT
);
"""


@dataclass(frozen=True)
class Key:
    """One key, without what must be kept secret.

    Parameters
    ----------
    id : str
        Its public part, by which it is revoked.
    name : str
        Whose it is.
    scopes : frozenset of str
        Of `SCOPES`.
    per_minute : int
        Requests a minute in each worker.
    made_at, revoked_at : str
        ISO 8601, UTC; the latter "" while it is in use.
    """

    id: str
    name: str
    scopes: frozenset[str]
    per_minute: int
    made_at: str
    revoked_at: str

    def allows(self, scope: str) -> bool:
        """Return whether it opens what needs a scope."""
        return scope in self.scopes or "admin" in self.scopes


def create(path: Path, name: str, scopes: Sequence[str], per_minute: int, at: datetime) -> tuple[Key, str]:
    """Make a key.

    Parameters
    ----------
    path : Path
        Of the SQLite file; made when missing.
    name : str
    scopes : sequence of str
    per_minute : int
    at : datetime
        Aware.

    Returns
    -------
    (Key, str)
        The second is the key itself, which is stored nowhere.

    Raises
    ------
    InputError
        When the name, a scope or the limit is none.
    """
    if not name.strip() or not name.isprintable() or len(name) > 100:  # noqa: PLR2004 - as long as a name is
        raise InputError("a key's name is 1 to 100 printable characters")
    if not scopes or (unknown := sorted(set(scopes) - set(SCOPES))):
        raise InputError(
            f"unknown scope '{unknown[0][:40]}'; scopes are {', '.join(SCOPES)}"
            if scopes
            else f"name a scope with --scope: {', '.join(SCOPES)}"
        )
    if per_minute < 1:
        raise InputError("--per-minute must be at least 1")
    secret = secrets.token_urlsafe(32)
    key = Key(secrets.token_hex(4), name.strip(), frozenset(scopes), per_minute, at.isoformat(), "")
    with opened(path, schema=_SCHEMA) as connection:
        _read(connection)  # what cannot be read is not written to
        connection.execute(
            "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (key.id, key.name, " ".join(sorted(scopes)), per_minute, _hash(secret), key.made_at),
        )
    return key, f"regulars_{key.id}_{secret}"


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def listed(path: Path) -> tuple[Key, ...]:
    """Return all keys, revoked ones too, in the order they were made."""
    if not is_there(path):
        return ()
    with opened(path) as connection:
        return tuple(key for key, _ in _read(connection))


def _read(connection: sqlite3.Connection) -> list[tuple[Key, bytes]]:
    rows = connection.execute(
        "SELECT id, name, scopes, per_minute, made_at, coalesce(revoked_at, ''), hash FROM keys ORDER BY made_at, id"
    ).fetchall()
    return [(Key(row[0], row[1], frozenset(row[2].split()), *row[3:6]), row[6]) for row in rows]


def revoke(path: Path, key_id: str, at: datetime) -> Key:
    """Revoke a key; from a worker's next request on it opens nothing.

    Raises
    ------
    InputError
        When there is no such key in use.
    """
    found = next((key for key in listed(path) if key.id == key_id and not key.revoked_at), None)
    if found is None:
        raise InputError(f"no key '{key_id[:40]}' in use; `regulars keys list` shows which there are")
    with opened(path) as connection:
        connection.execute("UPDATE keys SET revoked_at = ? WHERE id = ?", (at.isoformat(), key_id))
    return found


@dataclass
class Allowance:
    """How many requests a key has left: a bucket that fills at the key's rate, up to a minute's worth."""

    per_minute: int
    left: float = field(init=False)
    at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.left = float(self.per_minute)

    def take(self, now: float) -> bool:
        """Take one request off, unless none is left. `now` in seconds, of a clock that only goes forward."""
        self.left = min(self.per_minute, self.left + (now - self.at) * self.per_minute / 60)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return what an answer says of it."""
        full_in = (self.per_minute - self.left) * 60 / self.per_minute
        return [
            (b"ratelimit-limit", b"%d" % self.per_minute),
            (b"ratelimit-remaining", b"%d" % int(self.left)),
            (b"ratelimit-reset", b"%d" % int(full_in + 0.999)),
        ]

    @property
    def wait_seconds(self) -> int:
        """Whole seconds until one request is allowed again."""
        return max(1, int((1 - self.left) * 60 / self.per_minute + 0.999))


class Keyring:
    """The keys of one home as one worker knows them, always those of this moment.

    Parameters
    ----------
    path : callable
        Returns the SQLite file, which need not exist.
    clock : callable
        Seconds; only goes forward.
    """

    def __init__(self, path: Callable[[], Path], clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._file = Followed(self._read)
        self._made = False
        self._keys: dict[str, tuple[Key, bytes]] = {}
        self._allowances: dict[str, Allowance] = {}

    def any(self) -> bool:
        """
        Return whether any key was ever made: from then on one is asked for, also when all are revoked.

        Raises
        ------
        UnusableFileError
            When the file cannot be read: nobody knows then, and nobody may be let in.
        """
        with self._lock:
            self._refresh()
            return self._made

    def unusable(self) -> str | None:
        """Return why the keys cannot be read, None when they can."""
        try:
            self.any()
        except UnusableFileError as error:
            return error.told
        return None

    def find(self, spoken: str) -> Key | None:
        """
        Return the key in use that was spoken, None when it is none.

        Raises
        ------
        UnusableFileError
            As `any`.
        """
        said = SPOKEN.fullmatch(spoken)
        with self._lock:
            self._refresh()
            key, stored = self._keys.get(said[1] if said else "", (None, b""))
        same = hmac.compare_digest(_hash(said[2] if said else ""), stored)
        return key if same and key is not None and not key.revoked_at else None

    def allowance(self, key: Key) -> tuple[bool, Allowance]:
        """Take one request off what a key is allowed; False when nothing is left."""
        with self._lock:
            mine = self._allowances.setdefault(key.id, Allowance(key.per_minute))
            return mine.take(self._clock()), mine

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()

    def _refresh(self) -> None:
        self._made = self._file.refresh(self._path())
        if not self._made:
            self._keys = {}

    def _read(self, connection: sqlite3.Connection, anew: bool) -> None:  # noqa: ARG002, FBT001 - as `Followed` calls it
        self._keys = {key.id: (key, stored) for key, stored in _read(connection)}
