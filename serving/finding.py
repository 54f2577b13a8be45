"""Customers by what somebody types: an id, the start of one, or an e-mail address, which the ledger alone knows."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from ledger.contacts import email_in, pseudonym
from ledger.engine import open_engine
from ledger.home import Home
from ledger.sought import listed
from ledger.store import Ledger, relation
from ledger.tables.customers import CUSTOMERS
from serving import cells
from serving.errors import Problem
from serving.store import PublishedRun
from serving.strangers import Strangers

LONGEST: Final = 320  # of an e-mail address; ids are shorter
LISTED: Final = 20
TOLD: Final = ("confidence", "p_order_30d", "clv_365d", "next_order_days_p50")


def find(run: PublishedRun, home: Home, strangers: Strangers, asked: str, now: datetime) -> dict[str, Any]:
    """
    Return the customers that somebody may mean.

    Parameters
    ----------
    run : PublishedRun
    home : Home
    strangers : Strangers
        Knows of ids that are not in the run.
    asked : str
        A customer id, the start of one, or an e-mail address, blanks around it.
    now : datetime
        Aware; as of when it is asked who is who.

    Returns
    -------
    dict
        customers, each with customer_id, the id asked for where a merge made it his (`merged_id`) and the scores of
        `TOLD`; by ("id", "start" or "email"), how they were found; why, the kind of problem where there is nobody:
        "unknown-customer", "too-new-customer" or "erased-customer"; more, whether there are more than `LISTED`.
    """
    named = asked.strip()[:LONGEST]
    email = email_in(named)
    if email is not None:
        ids = _of_email(home, email)
        persons = strangers.persons(home, ids, now)
        found = list(dict.fromkeys(persons.get(each, each) for each in ids))
        there = cells.rows_of(run.tables["scores"], found)
        known = [each for each, rows in zip(found, there, strict=True) if rows]
        return _told(run, known, "email") | ({} if known else {"why": _why(strangers, home, found, now)})
    if _is_there(run, named):
        return _told(run, [named], "id")
    person = strangers.persons(home, [named], now).get(named) if named else None
    if person is not None and _is_there(run, person):
        told = _told(run, [person], "id")
        return {**told, "customers": [{**told["customers"][0], "merged_id": named}]}
    started = _starting(run, named) if named else []
    told = _told(run, started[:LISTED], "start")
    more = len(started) > LISTED
    return {**told, "more": more} | ({} if started else {"why": _why(strangers, home, [named], now)})


def _told(run: PublishedRun, ids: Sequence[str], by: str) -> dict[str, Any]:
    rows = [rows[0] for rows in cells.rows_of(run.tables["scores"], ids)]
    customers = [
        {"customer_id": row["customer_id"], "merged_id": None, **{name: row.get(name) for name in TOLD}}
        for row in rows
    ]
    return {"customers": customers, "by": by, "why": None, "more": False}


def _why(strangers: Strangers, home: Home, ids: Sequence[str], now: datetime) -> str:
    """Return why there is nobody: the first id of which anything is known decides."""
    problems = [each for each in strangers.why(home, ids, now).values() if isinstance(each, Problem)]
    kinds = [each.kind for each in problems if each.kind != "unknown-customer"]
    return kinds[0] if kinds else "unknown-customer"


def _of_email(home: Home, email: str) -> list[str]:
    """Return the ids that an address was ever given for, and the one that stands for it."""
    customers = relation(CUSTOMERS, Ledger(home).files(CUSTOMERS))
    given = f"SELECT DISTINCT customer_id FROM ({customers}) WHERE email = {listed([email])}"
    with open_engine() as connection:
        found = [each for (each,) in connection.execute(given).fetchall()]
    return sorted({*found, pseudonym(email)})


def _is_there(run: PublishedRun, customer_id: str) -> bool:
    return bool(run.customer(customer_id)) if customer_id else False


def _starting(run: PublishedRun, start: str) -> list[str]:
    """Return the first ids that begin with a text, one more than are listed."""
    ids = run.tables["scores"]["customer_id"]
    first = bisect_left(range(len(ids)), start, key=lambda row: ids[row].as_py())
    near = ids.slice(first, LISTED + 1).to_pylist()
    return [each for each in near if each.startswith(start)]
