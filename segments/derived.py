"""Columns made of other columns and of the store's own numbers: lifecycle, RFM scores and groups, value tiers.

Each is a list of conditions in the language of segments itself; the first that holds gives the value.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from segments.expression import Expression, parse
from segments.nodes import Statistic
from segments.segment import load_file
from segments.units import quoted
from segments.vocabulary import DERIVED, ORDER_TIME, SegmentColumn

INPUTS = {
    column.name: column
    for column in (
        SegmentColumn("orders", "orders", "number of orders"),
        SegmentColumn("spend", "currency", "total net spend"),
        SegmentColumn("clv_365d", "currency", "predicted spend in the next 365 days"),
        SegmentColumn("days_since_last_order", "days_ago", "the last order"),
        SegmentColumn("days_since_sign_up", "days_ago", "the sign-up"),
        *(
            SegmentColumn(f"{part}_order_share", "share", f"share of orders in the {part}")
            for part in ("morning", "afternoon", "evening")
        ),
        *DERIVED,
    )
}


# The part of the day with the most orders; of several with as many, the earliest. What is left of all is the night,
# unless the store tells no times of day: then all its orders are of midnight, and none of the afternoon.
_MORNING, _AFTERNOON, _EVENING = "morning_order_share", "afternoon_order_share", "evening_order_share"
_NIGHT = f"1 - {_MORNING} - {_AFTERNOON} - {_EVENING}"
_TIMES = tuple(
    (value, " and ".join(f"{share} >= {other}" for other in others))
    for value, share, others in (
        ("morning", _MORNING, (_AFTERNOON, _EVENING, _NIGHT)),
        ("afternoon", _AFTERNOON, (_EVENING, _NIGHT)),
        ("evening", _EVENING, (_NIGHT,)),
        ("night", f"mean_of({_AFTERNOON}) > 0 and {_EVENING}", (0,)),
    )
)


@dataclass(frozen=True)
class Case:
    """One value of a derived column and when it holds."""

    value: str | int
    condition: Expression


@cache
def cases(name: str) -> tuple[Case, ...]:
    """Return the cases of a derived column, the first that holds first."""
    if name.endswith("_score"):
        return _fifths(name)
    if name == ORDER_TIME.name:
        return tuple(Case(value, parse(text, INPUTS)) for value, text in _TIMES)
    stem, prefix = {
        "lifecycle": ("lifecycle", ""),
        "rfm_group": ("rfm", "rfm_"),
        "value_tier": ("tiers", "tier_"),
    }[name]
    return tuple(
        Case(cell.name.removeprefix(prefix), parse(cell.expression, INPUTS)) for cell in load_file(stem)
    )


def _fifths(name: str) -> tuple[Case, ...]:
    """Return a score's cases: customers who are alike on the edge of two fifths are of one score.

    Recent ones are then of the better; of those who ordered or spent as little as others the lower, so that
    a store in which most ordered once has no frequent buyers among them.
    """
    if name == "recency_score":
        of = "days_since_last_order"
        limits = [(score, f"{of} <= percentile_of({of}, {20 * (6 - score)})") for score in (5, 4, 3, 2)]
        limits.append((1, f"{of} is not unknown"))
    else:
        of = {"frequency_score": "orders", "money_score": "spend"}[name]
        limits = [(score, f"{of} > percentile_of({of}, {20 * (score - 1)})") for score in (5, 4, 3, 2)]
        limits.append((1, f"{of} is not unknown"))
    return tuple(Case(score, parse(text, INPUTS)) for score, text in limits)


def derived_sql(name: str, known: Mapping[str, float]) -> str:
    """Return SQL of a derived column.

    Parameters
    ----------
    name : str
    known : mapping of str to float
        Thresholds of the release and lifecycle limits.

    Raises
    ------
    InputError
        When a number is not among them.
    """
    whens = [
        f"WHEN {case.condition.sql(known)} THEN "
        + (quoted(case.value) if isinstance(case.value, str) else f"{case.value}e0")
        for case in cases(name)
    ]
    return f"CASE {' '.join(whens)} END"


def layers(named: Iterable[str]) -> list[list[str]]:
    """Return the derived columns that some columns hang on, or are, in the order in which they are computed."""
    wanted, front = set(), {name for name in named if name in _NAMES}
    while front:
        wanted |= front
        front = {each for name in front for each in _inputs(name) if each in _NAMES} - wanted
    ordered = [name for name in _NAMES_IN_ORDER if name in wanted]
    first = [name for name in ordered if not _NAMES & _inputs(name)]
    return [first, [name for name in ordered if name not in first]]


def inputs_of(named: Iterable[str]) -> set[str]:
    """Return the columns that some are made of in the end: those that are not derived as they are."""
    plain: set[str] = set()
    for name in named:
        plain |= inputs_of(_inputs(name)) if name in _NAMES else {name}
    return plain


def statistics_of(expression: Expression) -> set[Statistic]:
    """Return the numbers of the whole store that a condition needs, those of derived columns included."""
    found = set(expression.statistics)
    for layer in layers(expression.columns):
        for name in layer:
            found |= {statistic for case in cases(name) for statistic in case.condition.statistics}
    return found


def _inputs(name: str) -> set[str]:
    return {column for case in cases(name) for column in case.condition.columns}


_NAMES_IN_ORDER: Sequence[str] = tuple(column.name for column in DERIVED)
_NAMES = frozenset(_NAMES_IN_ORDER)
