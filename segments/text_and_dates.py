"""Operators over texts, lists, dates and other segments; rows of the table of `segments.operators`."""

from segments.operator import Operator
from segments.units import LINE_FEED

ATTRIBUTE = Operator(
    "attribute",
    takes=("attribute",),
    sql="json_extract_string(max(attributes), {0})",
    says="“{0}”",
    example="attribute('shoe_size') = '42'",
    gives="number",
    form="text",
    function=True,
    over="known_people",
    unit="text",
)

TEXTS = (
    Operator(
        "contains",
        takes=("text column", "text"),
        sql="contains(lower({0}), lower({1}))",
        says="{1}",
        verb="contains",
        example="contains(city, 'new')",
        opposite="not contains",
        form="text",
        function=True,
        shows_limit=False,
    ),
    Operator(
        "not contains",
        takes=("text column", "text"),
        sql="(NOT contains(lower({0}), lower({1})))",
        says="{1}",
        verb="does not contain",
        example="not contains(city, 'new')",
        opposite="contains",
        form="text",
        shows_limit=False,
    ),
    Operator(
        "starts_with",
        takes=("text column", "text"),
        sql="starts_with(lower({0}), lower({1}))",
        says="{1}",
        verb="starts with",
        example="starts_with(city, 'saint')",
        opposite="not starts_with",
        form="text",
        function=True,
        shows_limit=False,
    ),
    Operator(
        "not starts_with",
        takes=("text column", "text"),
        sql="(NOT starts_with(lower({0}), lower({1})))",
        says="{1}",
        verb="does not start with",
        example="not starts_with(city, 'saint')",
        opposite="starts_with",
        form="text",
        shows_limit=False,
    ),
    ATTRIBUTE,
)

# A day as a date, and the next anniversary of one from the year of another day on; that of a 29 February is 1 March in
# a year without one, and a day is no anniversary of itself.
_DATE = "(DATE '1970-01-01' + CAST({day} AS INTEGER))"
_OF, _TODAY = _DATE.format(day="{0}"), _DATE.format(day="{1}")
_IN_YEAR = (
    f"(make_date(year({_TODAY}) + {{after}}, month({_OF}), 1) + CAST(day({_OF}) - 1 AS INTEGER) "
    "- DATE '1970-01-01')"
)
_THIS, _NEXT = _IN_YEAR.replace("{after}", "0"), _IN_YEAR.replace("{after}", "1")
_COMING = f"CASE WHEN {_THIS} >= {{1}} AND {_THIS} > {{0}} THEN {_THIS} WHEN {_NEXT} > {{0}} THEN {_NEXT} END"
_DAYS_TO = f"(({_COMING}) - {{1}})"

DATES = (
    Operator(
        "days_ago",
        takes=("days",),
        sql="({1} - {0})",
        says="{0} ago",
        example="first_order_on >= days_ago(30)",
        gives="number",
        function=True,
        unit="date",
    ),
    Operator(
        "anniversary",
        takes=("date column",),
        named=("within_days",),
        sql=f"({_DAYS_TO} < {{2}})",
        says="in the next {2}",
        example="anniversary(birth_date, within_days = 30)",
        opposite="not anniversary",
        function=True,
    ),
    Operator(
        "not anniversary",
        takes=("date column",),
        named=("within_days",),
        sql=f"({_DAYS_TO} >= {{2}})",
        says="not in the next {2}",
        example="not anniversary(birth_date, within_days = 30)",
        opposite="anniversary",
    ),
)

LISTS = (
    Operator(
        "includes",
        takes=("list column", "text"),
        sql=f"contains({{0}}, {LINE_FEED} || {{1}} || {LINE_FEED})",
        says="one that holds {1}",
        example="includes(due_now_items, 'Coffee > Beans')",
        opposite="not includes",
        form="choices",
        statistics=lambda _: (),
    ),
    Operator(
        "not includes",
        takes=("list column", "text"),
        sql=f"(NOT contains({{0}}, {LINE_FEED} || {{1}} || {LINE_FEED}))",
        says="none that holds {1}",
        example="not includes(late_items, 'Coffee > Beans')",
        opposite="includes",
        form="choices",
    ),
)

SEGMENTS = (
    Operator(
        "in_segment",
        takes=("segment",),
        sql="{0}",
        says="in the segment “{0}”",
        example="in_segment('loyal_customers') and days_since_last_order > 30",
        opposite="not in_segment",
        form="choices",
        function=True,
    ),
    Operator(
        "not in_segment",
        takes=("segment",),
        sql="{0}",
        says="not in the segment “{0}”",
        example="not in_segment('loyal_customers') and orders >= 3",
        opposite="in_segment",
        form="choices",
    ),
)
