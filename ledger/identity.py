"""Who is who as of an instant: visitors and duplicate accounts, and the customers whose history theirs is.

A row of `ledger_identities` says that from `known_at` on an id is a customer, or is nobody but itself again. This
module decides which of the rows are in force at an instant and follows them to the end. What is then read as whose
is left to `features.history`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import duckdb
import pyarrow as pa

from ledger.staging import Step

# A person who logs in on a shared tablet, on a partner's telephone and with two accounts of his own is a few
# customers; a shop's till, a library's computer or an export's placeholder name is dozens.
MOST_CUSTOMERS = 5
# Each doubling follows twice as many links, so six follow 64. A longer chain, which no shop was seen to have, is
# left at some id on it, the same on every run.
DOUBLINGS = 6

State = Literal["in force", "superseded", "hub", "not known yet"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# At one instant an un-merge outweighs a merge, and then the smallest content does: how rows lie on the disk
# must not matter.
_LATEST_FIRST = "known_at desc, customer_id asc nulls first, how asc"

KNOWN = Step(
    "identities_known",
    f"""
select
    anonymous_id, customer_id,
    row_number() over (partition by anonymous_id order by {_LATEST_FIRST}) as turn
from ledger_identities
where known_at < :known_before
""",
)

HUBS = Step(
    "identities_hubs",
    f"""
select anonymous_id, count(*) as customers
from (
    select anonymous_id, customer_id
    from identities_known
    where customer_id is not null and customer_id <> anonymous_id
    group by anonymous_id, customer_id
) named
group by anonymous_id
having count(*) > {MOST_CUSTOMERS}
""",
)

LINKS = Step(
    "identities_followed",
    """
select
    k.anonymous_id, k.customer_id as reached,
    least(k.anonymous_id, k.customer_id) as smallest
from identities_known k
left join identities_hubs h on k.anonymous_id = h.anonymous_id
left join identities_hubs g on k.customer_id = g.anonymous_id
where k.turn = 1 and k.customer_id <> k.anonymous_id
    and h.anonymous_id is null and g.anonymous_id is null
""",
)

DOUBLE = Step(
    "identities_followed",
    """
select
    f.anonymous_id,
    coalesce(further.reached, f.reached) as reached,
    least(f.smallest, coalesce(further.smallest, f.smallest)) as smallest
from identities_followed f
left join identities_followed further on f.reached = further.anonymous_id
""",
)

# What was reached and still goes on lies on a ring: its smallest id stands for all of it.
RESOLVED = Step(
    "identities_resolved",
    """
select f.anonymous_id, coalesce(ring.smallest, f.reached) as customer_id
from identities_followed f
left join identities_followed ring on f.reached = ring.anonymous_id
where coalesce(ring.smallest, f.reached) <> f.anonymous_id
""",
)

STEPS = (KNOWN, HUBS, LINKS, *[DOUBLE] * DOUBLINGS, RESOLVED)

_GOES_ON = "select 1 from identities_followed where reached in (select anonymous_id from identities_followed) limit 1"

_TRAIL = f"""
with told as (
    select
        anonymous_id, customer_id, known_at, how, known_at < $at as known,
        row_number() over (partition by anonymous_id, known_at < $at order by {_LATEST_FIRST}) as turn
    from ledger_identities
    where anonymous_id in (
        select anonymous_id from ledger_identities where anonymous_id = $id or customer_id = $id
    )
)
select
    anonymous_id, customer_id, epoch_us(known_at), how,
    case
        when not known then 'not known yet'
        when turn > 1 then 'superseded'
        when anonymous_id in (select anonymous_id from identities_hubs)
            or customer_id in (select anonymous_id from identities_hubs) then 'hub'
        else 'in force'
    end
from told
where anonymous_id = $id or customer_id = $id
order by known_at, anonymous_id, turn desc
"""


@dataclass(frozen=True)
class Statement:
    """One row of an id's audit trail.

    Parameters
    ----------
    anonymous_id : str
        Whom it is about.
    customer_id : str or None
        Who that is; None when it is parted from everyone.
    known_at : datetime
        Since when it is known; aware.
    how : str
        How it was learnt.
    state : str
        "in force"; "superseded" by a row known later; "hub" when either id is one; "not known yet".
    """

    anonymous_id: str
    customer_id: str | None
    known_at: datetime
    how: str
    state: State


@dataclass(frozen=True)
class Standing:
    """Who an id is as of an instant.

    Parameters
    ----------
    customer_id : str
        The customer whose history its is; the id itself when it is nobody else.
    together_with : tuple of str
        The other ids that are this same customer; sorted.
    hub_of : int or None
        How many customers it was, when that makes it a hub.
    """

    customer_id: str
    together_with: tuple[str, ...]
    hub_of: int | None


@dataclass(frozen=True)
class Hub:
    """An id that joins nobody, because it was too many customers.

    Parameters
    ----------
    anonymous_id : str
    customers : int
        How many different customers it was.
    """

    anonymous_id: str
    customers: int


def text() -> str:
    """Return the SQL by which ids are resolved; a feature set's fingerprint covers it."""
    return "\n".join(step.text for step in STEPS)


