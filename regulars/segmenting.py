"""`regulars segments`: what they are, who moves, what a condition would make, and the shop's own definitions."""

import getpass
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ledger.errors import InputError
from regulars import terminal
from regulars.options import AsJson, HomeDirectory, SegmentName, home_of, ledger_of, settings_of

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from serving.segments.editing import Draft
    from serving.segments.preview import Preview
    from serving.store import PublishedRun

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

RUNS_SHOWN = 12
OVERLAPS_SHOWN = 10

Condition = Annotated[
    str, typer.Argument(metavar='"EXPRESSION"', help="In the language of docs/segments.md.")
]
NewCondition = Annotated[
    str | None, typer.Argument(metavar='["EXPRESSION"]', help="The new condition.", show_default=False)
]
Title = Annotated[str | None, typer.Option("--title", help="As people read it in lists.")]
Description = Annotated[str | None, typer.Option("--description", help="One sentence: who is in it.")]
Advice = Annotated[str | None, typer.Option("--advice", help="What to do about these customers.")]
Save = Annotated[bool, typer.Option("--save", help="Save it; without, only what would change is shown.")]
Hidden = Annotated[
    bool | None,
    typer.Option("--hide/--follow", help="Assign it no more, or again.", show_default=False),
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")]

Waiting = Annotated[
    bool, typer.Option("--waiting", help="Say what each waits for that the ledger lacks; reads the ledger.")
]


def _day(option: str, means: str) -> Any:  # noqa: ANN401 - what typer has
    return typer.Option(option, formats=["%Y-%m-%d"], metavar="DATE", help=means)


@commands.command("list")
def list_segments(*, waiting: Waiting = False, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Print every segment with its size, its value and what the last run changed."""
    from serving.segments.following import stopped_arriving

    run = _run(home)
    columns = ("name", "size", "value", "entered", "left", "sentence")
    rows = [{column: getattr(segment, column) for column in columns} for segment in run.facts.segments]
    if waiting:
        wait = _waiting(home)
        rows = [row | {"waits_for": "; ".join(wait.get(row["name"], ()))} for row in rows]
    terminal.answer(rows, as_json=as_json)
    stopped = stopped_arriving(run.facts, datetime.now(UTC))
    for warning in (stopped, *(segment.warning for segment in run.facts.segments)):
        if warning:
            typer.echo(f"warning: {warning}", err=True)


@commands.command("show")
def show_segment(name: SegmentName, *, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Print what one segment is, what to do about it, and its last runs."""
    from serving.segments.trend import points

    run = _run(home)
    segment = run.segment(name)
    if segment is None:
        raise InputError(f"no segment '{name}'; `regulars segments list` shows which there are")
    told = [_dated(point, run) for point in points(run, name)]
    shown = told if as_json else told[-RUNS_SHOWN:]
    terminal.answer(segment.model_dump() | {"trend": shown}, as_json=as_json)


@commands.command()
def members(
    name: SegmentName,
    *,
    as_of: Annotated[datetime | None, _day("--as-of", "As they were on this local day.")] = None,
    limit: Limit = 20,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Print who is in a segment, or was on a past day.

    As the last run at or before the end of that day said.
    """
    from serving.segments.trend import members_on

    run = _run(home)
    zone = ZoneInfo(run.facts.time_zone)
    found = members_on(run, name, _end_of(as_of, run) if as_of else run.facts.as_of, "", limit)
    rows = [
        {
            "customer_id": row["customer_id"],
            "since": row["entered_at"].astimezone(zone),
            "reasons": row["reasons"],
        }
        for row in found
    ]
    terminal.answer(rows, as_json=as_json)


@commands.command()
def changes(
    name: SegmentName,
    *,
    since: Annotated[str | None, typer.Option("--since", metavar="TOKEN", help="Go on after this.")] = None,
    limit: Limit = 50,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Print who entered and left a segment, and which condition it was.

    Each change once, in one order for ever; the token that is printed goes on from there.
    """
    from serving.segments.feed import Feed

    run = _run(home)
    page = Feed.of(run).read(name, since, limit)
    columns = ("at", "kind", "customer_id", "cause", "changed", "reasons", "version")
    zone = ZoneInfo(run.facts.time_zone)
    rows = [
        {column: row[column] for column in columns} | {"at": row["at"].astimezone(zone)}
        for row in page.changes
    ]
    if as_json:
        terminal.show_json({"changes": rows, "next": page.token, "more": page.more})
        return
    shown = [{**row, "changed": row["changed"] or row["reasons"]} for row in rows]
    terminal.show([{name: row[name] for name in columns if name != "reasons"} for row in shown])
    typer.echo(f"go on with --since {page.token}{' (there is more)' if page.more else ''}")


@commands.command()
def moves(
    partition: Annotated[str, typer.Argument(metavar="PARTITION", help="lifecycle, rfm or value.")],
    *,
    since: Annotated[datetime | None, _day("--from", "Where they were on this local day.")] = None,
    until: Annotated[datetime | None, _day("--to", "Where they were on this one.  [default: now]")] = None,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Print how many customers moved from which group to which.

    Of a partition, in which everybody is in one group; without days since the run before the last.
    """
    from serving.segments.trend import moved

    run = _run(home)
    ends = [day and _end_of(day, run) for day in (since, until)]
    terminal.answer(moved(run, partition, *ends).rows(), as_json=as_json)


@commands.command()
def preview(expression: Condition, *, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Print how many a condition holds for, what they are worth, some of them, and which segments they are in."""
    from serving.segments.editing import followed
    from serving.segments.preview import Trial

    run = _run(home)
    found = Trial.of(run, expression, followed(run.home)).preview()
    if as_json:
        terminal.show_json(asdict(found))
    else:
        _show_preview(found)


@commands.command()
def save(  # noqa: PLR0913 - one an option
    name: Annotated[str, typer.Argument(metavar="NAME", help="A word in small letters, digits and _.")],
    expression: Condition,
    *,
    title: Title = None,
    description: Description = None,
    advice: Advice = None,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Save a new segment; the next scoring run follows it."""
    from serving.segments import editing

    words = name.replace("_", " ").capitalize()
    segment = {
        "name": name,
        "title": title or words,
        "description": description or f"{words}.",
        "expression": expression,
        "advice": advice or "Nothing is written yet about what to do.",
    }
    shop = home_of(home)
    _finish(shop, editing.draft_new(shop, segment), saved=True, as_json=as_json)


@commands.command()
def edit(  # noqa: PLR0913 - one an option
    name: SegmentName,
    expression: NewCondition = None,
    *,
    title: Title = None,
    description: Description = None,
    advice: Advice = None,
    hidden: Hidden = None,
    saved: Save = False,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Change a segment, or one that ships; shows who would enter and leave, and saves with --save."""
    from serving.segments import editing

    shop = home_of(home)
    fields = {"title": title, "description": description, "expression": expression, "advice": advice}
    draft = editing.draft_edit(shop, name, fields, hidden=hidden)
    _finish(shop, draft, saved=saved, as_json=as_json)


@commands.command()
def restore(
    name: SegmentName,
    version: Annotated[int, typer.Argument(metavar="VERSION", help="As `segments history` prints it.")],
    *,
    saved: Save = False,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Make an earlier version the last one again; shows who would enter and leave, and saves with --save.

    Of a version that ships, what ships now: it goes on with the library.
    """
    from serving.segments import editing

    shop = home_of(home)
    _finish(shop, editing.draft_restored(shop, name, version), saved=saved, as_json=as_json)


@commands.command()
def history(name: SegmentName, *, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Print every version of a segment, by whom and when, and its size and value in every run."""
    from segments.definitions import Definitions
    from serving.segments.trend import points

    run = _run(home)
    versions = [
        {
            "version": each.number,
            "at": each.at.astimezone(ZoneInfo(run.facts.time_zone)),
            "by": each.by,
            "state": each.state,
            "title": each.segment.title,
            "expression": each.segment.expression,
        }
        for each in Definitions(run.home.definitions).history(name)
    ]
    runs = [_dated(point, run) for point in points(run, name)]
    if not versions and not runs:
        raise InputError(f"no segment '{name}'; `regulars segments list` shows which there are")
    if as_json:
        terminal.show_json({"versions": versions, "runs": runs})
        return
    terminal.show(versions, title="Versions")
    terminal.show(runs, title="\nRuns")


def _finish(shop: Any, draft: "Draft", *, saved: bool, as_json: bool) -> None:  # noqa: ANN401 - a home
    """Show what a draft would change, and save it when asked to."""
    from serving.segments import editing

    version = editing.save(shop, draft, getpass.getuser(), datetime.now(UTC)) if saved else None
    told = {"name": draft.segment.name, "version": version, "state": draft.state}
    if as_json:
        terminal.show_json({**told, "preview": asdict(draft.preview), "difference": asdict(draft.difference)})
        return
    _show_preview(draft.preview)
    change = draft.difference
    typer.echo(
        f"\n{change.enter:,} would enter, {change.leave:,} leave and {change.stay:,} stay; "
        f"value {change.value_before:,.0f} -> {change.value_after:,.0f}"
    )
    for title, rows in (("Some who enter", change.entering), ("Some who leave", change.leaving)):
        if rows and change.stay + change.leave:
            terminal.show(rows, title=f"\n{title}")
    if version is None:
        typer.echo("\nnothing is saved; say so with --save")
    else:
        typer.echo(f"\nsaved as version {version}, {draft.state} from the next scoring run on")


def _show_preview(found: "Preview") -> None:
    typer.echo(f"{found.sentence[:1].upper()}{found.sentence[1:]}.")
    typer.echo(f"{found.count:,} customers, worth {found.value:,.0f} in the next 365 days")
    for each in found.unheard:
        typer.echo(each)
    if found.sample:
        terminal.show(found.sample, title="\nSome of them")
    if found.overlap:
        rows = [asdict(each) for each in found.overlap[:OVERLAPS_SHOWN]]
        terminal.show(rows, title="\nAlso in")


def _waiting(home: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401 - a directory or None
    from ledger.quality.report import examine
    from regulars.readiness import waiting

    return waiting(examine(ledger_of(settings_of(home))))


def _run(home: Any) -> "PublishedRun":  # noqa: ANN401 - a directory or None
    from serving.store import PublishedRun

    return PublishedRun.open(home_of(home))


def _end_of(day: datetime, run: "PublishedRun") -> datetime:
    """Return the end of a local day."""
    return (day + timedelta(days=1)).replace(tzinfo=ZoneInfo(run.facts.time_zone)) - timedelta(microseconds=1)


def _dated(point: Mapping[str, Any], run: "PublishedRun") -> dict[str, Any]:
    return {**point, "as_of": point["as_of"].astimezone(ZoneInfo(run.facts.time_zone))}
