"""What a segment's members are otherwise: which other segments they are in, and how they differ from everybody."""

from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from ledger.errors import InputError
from models.reasons import explain_together
from models.scores import scores_for
from segments.expression import parse
from segments.vocabulary import SegmentColumn, vocabulary
from serving.answers import Answer, reasons_of, segment_facts, summary
from serving.look.customer import FIRST, scores_told
from serving.look.members import Places, places_of
from serving.look.page import Asked
from serving.scorer import stored_rows
from serving.segments.editing import PARTITIONS, followed, partition
from serving.store import PublishedRun

USUAL: Final = (
    "orders",
    "days_since_last_order",
    "spend_365d",
    "mean_order_value",
    "clv_365d",
    "p_order_30d",
)
"""What everybody is compared by; what the segment's own condition names comes first."""
COMPARED_AT_MOST: Final = 8
OVERLAPS_AT_MOST: Final = 12
STRETCHES: Final = 20
A_STRETCH: Final = 10
"""Members of whom reasons are taken together, side by side as they are stored: few blocks are unpacked for them."""
WRITTEN: Final = {
    "currency": "money",
    "probability": "share",
    "share": "share",
    "days": "days",
    "days_ago": "days",
}
"""How a unit is written; any other is a plain number."""


def answer(asked: Asked) -> Answer:
    """Return composition, overlap and comparison of one segment; raises ProblemError when there is none."""
    run, name = asked.run, asked.given["name"]
    facts = segment_facts(run, name)
    places = places_of(run, name)
    both = _both(run, places) if len(places) else {}
    return {
        "segment": summary(run, facts),
        "parts": [_composition(run, of, both, len(places)) for of in PARTITIONS] if len(places) else [],
        "overlap": _overlap(run, name, both, len(places)),
        "compared": _compared(run, facts.expression, places) if len(places) else [],
        **_moved(asked, places),
    }


def _moved(asked: Asked, places: Places) -> Answer:
    """Return what moves the members' scores, taken together; nothing when their release can no longer be loaded."""
    run, release = asked.run, asked.live.release_of(asked.run)
    places = places[run.scored[places]]
    if release is None or not len(places):
        return {"explained": 0, "moved": []}
    some = _sampled(places)
    on_day = Cutoff(run.facts.as_of, run.facts.time_zone).day
    reasons = explain_together(release, stored_rows(release, run.features.rows(some)), on_day)
    scores = run.tables["scores"].select([name for name in FIRST if name in reasons]).take(places)
    means = {name: pc.mean(scores[name]).as_py() for name in scores.column_names}
    told = {"scores": means, "reasons": reasons_of(reasons, means)}
    return {"explained": len(some), "moved": scores_told(run.facts.horizon_days, told)}


def _sampled(places: Places) -> Places:
    """Return stretches of members, evenly apart; all of a few."""
    if len(places) <= STRETCHES * A_STRETCH:
        return places
    starts = np.linspace(0, len(places) - A_STRETCH, STRETCHES).astype(np.int64)
    some: Places = places[(starts[:, None] + np.arange(A_STRETCH)).ravel()]
    return some


def _both(run: PublishedRun, places: Any) -> dict[str, int]:  # noqa: ANN401 - rows
    names = run.columns.segments
    return {
        name: int(mine[places].sum()) for name, mine in zip(names, run.columns.members(names), strict=True)
    }


def _composition(run: PublishedRun, of: str, both: dict[str, int], size: int) -> Answer:
    groups = []
    for name in partition(of):
        facts = run.segment(name)
        if facts is not None and facts.size:
            groups.append(
                {
                    "name": name,
                    "title": facts.title,
                    "customers": both.get(name, 0),
                    "share": both.get(name, 0) / size,
                    "share_of_all": facts.size / run.facts.people,
                }
            )
    return {"of": of, "groups": groups}


def _overlap(run: PublishedRun, name: str, both: dict[str, int], size: int) -> list[Answer]:
    parts = {each for of in PARTITIONS for each in partition(of)}
    told: list[dict[str, Any]] = []
    for other, shared in sorted(both.items(), key=lambda pair: (-pair[1], pair[0])):
        facts = run.segment(other)
        if facts is not None and other != name and other not in parts and shared:
            told.append(
                {
                    "name": other,
                    "title": facts.title,
                    "both": shared,
                    "share_of_these": shared / size,
                    "share_of_those": shared / facts.size,
                    "share_of_all": facts.size / run.facts.people,
                }
            )
    # What nearly everybody is in says little: the surprising first.
    told.sort(key=lambda each: each["share_of_all"] - each["share_of_these"])
    return told[:OVERLAPS_AT_MOST]


def _compared(run: PublishedRun, expression: str, places: Any) -> list[Answer]:  # noqa: ANN401 - rows
    columns = vocabulary((*CATALOG, *scores_for(run.facts.horizon_days)), run.facts.currency)
    try:
        mine = parse(expression, columns, {each.name: each for each in followed(run.home)}).columns
    except InputError:  # a segment of an older version of the language
        mine = frozenset()
    kept = set(run.columns.names)
    wanted = [name for name in dict.fromkeys((*sorted(mine), *USUAL)) if name in kept and name in columns]
    table = run.columns.read(wanted)
    values = {name: table[name].to_numpy(zero_copy_only=False) for name in wanted}
    told = [_median(columns[name], values[name][places], values[name][run.scored]) for name in wanted]
    return [each for each in told if each][:COMPARED_AT_MOST]


def _median(column: SegmentColumn, theirs: Any, of_all: Any) -> Answer | None:  # noqa: ANN401 - columns
    """Return the median of some members beside that of all customers; nothing where it is unknown of either."""
    if theirs.dtype.kind != "f" or np.isnan(theirs).all() or np.isnan(of_all).all():
        return None
    return {
        "column": column.name,
        "phrase": column.phrase,
        "as": WRITTEN.get(column.unit, "decimal"),
        "median": float(np.nanmedian(theirs)),
        "median_of_all": float(np.nanmedian(of_all)),
    }
