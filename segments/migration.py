"""Who moved from which group to which: a partition at two instants, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

MOVES = """
    WITH mine AS (SELECT customer_id, segment, entered_at, left_at FROM recorded
                  WHERE segment IN (SELECT unnest($groups))),
         a AS (SELECT customer_id, segment FROM mine
               WHERE entered_at <= $earlier AND (left_at IS NULL OR left_at > $earlier)),
         b AS (SELECT customer_id, segment FROM mine
               WHERE entered_at <= $later AND (left_at IS NULL OR left_at > $later))
    SELECT a.segment AS before, b.segment AS after, count(*) AS customers
    FROM a FULL JOIN b ON a.customer_id = b.customer_id GROUP BY ALL
"""


@dataclass(frozen=True)
class Migration:
    """How many customers moved from each group to each.

    Parameters
    ----------
    groups : tuple of str
        Names of the segments that make up the partition, in its order.
    counts : mapping of (str or None, str or None) to int
        By group before and after; None before is a customer not known then, None after one no longer known. Pairs
        without anybody are left out.
    """

    groups: tuple[str, ...]
    counts: Mapping[tuple[str | None, str | None], int]

    def rows(self) -> list[dict[str, str | int | None]]:
        """Return the matrix: a row a group before, a column a group after, both with those known at one time only."""
        ends: tuple[str | None, ...] = (*self.groups, None)
        return [
            {"before": before, **{after or "gone": self.counts.get((before, after), 0) for after in ends}}
            for before in ends
        ]


def migration(
    connection: duckdb.DuckDBPyConnection, groups: Sequence[str], earlier: datetime, later: datetime
) -> Migration:
    """Count moves between the groups of a partition.

    Parameters
    ----------
    connection : DuckDBPyConnection
        In UTC, with a relation `recorded` of the columns of `segments.movement.STAYS`.
    groups : sequence of str
        Segments of which each customer is in one.
    earlier, later : datetime
        Aware. What the last run at or before each said.
    """
    asked = {"groups": list(groups), "earlier": earlier, "later": later}
    found = connection.sql(MOVES, params=asked).to_arrow_table()
    counts = {(row["before"], row["after"]): row["customers"] for row in found.to_pylist()}
    return Migration(tuple(groups), counts)
