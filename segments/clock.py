"""What time alone does to a condition: every column's own clock, and the day on which membership changes by it.

Days pass and nothing else happens: no order, no event, no change of description, and the release stays as it is. Then
the age of everything grows by a day a day, what hangs on no age stays, and a window lets go of what leaves it. Columns
that time moves in another way, predictions above all, are taken to be anything: a change is told as certain only where
it comes whatever they are by then.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from features.catalog.shipped import CATALOG
from features.relations import STORE
from segments import nodes
from segments.nodes import Call, Clause, InSegment
from segments.vocabulary import FLAG_WORDS, REFILL_NAMES, TODAY, Measured, SegmentColumn

HORIZON_DAYS = 731
"""How far ahead is looked: two years."""

# Columns of the staged relations that change from one cutoff to the next with nothing new.
_MOVING = re.compile(
    r"\b(age_days|months_from_cutoff|cutoff_month|sign_up_age_days|age_years|days_to_birthday)\b"
)
_AGE = re.compile(r"(min|max)\((age_days|sign_up_age_days)\)")
_WINDOW = re.compile(r"age_\w+|event")


@cache
def _features() -> Mapping[str, str]:
    """Return "ages", "stays" or "moves" of every feature."""
    found = {}
    for feature in CATALOG:
        ages = _AGE.fullmatch(feature.sql)
        moves = _MOVING.search(feature.sql) or feature.over == STORE.name
        found[feature.name] = "ages" if ages else "moves" if moves else "stays"
    return found


def clock_of(column: SegmentColumn) -> str:
    """Return what time does to a column: "ages" by a day a day, "stays", or "moves" in some other way.

    Parameters
    ----------
    column : SegmentColumn
        One that is not derived from others.
    """
    if column == TODAY:
        return "ages"
    if isinstance(column, Measured) and "known_stays" in column.relations:
        return "moves"
    if isinstance(column, Measured):
        if re.fullmatch(r"(min|max)\(age_days\) FILTER \(WHERE (.*)\)", column.aggregate):
            conditions = column.aggregate.partition("WHERE")[2]
            return "moves" if _WINDOW.search(conditions.replace("event IN", "")) else "ages"
        aged = _WINDOW.search(column.aggregate.replace("event IN", "")) or "known_events" in column.source[1:]
        return "moves" if aged else "stays"
    if column.name in REFILL_NAMES:
        return "moves"
    return _features().get(column.name, "stays" if column.name in FLAG_WORDS else "moves")


def moving(columns: Iterable[SegmentColumn], exact: Iterable[str] = ()) -> frozenset[str]:
    """Return the names of columns that time moves in a way that is not known.

    Parameters
    ----------
    columns : iterable of SegmentColumn
    exact : iterable of str
        Those that are recomputed for every day.
    """
    known = set(exact)
    return frozenset(each.name for each in columns if each.name not in known and clock_of(each) == "moves")


def certain_sql(clause: Clause, unknown: frozenset[str], *, otherwise: bool) -> str:
    """Return SQL of a clause in which every condition on some columns is taken to be as given.

    NOT stands before no clause, so that `false` gives who is in whatever those columns are, and `true` who may be.

    Parameters
    ----------
    clause : Clause
        Resolved.
    unknown : frozenset of str
        Names of columns; derived ones among them.
    otherwise : bool
    """
    if isinstance(clause, InSegment):
        return certain_sql(clause.clause, unknown, otherwise=otherwise)
    if isinstance(clause, Call):
        if names_in(clause) & unknown:
            return "true" if otherwise else "false"
        return nodes.sql(clause)  # unknown is as good as false here
    joint = " AND " if isinstance(clause, nodes.Every) else " OR "
    return f"({joint.join(certain_sql(part, unknown, otherwise=otherwise) for part in clause.clauses)})"


def names_in(clause: Clause) -> frozenset[str]:
    """Return the columns that a clause names."""
    return frozenset(leaf.name for leaf in nodes.leaves(clause) if isinstance(leaf, SegmentColumn))
