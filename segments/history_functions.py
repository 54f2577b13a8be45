"""History functions: rows of the operator table that measure a customer's own orders, purchases and events.

Each row says what is aggregated over which relation of what was known before the cutoff, and how that reads. What a
call names between its brackets says which rows count; `segments.history_columns` makes a column of it.
"""

from dataclasses import dataclass

from segments.operator import Kind, Operator


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
WHAT = ("product", "category")
_DAYS = ("within_days", "before_days", "since", "until")
_HOURS = ("within_hours", "before_hours")
_EVENT: tuple[Kind, ...] = ("event",)
_OF_EVENTS = ("product", *_DAYS, *_HOURS)
FOLLOWED = ("followed_within_days", "followed_within_hours")

HISTORY = (
    Operator(
        "orders",
        takes=(),
        named=(*WHAT, *_DAYS, "worth_at_least"),
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
        named=(*WHAT, *_DAYS),
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
        named=(*WHAT, *_DAYS),
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
        named=(*WHAT, *_DAYS, "worth_at_least"),
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
        named=(*WHAT, *_DAYS, "worth_at_least"),
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
        named=(*WHAT, *_DAYS, "worth_at_least"),
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
        named=(*_DAYS, *_HOURS, *FOLLOWED),
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
        named=(*_DAYS, *_HOURS, *FOLLOWED),
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
