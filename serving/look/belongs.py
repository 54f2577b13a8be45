"""All segments of one customer with since, why and until when; and why he is not in another one."""

import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from ledger.errors import InputError
from ledger.store import Ledger
from segments.explain import Turn
from segments.told import Told, lines
from serving.answers import Answer, segment_facts, stamp
from serving.cells import instant
from serving.errors import Problem, ProblemError
from serving.explaining import RunExplainer, Why
from serving.look.kept import Kept
from serving.look.page import Asked
from serving.lookup import Customers
from serving.segments.editing import PARTITIONS, partition

_EXPLAINERS: Final = Kept[RunExplainer](2)  # one takes half a second to make
_ONE_AT_A_TIME: Final = threading.Lock()


def answer(asked: Asked) -> Answer:
    """
    Return a customer's segments, as they are by now, and the names of the others.

    Until when, and clause by clause why, is told as of the run; of one of whom something came since, the API's own
    reasons are told instead.

    Raises
    ------
    ProblemError
        When there is nothing to tell of him.
    """
    run, now = asked.run, asked.now or asked.run.facts.as_of
    given = {"customer_id": asked.given["customer_id"], "include": "reasons"}
    told = Customers(asked.live, lambda: now).one(run, given)
    customer_id = told["customer_id"]
    since_run = customer_id in asked.live.rescored(run, [customer_id])
    names = [each["name"] for each in told["segments"]]
    whys = {} if since_run else {each.explanation.name: each for each in _whys(asked, customer_id, names)}
    parts = {each for of in PARTITIONS for each in partition(of)}
    zone = ZoneInfo(run.facts.time_zone)
    today = run.facts.as_of.astimezone(zone).date()
    segments = [
        {
            **each,
            "since_day": datetime.fromisoformat(each["since"]).astimezone(zone).date().isoformat(),
            "part": each["name"] in parts,
            "until": _until(whys[each["name"]].explanation.turn, today) if each["name"] in whys else None,
        }
        for each in told["segments"]
    ]
    return {
        **stamp(run),
        "customer_id": customer_id,
        "since_run": since_run,
        "segments": sorted(segments, key=lambda each: each["part"]),
        "others": [
            {"name": each.name, "title": each.title} for each in run.facts.segments if each.name not in names
        ],
    }


def why(asked: Asked) -> Answer:
    """
    Return why a customer is in a segment or not, clause by clause, as of the run.

    Raises
    ------
    ProblemError
        When there is no such customer or segment, or nothing is kept to tell it from.
    """
    run, customer_id = asked.run, asked.given["customer_id"]
    facts = segment_facts(run, asked.given.get("segment", ""))
    if run.customer(customer_id) is None:
        raise ProblemError(Problem("unknown-customer", "nobody of this id is in the run"))
    found = _whys(asked, customer_id, [facts.name])
    if not found:
        raise ProblemError(Problem("not-found", "the run kept nothing to tell it from; score again"))
    explanation = found[0].explanation
    today = run.facts.as_of.astimezone(ZoneInfo(run.facts.time_zone)).date()
    return {
        **stamp(run),
        "customer_id": customer_id,
        "segment": {"name": facts.name, "title": facts.title, "sentence": explanation.sentence},
        "holds": explanation.holds,
        "since": instant(found[0].since),
        "clauses": list(_clauses(explanation.told)),
        "until": _until(explanation.turn, today),
    }


def _whys(asked: Asked, customer_id: str, names: list[str]) -> list[Why]:
    """Return explanations; none where the release is gone or the run did not keep what they are told from."""
    release = asked.live.release_of(asked.run)
    if release is None:
        return []
    # Without what the run noted of the shop's events, the whole ledger would have to be read for one customer.
    exact = bool(asked.run.facts.recorded_events)
    try:
        explainer = _EXPLAINERS.of(
            asked.run, release.id, lambda: RunExplainer(asked.run, release, exact=exact)
        )
        with Ledger(asked.run.home).connect() as ledger, _ONE_AT_A_TIME:
            return explainer.explain(customer_id, names, ledger if exact else None)
    except InputError:
        return []


def _until(turn: Turn, today: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a day
    """Return when time alone moves him: a day, or None; whether nothing moves him before; and what may do so."""
    on = None if turn.days is None else (today + timedelta(days=turn.days)).isoformat()
    return {"day": on, "certain": turn.certain, "hangs_on": list(turn.hangs_on)}


def _clauses(told: Told) -> Iterator[dict[str, Any]]:
    """Yield the clauses of a condition as lines, each with how deep it stands."""
    for depth, each in lines(told):
        yield {
            "depth": depth,
            "kind": each.kind,
            "holds": each.holds,
            "asks": each.text,
            "own": each.own,
            "distance": each.distance,
        }
