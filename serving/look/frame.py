"""The frame around every page: the templates, what all of them know, and how values are written in them."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import jinja2
from jinja2.runtime import Context
from markupsafe import Markup

from serving.answers import Answer
from serving.errors import KINDS, Problem
from serving.facts import RunFacts
from serving.look import formats
from serving.look.charts import sparkline
from serving.look.page import Page
from serving.look.texts import say

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
_ISO_DAY: Final = re.compile(r"(?<![\w-])(\d{4}-\d{2}-\d{2})(?![\w-])")
CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""What a page may do: nothing but its own files, no script or style within the page, nobody else's address."""


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
        "as_sentence": formats.as_sentence,
        "count": _shown("count", formats.count),
        "count_text": formats.count,
        "date": _date,
        "day_and_month": _day_and_month,
        "days": _shown("days", formats.days),
        "decimal": _shown("decimal", formats.decimal),
        "in_path": formats.in_path,
        "money": jinja2.pass_context(_money),
        "money_text": jinja2.pass_context(_money_text),
        "share": _shown("share", formats.share),
        "share_text": formats.share,
        "shown_as": jinja2.pass_context(_shown_as),
        "signed": _shown("signed", formats.signed),
        "sparkline": sparkline,
        "with_dates": _with_dates,
    }
    made.globals["say"] = say
    return made


def page(shown: Page, facts: RunFacts, answer: Answer, navigation: Sequence[Page], twin: str) -> str:
    """
    Return a page as HTML.

    Parameters
    ----------
    shown : Page
    facts : RunFacts
        Of the run that the answer is from.
    answer : dict
        From the page's own function; the template knows its values by name.
    navigation : sequence of Page
        Those that every page leads to.
    twin : str
        Address of the same as JSON, its parameters filled in.
    """
    zone = ZoneInfo(facts.time_zone)
    frame = {
        "page": shown,
        "navigation": navigation,
        "twin": twin,
        "charts": shown.charts(answer),
        "facts": facts,
        "currency": facts.currency,
        "data_through": facts.data_through.astimezone(zone).date() if facts.data_through else None,
        "as_of": facts.as_of.astimezone(zone).date(),
    }
    return environment().get_template(f"{shown.name}.html").render(answer | frame)


def problem_page(problem: Problem, navigation: Sequence[Page], *, part: bool = False) -> str:
    """Return what is shown instead of a page that cannot be, or of a part that was to be fetched into one."""
    template = environment().get_template("problem_part.html" if part else "problem.html")
    return template.render(
        title=KINDS[problem.kind][1], detail=problem.detail, navigation=navigation, page=None
    )


def _data(value: float | None, kind: str, text: str, **more: str) -> Markup:
    """Return a number that a browser can write in its reader's own way."""
    if value is None:
        return Markup("{}").format(text)
    attributes = Markup("").join(Markup(' data-{}="{}"').format(name, said) for name, said in more.items())
    return Markup('<data value="{}" data-as="{}"{}>{}</data>').format(f"{value:.10g}", kind, attributes, text)


def _shown(kind: str, write: Callable[[Any], str]) -> Callable[[float | None], Markup]:
    return lambda value: _data(value, kind, write(value))


def _money(context: Context, amount: float | None) -> Markup:
    return _data(amount, "money", formats.money(amount, context["currency"]), currency=context["currency"])


def _money_text(context: Context, amount: float | None) -> str:
    return formats.money(amount, context["currency"])


def _shown_as(context: Context, value: float | None, kind: str) -> Markup:
    """Write a number as a chart or a column says."""
    if kind == "money":
        return _money(context, value)
    writers: Mapping[str, Callable[[Any], str]] = {
        "count": formats.count,
        "share": formats.share,
        "days": formats.days,
        "decimal": formats.decimal,
    }
    return _data(value, kind, formats.NOTHING if value is None else writers[kind](value))


def _date(value: date | datetime | str | None) -> Markup:
    """Write a local day; an ISO text may be given for it, as answers hold them."""
    if value is None:
        return Markup(formats.NOTHING)  # noqa: S704 - a dash
    day = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return Markup('<time datetime="{}">{}</time>').format(day.isoformat()[:10], formats.long_date(day))


def _with_dates(text: str) -> Markup:
    """Write a sentence whose days are ISO texts, as the API tells it, with its days as dates are written here."""
    parts = _ISO_DAY.split(text)
    return Markup().join(_day_or_text(part) if place % 2 else part for place, part in enumerate(parts))


def _day_or_text(text: str) -> Markup | str:
    """Write what looks like a day as one, unless the calendar has no such day."""
    try:
        return _date(text)
    except ValueError:
        return text


def _day_and_month(value: str) -> Markup:
    """Write a local day of a calendar, whose year is plain."""
    day = date.fromisoformat(value)
    return Markup('<time datetime="{}" data-short>{}</time>').format(day.isoformat(), f"{day.day} {day:%b}")
