"""One segment: who is in it, why, since when, and what to do."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from segments.definitions import Definitions
from serving.answers import Answer
from serving.export.shipped import DESTINATIONS
from serving.look.charts import Chart, Series
from serving.look.members import page_of_members
from serving.look.page import Asked
from serving.look.segments import kind_of
from serving.look.texts import say
from serving.segments import answers
from serving.segments.editing import PARTITIONS, partition

COLUMNS: Final = (
    ("p_order_30d", "share"),
    ("churn_probability_90d", "share"),
    ("next_order_days_p50", "days"),
    ("clv_365d", "money"),
)
"""Scores in the table of members, and how they are written."""


def answer(asked: Asked) -> Answer:
    """Return one segment and some members; raises ProblemError when there is no such segment or page."""
    name = asked.given["name"]
    told = answers.segment(asked.run, name)
    zone = ZoneInfo(asked.run.facts.time_zone)
    members = page_of_members(asked.run, name, asked.given, tuple(score for score, _ in COLUMNS))
    for member in members["members"]:
        member["since_day"] = _day(member["since"], zone)
    trend = [{**point, "day": _day(point["as_of"], zone)} for point in told["trend"]]
    return {
        "segment": {**told, "kind": kind_of(name), "trend": trend},
        "columns": COLUMNS,
        "versions": _versions(asked, name, zone),
        "destinations": [each.name for each in DESTINATIONS if each.audience is not None],
        "editable": name not in {each for of in PARTITIONS for each in partition(of)},
        **members,
    }


def charts(told: Answer) -> dict[str, Chart]:
    """Return how a segment's size went, and who came and went; nothing of one that was followed once."""
    trend = told["segment"]["trend"]
    if len(trend) < 2:  # noqa: PLR2004 - a line has two ends
        return {}
    days = [point["day"] for point in trend]
    later = trend[1:]
    return {
        "size": Chart(
            say("segment.size_over_time"),
            days,
            [Series(say("segments.customers"), [point["size"] for point in trend], "area")],
            say("segment.run_of"),
        ),
        "movement": Chart(
            say("segment.movement"),
            days[1:],
            [
                Series(say("segment.entered"), [point["entered"] for point in later], "bars"),
                Series(say("segment.left"), [-point["left"] for point in later], "bars"),
            ],
            say("segment.run_of"),
        ),
    }


def _versions(asked: Asked, name: str, zone: ZoneInfo) -> list[dict[str, Any]]:
    history = Definitions(asked.run.home.definitions).history(name)
    return [
        {
            "number": each.number,
            "day": each.at.astimezone(zone).date().isoformat(),
            "by": each.by,
            "expression": each.segment.expression,
            "state": each.state,
        }
        for each in reversed(history)
    ]


def _day(instant: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(instant).astimezone(zone).date().isoformat()
