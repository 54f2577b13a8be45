"""The answer of a customer of whom something was posted since the run: what is known now, in the run's own words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from serving import answers
from serving.arrived import Rescored
from serving.store import PublishedRun


def customer(run: PublishedRun, customer_id: str, rescored: Rescored) -> answers.Answer:
    """
    Answer GET /v1/customers/{id} for a customer of whom something was posted since the run.

    What hangs on all customers is told as the run forecast it, less what was bought since: refills, the reminder, and
    the segments that ask for these.

    Parameters
    ----------
    run : PublishedRun
    customer_id : str
    rescored : Rescored
    """
    scorer = rescored.scorer
    row = rescored.scored.scores.to_pylist()[0]
    refills = run.replenishment_of(customer_id)
    bought = pc.is_in(
        pc.coalesce(refills["product_id"], refills["category"]),
        pa.array(sorted(rescored.bought), pa.string()),
    )
    left = refills.filter(pc.invert(bought))
    as_forecast = left.num_rows == refills.num_rows
    reminder = run.suggestion_of(customer_id)
    return {
        "customer_id": customer_id,
        "release": scorer.release.id,
        "as_of": _instant(rescored.cutoff.at),
        "data_through": _instant(rescored.data_through(run)),
        "confidence": row["confidence"],
        "scores": answers.scores_of(row),
        "reasons": answers.reasons_of(scorer.reasons(rescored.scored.features, rescored.cutoff.day)[0]),
        "segments": _segments_now(run, customer_id, rescored, as_forecast=as_forecast),
        **answers.refills_of(left),
        "reminder": _plain(reminder) if as_forecast and reminder else None,
    }


def _segments_now(
    run: PublishedRun, customer_id: str, rescored: Rescored, *, as_forecast: bool
) -> list[answers.Answer]:
    scorer = rescored.scorer
    before = {each["segment"]: each for each in run.memberships_of(customer_id)}
    entered = {name: each["entered_at"] for name, each in before.items()}
    reasons = {each["segment"]: each["reasons"] for each in rescored.scored.assignments.to_pylist()}
    if as_forecast:
        reasons |= {name: each["reasons"] for name, each in before.items() if name not in scorer.decided}
    return [
        {
            "name": segment.name,
            "title": segment.title,
            "reasons": reasons[segment.name],
            "since": _instant(entered.get(segment.name, rescored.at)),
        }
        for segment in scorer.segments
        if segment.name in reasons
    ]


def _plain(row: Mapping[str, Any]) -> answers.Answer:
    return {name: answers.plain(value) for name, value in row.items() if name != "customer_id"}


def _instant(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
