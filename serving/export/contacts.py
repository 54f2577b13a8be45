"""By which addresses members of a segment may be delivered, and who is left out and why; the answer names nobody.

Consent is read when a delivery is made, not when scores were: who withdrew it since is not delivered. As in segments,
the row known last of all ids of a customer says what he consented to, and what is unknown is no consent. All that was
imported counts, also a row whose time is hours ahead, as of a system with another clock: it may be a withdrawal. An
address that another customer refused is not used either: one inbox has one owner.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ledger import identity
from ledger.home import Home
from ledger.store import Ledger
from serving.export.destination import Audience, Consent
from serving.export.hashing import sha256, sha256_each
from serving.export.phones import e164

KEYS = ("email_key", "phone_key", "id_key")
CONTACTS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("email", pa.string()),
        ("phone", pa.string()),
        ("country", pa.string()),
        ("city", pa.string()),
        ("birth_date", pa.date32()),
        ("entered_at", pa.timestamp("us", tz="UTC")),
        *[(key, pa.string()) for key in KEYS],
    ]
)
NO_ADDRESS, NO_CONSENT = "no_address", "no_consent"
NO_COUNTRY_CODE, TAKEN = "phone_without_country_code", "address_of_another_member"

# Of rows known at one instant the one that allows least counts.
_LAST = """known_at desc, email_consent nulls first, sms_consent nulls first, ads_consent nulls first,
    email nulls first, phone nulls first, country nulls first, city nulls first, birth_date nulls first"""

_STATES = f"""
create or replace temp table customer_states as
with versions as (
    select *, row_number() over (partition by customer_id order by {_LAST}) as version
    from ledger_customers
)
select v.* exclude (version), coalesce(i.customer_id, v.customer_id) as person
from versions v left join identities_resolved i on v.customer_id = i.anonymous_id
where version = 1
"""


def _asked(audience: Audience) -> str:
    return f"""
with people as (
    select * from customer_states qualify row_number() over (partition by person order by {_LAST}) = 1
)
select m.customer_id, m.entered_at, p.email, p.phone, p.country, p.city, p.birth_date,
    {_allowed("email", audience.email_needs)} as email_allowed,
    {_allowed("phone", audience.phone_needs)} as phone_allowed
