"""Functions over what earlier runs recorded, and over chance: who was where some days ago, moved up, or is held out.

What a run said of a day stays what it said: nothing here hangs on the run that asks, so that a run done again says the
same. Where a segment was not followed yet on the day that is asked for, it is unknown who was in it.
"""

from collections.abc import Mapping
from typing import Final

from segments.operator import Kind, Operator
from segments.segment import load_file
from segments.units import among, quoted
from segments.vocabulary import DERIVED, ORDER_TIME, ORDER_TIMES, Measured, SegmentColumn

PARTITIONS: Final[Mapping[str, tuple[str, str, str]]] = {
    "lifecycle": ("lifecycle", "", "in the lifecycle grid"),
    "rfm": ("rfm_group", "rfm_", "among the RFM groups"),
    "value": ("value_tier", "tier_", "among the value tiers"),
}
"""Groups of which every customer is in one: the column of his, what the segments' names begin with, and words."""
_FILES: Final = {"lifecycle": "lifecycle", "rfm": "rfm", "value": "tiers"}

VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    column: tuple(cell.name.removeprefix(prefix) for cell in load_file(_FILES[partition]))
    for partition, (column, prefix, _) in PARTITIONS.items()
} | {ORDER_TIME.name: ORDER_TIMES}
"""All texts that a column ever holds, of those of which that is known."""

_LIFECYCLE = [
    f"{orders}_{state}"
    for some in (("prospect",), ("one_timer", "repeat", "loyal"))
    for state in ("churned", "at_risk", "active")
    for orders in some
]
_RFM = "prospects dormant almost_lost previously_loyal at_risk needs_attention promising new active loyal champions"
WORST_FIRST: Final = (*_LIFECYCLE, *_RFM.split(), "low", "medium", "bronze", "silver", "gold", "platinum")
"""Groups of each partition in turn, from the worst to the best; no name is in two of them."""
_RANK = f"list_position([{', '.join(map(quoted, WORST_FIRST))}], {{0}})"
_THEN, _NOW = _RANK, _RANK.replace("{0}", "{1}")
_SEGMENT: tuple[Kind, ...] = ("segment",)
_PARTITION: tuple[Kind, ...] = ("partition",)
_EXPERIMENT: tuple[Kind, ...] = ("experiment",)

PAST = (
    Operator(
        "was_in_segment",
        takes=_SEGMENT,
        named=("days_ago",),
        over="known_stays",
        sql="({0} > 0)",
        says="{done}",
        verb="was",
        example="in_segment('loyal_customers') and not was_in_segment('loyal_customers', days_ago = 7)",
        opposite="not was_in_segment",
        form="history",
        function=True,
    ),
    Operator(
        "not was_in_segment",
        takes=_SEGMENT,
        sql="({0} = 0)",
        says="not {done}",
        verb="was",
        example="not was_in_segment('loyal_customers', days_ago = 7)",
        opposite="was_in_segment",
        form="history",
    ),
    Operator(
        "moved_up",
        takes=_PARTITION,
        named=("within_days",),
        over="known_stays",
        sql=f"({_NOW} > {_THEN})",
        says="{done}",
        example="moved_up('lifecycle', within_days = 7)",
        opposite="not moved_up",
        form="history",
        function=True,
    ),
    Operator(
        "not moved_up",
        takes=_PARTITION,
        sql=f"({_NOW} <= {_THEN})",
        says="not {done}",
        example="not moved_up('lifecycle', within_days = 7)",
        opposite="moved_up",
        form="history",
    ),
    Operator(
        "moved_down",
        takes=_PARTITION,
        named=("within_days",),
        over="known_stays",
        sql=f"({_NOW} < {_THEN})",
        says="{done}",
        example="moved_down('value', within_days = 30)",
        opposite="not moved_down",
        form="history",
        function=True,
    ),
    Operator(
        "not moved_down",
        takes=_PARTITION,
        sql=f"({_NOW} >= {_THEN})",
        says="not {done}",
        example="not moved_down('value', within_days = 30)",
        opposite="moved_down",
        form="history",
    ),
    Operator(
        "in_control_group",
        takes=_EXPERIMENT,
        named=("percent",),
        over="known_customers",
        sql="({0} > 0)",
        says="{done}",
        verb="is",
        example="in_segment('likely_to_churn') and not in_control_group('spring win-back', percent = 10)",
        opposite="not in_control_group",
        form="history",
        function=True,
    ),
    Operator(
        "not in_control_group",
        takes=_EXPERIMENT,
        sql="({0} = 0)",
        says="not {done}",
        verb="is",
        example="not in_control_group('spring win-back', percent = 10)",
        opposite="in_control_group",
        form="history",
    ),
)


def was_in_segment(name: str, title: str, days: int) -> Measured:
    """Return whether a customer was in a segment some days ago, as the last run at or before that day said."""
    return Measured(
        f"was_in_segment({quoted(name)}, days_ago = {days})",
        "flag",
        f"membership of the segment “{title}” {_ago(days)}",
        source="known_stays",
        aggregate=f"CAST(count(*) FILTER (WHERE {among('segment', [name])} AND {_there(days)}) > 0 AS DOUBLE)",
        empty="0",
        done=f"in the segment “{title}” {_ago(days)}",
        once=_followed([name], days),
    )


def moved(symbol: str, partition: str, days: int) -> tuple[Measured, SegmentColumn]:
    """Return in which group of a partition a customer was some days ago, and the column of where he is now.

    Parameters
    ----------
    symbol : str
        `moved_up` or `moved_down`.
    partition : str
        A key of `PARTITIONS`.
    days : int, days
    """
    column, prefix, words = PARTITIONS[partition]
    groups = [cell.name for cell in load_file(_FILES[partition])]
    way = symbol.partition("_")[2]
    then = Measured(
        f"group_of({quoted(partition)}, days_ago = {days})",
        "text",
        f"place {words} {_ago(days)}",
        source="known_stays",
        aggregate=f"substr(max(segment) FILTER (WHERE {among('segment', groups)} AND {_there(days)}), "
        f"{len(prefix) + 1})",
        done=f"moved {way} {words} in the last {'day' if days == 1 else f'{days} days'}",
        once=_followed(groups, days),
    )
    return then, next(each for each in DERIVED if each.name == column)


def in_control_group(experiment: str, percent: float) -> Measured:
    """Return whether a customer is held out of an experiment: by a hash of its name and his id, for ever the same.

    Who is held out at 10 per cent is at 20 per cent too; two experiments hold out customers that have nothing to do
    with each other.
    """
    # 60 bits of MD5, which is the same on every engine, version and machine.
    drawn = f"CAST('0x' || substr(md5({quoted(f'{experiment}:')} || k.customer_id), 1, 15) AS BIGINT)"
    return Measured(
        f"in_control_group({quoted(experiment)}, percent = {percent:g})",
        "flag",
        f"membership of the control group of “{experiment}”",
        aggregate=f"CAST({drawn} < {int(2**60 * percent / 100)} AS DOUBLE)",
        done=f"in the control group of “{experiment}” ({percent:g} % of all)",
    )


def _ago(days: int) -> str:
    return "1 day ago" if days == 1 else f"{days} days ago"


def _there(days: int) -> str:
    return f"entered_days >= {days} AND (left_days IS NULL OR left_days < {days})"


def _followed(names: list[str], days: int) -> str:
    return f"(SELECT max(days) FROM known_follows WHERE {among('segment', names)}) >= {days}"
