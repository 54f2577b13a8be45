"""The operators of segment expressions: one row each gives SQL, sentence, accepted types and form field.

The parser, the SQL, the sentence, the reasons, the builder's form and the documentation all read these
rows; to add an operator is to add a row here (its example becomes its documentation, and a test).
"""

from sqlglot import exp

from segments.history_functions import HISTORY, SEQUENCES
from segments.operator import Numbers, Operator
from segments.past_functions import PAST
from segments.text_and_dates import DATES, LISTS, SEGMENTS, TEXTS

COMPARISONS = (
    Operator(
        ">",
        takes=("number", "number"),
        sql="({0} > {1})",
        says="over {1}",
        ago="more than {1} ago",
        dated="after {1}",
        ago_than="longer ago than {1}",
        example="churn_probability_90d > 0.66",
        opposite="<=",
        mirror="<",
        node=exp.GT,
    ),
    Operator(
        ">=",
        takes=("number", "number"),
        sql="({0} >= {1})",
        says="at least {1}",
        ago="at least {1} ago",
        dated="on or after {1}",
        ago_than="at least as long ago as {1}",
        example="orders >= 3",
        opposite="<",
        mirror="<=",
        node=exp.GTE,
    ),
    Operator(
        "<",
        takes=("number", "number"),
        sql="({0} < {1})",
        says="under {1}",
        ago="less than {1} ago",
        dated="before {1}",
        ago_than="less long ago than {1}",
        example="days_since_last_order < 30",
        opposite=">=",
        mirror=">",
        node=exp.LT,
    ),
    Operator(
        "<=",
        takes=("number", "number"),
        sql="({0} <= {1})",
        says="at most {1}",
        ago="at most {1} ago",
        dated="on or before {1}",
        ago_than="at most as long ago as {1}",
        example="spend_365d <= 50",
        opposite=">",
        mirror=">=",
        node=exp.LTE,
    ),
    Operator(
        "=",
        takes=("any", "any"),
        sql="({0} = {1})",
        says="{1}",
        ago="exactly {1} ago",
        dated="on {1}",
        ago_than="exactly as long ago as {1}",
        example="orders = 1",
        opposite="<>",
        mirror="=",
        node=exp.EQ,
        shows_limit=False,
    ),
    Operator(
        "<>",
        takes=("any", "any"),
        sql="({0} <> {1})",
        says="not {1}",
        ago="not {1} ago",
        dated="not on {1}",
        ago_than="not as long ago as {1}",
        example="lifecycle <> 'prospect_active'",
        opposite="=",
        mirror="<>",
        node=exp.NEQ,
    ),
    Operator(
        "between",
        takes=("number", "number", "number"),
        sql="({0} BETWEEN {1} AND {2})",
        says="between {1} and {2}",
        ago="between {1} and {2} ago",
        dated="between {1} and {2}",
        ago_than="at least as long ago as {1} and at most as long ago as {2}",
        example="orders between 2 and 4",
        opposite="not between",
        node=exp.Between,
        form="number pair",
    ),
    Operator(
        "not between",
        takes=("number", "number", "number"),
        sql="({0} NOT BETWEEN {1} AND {2})",
        says="not between {1} and {2}",
        ago="not between {1} and {2} ago",
        dated="not between {1} and {2}",
        ago_than="less long ago than {1} or longer ago than {2}",
        example="orders not between 2 and 4",
        opposite="between",
        form="number pair",
    ),
    Operator(
        "in",
        takes=("any", "constant"),
        sql="({0} IN ({rest}))",
        says="{either}",
        ago="exactly {either} ago",
        dated="on {either}",
        example="lifecycle in ('loyal_active', 'repeat_active')",
        opposite="not in",
        node=exp.In,
        form="choices",
        repeats=True,
        shows_limit=False,
    ),
    Operator(
        "not in",
        takes=("any", "constant"),
        sql="({0} NOT IN ({rest}))",
        says="not {either}",
        ago="not {either} ago",
        dated="not on {either}",
        example="lifecycle not in ('prospect_active')",
        opposite="in",
        form="choices",
        repeats=True,
    ),
    Operator(
        "is unknown",
        takes=("any",),
        sql="({0} IS NULL)",
        says="unknown",
        ago="at an unknown time",
        dated="at an unknown time",
        example="median_gap_days is unknown",
        opposite="is not unknown",
        node=exp.Is,
        form="none",
        shows_limit=False,
    ),
    Operator(
        "is not unknown",
        takes=("any",),
        sql="({0} IS NOT NULL)",
        says="known",
        ago="at a known time",
        dated="at a known time",
        example="median_gap_days is not unknown",
        opposite="is unknown",
        form="none",
        shows_limit=True,
    ),
)

