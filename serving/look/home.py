"""Home: the shop at a glance, and what to do this week."""

from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow.compute as pc

from serving.answers import Answer
from serving.look import grids
from serving.look.page import Asked
from serving.look.segments import kind_of, runs, sizes_by_segment
from serving.monitoring import words
from serving.monitoring.answers import found
from serving.segments import answers
from serving.store import PublishedRun

MAIN: Final = (
    "likely_to_churn",
    "at_risk_high_value",
    "win_back_moment",
    "slipping_away",
    "ready_to_buy",
    "high_lifetime_value",
    "loyal_customers",
    "bought_once",
)
"""Whose comings and goings are told here, beside the shop's own."""
DUE: Final = ("refill_due_soon", "refill_due_now", "refill_late", "expected_this_week")
WEEK: Final = timedelta(days=7)


def answer(asked: Asked) -> Answer:
    """Return the run's headline figures, the lifecycle grid, who moved and what is due."""
    run, facts = asked.run, asked.run.facts
    listed, report = answers.segments(run, asked.now), found(run)
    return {
        **{name: value for name, value in listed.items() if name != "segments"},
        "to_do": words.to_do(report) if report else [],
        "value": facts.value,
        "likely_to_leave": facts.likely_to_leave,
        "money_at_stake": facts.money_at_stake,
        "due_this_week": facts.due_this_week if facts.due_level else None,
        "due_level": facts.due_level,
        "lifecycle": grids.lifecycle(run),
        "runs": runs(run),
        "moved": _moved(run, listed["segments"]),
        "reminders": _reminders(run),
        "due": [
            {"name": each["name"], "title": each["title"], "size": each["size"]}
            for each in listed["segments"]
            if each["name"] in DUE and each["size"]
        ],
        "trust": (report and words.honest(report)) or facts.honesty,
    }


def _moved(run: PublishedRun, listed: list[Answer]) -> list[Answer]:
    sizes = sizes_by_segment(run)
    chosen = [each for each in listed if each["name"] in MAIN or kind_of(each["name"]) == "own"]
    told = ("name", "title", "size", "value", "entered", "left")
    return [
        {**{name: each[name] for name in told}, "sizes": sizes.get(each["name"], [])}
        for each in chosen
        if each["size"] or each["left"]
    ]


def _reminders(run: PublishedRun) -> dict[str, Any]:
    """Return how many reminders are to be sent in the week from the run on, and what is at stake in them."""
    suggestions = run.tables["suggestions"]
    first = run.facts.as_of.astimezone(ZoneInfo(run.facts.time_zone)).date()
    due = suggestions.filter(pc.less(suggestions["send_on"], first + WEEK))
    return {
        "customers": due.num_rows,
        "expected_purchases": float(pc.sum(due["expected_purchases"]).as_py() or 0.0),
        "expected_value": float(pc.sum(due["expected_value"]).as_py() or 0.0),
        "until": (first + WEEK - timedelta(days=1)).isoformat(),
    }