from members m
left join identities_resolved i on m.customer_id = i.anonymous_id
left join people p on p.person = coalesce(i.customer_id, m.customer_id)
order by m.customer_id
"""


def _allowed(address: str, needs: Consent) -> str:
    """Return SQL of whether an address may be used: its owner says yes, and no other customer who has it says no."""
    refused = (
        f"select 1 from customer_states s where s.{address} = p.{address} and s.person <> p.person "
        f"and not s.{needs}"
    )
    return f"coalesce(p.{needs}, false) and not exists ({refused})"


@dataclass(frozen=True)
class Deliverable:
    """Members that a destination can be told of.

    Parameters
    ----------
    contacts : pa.Table
        Columns of `CONTACTS`, one row a member, sorted by customer; an address that may not be used is null.
    left_out : dict of str to int
        Reason and how many members; each has one. Reasons without any are left out.
    phones_left_out : int
        Phones with consent that could not be written in E.164, of members delivered by e-mail too.
    """

    contacts: pa.Table
    left_out: dict[str, int]
    phones_left_out: int = 0


def by_id(members: pa.Table) -> Deliverable:
    """Return all members, known to the other side by customer id."""
    ids = members["customer_id"].to_pylist()
    known = {
        "customer_id": members["customer_id"],
        "entered_at": members["entered_at"],
        "id_key": sha256_each(ids),
    }
    return Deliverable(_table(known, len(ids)), {})


def by_address(home: Home, members: pa.Table, audience: Audience, now: datetime) -> Deliverable:
    """
    Return the members that an audience may hold, with the addresses that consent was given for.

    Parameters
    ----------
    home : Home
    members : pa.Table
        From `members.newest`.
    audience : Audience
    now : datetime
        Aware; who is who is asked as of then.
    """
    with Ledger(home).connect() as connection:
        identity.stage(connection, now)
        connection.execute(_STATES)
        connection.register("members", members.select(["customer_id", "entered_at"]))
        known = connection.sql(_asked(audience)).to_arrow_table()
    return _choose(known, audience)


def _choose(known: pa.Table, audience: Audience) -> Deliverable:
    """Take of each member the addresses that may be delivered, and say of whom there is none why."""
    names = ("email", "phone", "country", "email_allowed", "phone_allowed")
    rows = zip(*(known[name].to_pylist() for name in names), strict=True)
    taken: tuple[set[str], set[str]] = (set(), set())
    chosen, left_out, not_dialled = [], Counter[str](), 0
    for email, phone, country, email_allowed, phone_allowed in rows:
        dialled = e164(phone, country) if phone and phone_allowed else None
        email_key = _key(audience.email(email)) if email and email_allowed else None
        phone_key = _key(audience.phone(dialled)) if dialled else None
        unreadable = bool(phone and phone_allowed and not dialled)
        why = _why_none(email, phone, may=bool(email_allowed or phone_allowed), unreadable=unreadable)
        if email_key or phone_key:
            email_key = _once(email_key, taken[0])
            phone_key = _once(phone_key, taken[1])
            why = None if email_key or phone_key else TAKEN
        left_out.update([why] if why else [])
        not_dialled += unreadable and why is None
        chosen.append(
            (email if email_key else None, dialled if phone_key else None, email_key, phone_key, why)
        )
    columns = list(zip(*chosen, strict=True)) or [()] * 5
    replaced = dict(zip(("email", "phone", "email_key", "phone_key"), columns, strict=False))
    kept = {name: known[name] for name in ("customer_id", "entered_at", "country", "city", "birth_date")}
    table = _table({**kept, **replaced}, known.num_rows)
    delivered = pa.array([why is None for why in columns[4]], pa.bool_())
    return Deliverable(table.filter(delivered), dict(sorted(left_out.items())), not_dialled)


def _why_none(email: str | None, phone: str | None, *, may: bool, unreadable: bool) -> str | None:
    if not (email or phone):
        return NO_ADDRESS
    if unreadable:
        return NO_COUNTRY_CODE
    return NO_ADDRESS if may else NO_CONSENT


def _key(normal: str | None) -> str | None:
    return sha256(normal) if normal else None


def _once(key: str | None, taken: set[str]) -> str | None:
    """Return a key unless a member before has it already, and remember it."""
    if key is None or key in taken:
        return None
    taken.add(key)
    return key


def _table(columns: dict[str, object], rows: int) -> pa.Table:
    nothing = pa.nulls(rows)
    made = [columns.get(field.name, nothing) for field in CONTACTS]
    arrays = [each if isinstance(each, pa.ChunkedArray) else pa.array(each) for each in made]
    return pa.table(
        [array.cast(field.type) for array, field in zip(arrays, CONTACTS, strict=True)], schema=CONTACTS
    )


def named(home: Home, gone: pa.Table, audience: Audience, now: datetime) -> pa.Table:
    """
    Put to each key of those who are to be removed the address it was made of, where the ledger still has it.

    The ledger keeps past addresses too, so somebody can be removed by the address he was delivered by.

    Parameters
    ----------
    home : Home
    gone : pa.Table
        customer_id, email_key, phone_key.
    audience : Audience
    now : datetime

    Returns
    -------
    pa.Table
        The same rows and columns, and email and phone.
    """
    with Ledger(home).connect() as connection:
        identity.stage(connection, now)
        past = _past(connection, gone)
    emails = {_key(audience.email(email)): email for email in past["email"].to_pylist() if email}
    dialled = (
        e164(phone, country)
        for phone, country in zip(past["phone"].to_pylist(), past["country"].to_pylist(), strict=True)
        if phone
    )
    phones = {_key(audience.phone(number)): number for number in dialled if number}
    email = pa.array([emails.get(key) for key in gone["email_key"].to_pylist()], pa.string())
    phone = pa.array([phones.get(key) for key in gone["phone_key"].to_pylist()], pa.string())
    told = gone.append_column("email", email).append_column("phone", phone)
    return told.filter(pc.or_(pc.is_valid(told["email"]), pc.is_valid(told["phone"])))


def _past(connection: duckdb.DuckDBPyConnection, gone: pa.Table) -> pa.Table:
    """Return every address that these customers ever had, under any of their ids."""
    connection.register("gone", gone.select(["customer_id"]))
    return connection.sql(
        """
with people as (
    select distinct coalesce(i.customer_id, g.customer_id) as person
    from gone g left join identities_resolved i on g.customer_id = i.anonymous_id
)
select distinct c.email, c.phone, c.country
from ledger_customers c
left join identities_resolved i on c.customer_id = i.anonymous_id
where coalesce(i.customer_id, c.customer_id) in (select person from people)
"""
    ).to_arrow_table()
