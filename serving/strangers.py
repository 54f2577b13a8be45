"""Ids that a scoring run does not know: who is somebody else by now, and of whom there is nothing to tell, and why."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from ledger import identity
from ledger.engine import open_engine
from ledger.home import Home
from ledger.schema import Table
from ledger.sought import fingerprint, listed
from ledger.store import Ledger, relation
from ledger.tables.customers import CUSTOMERS
from ledger.tables.erased import ERASED
from ledger.tables.events import EVENTS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from serving.cells import spans
from serving.errors import Problem

NAMED_IN = (
    (ORDERS, "customer_id"),
    (CUSTOMERS, "customer_id"),
    (EVENTS, "customer_id"),
    (EVENTS, "anonymous_id"),
)
UNKNOWN = Problem(
    "unknown-customer",
    "the shop has never heard of this id; post the history to /v1/score instead",
    "customer_id",
    "the id of a customer in the ledger",
)
TOO_NEW = Problem(
    "too-new-customer",
    "the id is in the ledger, but nobody was known by it when the latest run was made; ask again after the next run, "
    "or post the history to /v1/score",
    "customer_id",
    "whoever was known by name before the latest run",
)
ERASED_CUSTOMER = Problem(
    "erased-customer",
    "everything known of this customer was removed and will not come back",
    "customer_id",
    "the id of a customer who was not erased",
)
ANSWERS_KEPT = 10_000


@dataclass
class _Known:
    """What was found out of one state of the ledger.

    Parameters
    ----------
    files : mapping of Table to sequence of Path
        The ledger's data files, which are that state.
    persons : pa.Table
        As `ledger.identity.resolved` gives it.
    salt : str or None
        Of the erased; None when nobody was.
    erased : frozenset of str
        Fingerprints.
    named : dict of str to bool
        Whether an id is in the ledger, of those that were asked for.
    """

    files: Mapping[Table, Sequence[Path]]
    persons: pa.Table
    salt: str | None
    erased: frozenset[str]
    named: dict[str, bool] = field(default_factory=dict)


class Strangers:
    """What the ledger knows of ids that a run does not.

    It is asked only of such ids, so it reads the ledger itself; what it finds is kept until the ledger changes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: _Known | None = None

    def persons(self, home: Home, ids: Sequence[str], now: datetime) -> dict[str, str]:
        """Return the customer that an id was absorbed into, of those that were.

        Parameters
        ----------
        home : Home
        ids : sequence of str
        now : datetime
            Aware; as of when it is asked who is who.
        """
        with self._lock:
            persons = self._of(home, now).persons
        starts, stops = spans(persons["anonymous_id"], ids)
        return {
            each: persons["customer_id"][start].as_py()
            for each, start, stop in zip(ids, starts.tolist(), stops.tolist(), strict=True)
            if stop > start
        }

    def why(self, home: Home, ids: Collection[str], now: datetime) -> dict[str, Problem]:
        """Return why there is nothing to tell of each id: it was erased, is too new, or unknown."""
        with self._lock:
            known = self._of(home, now)
            asked = [each for each in ids if each not in known.named]
            if asked:
                if len(known.named) + len(asked) > ANSWERS_KEPT:
                    known.named.clear()
                there = _named(known.files, asked)
                known.named |= {each: each in there for each in asked}
            return {each: _why(known, each) for each in ids}

    def _of(self, home: Home, now: datetime) -> _Known:
        files = Ledger(home).all_files()
        if self._known is None or self._known.files != files:
            self._known = _read(files, now)
        return self._known


def _why(known: _Known, customer_id: str) -> Problem:
    if known.salt is not None and fingerprint(known.salt, customer_id) in known.erased:
        return ERASED_CUSTOMER
    return TOO_NEW if known.named.get(customer_id) else UNKNOWN


def _read(files: Mapping[Table, Sequence[Path]], now: datetime) -> _Known:
    with open_engine() as connection:
        connection.execute(f"CREATE VIEW ledger_identities AS {relation(IDENTITIES, files[IDENTITIES])}")
        persons = identity.resolved(connection, now).combine_chunks()
        erased = connection.sql(relation(ERASED, files[ERASED])).to_arrow_table()
    salts = erased["salt"].to_pylist()
    return _Known(files, persons, min(salts, default=None), frozenset(erased["id_hash"].to_pylist()))


def _named(files: Mapping[Table, Sequence[Path]], ids: Sequence[str]) -> set[str]:
    """Return those of some ids that a row of the ledger names."""
    among = listed(ids)
    rows = " UNION ".join(
        f"SELECT {column} FROM ({relation(table, files[table])}) WHERE {column} IN ({among})"
        for table, column in NAMED_IN
    )
    with open_engine() as connection:
        return {each for (each,) in connection.execute(rows).fetchall()}
