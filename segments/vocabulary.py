"""The words of segment expressions: which columns there are, their units, and how a sentence names them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from features.words import Declared, phrase_of


@dataclass(frozen=True)
class SegmentColumn:
    """A column that expressions may name.

    Parameters
    ----------
    name : str
        Column name in the frame of customers.
    unit : str
        A row of `segments.units`; any other unit is a plain number.
    phrase : str
        The column in a sentence, as its subject: "predicted chance of leaving within 90 days". For the unit
        `days_ago` it is what happened: "the last order".
    currency : str
        ISO code when the unit is money; empty when not known.
    """

    name: str
    unit: str
    phrase: str
    currency: str = ""


# Computed from the grid's limits, and so known to the language whatever the features and scores.
LIFECYCLE = SegmentColumn("lifecycle", "text", "place in the lifecycle grid")

# Counted by a scoring run from the forecast of refills, which it alone has: a history posted for scoring has none.
REFILLS = (
    SegmentColumn("refills_due_soon", "refills", "number of refills due soon"),
    SegmentColumn("refills_due_now", "refills", "number of refills due now"),
    SegmentColumn("refills_late", "refills", "number of late refills"),
    SegmentColumn("refills_lost", "refills", "number of products bought no more while others are"),
    SegmentColumn("first_refills_due", "refills", "number of refills due of what was bought once"),
    SegmentColumn("due_soon_items", "names", "list of refills due soon"),
    SegmentColumn("due_now_items", "names", "list of refills due now"),
    SegmentColumn("late_items", "names", "list of late refills"),
    SegmentColumn("lost_items", "names", "list of what is bought no more"),
    SegmentColumn("reminder_value", "currency", "value at stake in the next reminder"),
)
REFILL_NAMES = frozenset(column.name for column in REFILLS)


def vocabulary(rows: Iterable[Declared], currency: str = "") -> dict[str, SegmentColumn]:
    """Build the vocabulary of segment expressions.

    Parameters
    ----------
    rows : iterable of Declared
        Features and scores: anything with a name, a unit and a `means`.
    currency : str
        The shop's currency as ISO code, for sentences; empty when not known.

    Returns
    -------
    dict of str to SegmentColumn
        By column name; `lifecycle` and the columns of refills included.
    """
    named = [_column(row, currency) for row in rows if row.name != "customer_id"]
    refills = [
        replace(column, currency=currency) if column.unit == "currency" else column for column in REFILLS
    ]
    return {column.name: column for column in (LIFECYCLE, *refills, *named)}


def _column(row: Declared, currency: str) -> SegmentColumn:
    base = row.name.removesuffix("_percentile")
    phrase, unit = phrase_of(base, row)
    if base != row.name:
        phrase, unit = f"percentile of the {phrase}", "percentile"
    return SegmentColumn(row.name, unit, phrase, currency if unit == "currency" else "")