def stage(connection: duckdb.DuckDBPyConnection, known_before: datetime) -> None:
    """Fill the temporary table `identities_resolved`: anonymous_id, customer_id; a row an id that is somebody else.

    No customer_id of it is an anonymous_id of it.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view `ledger_identities` in the stored schema.
    known_before : datetime
        Aware; exclusive.
    """
    # Where nobody was ever joined, a request about one customer would wait for ten statements that find nothing.
    if not connection.execute("select 1 from ledger_identities limit 1").fetchall():
        stage_nobody(connection)
        return
    _link(connection, known_before)
    for _ in range(DOUBLINGS):
        if not connection.execute(_GOES_ON).fetchall():
            break  # doubling what is at its end changes nothing
        DOUBLE.fill(connection)
    RESOLVED.fill(connection)


def stage_nobody(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill `identities_resolved` with no row: every id is itself."""
    connection.execute(
        f"create or replace temp table {RESOLVED.table} (anonymous_id varchar, customer_id varchar)"
    )


def _link(connection: duckdb.DuckDBPyConnection, known_before: datetime) -> None:
    for step in (KNOWN, HUBS, LINKS):
        step.fill(connection, known_before=known_before)


def resolved(connection: duckdb.DuckDBPyConnection, known_before: datetime) -> pa.Table:
    """Return every id that is somebody else as known before an instant, and who that is.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view `ledger_identities` in the stored schema.
    known_before : datetime
        Aware; exclusive.

    Returns
    -------
    pyarrow.Table
        anonymous_id, customer_id; sorted by anonymous_id.
    """
    stage(connection, known_before)
    return connection.sql(f"from {RESOLVED.table} order by anonymous_id").to_arrow_table()


def standing(connection: duckdb.DuckDBPyConnection, identifier: str, known_before: datetime) -> Standing:
    """Return who an id is as known before an instant.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view `ledger_identities` in the stored schema.
    identifier : str
        Any text; one that nobody has is itself alone.
    known_before : datetime
        Aware; exclusive.
    """
    stage(connection, known_before)
    is_who = "select customer_id from identities_resolved where anonymous_id = $id"
    found = connection.execute(is_who, {"id": identifier}).fetchall()
    customer = found[0][0] if found else identifier
    absorbed = "select anonymous_id from identities_resolved where customer_id = $id order by anonymous_id"
    everyone = [customer, *(row[0] for row in connection.execute(absorbed, {"id": customer}).fetchall())]
    of = {hub.anonymous_id: hub.customers for hub in hubs(connection, known_before)}
    return Standing(customer, tuple(each for each in everyone if each != identifier), of.get(identifier))


def last_said(connection: duckdb.DuckDBPyConnection, identifier: str, known_before: datetime) -> str | None:
    """Return whom the row in force says an id is, hub or not; None when it says nobody, or there is none.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view `ledger_identities` in the stored schema.
    identifier : str
    known_before : datetime
        Aware; exclusive.
    """
    KNOWN.fill(connection, known_before=known_before)
    said = "select customer_id from identities_known where turn = 1 and anonymous_id = $id"
    found: list[tuple[str | None]] = connection.execute(said, {"id": identifier}).fetchall()
    return found[0][0] if found else None


def chain(connection: duckdb.DuckDBPyConnection, identifier: str, known_before: datetime) -> tuple[str, ...]:
    """Return an id, whom it is said to be, whom that one is said to be, and so on; each once.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view `ledger_identities` in the stored schema.
    identifier : str
    known_before : datetime
        Aware; exclusive.
    """
    _link(connection, known_before)
    said = "select reached from identities_followed where anonymous_id = $id"
    path: list[str] = []
    following = [(identifier,)]
    while following and following[0][0] not in path:
        path.append(following[0][0])
        following = connection.execute(said, {"id": path[-1]}).fetchall()
    return tuple(path)


def trail(
    connection: duckdb.DuckDBPyConnection, identifier: str, known_before: datetime
) -> tuple[Statement, ...]:
    """Return all that was ever said of an id, as the absorbed and as the absorbing, in the order it became known.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view `ledger_identities` in the stored schema.
    identifier : str
    known_before : datetime
        Aware; exclusive. As of then a row is in force or not; rows known later are told as such.
    """
    _link(connection, known_before)
    rows = connection.execute(_TRAIL, {"id": identifier, "at": known_before}).fetchall()
    return tuple(
        Statement(anonymous_id, customer_id, EPOCH + timedelta(microseconds=known_us), how, state)
        for anonymous_id, customer_id, known_us, how, state in rows
    )


def hubs(connection: duckdb.DuckDBPyConnection, known_before: datetime) -> tuple[Hub, ...]:
    """Return the hubs as known before an instant, the largest first.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view `ledger_identities` in the stored schema.
    known_before : datetime
        Aware; exclusive.
    """
    _link(connection, known_before)
    largest_first = "from identities_hubs order by customers desc, anonymous_id"
    return tuple(Hub(*row) for row in connection.execute(largest_first).fetchall())
