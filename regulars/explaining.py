"""`regulars segments explain`: why a customer is in a segment or not, and when time alone will move him."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from regulars import terminal
from regulars.options import AsJson, HomeDirectory, ledger_of, settings_of

# What the command needs is imported when it runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from datetime import date

    from models.reasons import Reasons
    from segments.explain import Turn
    from segments.told import Told
    from serving.explaining import Why

MOST_REASONS = 3
MARKS = {True: "yes", False: "no ", None: "?  "}


def explain(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")],
    *,
    segment: Annotated[
        list[str] | None,
        typer.Option("--segment", metavar="NAME", help="Only this one; may be given many times."),
    ] = None,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Say why a customer is in a segment or not.

    Clause by clause with his own values, since when, and the day on which time alone will move him.
    """
    from models.release import load_release
    from serving.explaining import RunExplainer
    from serving.store import PublishedRun

    ledger = ledger_of(settings_of(home))
    run = PublishedRun.open(ledger.home)
    explainer = RunExplainer(run, load_release(ledger.home.releases / run.facts.release), exact=True)
    with ledger.connect() as connection:
        told = explainer.explain(customer, segment, connection)
    today = run.facts.as_of.astimezone(ZoneInfo(run.facts.time_zone)).date()
    reasons = explainer.reasons(customer)
    if as_json:
        named = {name for each in told for name in each.explanation.told.scores}
        terminal.show_json(
            {
                "customer_id": customer,
                "as_of": run.facts.as_of,
                "segments": [_as_json(each, today) for each in told],
                "reasons": {name: reasons[name]._asdict() for name in sorted(named & reasons.keys())},
            }
        )
        return
    terminal.show_lines([line for each in told for line in _lines(each, today, reasons, whole=bool(segment))])


def _as_json(why: "Why", today: "date") -> dict[str, Any]:
    turn = why.explanation.turn
    return asdict(why.explanation) | {
        "since": why.since,
        "turns_on": turn.days and (today + timedelta(days=turn.days)).isoformat(),
    }


def _lines(why: "Why", today: "date", reasons: "Mapping[str, Reasons]", *, whole: bool) -> Iterator[str]:
    """Yield the lines about one segment: all of them where he is in it or it was asked for, else what is missing."""
    from segments.told import lines, missing

    found = why.explanation
    since = f" since {why.since.date().isoformat()}" if why.since else ""
    if not found.holds and not whole:
        yield f"not in {found.title}: {'; '.join(_clause(each, each.asks) for each in missing(found.told))}"
        return
    state = f"in{since}" if found.holds else "not in"
    yield typer.style(f"{found.title} ({found.name}): {state}", bold=True)
    for depth, each in lines(found.told):
        yield f"  {'    ' * depth}{MARKS[each.holds]} {_clause(each, each.text)}"
    yield f"  {turned(found.turn, today, member=found.holds)}"
    for score in found.told.scores:
        if score in reasons:
            strongest = "; ".join(each.text for each in reasons[score].reasons[:MOST_REASONS])
            yield f"  {score}: {strongest or 'as usual in this shop'}"


def _clause(told: "Told", asks: str) -> str:
    own = ", ".join(text for text in (told.own, told.distance) if text)
    return f"{asks} ({own})" if own else asks


def turned(turn: "Turn", today: "date", *, member: bool) -> str:
    """Say when time alone moves a customer, as certainly as that is known.

    Parameters
    ----------
    turn : Turn
    today : date
        The run's local day.
    member : bool
    """
    does, stays = ("leaves", "in it") if member else ("enters", "out of it")
    on = None if turn.days is None else (today + timedelta(days=turn.days)).strftime("%-d %B %Y")
    listed = " and ".join(f"the {phrase.removeprefix('the ')}" for phrase in turn.hangs_on)
    if turn.certain:
        return (
            f"If nothing happens: {does} on {on}."
            if on
            else f"If nothing happens: stays {stays} for two years."
        )
    changes = "changes" if len(turn.hangs_on) == 1 else "change"
    if on:
        return f"If nothing happens: {does} on {on} at the latest, and sooner if {listed} {changes} enough."
    return f"If nothing happens: no day can be told, for {listed} {changes} with time too."
