"""The column that a call of a history function measures: which rows count, in SQL and in words."""

from collections.abc import Mapping
from datetime import date, timedelta

from features.words import written
from segments.event_words import words_of
from segments.history_functions import ARGUMENTS, FOLLOWED, SEQUENCES, WHAT
from segments.operator import Operator
from segments.units import among, quoted
from segments.vocabulary import Measured

EPOCH = date(1970, 1, 1)
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
Given = str | float | tuple[str, ...]


def measured_by(
    row: Operator, events: tuple[str, ...], given: Mapping[str, Given], currency: str
) -> Measured:
    """Return the column that a call of a history function measures.

    Parameters
    ----------
    row : Operator
        One with a relation it is `over`.
    events : tuple of str
        As the shop's ledger spells them.
    given : mapping of str to Given
        What the named arguments are; days and dates as numbers.
    currency : str
        ISO code; empty when not known.
    """
    if row in SEQUENCES:
        return _sequence(row, events, given)
    of_items = [name for name in WHAT if name in given]
    source = "known_items" if of_items and row.over == "known_orders" else row.over
    value = row.over_items if source == "known_items" and row.over_items else row.sql
    conditions = [_condition(name, each) for name, each in given.items()]
    conditions += [among("event", [event]) for event in events]
    words = words_of(events[0]) if events else None
    parts = {
        "what": _what(given, "" if events else " of "),
        "worth": f" worth at least {written(float(given['worth_at_least']), 'currency', currency)}"  # type: ignore[arg-type]
        if "worth_at_least" in given
        else "",
        "when": when(given),
        "deed": words.deed if words else "",
        "done": words.done if words else "",
    }
    done = f"{parts['done']}{parts['what']}{parts['when']}" if words else _bought(given, parts)
    told_by = {"category": "category", "product": "product_id"}.get(of_items[-1], "") if of_items else ""
    return Measured(
        _name(row, events, given),
        row.unit,
        row.says.format(**parts),
        currency if row.unit == "currency" else "",
        source=source,
        aggregate=value.format(where=" AND ".join(conditions) or "true"),
        empty=row.empty,
        recorded=_to_be_recorded(events),
        told_by="" if events else told_by or ("product_id" if source == "known_items" else ""),
        needs=_needs(events, source, given),
        done=done,
    )


def when(given: Mapping[str, Given]) -> str:
    """Return what the arguments of time say: ` in the last 60 days`, ` between 30 and 60 days ago`."""
    said = ""
    for unit in ("days", "hours"):
        within, before = given.get(f"within_{unit}"), given.get(f"before_{unit}")
        if within and before:
            said += f" between {before:g} and {_many(within, unit)} ago"
        elif within:
            said += f" in the last {unit[:-1] if within == 1 else _many(within, unit)}"
        elif before:
            said += f" at least {_many(before, unit)} ago"
    for name in ("since", "until"):
        if name in given:
            said += f" {name} {written(float(given[name]), 'date')}"  # type: ignore[arg-type]
    return said


def _bought(given: Mapping[str, Given], parts: Mapping[str, str]) -> str:
    if any(name in given for name in WHAT):
        return f"bought {_what(given, '').strip()}{parts['worth']}{parts['when']}"
    return f"placed an order{parts['worth']}{parts['when']}"


def _many(number: Given, unit: str) -> str:
    return f"1 {unit[:-1]}" if number == 1 else f"{number:g} {unit}"


def _what(given: Mapping[str, Given], of: str) -> str:
    said = ""
    for name, before in (("product", of or " "), ("category", " in " if of else " from ")):
        texts = given.get(name)
        if isinstance(texts, tuple):
            listed = [f"“{text}”" for text in texts]
            either = f"{', '.join(listed[:-1])} or {listed[-1]}" if len(listed) > 1 else listed[0]
            said += f"{before}{name} {either}"
    return said


def _condition(name: str, given: Given) -> str:
    """Return SQL of which rows an argument lets count."""
    if isinstance(given, tuple):
        if name == "product":
            return among("product_id", given)
        beneath = [f"starts_with(category, {quoted(f'{text} > ')})" for text in given]
        return f"({' OR '.join([among('category', given), *beneath])})"
    limits = {
        "within_days": "age_days <= {0}",
        "before_days": "age_days >= {0}",
        "since": "day >= {0}",
        "until": "day <= {0}",
        "within_hours": f"age_us <= {{0}} * {HOUR_US}",
        "before_hours": f"age_us >= {{0}} * {HOUR_US}",
    }
    if name == "worth_at_least":
        return f"net_minor >= {round(100 * float(given))}"
    return limits[name].format(int(float(given)))


def _sequence(row: Operator, events: tuple[str, ...], given: Mapping[str, Given]) -> Measured:
    first, then = events
    limit = int(float(given.get("followed_within_days", 0))) * DAY_US  # type: ignore[arg-type]
    limit += int(float(given.get("followed_within_hours", 0))) * HOUR_US  # type: ignore[arg-type]
    of_first = [_condition(name, each) for name, each in given.items() if name not in FOLLOWED]
    source = (
        "(SELECT a.customer_id, a.age_us, a.age_us - b.age_us AS later_us "
        f"FROM (SELECT * FROM known_events WHERE {' AND '.join([among('event', [first]), *of_first])}) a "
        f"ASOF LEFT JOIN (SELECT * FROM known_events WHERE {among('event', [then])}) b "
        "ON a.customer_id = b.customer_id AND b.age_us < a.age_us)"
    )
    followed = f"later_us <= {limit}" if limit else "later_us IS NOT NULL"
    negative = row.symbol == "did_then_not"
    # Whether nothing followed within a time is known once that time is up.
    counted = (
        f"NOT coalesce({followed}, false){f' AND age_us >= {limit}' if limit else ''}"
        if negative
        else followed
    )
    done, then_done = words_of(first).done, words_of(then).done
    soon = " and ".join(_many(given[name], name.rpartition("_")[2]) for name in FOLLOWED if name in given)
    if negative:
        told = f"{done}{when(given)} without having {then_done} {f'within {soon} of it' if soon else 'since'}"
    else:
        told = f"{done}{when(given)} and then {then_done}{f' within {soon} of it' if soon else ''}"
    return Measured(
        _name(row, events, given),
        "",
        f"number of times the customer has {told}",
        source=source,
        aggregate=f"count(*) FILTER (WHERE {counted})",
        empty="0",
        recorded=_to_be_recorded(events),
        needs=_needs(events, "known_events", given),
        done=told,
    )


def _name(function: Operator, events: tuple[str, ...], given: Mapping[str, Given]) -> str:
    """Return the call as it would be written, whatever the order of its arguments was."""
    named = [
        f"{name} = {_as_written(given[name], row.kind)}" for name, row in ARGUMENTS.items() if name in given
    ]
    return f"{function.symbol}({', '.join([*map(quoted, events), *named])})"


def _as_written(given: Given, kind: str) -> str:
    if kind == "date":
        return quoted((EPOCH + timedelta(days=int(float(given)))).isoformat())  # type: ignore[arg-type]
    if isinstance(given, tuple):
        return quoted(given[0]) if len(given) == 1 else f"({', '.join(map(quoted, given))})"
    return quoted(given) if isinstance(given, str) else f"{given:g}"


def _to_be_recorded(events: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event for event in events if event != "Order Completed"))


def _needs(events: tuple[str, ...], source: str, given: Mapping[str, Given]) -> tuple[str, ...]:
    needs = [words_of(event).needs for event in events]
    if source == "known_items":
        needs.append("categories" if "category" in given else "order_products")
    return tuple(dict.fromkeys(need for need in needs if need))
