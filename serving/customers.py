"""Answers of customers as a published run has them, for one or for a thousand by the same code."""

from collections.abc import Collection, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa

from features.cutoff import Cutoff
from models.gaps import LEVELS
from models.release import Release
from serving import cells
from serving.answers import NOT_SCORES, Answer, plain, reasons_of, stamp
from serving.errors import Problem, ProblemError
from serving.scorer import told_reasons
from serving.store import PublishedRun

LISTED_A_LEVEL = 10
"""Refills of products, and of categories, that a customer's own answer holds."""
PARTS = ("reasons", "replenishment")
"""Of a customer's answer, what takes longest."""
NO_REFILLS = {"replenishment": None, "replenishment_total": None}


def customer(run: PublishedRun, customer_id: str, release: Release | None) -> Answer:
    """
    Return the stored answer of one customer, all of it.

    Parameters
    ----------
    run : PublishedRun
    customer_id : str
    release : Release or None
        As for `customers`.

    Raises
    ------
    ProblemError
        When the run has no such customer.
    """
    found = customers(run, [customer_id], release)
    if customer_id not in found:
        detail = "nobody of this id is in the run; post the history to /v1/score instead"
        raise ProblemError(Problem("unknown-customer", detail))
    return found[customer_id]


def customers(
    run: PublishedRun, ids: Sequence[str], release: Release | None, parts: Collection[str] = PARTS
) -> dict[str, Answer]:
    """
    Return the stored answers of some customers.

    Parameters
    ----------
    run : PublishedRun
    ids : sequence of str
        Each once.
    release : Release or None
        The one that scored the run, which alone knows the reasons; without it they are null.
    parts : collection of str
        Of `PARTS`; what is not asked for is null.

    Returns
    -------
    dict of str to dict
        As `schemas.customers.StoredCustomer`; nobody whom the run does not have.
    """
    scores, rows = cells.taken(run.tables["scores"], ids)
    there = [each for each, row in zip(ids, rows, strict=True) if row.start < row.stop]
    known = cells.rows(scores.drop_columns(list(NOT_SCORES)))
    said = zip(
        there,
        cells.cells(scores["confidence"]),
        known,
        _stored_reasons(run, there, known, release if "reasons" in parts else None),
        _memberships(run, there, told="reasons" in parts),
        cells.rows_of(run.tables["suggestions"], there),
        strict=True,
    )
    stamped = stamp(run)
    return {
        customer_id: {
            "customer_id": customer_id,
            "merged_id": None,
            **stamped,
            "confidence": confidence,
            "scores": mine,
            "reasons": reasons,
            "segments": memberships,
            **(refills_of(run.replenishment_of(customer_id)) if "replenishment" in parts else NO_REFILLS),
            "reminder": reminder_of(suggestions),
        }
        for customer_id, confidence, mine, reasons, memberships, suggestions in said
    }


def _memberships(run: PublishedRun, ids: Sequence[str], *, told: bool) -> list[list[Answer]]:
    titles = {segment.name: segment.title for segment in run.facts.segments}
    found, rows = cells.taken(run.tables["memberships"], ids)
    columns = zip(
        cells.cells(found["segment"]),
        cells.cells(found["reasons"]) if told else repeat(None, found.num_rows),
        cells.cells(found["entered_at"]),
        strict=True,
    )
    segments = [
        {"name": name, "title": titles.get(name, name), "reasons": reasons, "since": since}
        for name, reasons, since in columns
    ]
    return [segments[each] for each in rows]


def _stored_reasons(
    run: PublishedRun, ids: Sequence[str], scores: Sequence[Answer], release: Release | None
) -> list[Answer | None]:
    if release is None or not ids:
        return [None] * len(ids)
    features = pa.concat_tables(run.features_of(each) for each in ids)
    day = Cutoff(run.facts.as_of, run.facts.time_zone).day
    told = told_reasons(release, features, day)
    return [reasons_of(each, known) for each, known in zip(told, scores, strict=True)]


def reminder_of(suggestions: Sequence[Mapping[str, Any]]) -> Answer | None:
    """Return the reminder of a customer's rows of suggestions, of which there is one or none."""
    return next(({n: v for n, v in row.items() if n != "customer_id"} for row in suggestions), None)


def refills_of(refills: pa.Table) -> Answer:
    """Return how many refills a customer has and the likeliest of them: an old customer's are thousands."""
    if not refills.num_rows:
        return {"replenishment": [], "replenishment_total": 0}
    likeliest = np.argsort(-refills["p_due_14d"].to_numpy(), kind="stable")
    levels = refills["level"].to_numpy()[likeliest]
    listed = np.sort(np.concatenate([np.flatnonzero(levels == level)[:LISTED_A_LEVEL] for level in LEVELS]))
    return {
        "replenishment": [
            {name: plain(value) for name, value in refill.items() if name != "customer_id"}
            for refill in refills.take(likeliest[listed]).to_pylist()
        ],
        "replenishment_total": refills.num_rows,
    }
