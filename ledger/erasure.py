"""Erasing a customer from the ledger: what is written down of it, what is removed, what imports refuse from then on.

Who he is, `ledger.person` says. What of him lies elsewhere in the home is taken out by `serving.erasure`;
`ledger.proof` searches for what is left.
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa

from ledger import quoting
from ledger.delta_log import forget_the_past
from ledger.person import Person, called_by, columns_of, conditions
from ledger.schema import Table
from ledger.sought import JSON_PERSON, fingerprint, listed
from ledger.store import Ledger
from ledger.tables.erased import ERASED
from ledger.tables.shipped import TABLES
from ledger.workspace import workspace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEYS = "_keys"
REASON = "the customer was erased; what he did before that is refused"


def remember(ledger: Ledger, person: Person, erased_at: datetime, new_salt: str) -> None:
    """Write down, as hashes, that somebody is erased; the first step, so that who is killed after it can go on.

    Parameters
    ----------
    ledger : Ledger
        Held by `exclusive()`.
    person : Person
    erased_at : datetime
        Aware.
    new_salt : str
        Random text; taken when nobody was erased before, for one home has one salt.
    """
    with ledger.connect() as connection:
        salt = _salt(connection) or new_salt
    hashes = [fingerprint(salt, each) for each in person.identifiers]
    rows = {"id_hash": hashes, "salt": [salt] * len(hashes), "erased_at": [erased_at] * len(hashes)}
    ledger.append({ERASED: pa.table(rows, ERASED.arrow_schema)})


def _salt(connection: duckdb.DuckDBPyConnection) -> str | None:
    found = connection.execute("SELECT min(salt) FROM ledger_erased").fetchone()
    return str(found[0]) if found and found[0] else None


def forget(ledger: Ledger, person: Person) -> None:
    """Remove all rows of somebody, all earlier versions of the tables, and what killed imports have left.

    Doing it again does no harm, also when nothing of him is left.

    Parameters
    ----------
    ledger : Ledger
        Held by `exclusive()`.
    person : Person
    """
    ledger.delete(conditions(person))
    for table in TABLES:
        directory = ledger.home.ledger / table.name
        if ledger.files(table):
            ledger.commit({table: ()})  # takes back what a killed writer left in the log
        forget_the_past(directory)
        shutil.rmtree(
            directory / KEYS, ignore_errors=True
        )  # hashes of keys without a salt; made again when missed
    with workspace(ledger.home):
        pass  # making one removes those of killed imports


@dataclass(frozen=True)
class Erased:
    """An erasure of before.

    Parameters
    ----------
    at : datetime
        When it was last done.
    salt : str
    hashes : frozenset of str
        Of all that he was called then.
    """

    at: datetime
    salt: str
    hashes: frozenset[str]


def erased_before(connection: duckdb.DuckDBPyConnection, asked: str) -> Erased | None:
    """Return the erasure of somebody, None when there was none.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        From `Ledger.connect`.
    asked : str
        As for `find`.
    """
    salt = _salt(connection)
    if salt is None:
        return None
    called = called_by(connection, asked)
    mine = listed(fingerprint(salt, each) for each in (*called.ids, *called.emails, *called.phones))
    last = f"SELECT max(erased_at) FROM ledger_erased WHERE id_hash IN ({mine})"
    with_him = f"SELECT id_hash, epoch_us(erased_at) FROM ledger_erased WHERE erased_at = ({last})"
    found = connection.execute(with_him).fetchall()
    if not found:
        return None
    at = EPOCH + timedelta(microseconds=found[0][1])
    return Erased(at, salt, frozenset(id_hash for id_hash, _ in found))


def refused_sql(table: Table, rows: str, erased: str = "ledger_erased") -> str | None:
    """Return SQL of the lines that tell of an erased customer's past; None for a table without customers.

    What he does after the erasure is a new history. A row without an instant of its own, such as a list of customers
    has, counts as past: it would bring him back.

    Parameters
    ----------
    table : Table
    rows : str
        Relation with line, known_given and the table's stored columns.
    erased : str
        Relation of whom was erased.
    """
    columns = columns_of(table)
    if not columns:
        return None
    own_instant = (
        table.known_from if table.known_from in table.names else "CASE WHEN known_given THEN known_at END"
    )
    ids = " UNION ".join(f"SELECT {name} AS id FROM {rows}" for name in columns)
    named = " OR ".join(f"gone.id = told.{name}" for name in columns)
    return (
        "SELECT DISTINCT told.line FROM (SELECT id, max(erased_at) AS erased_at "
        f"FROM ({ids}) JOIN {erased} ON id_hash = sha256((SELECT min(salt) FROM {erased}) || ':' || id) "
        "GROUP BY id) gone "
        f"JOIN (SELECT *, {own_instant} AS told_at FROM {rows}) told ON {named} "
        "WHERE coalesce(told_at < gone.erased_at, true)"
    )


def mentions_sql(raw: str, erased: str = "ledger_erased") -> str:
    """Return SQL of whether the text of a refused row names somebody erased, so that it must be withheld.

    Parameters
    ----------
    raw : str
        SQL of the text: a JSON object, of which keys that name a person count, or a malformed line, of which each
        field counts.
    erased : str
        Relation of whom was erased.
    """
    in_json = rf"regexp_extract_all({raw}, {quoting.text(JSON_PERSON)}, 1)"
    in_line = rf"regexp_split_to_array({raw}, '[,;|\t]')"
    cells = f"CASE WHEN {raw} LIKE '{{%' THEN {in_json} ELSE {in_line} END"
    said = f"(SELECT unnest({cells}) AS cell)"
    named = f"SELECT bool_or(id_hash = sha256(salt || ':' || trim(cell))) FROM {said}, {erased}"
    return f"coalesce(({named}), false)"
