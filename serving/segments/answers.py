"""Answers of the API about segments over time and about conditions that are not saved. No HTTP here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from ledger.errors import InputError
from serving import answers
from serving.answers import Answer, make_cursor, read_cursor, read_limit, segment_facts, stamp
from serving.errors import Problem, ProblemError, shown
from serving.schemas.preview import PreviewRequest
from serving.segments import overlay
from serving.segments.editing import PARTITIONS, followed
from serving.segments.feed import Feed
from serving.segments.following import stopped_arriving
from serving.segments.overlay import Live
from serving.segments.preview import Overlap, Trial
from serving.segments.trend import members_on, moved, points
from serving.store import PublishedRun

UNREADABLE: Final = re.compile(r"[^\w .,:;'()=+*/|-]", re.ASCII)
TOLD_LENGTH: Final = 400
FIRST_YEAR, LAST_YEAR = 1970, 2999


def segments(run: PublishedRun, now: datetime | None) -> Answer:
    """
    Answer GET /v1/segments.

    Parameters
    ----------
    run : PublishedRun
    now : datetime or None
        The instant of the request; without it nothing is said of how old the orders are.
    """
    stopped = stopped_arriving(run.facts, now) if now else None
    jumps = [segment.warning for segment in run.facts.segments]
    return {**answers.segments(run), "warnings": [each for each in (stopped, *jumps) if each]}


def segment(run: PublishedRun, name: str) -> Answer:
    """
    Answer GET /v1/segments/{name}.

    Raises
    ------
    ProblemError
        When the run has no such segment.
    """
    told = answers.segment(run, name)
    trend = [{**point, "as_of": _instant(point["as_of"])} for point in points(run, name)]
    return {**told, "trend": trend, "changes_token": Feed.of(run).end}


def members(run: PublishedRun, given: Mapping[str, str], live: Callable[[], Live] = dict) -> Answer:
    """
    Answer GET /v1/segments/{name}/members, of now or of a past day.

    Parameters
    ----------
    run : PublishedRun
    given : mapping of str to str
        `name`, and any of `cursor`, `limit` and `as_of`.
    live : callable
        Returns customers of whom something was posted since the run; asked unless a past day is.

    Raises
    ------
    ProblemError
        As `serving.answers.members`; also when `as_of` is no day.
    """
    name, day = given["name"], given.get("as_of")
    if day is None:
        return overlay.members(run, name, given.get("cursor"), given.get("limit"), live())
    segment_facts(run, name)
    on = _end_of(_day("as_of", day), run)
    count, listed_as = read_limit(given.get("limit")), f"{name}-{day}"
    found = members_on(run, name, on, read_cursor(given.get("cursor"), listed_as), count + 1)
    page = found[:count]
    return {
        **stamp(run),
        "as_of": _instant(min(on, run.facts.as_of)),
        "name": name,
        "size": None,
        "members": [
            {
                "customer_id": row["customer_id"],
                "confidence": None,
                "since": _instant(row["entered_at"]),
                "reasons": row["reasons"],
                "scores": {},
            }
            for row in page
        ],
        "next_cursor": make_cursor(listed_as, page[-1]["customer_id"]) if len(found) > count else None,
        "live": None,
    }


def changes(run: PublishedRun, given: Mapping[str, str], live: Callable[[], Live] = dict) -> Answer:
    """
    Answer GET /v1/segments/{name}/changes.

    Parameters
    ----------
    run : PublishedRun
    given : mapping of str to str
        `name`, and any of `since` and `limit`.
    live : callable
        As of `members`. Whom posted orders have moved is told beside the changes, which are those of the runs.

    Raises
    ------
    ProblemError
        When the segment is unknown, the token is none of this feed's or the limit is out of range.
    """
    name = given["name"]
    segment_facts(run, name)
    count = read_limit(given.get("limit"))
    try:
        page = Feed.of(run).read(name, given.get("since") or None, count)
    except InputError as error:
        raise ProblemError(
            Problem("bad-token", str(error), "since", "`next` of an earlier answer")
        ) from error
    told = ("kind", "customer_id", "cause", "changed", "reasons", "version")
    listed = [{"at": _instant(row["at"]), **{column: row[column] for column in told}} for row in page.changes]
    moved = overlay.Moved.of(run, name, live()).told(run, name)
    return {
        **stamp(run),
        "name": name,
        "changes": listed,
        "next": page.token,
        "more": page.more,
        "live": moved,
    }


def migration(run: PublishedRun, given: Mapping[str, str]) -> Answer:
    """
    Answer GET /v1/migration.

    Parameters
    ----------
    run : PublishedRun
    given : mapping of str to str
        `of`, a partition, and any of `from` and `to`, local days.

    Raises
    ------
    ProblemError
        When a parameter cannot be read; names it.
    """
    of = given.get("of")
    if of is None or of not in PARTITIONS:
        told = None if of is None else shown(of)
        raise ProblemError(Problem("bad-request", "name a partition", "of", ", ".join(PARTITIONS), told))
    earlier, later = (
        _end_of(_day(each, given[each]), run) if each in given else None for each in ("from", "to")
    )
    found = moved(run, of, earlier, later)
    pairs = sorted(found.counts.items(), key=lambda pair: tuple(each or "" for each in pair[0]))
    return {
        **stamp(run),
        "of": of,
        "groups": list(found.groups),
        "moves": [{"before": one, "after": two, "customers": count} for (one, two), count in pairs],
    }


def preview(run: PublishedRun, body: object) -> Answer:
    """
    Answer POST /v1/segments/preview.

    Parameters
    ----------
    run : PublishedRun
    body : object
        The parsed JSON body; as `schemas.preview.PreviewRequest`.

    Raises
    ------
    ProblemError
        When the body cannot be read or the condition is refused; names the field.
    """
    asked = _read_preview(body)
    others = followed(run.home)
    try:
        trial = Trial.of(run, asked.expression, others, asked.edit_of or "")
    except InputError as error:
        detail = UNREADABLE.sub("?", " ".join(str(error).split()))[:TOLD_LENGTH]
        expected = "a condition in the language of segments"
        raise ProblemError(
            Problem("invalid-expression", detail, "expression", expected, shown(asked.expression))
        ) from error
    found = trial.preview(asked.sample)
    titles = {each.name: each.title for each in run.facts.segments}
    difference = None
    if asked.edit_of is not None:
        before = Trial.of(run, segment_facts(run, asked.edit_of).expression, others, asked.edit_of)
        difference = asdict(trial.against(before.members, asked.sample))
    return {
        **stamp(run),
        "currency": run.facts.currency,
        "sentence": found.sentence,
        "count": found.count,
        "share": found.count / run.facts.people if run.facts.people else 0.0,
        "value": found.value,
        "sample": found.sample,
        "overlap": [_overlap(each, titles) for each in found.overlap],
        "difference": difference,
    }


def _overlap(found: Overlap, titles: Mapping[str, str]) -> Answer:
    return {"name": found.name, "title": titles.get(found.name, found.name), **asdict(found)}


def _read_preview(body: object) -> PreviewRequest:
    if not isinstance(body, Mapping):
        raise ProblemError(
            Problem("bad-request", "the body must be a JSON object", "body", "an object", shown(body))
        )
    known = PreviewRequest.model_fields
    try:
        return PreviewRequest.model_validate(body)
    except ValidationError as error:
        first: Any = error.errors(include_url=False)[0]
        if first["type"] == "extra_forbidden":
            named = shown(str(first["loc"][0]))
            raise ProblemError(
                Problem("bad-request", "unknown field in the body", "body", ", ".join(known), named)
            ) from error
        told = None if first["type"] == "missing" else shown(first["input"])
        raise ProblemError(
            Problem("bad-request", "a field cannot be read", str(first["loc"][0]), first["msg"], told)
        ) from error


def _day(name: str, value: str) -> date:
    try:
        day = date.fromisoformat(value) if len(value) == len("2018-01-31") else None
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ProblemError(
            Problem("bad-request", f"{name} is not a day", name, "a day such as 2018-01-31", shown(value))
        )
    return day


def _end_of(day: date, run: PublishedRun) -> datetime:
    """Return the end of a local day."""
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(run.facts.time_zone))
    return midnight.astimezone(UTC) - timedelta(microseconds=1)


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
