"""Replenishment: who is due on which day, whom to remind this week and of what, and that list as a file."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from serving.answers import Answer, stamp
from serving.errors import Problem, ProblemError, shown
from serving.look.files import download
from serving.look.kept import Kept
from serving.look.page import Asked, Download
from serving.look.products import last_part, titles
from serving.look.turning import page_of
from serving.reminders.calendar import Week, calendar, level_of
from serving.store import PublishedRun

A_PAGE: Final = 50
LEVELS: Final = 9
_CALENDARS: Final = Kept[list[dict[str, Any]]](2)


def answer(asked: Asked) -> Answer:
    """Return the calendar of the next weeks, and the reminders of this week or of one day."""
    run = asked.run
    chosen, whole_week = _chosen(run, asked.given)
    due = _due(run, chosen)
    page, pages = page_of(asked.given, due.num_rows, A_PAGE)
    order = np.lexsort((due["customer_id"].to_numpy(zero_copy_only=False), -due["expected_value"].to_numpy()))
    listed = due.take(pa.array(order[(page - 1) * A_PAGE : page * A_PAGE]))
    days = _CALENDARS.of(run, "days", lambda: calendar(run))
    return {
        **stamp(run),
        "currency": run.facts.currency,
        "level": level_of(run),
        "week": {"first": Week.of(run).first.isoformat(), "last": Week.of(run).last.isoformat()},
        "chosen": {"first": chosen.first.isoformat(), "last": chosen.last.isoformat(), "week": whole_week},
        "customers": due.num_rows,
        "expected_purchases": float(pc.sum(due["expected_purchases"]).as_py() or 0.0),
        "expected_value": float(pc.sum(due["expected_value"]).as_py() or 0.0),
        "weeks": _weeks(days),
        "reminders": _reminders(run, listed),
        "page_number": page,
        "pages": pages,
    }


def reminders_file(asked: Asked) -> Download:
    """Return the reminders of this week, or of one day, as CSV: as `regulars export reminders` writes them."""
    chosen, _ = _chosen(asked.run, asked.given)
    return download(_due(asked.run, chosen), f"reminders-{chosen.first}-to-{chosen.last}.csv")


def _due(run: PublishedRun, span: Week) -> pa.Table:
    suggestions = run.tables["suggestions"]
    sent = suggestions["send_on"]
    return suggestions.filter(pc.and_(pc.greater_equal(sent, span.first), pc.less_equal(sent, span.last)))


def _chosen(run: PublishedRun, given: Mapping[str, str]) -> tuple[Week, bool]:
    """Return the days whose reminders are asked for, and whether they are this week; raises for what is no day."""
    text = given.get("day")
    if not text:
        return Week.of(run), True
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        expected = "a date such as 2018-01-31"
        raise ProblemError(
            Problem("bad-request", "day is not a date", "day", expected, shown(text))
        ) from error
    return Week(day, day), False


def _weeks(days: list[dict[str, Any]]) -> list[list[dict[str, Any] | None]]:
    """Return the days by calendar weeks, Monday first; None before the first and after the last."""
    most = max((max(each["reminders"], each["customers"]) for each in days), default=0)
    told: list[dict[str, Any] | None] = [
        {
            **each,
            "day": each["day"].isoformat(),
            "level": round(LEVELS * max(each["reminders"], each["customers"]) / most) if most else 0,
        }
        for each in days
    ]
    blank: list[dict[str, Any] | None] = [None] * days[0]["day"].weekday()
    cells = blank + told
    cells += [None] * (-len(cells) % 7)
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]


def _reminders(run: PublishedRun, listed: pa.Table) -> list[dict[str, Any]]:
    rows = listed.to_pylist()
    named = titles(run, [product for row in rows for product in row["products"]])
    return [
        {
            **row,
            "send_on": row["send_on"].isoformat(),
            "items": [
                *({"product_id": each, "title": named.get(each) or each} for each in row["products"]),
                *({"category": each, "title": last_part(each)} for each in row["categories"]),
            ],
        }
        for row in rows
    ]
