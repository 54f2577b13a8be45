"""Answers of the API as plain values: from a published run or from posted histories. No HTTP here."""

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow.compute as pc

from features.cutoff import Cutoff
from features.surroundings import orders_alone
from ledger.shop import Shop
from models.reasons import Reasons
from models.release import Release
from models.scores import rests_on, scores_for
from serving import cells
from serving.errors import Problem, ProblemError
from serving.facts import SegmentFacts
from serving.posted import check_histories, key_of
from serving.requests import read_as_of, read_customer, split_request
from serving.schemas.fields import TEXT_LENGTH
from serving.schemas.scores import PostedCustomer
from serving.scorer import Scored, Scorer
from serving.store import PublishedRun
from serving.together import Together

MEMBERS_A_PAGE = 50
MEMBERS_AT_MOST = 1_000
CURSOR_LENGTH = 2_000  # of a segment name and a customer id, which has at most 255 characters
NOT_SCORES = {"customer_id", "confidence"}

Answer = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What is to be scored of one request.

    Parameters
    ----------
    scorer : Scorer
    run : PublishedRun
    as_of : str or None
        As given.
    now : datetime
        The instant of the request.
    customers : mapping of int to PostedCustomer
        By position in the request.
    """

    scorer: Scorer
    run: PublishedRun
    as_of: str | None
    now: datetime
    customers: Mapping[int, PostedCustomer]


class Told(NamedTuple):
    """What came of it: the cutoff, the last order before it, and of each position an answer or a problem."""

    cutoff: Cutoff
    data_through: datetime | None
    results: dict[int, Answer | Problem]


def score(
    body: object,
    scorer: Scorer,
    run: PublishedRun,
    now: datetime,
    together: Together[Asked, Told] | None = None,
) -> Answer:
    """
    Answer POST /v1/score.

    Parameters
    ----------
    body : object
        The parsed JSON body.
    scorer : Scorer
    run : PublishedRun
        Its products give posted lines their categories, and its store is the one that the customers are compared
        with. Of events and of who they are nothing is posted, so features of these are unknown.
    now : datetime
        The instant of the request.
    together : Together, optional
        Of `tell`; requests of one customer that come at one time share the work.

    Returns
    -------
    dict
        As `schemas.scores.ScoreAnswer`.

    Raises
    ------
    ProblemError
        When the body cannot be read, or its only customer cannot be scored.
    """
    as_of, items, alone = split_request(body)
    manifest = scorer.release.manifest
    read_as_of(as_of, now, manifest.time_zone)  # refused before its customers are
    read = {position: read_customer(item, position) for position, item in enumerate(items)}
    customers = {position: found for position, found in read.items() if isinstance(found, PostedCustomer)}
    asked = Asked(scorer, run, as_of, now, customers)
    told = (
        together.ask((id(scorer), id(run), as_of), asked)
        if together is not None and alone and customers
        else tell([asked])[0]
    )
    results = {**read, **told.results}
    if alone and isinstance(refused := results[0], Problem):
        raise ProblemError(refused)
    return {
        "release": scorer.release.id,
        "as_of": cells.instant(told.cutoff.at),
        "data_through": cells.instant(told.data_through),
        "labels": labels_of(manifest.horizon_days, manifest.currency, scorer.release),
        "results": [
            {"customer_id": _id_of(item), "error": found.document()} if isinstance(found, Problem) else found
            for item, found in zip(items, (results[position] for position in range(len(items))), strict=True)
        ],
    }


def tell(asked: Sequence[Asked]) -> list[Told]:
    """
    Score the customers of some requests at once; all of one scorer, run and `as_of`.

    Requests that name no `as_of` are answered as of the last of them.
    """
    scorer, run = asked[0].scorer, asked[0].run
    manifest = scorer.release.manifest
    now = max(each.now for each in asked)
    cutoff = read_as_of(asked[0].as_of, now, manifest.time_zone)
    customers = dict(enumerate(customer for each in asked for customer in each.customers.values()))
    if not customers:
        return [Told(cutoff, None, {}) for _ in asked]
    posted = check_histories(customers, Shop(manifest.currency, manifest.time_zone), now, scorer.checks)
    products = run.products_of(pc.unique(posted.orders["product_id"]))
    store = orders_alone(run.tables["store"])
    scored, reasons = scorer.score_posted(posted.orders, products, cutoff, store)
    results, through = _told(scorer, scored, reasons, customers), posted.through(cutoff)
    missing = Problem("no-history", "no order was known before as_of", "orders", "an earlier order")
    numbers, told = iter(customers), []
    for each in asked:
        mine = dict(zip(each.customers, numbers, strict=False))
        last = [through[key] for number in mine.values() if (key := key_of(number)) in through]
        found = {
            position: results.get(number) or _within(posted.refused.get(number, missing), position)
            for position, number in mine.items()
        }
        told.append(Told(cutoff, max(last, default=None), found))
    return told


def _within(problem: Problem, position: int) -> Problem:
    return replace(problem, field=f"customers[{position}].{problem.field}")


def _told(
    scorer: Scorer,
    scored: Scored,
    reasons: Sequence[Mapping[str, Reasons]],
    customers: Mapping[int, PostedCustomer],
) -> dict[int, Answer]:
    titles = {segment.name: segment.title for segment in scorer.segments}
    mine: dict[str, list[Answer]] = {}
    # Column by column: of a thousand customers it takes as long to make a row's dict as to tell of it.
    columns = (scored.assignments[name].to_pylist() for name in ("customer_id", "segment", "reasons"))
    for key, name, why in zip(*columns, strict=True):
        mine.setdefault(key, []).append({"name": name, "title": titles[name], "reasons": why})
    positions = {key_of(position): position for position in customers}
    return {
        positions[row["customer_id"]]: {
            "customer_id": customers[positions[row["customer_id"]]].customer_id,
            "confidence": row["confidence"],
            "scores": scores_of(row),
            "reasons": reasons_of(told, row),
            "segments": mine.get(row["customer_id"], []),
        }
        for row, told in zip(scored.scores.to_pylist(), reasons, strict=True)
    }


def _id_of(item: object) -> str | None:
    """Return the id to name a refused item by, when it is one that could be sent back."""
    found = item.get("customer_id") if isinstance(item, Mapping) else None
    return found if isinstance(found, str) and len(found) <= TEXT_LENGTH else None


def scores_of(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Return a row's scores alone; JSON knows no NaN, so what is unknown is null."""
    return {
        name: value if value is None or math.isfinite(value) else None
        for name, value in row.items()
        if name not in NOT_SCORES
    }


