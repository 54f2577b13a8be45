"""Answers of the API about refills: who is due for what, and how much of a product is expected to be bought."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any, Final

import pyarrow.compute as pc

from models.gaps import LEVELS
from serving.answers import Answer, make_cursor, plain, read_cursor, read_limit, stamp
from serving.errors import Problem, ProblemError, shown
from serving.reminders.listing import START, Place, Wanted, page, place_of
from serving.reminders.states import STATES
from serving.schemas.fields import TEXT_LENGTH
from serving.store import PublishedRun

FILTERS: Final = ("customer", "product", "category", "level", "state", "suppressed", "due_from", "due_to")
PAGING: Final = ("cursor", "limit")
LEAVES_OUT: Final = (
    "Next purchases and what follows them within the 30 days, and first-time buyers as lately. Not in it: weekdays, "
    "holidays, offers, stock that runs out, and whatever moves many customers on the same day; a whole store's day "
    "strays further than the interval."
)


def replenishment(run: PublishedRun, given: Mapping[str, str]) -> Answer:
    """
    Answer GET /v1/replenishment.

    Parameters
    ----------
    run : PublishedRun
    given : mapping of str to str
        Parameters of the request: any of `FILTERS` and `PAGING`.

    Returns
    -------
    dict
        As `schemas.refills.RefillsAnswer`.

    Raises
    ------
    ProblemError
        When a parameter is unknown or cannot be read; names it.
    """
    _refuse_unknown(given, (*FILTERS, *PAGING))
    wanted, count = read_wanted(given), read_limit(given.get("limit"))
    name = f"replenishment-{_digest(wanted)}"
    found = page(run.tables["replenishment"], wanted, _read_place(given.get("cursor"), name), count + 1)
    listed = found[:count]
    return {
        **stamp(run),
        "refills": [{column: plain(cell) for column, cell in row.items()} for row in listed],
        "next_cursor": make_cursor(name, "\n".join(place_of(listed[-1]))) if len(found) > count else None,
    }


def demand(run: PublishedRun, given: Mapping[str, str]) -> Answer:
    """
    Answer GET /v1/replenishment/demand.

    Parameters
    ----------
    run : PublishedRun
    given : mapping of str to str
        `product`, an id, or `category`, a path.

    Returns
    -------
    dict
        As `schemas.refills.DemandAnswer`.

    Raises
    ------
    ProblemError
        When neither or both are given, or nobody ever bought it.
    """
    _refuse_unknown(given, ("product", "category"))
    named = [name for name in ("product", "category") if given.get(name)]
    if len(named) != 1:
        raise _refused("name one product or one category", "product", "product=ID or category=PATH")
    level, item = named[0], _text(given, named[0])
    table = run.tables["demand"]
    column = "product_id" if level == "product" else "category"
    chosen = pc.and_kleene(pc.equal(table["level"], level), pc.equal(table[column], item))
    days = table.filter(chosen).to_pylist()
    if not days:
        raise ProblemError(Problem("unknown-product", "nobody bought it before the run", level))
    daily = ("date", "expected_units", "units_p10", "units_p90", "new_buyer_units")
    return {
        **stamp(run),
        **{name: days[0][name] for name in ("level", "product_id", "category")},
        "days": [{name: plain(day[name]) for name in daily} for day in days],
        "note": LEAVES_OUT,
    }


def read_wanted(given: Mapping[str, str]) -> Wanted:
    """Return the filters that a request gives; raises ProblemError, naming the one that cannot be read."""
    states = tuple(_among("state", state, STATES) for state in given.get("state", "").split(",") if state)
    suppressed = (
        _among("suppressed", given["suppressed"], ("true", "false")) if "suppressed" in given else None
    )
    due_from, due_to = (_day(name, given.get(name)) for name in ("due_from", "due_to"))
    if due_from and due_to and due_to < due_from:
        raise _refused("due_to is before due_from", "due_to", "a day not before due_from", given["due_to"])
    return Wanted(
        customer=_text(given, "customer"),
        product=_text(given, "product"),
        category=_text(given, "category"),
        level=_among("level", given["level"], LEVELS) if "level" in given else None,
        states=states,
        suppressed=None if suppressed is None else suppressed == "true",
        due_from=due_from,
        due_to=due_to,
    )


def _refuse_unknown(given: Mapping[str, str], known: tuple[str, ...]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise _refused("unknown parameter", "query", ", ".join(known), unknown[0])


def _refused(detail: str, field: str, expected: str, got: str | None = None) -> ProblemError:
    told = None if got is None else shown(got)
    return ProblemError(Problem("bad-request", detail, field, expected, told))


def _text(given: Mapping[str, str], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not 0 < len(value) <= TEXT_LENGTH:
        raise _refused(f"{name} is empty or too long", name, f"1 to {TEXT_LENGTH} characters", value)
    return value


def _among(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise _refused(f"{name} is none of those there are", name, ", ".join(known), value)
    return value


def _day(name: str, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise _refused(f"{name} is not a date", name, "a date such as 2018-01-31", value) from error


def _digest(wanted: Wanted) -> str:
    """Return what tells one list from another, so that a cursor of one is refused by the other."""
    return hashlib.sha256(repr(sorted(asdict(wanted).items())).encode()).hexdigest()[:12]


def _read_place(cursor: str | None, name: str) -> Place:
    last = read_cursor(cursor, name)
    if not last:
        return START
    parts: list[Any] = last.split("\n")
    if len(parts) != len(Place._fields):
        raise ProblemError(
            Problem("bad-cursor", "take next_cursor of the page before, unchanged", "cursor", "a next_cursor")
        )
    return Place(*parts)