ARITHMETIC = (
    Operator(
        "+",
        takes=("number", "number"),
        sql="({0} + {1})",
        says="{0} plus {1}",
        example="days_since_last_order > median_gap_days + 7",
        gives="number",
        node=exp.Add,
    ),
    Operator(
        "-",
        takes=("number", "number"),
        sql="({0} - {1})",
        says="{0} less {1}",
        example="orders - orders_90d >= 2",
        gives="number",
        node=exp.Sub,
    ),
    Operator(
        "*",
        takes=("number", "number"),
        sql="({0} * {1})",
        says="{0} times {1}",
        example="days_since_last_order > 2 * median_gap_days",
        gives="number",
        node=exp.Mul,
    ),
    Operator(
        "/",
        takes=("number", "number"),
        sql="({0} / nullif({1}, 0))",  # unknown, as x/0 is no number to compare with
        says="{0} divided by {1}",
        example="spend_90d / spend_365d > 0.5",
        gives="number",
        node=exp.Div,
    ),
)


def _top(numbers: Numbers) -> tuple[str, ...]:
    return (str(100.0 - numbers[0]),)


def _percentiles(numbers: Numbers) -> tuple[str, ...]:
    return tuple(str(float(number)) for number in numbers)


# The top q % lie above the (100 - q)th percentile and the bottom q % below the qth, not on it: a group of q
# % never holds more than q % of the customers it was resolved over, however many of them share one value.
PERCENTILES = (
    Operator(
        "in_top",
        takes=("number column", "percent"),
        sql="({0} > {2})",
        says="in the top {1}",
        example="in_top(clv_365d, 10)",
        opposite="not in_top",
        form="percent",
        statistics=_top,
    ),
    Operator(
        "not in_top",
        takes=("number column", "percent"),
        sql="({0} <= {2})",
        says="not in the top {1}",
        example="not in_top(clv_365d, 10)",
        opposite="in_top",
        form="percent",
    ),
    Operator(
        "in_bottom",
        takes=("number column", "percent"),
        sql="({0} < {2})",
        says="in the bottom {1}",
        example="in_bottom(spend_365d, 20)",
        opposite="not in_bottom",
        form="percent",
        statistics=_percentiles,
    ),
    Operator(
        "not in_bottom",
        takes=("number column", "percent"),
        sql="({0} >= {2})",
        says="not in the bottom {1}",
        example="not in_bottom(spend_365d, 20)",
        opposite="in_bottom",
        form="percent",
    ),
    Operator(
        "between_percentiles",
        takes=("number column", "percent", "percent"),
        sql="({0} BETWEEN {3} AND {4})",
        says="between its {nth1} and {nth2} percentile",
        example="between_percentiles(p_order_30d, 25, 65)",
        opposite="not between_percentiles",
        form="percent pair",
        statistics=_percentiles,
    ),
    Operator(
        "not between_percentiles",
        takes=("number column", "percent", "percent"),
        sql="({0} NOT BETWEEN {3} AND {4})",
        says="outside its {nth1} to {nth2} percentile",
        example="not between_percentiles(p_order_30d, 25, 65)",
        opposite="between_percentiles",
        form="percent pair",
    ),
)

STORE_NUMBERS = (
    Operator(
        "percentile_of",
        takes=("number column", "percent"),
        sql="{2}",
        says="the {nth1} percentile{of}",
        example="first_order_value >= percentile_of(first_order_value, 90)",
        gives="number",
        form="percent",
        statistics=_percentiles,
    ),
    Operator(
        "mean_of",
        takes=("number column",),
        sql="{1}",
        says="the store-wide average{of}",
        example="p_order_7d >= 2 * mean_of(p_order_7d)",
        gives="number",
        form="none",
        statistics=lambda _: ("mean",),
    ),
    Operator(
        "deviation_of",
        takes=("number column",),
        sql="{1}",
        says="the store-wide standard deviation{of}",
        example="spend_365d > mean_of(spend_365d) + 1.5 * deviation_of(spend_365d)",
        gives="number",
        form="none",
        statistics=lambda _: ("deviation",),
    ),
    Operator(
        "active_until",
        takes=("order count",),
        sql="{1}",
        says="the store's active limit for {0}",
        example="days_since_last_order <= active_until(1)",
        gives="number",
        statistics=lambda numbers: (f"A_{int(numbers[0])}",),
        unit="days",
    ),
    Operator(
        "churned_after",
        takes=("order count",),
        sql="{1}",
        says="the store's churn limit for {0}",
        example="days_since_last_order > churned_after(1)",
        gives="number",
        statistics=lambda numbers: (f"C_{int(numbers[0])}",),
        unit="days",
    ),
)

OPERATORS = {
    row.symbol: row
    for row in (
        *(*COMPARISONS, *ARITHMETIC, *PERCENTILES, *LISTS, *STORE_NUMBERS),
        *(*TEXTS, *DATES, *SEGMENTS, *HISTORY, *SEQUENCES, *PAST),
    )
}
BY_NODE = {row.node: row for row in OPERATORS.values() if row.node is not None}
FUNCTIONS = {row.symbol: row for row in OPERATORS.values() if row.is_function}