def reasons_of(told: Mapping[str, Reasons], scores: Mapping[str, float | None]) -> Answer:
    """Return the reasons of one customer's scores, of those that are known."""
    return {
        name: {
            "scale": each.scale,
            "base": each.base,
            "usual": each.usual,
            "reasons": [
                {"subject": subject, "text": text, "contribution": contribution, "effect": effect}
                for subject, text, contribution, effect in each.reasons
            ],
            "rest": each.rest,
        }
        for name, each in told.items()
        if scores.get(name) is not None
    }


def labels_of(horizon_days: int, currency: str, release: Release | None) -> Answer:
    """
    Return what each score of a release is: its unit, and what it rests on.

    Parameters
    ----------
    horizon_days : int, days
        Of the release.
    currency : str
    release : Release or None
        None when it cannot be loaded any more; then nothing is said of what its scores rest on.
    """
    trees = release is not None and release.predictors.next_order.correction is not None
    return {
        score.name: {
            "unit": currency if score.unit == "currency" else score.unit,
            "rests_on": None if release is None else rests_on(score, horizon_days, trees=trees),
        }
        for score in scores_for(horizon_days)
    }


def segments(run: PublishedRun) -> Answer:
    """Answer GET /v1/segments."""
    listed = [summary(run, segment) for segment in run.facts.segments]
    return {
        **stamp(run),
        "customers": run.facts.customers,
        "prospects": run.facts.prospects or 0,
        "currency": run.facts.currency,
        "segments": listed,
    }


