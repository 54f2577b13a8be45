"""History functions: rows of the operator table that measure a customer's own orders, purchases and events.

Each row says what is aggregated over which relation of what was known before the cutoff, and how that reads. What a
call names between its brackets says which rows count; `measured_by` makes a column of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from features.words import written
from segments.event_words import words_of
from segments.operator import Kind, Operator
from segments.units import among, quoted
from segments.vocabulary import Measured

EPOCH = date(1970, 1, 1)
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
Given = str | float | tuple[str, ...]


@dataclass(frozen=True)
class Argument:
    """One argument that is written with its name.

    Parameters
    ----------
    name : str
    kind : str
        "texts": one in single quotes or a list of some; "whole": a whole number from 1 on; "number"; "date": a day as
        '2024-01-31'.
    example : str
        As it is written.
    """

    name: str
    kind: str
    example: str


ARGUMENTS = {
    row.name: row
    for row in (
        Argument("product", "texts", "product = 'p-17'"),
        Argument("category", "texts", "category = 'Coffee'"),
        Argument("within_days", "whole", "within_days = 60"),
        Argument("before_days", "whole", "before_days = 30"),
        Argument("within_hours", "whole", "within_hours = 24"),
        Argument("before_hours", "whole", "before_hours = 1"),
        Argument("since", "date", "since = '2024-01-01'"),
        Argument("until", "date", "until = '2024-12-31'"),
        Argument("worth_at_least", "number", "worth_at_least = 100"),
        Argument("days_ago", "whole", "days_ago = 7"),
        Argument("percent", "number", "percent = 10"),
        Argument("followed_within_days", "whole", "followed_within_days = 2"),
        Argument("followed_within_hours", "whole", "followed_within_hours = 24"),
    )
}
_WHAT = ("product", "category")
_DAYS = ("within_days", "before_days", "since", "until")
_HOURS = ("within_hours", "before_hours")
_EVENT: tuple[Kind, ...] = ("event",)
_OF_EVENTS = ("product", *_DAYS, *_HOURS)
_FOLLOWED = ("followed_within_days", "followed_within_hours")

HISTORY = (
    Operator(
        "orders",
        takes=(),
        named=(*_WHAT, *_DAYS, "worth_at_least"),
        over="known_orders",
        sql="count(*) FILTER (WHERE {where})",
        over_items="count(DISTINCT day) FILTER (WHERE {where})",
        empty="0",
        says="number of orders{what}{worth}{when}",
        example="orders(product = 'p-17', within_days = 60) >= 2",
        gives="number",
        form="history",
        unit="orders",
        function=True,
    ),
    Operator(
        "spent",
        takes=(),
        named=(*_WHAT, *_DAYS),
        over="known_orders",
        sql="CAST(sum(net_minor) FILTER (WHERE {where}) AS DOUBLE) / 100",
        empty="0",
        says="net spend{what}{when}",
        example="spent(category = 'Coffee', within_days = 365) > 200",
        gives="number",
        form="history",
        unit="currency",
        function=True,
    ),
    Operator(
        "pieces",
        takes=(),
        named=(*_WHAT, *_DAYS),
        over="known_items",
        sql="CAST(sum(quantity_milli) FILTER (WHERE {where}) AS DOUBLE) / 1000",
        empty="0",
        says="number of pieces bought{what}{when}",
        example="pieces(product = ('p-17', 'p-18')) >= 6",
        gives="number",
        form="history",
        function=True,
    ),
    Operator(
        "first_order",
        takes=(),
        named=(*_WHAT, *_DAYS, "worth_at_least"),
        over="known_orders",
        sql="max(age_days) FILTER (WHERE {where})",
        says="the first order{what}{worth}{when}",
        example="first_order(product = 'p-17') > 90",
        gives="number",
        form="history",
        unit="days_ago",
        function=True,
    ),
    Operator(
        "last_order",
        takes=(),
        named=(*_WHAT, *_DAYS, "worth_at_least"),
        over="known_orders",
        sql="min(age_days) FILTER (WHERE {where})",
        says="the last order{what}{worth}{when}",
        example="last_order(category = 'Coffee') between 30 and 60",
        gives="number",
        form="history",
        unit="days_ago",
        function=True,
    ),
    Operator(
        "bought",
        takes=(),
        named=(*_WHAT, *_DAYS, "worth_at_least"),
        sql="({0} > 0)",
        says="{done}",
        example="bought(category = 'Coffee', within_days = 90)",
        opposite="not bought",
        form="history",
        function=True,
        measures="orders",
    ),
    Operator(
        "not bought",
        takes=(),
        sql="({0} = 0)",
        says="not {done}",
        example="not bought(category = 'Coffee', within_days = 90)",
        opposite="bought",
        form="history",
    ),
    Operator(
        "times",
        takes=_EVENT,
        named=_OF_EVENTS,
        over="known_events",
        sql="count(*) FILTER (WHERE {where})",
        empty="0",
        says="number of times the customer has {done}{what}{when}",
        example="times('Product Viewed', within_days = 3) >= 2",
        gives="number",
        form="history",
        function=True,
    ),
    Operator(
        "first_time",
        takes=_EVENT,
        named=_OF_EVENTS,
        over="known_events",
        sql="max(age_days) FILTER (WHERE {where})",
        says="the first {deed}{what}{when}",
        example="first_time('Signed Up') <= 7",
        gives="number",
        form="history",
        unit="days_ago",
        function=True,
    ),
    Operator(
        "last_time",
        takes=_EVENT,
        named=_OF_EVENTS,
        over="known_events",
        sql="min(age_days) FILTER (WHERE {where})",
        says="the last {deed}{what}{when}",
        example="last_time('Email Opened') > 60",
        gives="number",
        form="history",
        unit="days_ago",
        function=True,
    ),
    Operator(
        "did",
        takes=_EVENT,
        named=_OF_EVENTS,
        sql="({0} > 0)",
        says="{done}",
        example="did('Product Viewed', within_days = 7)",
        opposite="did_not",
        form="history",
        function=True,
        measures="times",
    ),
    Operator(
        "did_not",
        takes=_EVENT,
        named=_OF_EVENTS,
        sql="({0} = 0)",
        says="not {done}",
        example="did_not('Email Opened', within_days = 60)",
        opposite="did",
        form="history",
        function=True,
        measures="times",
    ),
)

SEQUENCES = (
    Operator(
        "did_then",
        takes=("event", "event"),
        named=(*_DAYS, *_HOURS, *_FOLLOWED),
        over="known_events",
        sql="({0} > 0)",
        says="{done}",
        example="did_then('Product Viewed', 'Order Completed', within_days = 30, followed_within_days = 2)",
        opposite="not did_then",
        form="history",
        function=True,
    ),
    Operator(
        "not did_then",
        takes=("event", "event"),
        sql="({0} = 0)",
        says="not {done}",
        example="not did_then('Product Viewed', 'Order Completed', within_days = 30)",
        opposite="did_then",
        form="history",
    ),
    Operator(
        "did_then_not",
        takes=("event", "event"),
        named=(*_DAYS, *_HOURS, *_FOLLOWED),
        over="known_events",
        sql="({0} > 0)",
        says="{done}",
        example="did_then_not('Product Added', 'Order Completed', within_days = 7, followed_within_hours = 24)",
        opposite="not did_then_not",
        form="history",
        function=True,
    ),
    Operator(
        "not did_then_not",
        takes=("event", "event"),
        sql="({0} = 0)",
        says="not {done}",
        example="not did_then_not('Product Added', 'Order Completed', within_days = 7)",
        opposite="did_then_not",
        form="history",
    ),
)


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
    of_items = [name for name in _WHAT if name in given]
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
    if any(name in given for name in _WHAT):
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
    of_first = [_condition(name, each) for name, each in given.items() if name not in _FOLLOWED]
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
    soon = " and ".join(_many(given[name], name.rpartition("_")[2]) for name in _FOLLOWED if name in given)
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
