"""The answer of a customer of whom something was posted since the run: what is known now, in the run's own words."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from serving import answers, cells, customers
from serving.arrived import Rescored
from serving.store import PublishedRun


def customer(
    run: PublishedRun, customer_id: str, rescored: Rescored, parts: Collection[str] = customers.PARTS
) -> answers.Answer:
    """
    Return the answer of a customer of whom something was posted since the run.

    What hangs on all customers is told as the run forecast it, less what was bought since: refills, the reminder, and
    the segments that ask for these.

    Parameters
    ----------
    run : PublishedRun
    customer_id : str
    rescored : Rescored
    parts : collection of str
        Of `customers.PARTS`; what is not asked for is null.
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
    told = "reasons" in parts
    reminder = customers.reminder_of(cells.rows_of(run.tables["suggestions"], [customer_id])[0])
    return {
        "customer_id": customer_id,
        "merged_id": None,
        "release": scorer.release.id,
        "as_of": cells.instant(rescored.cutoff.at),
        "data_through": cells.instant(rescored.data_through(run)),
        "confidence": row["confidence"],
        "scores": answers.scores_of(row),
        "reasons": answers.reasons_of(scorer.reasons(rescored.scored.features, rescored.cutoff.day)[0], row)
        if told
        else None,
        "segments": _segments_now(run, customer_id, rescored, as_forecast=as_forecast, told=told),
        **(customers.refills_of(left) if "replenishment" in parts else customers.NO_REFILLS),
        "reminder": reminder if as_forecast else None,
    }


def _segments_now(
    run: PublishedRun, customer_id: str, rescored: Rescored, *, as_forecast: bool, told: bool
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
            "reasons": reasons[segment.name] if told else None,
            "since": cells.instant(entered.get(segment.name, rescored.at)),
        }
        for segment in scorer.segments
        if segment.name in reasons
    ]