def segment(run: PublishedRun, name: str) -> Answer:
    """
    Answer GET /v1/segments/{name}.

    Raises
    ------
    ProblemError
        When the run has no such segment.
    """
    return {**stamp(run), "currency": run.facts.currency, **summary(run, segment_facts(run, name))}


def summary(run: PublishedRun, facts: SegmentFacts) -> Answer:
    """Return one segment's text, size, share of everybody in the run and value."""
    return {**facts.model_dump(), "share": facts.size / run.facts.people if run.facts.people else 0.0}


def segment_facts(run: PublishedRun, name: str) -> SegmentFacts:
    """Return one segment's facts, or raise ProblemError when there is no such segment."""
    found = run.segment(name)
    if found is None:
        raise ProblemError(Problem("unknown-segment", "see /v1/segments for the segments there are"))
    return found


def members(run: PublishedRun, name: str, cursor: str | None, limit: str | None) -> Answer:
    """
    Answer GET /v1/segments/{name}/members.

    Parameters
    ----------
    run : PublishedRun
    name : str
    cursor : str or None
        `next_cursor` of the page before; it goes on meaning the same when a new run is published in between.
    limit : str or None
        Members a page, 1 to 1,000; 50 when left out.

    Raises
    ------
    ProblemError
        When the segment is unknown, the cursor is not one of this segment's or the limit is out of range.
    """
    facts = segment_facts(run, name)
    count = read_limit(limit)
    found = run.members(name, read_cursor(cursor, name), count + 1)
    page = found[:count]
    return {
        **stamp(run),
        "name": name,
        "size": facts.size,
        "members": _with_scores(run, page),
        "next_cursor": make_cursor(name, page[-1]["customer_id"]) if len(found) > count else None,
    }


def _with_scores(run: PublishedRun, memberships: Sequence[Mapping[str, Any]]) -> list[Answer]:
    listed = []
    for membership in memberships:
        row = run.customer(membership["customer_id"]) or {"confidence": "rule"}
        listed.append(
            {
                "customer_id": membership["customer_id"],
                "confidence": row["confidence"],
                "since": cells.instant(membership["entered_at"]),
                "reasons": membership["reasons"],
                "scores": scores_of(row),
            }
        )
    return listed


def read_limit(limit: str | None) -> int:
    """Return how many rows a page shall have; raises ProblemError when it is out of range."""
    if limit is None:
        return MEMBERS_A_PAGE
    if limit.isascii() and limit.isdigit() and len(limit) <= 4 and 1 <= int(limit) <= MEMBERS_AT_MOST:  # noqa: PLR2004
        return int(limit)
    raise ProblemError(Problem("bad-request", "limit is out of range", "limit", f"1 to {MEMBERS_AT_MOST:,}"))


def make_cursor(segment_name: str, last_customer_id: str) -> str:
    """Return the opaque place after a member."""
    return base64.urlsafe_b64encode(f"{segment_name}\n{last_customer_id}".encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, segment_name: str) -> str:
    """Return the customer id a cursor stands after; "" without a cursor."""
    if not cursor:
        return ""
    problem = Problem(
        "bad-cursor", "take next_cursor of the page before, unchanged", "cursor", "a next_cursor"
    )
    if len(cursor) > CURSOR_LENGTH:
        raise ProblemError(problem)
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise ProblemError(problem) from error
    name, separator, last = text.partition("\n")
    if name != segment_name or not separator:
        raise ProblemError(problem)
    return last


def stamp(run: PublishedRun) -> Answer:
    """Return what every answer from a run carries."""
    facts = run.facts
    return {
        "release": facts.release,
        "as_of": cells.instant(facts.as_of),
        "data_through": cells.instant(facts.data_through),
    }


def plain(value: Any) -> Any:  # noqa: ANN401 - a table's cell
    """Return a cell as JSON has it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value
