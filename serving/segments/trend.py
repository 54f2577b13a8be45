"""A segment over time: its size and value run by run, who was in it on a past day, and who moved between groups."""

from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ledger.engine import open_engine
from segments.migration import Migration, migration
from segments.movement import present_on
from serving.segments.editing import partition
from serving.segments.records import view_stays
from serving.store import PublishedRun

SHOWN = ("as_of", "release", "version", "size", "value", "entered", "left")


def points(run: PublishedRun, name: str) -> list[dict[str, Any]]:
    """Return a segment's runs up to one that is published, oldest first: `SHOWN`.

    The last is as the published run has it, from which somebody may have been erased since.
    """
    trend = run.tables["trend"]
    mine: pa.Table = trend.filter(pc.equal(trend["segment"], name))
    rows = mine.select([column for column in SHOWN if column in mine.column_names]).to_pylist()
    facts = run.segment(name)
    return [
        {**row, "size": facts.size, "value": facts.value}
        if facts and row["as_of"] == run.facts.as_of
        else row
        for row in rows
    ]


def members_on(run: PublishedRun, name: str, on: datetime, after: str, limit: int) -> list[dict[str, Any]]:
    """Return who was in a segment: customer_id, segment, entered_at, reasons, by customer.

    Parameters
    ----------
    run : PublishedRun
    name : str
    on : datetime
        Aware. What the last run at or before it said.
    after : str
        Only customers whose id sorts after this one.
    limit : int
    """
    with open_engine() as connection:
        view_stays(connection, run.home)
        found = present_on(connection, min(on, run.facts.as_of), name)
    return list(found.filter(pc.greater(found["customer_id"], after)).slice(0, limit).to_pylist())


def moved(
    run: PublishedRun, groups: str, earlier: datetime | None = None, later: datetime | None = None
) -> Migration:
    """Count who moved from which group of a partition to which.

    Parameters
    ----------
    run : PublishedRun
    groups : str
        Name of the partition; see `serving.segments.editing.PARTITIONS`.
    earlier, later : datetime, optional
        Aware. By default the run before the published one, and that one.

    Raises
    ------
    InputError
        When there is no such partition.
    """
    until = run.facts.as_of if later is None else min(later, run.facts.as_of)
    if earlier is None:
        before = [row for row in pc.unique(run.tables["trend"]["as_of"]).to_pylist() if row < until]
        earlier = max(before, default=until)
    with open_engine() as connection:
        view_stays(connection, run.home)
        return migration(connection, partition(groups), earlier, until)
