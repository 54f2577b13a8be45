"""A segment as it is this second: the members of the run, less and more whom posted orders and events have moved since.

Of the few customers of whom something came, the service knows which segments they are in by now, without scoring
anybody else. They are laid over the run's lists. The feed of changes stays that of the runs: each change comes once,
and what is told here the feed tells after the next run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving import answers, cells, current
from serving.arrived import Rescored
from serving.store import PublishedRun

Live = Mapping[str, Rescored]
"""Customers of whom something was posted since the run."""
ENTERED, LEFT = "entered", "left"


@dataclass(frozen=True)
class Moved:
    """Who was moved in or out of one segment since the run.

    Parameters
    ----------
    entered : dict of str to Rescored
    left : dict of str to Rescored
    """

    entered: dict[str, Rescored]
    left: dict[str, Rescored]

    @classmethod
    def of(cls, run: PublishedRun, name: str, live: Live) -> "Moved":
        """Compare where customers were in the run with where they are now."""
        entered, left = {}, {}
        for customer_id, rescored in sorted(live.items()):
            now = _is_in(run, name, customer_id, rescored)
            before = name in {each["segment"] for each in run.memberships_of(customer_id)}
            if now and not before:
                entered[customer_id] = rescored
            elif before and not now:
                left[customer_id] = rescored
        return cls(entered, left)

    def told(self, run: PublishedRun, name: str) -> list[answers.Answer]:
        """Return who entered and left, by the instant and then by customer; reasons are why he is in, or was."""
        rows = [
            {"at": cells.instant(rescored.at), "kind": kind, "customer_id": customer_id, "reasons": reasons}
            for kind, moved in ((ENTERED, self.entered), (LEFT, self.left))
            for customer_id, rescored in moved.items()
            for reasons in [
                _reasons(rescored, name) if kind == ENTERED else _reasons_before(run, customer_id, name)
            ]
        ]
        return sorted(rows, key=lambda row: (row["at"], row["customer_id"]))


def members(
    run: PublishedRun, name: str, cursor: str | None, limit: str | None, live: Live
) -> answers.Answer:
    """Answer GET /v1/segments/{name}/members as of this second; as `serving.answers.members`."""
    facts = answers.segment_facts(run, name)
    count, after = answers.read_limit(limit), answers.read_cursor(cursor, name)
    moved = Moved.of(run, name, live)
    found = run.members(name, after, count + 1 + len(moved.left))
    whole = len(found) <= count + len(moved.left)
    stay = [_of_run(run, row, live) for row in found if row["customer_id"] not in moved.left]
    last = found[-1]["customer_id"] if found else after
    came = [
        _of_now(customer_id, rescored, name)
        for customer_id, rescored in moved.entered.items()
        if customer_id > after and (whole or customer_id <= last)
    ]
    listed = sorted((*stay, *came), key=lambda row: row["customer_id"])
    page = listed[:count]
    return {
        **answers.stamp(run),
        "name": name,
        "size": facts.size + len(moved.entered) - len(moved.left),
        "members": page,
        "next_cursor": answers.make_cursor(name, page[-1]["customer_id"]) if len(listed) > count else None,
        "live": {ENTERED: len(moved.entered), LEFT: len(moved.left)},
    }


def _is_in(run: PublishedRun, name: str, customer_id: str, rescored: Rescored) -> bool:
    if name in rescored.scorer.decided:
        return name in rescored.scored.assignments["segment"].to_pylist()
    # What the run alone decides, as long as it still holds.
    told = current.customer(run, customer_id, rescored, frozenset())
    return name in {each["name"] for each in told["segments"]}


def _of_run(run: PublishedRun, row: Mapping[str, Any], live: Live) -> answers.Answer:
    customer_id = row["customer_id"]
    rescored = live.get(customer_id)
    scores = run.customer(customer_id) if rescored is None else rescored.scored.scores.to_pylist()[0]
    told = {"customer_id": customer_id, "since": cells.instant(row["entered_at"]), "reasons": row["reasons"]}
    return {**told, **_scores(scores or {"confidence": "rule"})}


def _of_now(customer_id: str, rescored: Rescored, name: str) -> answers.Answer:
    told = {
        "customer_id": customer_id,
        "since": cells.instant(rescored.at),
        "reasons": _reasons(rescored, name),
    }
    return {**told, **_scores(rescored.scored.scores.to_pylist()[0])}


def _scores(row: Mapping[str, Any]) -> answers.Answer:
    return {"confidence": row["confidence"], "scores": answers.scores_of(row)}


def _reasons(rescored: Rescored, name: str) -> list[str]:
    rows = rescored.scored.assignments.to_pylist()
    return next((row["reasons"] for row in rows if row["segment"] == name), [])


def _reasons_before(run: PublishedRun, customer_id: str, name: str) -> list[str]:
    rows = run.memberships_of(customer_id)
    return next((row["reasons"] for row in rows if row["segment"] == name), [])
