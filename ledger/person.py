"""Who somebody is by all that he is called: his ids, those absorbed into them, his e-mails and phones, and his rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from ledger import identity, quoting
from ledger.contacts import email_in, normal_phone, phone_pseudonym, pseudonym
from ledger.errors import InputError
from ledger.schema import Table
from ledger.sought import Sought, listed
from ledger.tables.rejected import REJECTED
from ledger.tables.shipped import TABLES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PERSON_COLUMNS = ("customer_id", "anonymous_id")


@dataclass(frozen=True)
class Person:
    """Somebody to be erased, by all that he is called.

    Parameters
    ----------
    ids : tuple of str
        His customer ids, the ids absorbed into them, and the pseudonyms of his e-mails.
    emails, phones : tuple of str
        Normalised; those that another customer has as well are left out.
    shared : int
        E-mails and phones that another customer has as well: they stay, being his too.
    first_known_at : datetime or None
        When the ledger first knew of an order of his.
    """

    ids: tuple[str, ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    shared: int
    first_known_at: datetime | None

    @property
    def identifiers(self) -> tuple[str, ...]:
        """All that he is called."""
        return (*self.ids, *self.emails, *self.phones)


def find(connection: duckdb.DuckDBPyConnection, asked: str, now: datetime) -> Person:
    """Find all that somebody is called.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        From `Ledger.connect`.
    asked : str
        A customer id, e-mail or phone, as anybody would write it.
    now : datetime
        Aware; as of when it is asked who is who.

    Returns
    -------
    Person
        Of one whom the ledger does not know, what was asked alone; see `count`.

    Raises
    ------
    InputError
        When the id is a hub: a device or account of several customers.
    """
    called = called_by(connection, asked)
    ids: set[str] = set()
    for named in sorted(_accounts(connection, called)):
        ids |= _one_with(connection, named, now)
    emails = _own(connection, "email", ids) | called.emails
    phones = _own(connection, "phone", ids) | called.phones
    known_by = (
        ids | {pseudonym(address) for address in emails} | {phone_pseudonym(number) for number in phones}
    )
    shared_emails = _shared(connection, "email", emails, known_by)
    shared_phones = _shared(connection, "phone", phones, known_by)
    emails, phones = emails - shared_emails, phones - shared_phones
    stand_ins = {*map(pseudonym, emails), *map(phone_pseudonym, phones)}
    for one in [_one_with(connection, stand_in, now) for stand_in in sorted(stand_ins)]:
        ids |= one
    return Person(
        ids=tuple(sorted(ids)),
        emails=tuple(sorted(emails)),
        phones=tuple(sorted(phones)),
        shared=len(shared_emails) + len(shared_phones),
        first_known_at=_first_known_at(connection, ids),
    )


@dataclass(frozen=True)
class Called:
    """What was asked, as the ledger would store it."""

    ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()


def called_by(connection: duckdb.DuckDBPyConnection, asked: str) -> Called:
    """Read an address as an address, and digits as a phone only where they are nobody's id."""
    named = asked.strip()
    email, phone = email_in(named), normal_phone(named)
    if email is not None:
        return Called(frozenset({pseudonym(email)}), emails=frozenset({email}))
    if phone is not None and not is_known(connection, named):
        return Called(frozenset({named, phone_pseudonym(phone)}), phones=frozenset({phone}))
    return Called(frozenset({named}))


def is_known(connection: duckdb.DuckDBPyConnection, named: str) -> bool:
    """Whether any row of the ledger names an id as a customer or a visitor."""
    rows = [
        f"EXISTS (FROM ledger_{table.name} WHERE {_of_ids(table, {named})})"
        for table in TABLES
        if columns_of(table)
    ]
    return bool(connection.execute(f"SELECT {' OR '.join(rows)}").fetchall()[0][0])


def _accounts(connection: duckdb.DuckDBPyConnection, called: Called) -> set[str]:
    theirs = f"email IN ({listed(called.emails)}) OR phone IN ({listed(called.phones)})"
    return {*called.ids, *_column(connection, f"customer_id FROM ledger_customers WHERE {theirs}")}


def _column(connection: duckdb.DuckDBPyConnection, select: str) -> set[str]:
    return {text for (text,) in connection.execute(f"SELECT DISTINCT {select}").fetchall()}


def _one_with(connection: duckdb.DuckDBPyConnection, named: str, now: datetime) -> set[str]:
    """Return the ids that are the same customer."""
    standing = identity.standing(connection, named, now)
    if standing.hub_of:
        raise InputError(
            f"this id was {standing.hub_of} customers, so it is nobody's own; give the id of one of them, an e-mail "
            "or a phone"
        )
    return {named, standing.customer_id, *standing.together_with}


def _own(connection: duckdb.DuckDBPyConnection, column: str, ids: set[str]) -> set[str]:
    """Return his e-mails or phones, past ones too."""
    mine = f"customer_id IN ({listed(ids)})"
    return _column(connection, f"{column} FROM ledger_customers WHERE {column} IS NOT NULL AND {mine}")


def _shared(connection: duckdb.DuckDBPyConnection, column: str, mine: set[str], ids: set[str]) -> set[str]:
    """Return those of his e-mails or phones that a customer of other ids has as well."""
    others = f"{column} IN ({listed(mine)}) AND customer_id NOT IN ({listed(ids)})"
    return _column(connection, f"{column} FROM ledger_customers WHERE {others}")


def _first_known_at(connection: duckdb.DuckDBPyConnection, ids: set[str]) -> datetime | None:
    first = f"SELECT epoch_us(min(known_at)) FROM ledger_orders WHERE customer_id IN ({listed(ids)})"
    (micros,) = connection.execute(first).fetchall()[0]
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


def count(connection: duckdb.DuckDBPyConnection, person: Person) -> dict[str, int]:
    """Return how many rows of each table are his; tables without any are left out."""
    counts = {}
    for table, condition in conditions(person).items():
        select = f"SELECT count(*) FROM ledger_{table.name} WHERE {condition}"
        (counts[table.name],) = connection.execute(select).fetchall()[0]
    return {name: rows for name, rows in counts.items() if rows}


def conditions(person: Person) -> dict[Table, str]:
    """Return SQL of his rows in each table that can hold any."""
    held = {table: _of_ids(table, person.ids) for table in TABLES if columns_of(table)}
    return held | {REJECTED: _refused_rows(person)}


def columns_of(table: Table) -> tuple[str, ...]:
    """Return a table's columns that name a person."""
    return tuple(name for name in PERSON_COLUMNS if name in table.names)


def _of_ids(table: Table, ids: Iterable[str]) -> str:
    return " OR ".join(f"coalesce({name} IN ({listed(ids)}), false)" for name in columns_of(table))


def _refused_rows(person: Person) -> str:
    """Return SQL of refused rows that tell of him; of a malformed line, any field may be an id."""
    told = f"regexp_matches(raw, {quoting.text(sought(person).text_pattern)})"
    fields = rf"list_has_any(regexp_split_to_array(raw, '[,;|\t]'), [{listed(person.ids)}])"
    return f"coalesce({told} OR (raw NOT LIKE '{{%' AND {fields}), false)"


def sought(person: Person) -> Sought:
    """Return what a search for him looks for."""
    return Sought(frozenset(person.ids), frozenset(person.emails), frozenset(person.phones))
