"""Merges and un-merges said by hand: a row each, refused when it would join nobody or contradict what is there."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from ledger import identity
from ledger.checks import check
from ledger.contacts import email_in, pseudonym
from ledger.errors import InputError
from ledger.person import is_known
from ledger.store import Ledger
from ledger.tables.identities import IDENTITIES

NEXT = timedelta(microseconds=1)

# The row to be appended, beside those that are there.
_WITH_ROW = """
alter view ledger_identities rename to identities_before;
create view ledger_identities as from identities_before union all by name from said
"""
_MOVED = """
create or replace temp table moved as
select coalesce(b.anonymous_id, a.anonymous_id) as id
from resolved_before b full join identities_resolved a on b.anonymous_id = a.anonymous_id
where b.customer_id is distinct from a.customer_id
"""
_COUNTS = """
select
    (select count(*) from moved),
    (select count(distinct order_id) from ledger_orders where customer_id in (select id from moved))
"""


@dataclass(frozen=True)
class Change:
    """What one row changes.

    Parameters
    ----------
    anonymous_id : str
        Whom it is about.
    customer_id : str
        The customer whose history its is from now on; itself after an un-merge.
    how : str
    known_at : datetime
        Aware. What is computed as of then or before stays as it was.
    ids : int
        How many ids change customers, this one among them; more when others were merged into it.
    orders : int
        How many orders were placed under them.
    """

    anonymous_id: str
    customer_id: str
    how: str
    known_at: datetime
    ids: int
    orders: int


def merge(ledger: Ledger, anonymous_id: str, customer_id: str, how: str, now: datetime) -> Change:
    """Append the row by which an id is a customer from now on.

    Parameters
    ----------
    ledger : Ledger
    anonymous_id, customer_id : str
        Ids that rows of the ledger name; an e-mail address stands for its pseudonym.
    how : str
        How it was learnt, such as "merged".
    now : datetime
        Aware.

    Raises
    ------
    InputError
        When an id is unknown, the row would join nobody, or it would close a ring.
    """
    with ledger.exclusive(), ledger.connect() as connection:
        one, other = (known_id(connection, typed) for typed in (anonymous_id, customer_id))
        if one == other:
            raise InputError(f"a merge takes two ids; '{anonymous_id}' is itself already")
        row = _row(ledger, connection, {"anonymous_id": one, "customer_id": other, "how": how}, now)
        _require_joinable(connection, one, other, _known_at(row))
        return _append(ledger, connection, row)


def unmerge(ledger: Ledger, anonymous_id: str, now: datetime) -> Change:
    """Append the row by which an id is nobody but itself from now on.

    Parameters
    ----------
    ledger : Ledger
    anonymous_id : str
        An id that was merged; an e-mail address stands for its pseudonym.
    now : datetime
        Aware.

    Raises
    ------
    InputError
        When the id is unknown, or merged into nobody.
    """
    with ledger.exclusive(), ledger.connect() as connection:
        one = known_id(connection, anonymous_id)
        row = _row(ledger, connection, {"anonymous_id": one, "how": "unmerged"}, now)
        if identity.last_said(connection, one, _known_at(row)) is None:
            raise InputError(
                f"'{anonymous_id}' is merged into nobody; `regulars identities show` tells who is merged into it"
            )
        return _append(ledger, connection, row)


def known_id(connection: duckdb.DuckDBPyConnection, typed: str) -> str:
    """Return an id that somebody typed as the ledger holds it.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A ledger connection.
    typed : str
        An id, or the e-mail address that a pseudonym stands for.

    Raises
    ------
    InputError
        When no row names it.
    """
    found = pseudonym(typed) if email_in(typed) else typed.strip()
    if not is_known(connection, found):
        raise InputError(f"no row of the ledger names '{typed}'; give an id as it was imported")
    return found


def _row(
    ledger: Ledger, connection: duckdb.DuckDBPyConnection, cells: dict[str, str], now: datetime
) -> pa.Table:
    """Return one row, checked like an imported one, known after all that is known of its id."""
    last = "select epoch_us(max(known_at)) from ledger_identities where anonymous_id = $id"
    found = connection.execute(last, {"id": cells["anonymous_id"]}).fetchall()[0][0]
    known_at = now if found is None else max(now, identity.EPOCH + timedelta(microseconds=found) + NEXT)
    raw = pa.table({"line": pa.array([1], pa.int64())} | {name: [text] for name, text in cells.items()})
    checked = check(IDENTITIES, raw, ledger.shop, known_at)
    if checked.rejected.num_rows:
        raise InputError(checked.rejected["reason"][0].as_py())
    return checked.accepted


def _known_at(row: pa.Table) -> datetime:
    known_at: datetime = row["known_at"][0].as_py()
    return known_at


def _require_joinable(connection: duckdb.DuckDBPyConnection, one: str, other: str, at: datetime) -> None:
    if identity.last_said(connection, one, at) == other:
        raise InputError(f"'{one}' is merged into '{other}' already")
    if one in identity.chain(connection, other, at):
        raise InputError(
            f"'{other}' is '{one}' already, so this would close a ring; `regulars identities unmerge {other}` first"
        )


def _append(ledger: Ledger, connection: duckdb.DuckDBPyConnection, row: pa.Table) -> Change:
    """Append a row and tell what it changes, as computed from the ledger with and without it."""
    said = row.to_pylist()[0]
    one, other, since = said["anonymous_id"], said["customer_id"], said["known_at"] + NEXT
    identity.stage(connection, since)
    connection.execute("create or replace temp table resolved_before as from identities_resolved")
    connection.register("said", row)
    connection.execute(_WITH_ROW)
    stands = identity.standing(connection, one, since)
    if other is not None and stands.customer_id == one:
        raise InputError(
            f"'{one}' and '{other}' cannot be joined: an id that was more than {identity.MOST_CUSTOMERS} customers "
            "is a hub and joins nobody; `regulars identities hubs` lists them"
        )
    connection.execute(_MOVED)
    ids, orders = connection.execute(_COUNTS).fetchall()[0]
    ledger.append({IDENTITIES: row})
    return Change(one, stands.customer_id, said["how"], said["known_at"], ids, orders)
