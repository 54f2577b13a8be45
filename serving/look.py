"""The pages for marketers as HTML: what the templates are given, and how numbers are written."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import jinja2

from serving import answers
from serving.errors import KINDS, Problem
from serving.store import PublishedRun, RunFacts

TEMPLATES = Path(__file__).parent / "templates"
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
NOTHING = "–"  # noqa: RUF001 - a dash, as wide as a digit
MILLION, THOUSAND = 1e6, 1e3
# Group of segments, its title and what unites them; in the order of the page.
GROUPS = (
    (
        "predicted",
        "What happens next",
        "Who is likely to order, to leave or to be worth most. From the release's predictions.",
    ),
    ("history", "What they did", "From the order history alone."),
    (
        "lifecycle",
        "Where they stand",
        "Every customer is in exactly one of these, by number of orders and time since the last.",
    ),
)
# Columns of a members table: heading, score, how it is written.
KEY_SCORES = (
    ("Order within 30 days", "p_order_30d", "share"),
    ("No order within 90 days", "churn_probability_90d", "share"),
    ("Next order, about", "next_order_days_p50", "days"),
    ("Value, next year", "clv_365d", "money"),
)


@cache
def environment() -> jinja2.Environment:
    """Return the templates, every value escaped: names come from the shop's data and may hold anything."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "as_sentence": as_sentence,
        "count": count,
        "days": days,
        "in_path": in_path,
        "money": money,
        "share": share,
    }
    return made


def segments_page(run: PublishedRun, _: Mapping[str, str]) -> str:
    """Return the page "/": the run's figures and all segments."""
    listed = answers.segments(run)["segments"]
    groups = [
        {"title": title, "note": note, "segments": mine}
        for group, title, note in GROUPS
        if (mine := [segment for segment in listed if segment["group"] == group])
    ]
    most = max((segment["value"] for segment in listed), default=0.0)
    page = environment().get_template("segments.html")
    return page.render(**_header(run), groups=groups, largest_value=max(most, 1e-9))


def segment_page(run: PublishedRun, given: Mapping[str, str]) -> str:
    """Return the page of one segment and some members; raises ProblemError as `answers.members`."""
    name = given["name"]
    segment = answers.summary(run, answers.segment_facts(run, name))
    members = answers.members(run, name, given.get("cursor"), given.get("limit"))
    zone = ZoneInfo(run.facts.time_zone)
    for member in members["members"]:
        member["since_date"] = datetime.fromisoformat(member["since"]).astimezone(zone).date().isoformat()
    return (
        environment()
        .get_template("segment.html")
        .render(
            **_header(run),
            segment=segment,
            members=members["members"],
            next_cursor=members["next_cursor"],
            first_page=not given.get("cursor"),
            columns=KEY_SCORES,
        )
    )


def problem_page(problem: Problem) -> str:
    """Return the page shown instead of one that cannot be."""
    return (
        environment().get_template("problem.html").render(title=KINDS[problem.kind][1], detail=problem.detail)
    )


def _header(run: PublishedRun) -> dict[str, object]:
    facts = run.facts
    zone = ZoneInfo(facts.time_zone)
    through = facts.data_through.astimezone(zone) if facts.data_through else None
    return {
        "facts": facts,
        "currency": facts.currency,
        "figures": figures(facts),
        "data_through": long_date(through) if through else NOTHING,
        "as_of": long_date(facts.as_of.astimezone(zone)),
    }


def figures(facts: RunFacts) -> list[dict[str, str]]:
    """Return the run's headline figures: what, how much, and the small print."""
    leaving = facts.likely_to_leave / facts.customers if facts.customers else 0.0
    return [
        {"label": "Customers", "value": count(facts.customers), "note": "with an order on record"},
        {
            "label": "Likely to leave",
            "value": count(facts.likely_to_leave),
            "note": f"{share(leaving)} of all: probably no order within 90 days",
        },
        {
            "label": "Money at stake",
            "value": money(facts.money_at_stake, facts.currency),
            "note": "what they spent in the last 365 days",
        },
        {
            "label": "Refills due this week",
            "value": count(facts.due_this_week) if facts.due_level else NOTHING,
            "note": f"customer and {facts.due_level}, more likely than not"
            if facts.due_level
            else "no order names a product bought twice",
        },
    ]


def count(number: float) -> str:
    """Write a whole number with thousands set apart."""
    return f"{number:,.0f}"


def money(amount: float | None, currency: str) -> str:
    """Write an amount as short as a list wants it: $1.2M, $34,500, $12.50."""
    if amount is None:
        return NOTHING
    sign, size = ("−" if amount < 0 else ""), abs(amount)  # noqa: RUF001 - a minus, as wide as a plus
    digits = f"{size:,.0f}" if size >= THOUSAND or size == 0 else f"{size:,.2f}"
    if size >= MILLION:
        digits = f"{size / MILLION:,.2f}M"
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{digits}" if symbol else f"{sign}{digits} {currency}"


def share(part: float | None) -> str:
    """Write a share in per cent; what is neither none nor all never reads so."""
    if part is None:
        return NOTHING
    percent = 100 * part
    if 0 < percent < 1:
        return "<1 %"
    return ">99 %" if 99 < percent < 100 else f"{percent:.0f} %"  # noqa: PLR2004 - per cent


def days(number: float | None) -> str:
    """Write a number of days; none within a year is said so."""
    if number is None:
        return "over a year"
    whole = round(number)
    return "1 day" if whole == 1 else f"{whole} days"


def long_date(moment: datetime) -> str:
    """Write a date without doubt about day and month."""
    return f"{moment.day} {moment:%B %Y}"


def in_path(text: str) -> str:
    """Write a text as one part of a path."""
    return quote(text, safe="")


def as_sentence(text: str) -> str:
    """Write a condition or a problem's detail with the capital and the full stop that they lack."""
    return f"{text[:1].upper()}{text[1:]}.".replace(" %", "\u00a0%")  # no line ends between the two
