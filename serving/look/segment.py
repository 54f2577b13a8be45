"""One segment: who is in it, why, and what to do."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from serving.answers import Answer
from serving.look.page import Asked
from serving.segments import answers

COLUMNS: Final = (
    ("p_order_30d", "share"),
    ("churn_probability_90d", "share"),
    ("next_order_days_p50", "days"),
    ("clv_365d", "money"),
)
"""Scores in the table of members, and how they are written."""


def answer(asked: Asked) -> Answer:
    """Return one segment and some members; raises ProblemError as `serving.segments.answers` does."""
    name = asked.given["name"]
    told = answers.segment(asked.run, name)
    members = answers.members(asked.run, asked.given)
    zone = ZoneInfo(asked.run.facts.time_zone)
    return {
        "segment": told,
        "members": [_with_day(member, zone) for member in members["members"]],
        "next_cursor": members["next_cursor"],
        "first_page": not asked.given.get("cursor"),
        "columns": COLUMNS,
    }


def _with_day(member: Answer, zone: ZoneInfo) -> dict[str, Any]:
    day = datetime.fromisoformat(member["since"]).astimezone(zone).date()
    return {**member, "since_day": day.isoformat()}
