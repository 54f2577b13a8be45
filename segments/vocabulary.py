"""The words of segment expressions: which columns there are, their units, and how a sentence names them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol


class Declared(Protocol):
    """What a Feature and a Score have in common."""

    @property
    def name(self) -> str:
        """Column name."""

    @property
    def unit(self) -> str:
        """Unit of the column's values."""

    @property
    def means(self) -> str:
        """Return one sentence saying what the column holds."""


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


@dataclass(frozen=True)
class Phrase:
    """How a family of columns is named in sentences, where its `means` reads badly as a subject."""

    pattern: str
    phrase: str
    unit: str | None = None


# The first match wins; {0} is what the pattern's group matched. Everything else is named by its `means`.
PHRASES = (
    Phrase(r"churn_probability_(\d+)d", "predicted chance of leaving within {0} days"),
    Phrase(r"p_order_(\d+)d", "predicted chance of ordering within {0} days"),
    Phrase(r"clv_(\d+)d", "predicted spend in the next {0} days"),
    Phrase(r"clv_(\d+)d_p(\d+)", "{1}th percentile of the predicted spend in the next {0} days"),
    Phrase(r"expected_value_(\d+)d", "predicted spend in the next {0} days"),
    Phrase(r"expected_orders_(\d+)d", "predicted number of orders in the next {0} days"),
    Phrase(r"next_order_days_p50", "predicted time to the next order"),
    Phrase(r"next_order_days_p10", "earliest likely time to the next order"),
    Phrase(r"next_order_days_p90", "latest likely time to the next order"),
    Phrase(r"days_since_(last|first)_order", "the {0} order", "days_ago"),
    Phrase(r"days_since_sign_up", "the sign-up", "days_ago"),
    Phrase(r"days_since_last_(cart|visit|checkout)", "the last {0}", "days_ago"),
    Phrase(r"days_since_last_product_view", "the last view of a product", "days_ago"),
    Phrase(r"days_since_last_abandoned_cart", "the last abandoned cart", "days_ago"),
    Phrase(r"days_since_last_email_(open|click)", "the last {0} of an e-mail", "days_ago"),
    Phrase(r"days_since_last_over_mean_gap", "time since the last order as a multiple of the usual gap"),
    Phrase(r"days_first_to_last_order", "time from the first to the last order"),
    Phrase(r"orders", "number of orders"),
    Phrase(r"orders_(\d+)d", "number of orders in the last {0} days"),
    Phrase(r"spend", "total net spend"),
    Phrase(r"spend_(\d+)d", "net spend in the last {0} days"),
    Phrase(r"lines_(\d+)d", "number of lines bought in the last {0} days"),
    Phrase(r"orders_(\d+)d_year_ago", "number of orders in the same {0} days a year earlier"),
    Phrase(r"spend_(\d+)d_year_ago", "net spend in the same {0} days a year earlier"),
    Phrase(r"orders_next_(\d+)d_year_ago", "number of orders in the coming {0} days a year earlier"),
    Phrase(r"spend_next_(\d+)d_year_ago", "net spend in the coming {0} days a year earlier"),
    Phrase(r"gross_spend", "total spend before refunds"),
    Phrase(r"mean_order_value", "average order value"),
    Phrase(r"median_order_value", "usual order value"),
    Phrase(r"(last|first)_order_value", "value of the {0} order"),
    Phrase(r"max_order_value", "value of the largest order"),
    Phrase(r"min_order_value", "value of the smallest order"),
    Phrase(r"order_value_trend", "growth of the order value from one order to the next"),
    Phrase(r"discount_share", "share of discounts in the price"),
    Phrase(r"mean_gap_days", "average time between orders"),
    Phrase(r"median_gap_days", "usual time between orders"),
    Phrase(r"last_gap_days", "time between the last two orders"),
    Phrase(r"max_gap_days", "longest time between orders"),
    Phrase(r"min_gap_days", "shortest time between orders"),
    Phrase(r"gap_regularity", "regularity of the time between orders"),
    Phrase(r"gap_trend", "growth of the time between orders from one to the next"),
    Phrase(r"days_to_second_order", "time from the first to the second order"),
    Phrase(r"days_second_to_third_order", "time from the second to the third order"),
    Phrase(r"last_gap_over_mean_gap", "last time between orders as a multiple of the usual one"),
    Phrase(r"days_since_last_over_median_gap", "time since the last order as a multiple of the median gap"),
    Phrase(r"days_since_last_over_max_gap", "time since the last order as a multiple of the longest gap"),
    Phrase(r"days_since_new_product", "the last purchase of a product new to the customer", "days_ago"),
    Phrase(r"repeat_products", "number of different products bought more than once"),
    Phrase(r"mean_piece_price", "average price of a piece"),
    Phrase(r"price_level", "price paid as a multiple of the list price"),
    Phrase(r"categories", "number of categories bought from"),
    Phrase(r"products", "number of different products bought"),
    Phrase(r"first_order_(lines|products|pieces|categories)", "number of {0} in the first order"),
    Phrase(r"first_order_discount_share", "share of the discount in the first order's price"),
    Phrase(r"first_order_(weekday|hour)", "{0} of the first order"),
    Phrase(r"season_order_share", "share of orders at this time of the year"),
    Phrase(r"cutoff_month", "month of the year"),
    Phrase(r"discounted_order_share", "share of orders with a discount"),
    Phrase(r"refunded_share", "share of spend that was refunded"),
)

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
    phrase, unit = _named(base, row)
    if base != row.name:
        phrase, unit = f"percentile of the {phrase}", "percentile"
    return SegmentColumn(row.name, unit, phrase, currency if unit == "currency" else "")


def _named(name: str, row: Declared) -> tuple[str, str]:
    for known in PHRASES:
        match = re.fullmatch(known.pattern, name)
        if match:
            return known.phrase.format(*match.groups()), known.unit or row.unit
    return _as_subject(row.means), row.unit


def _as_subject(means: str) -> str:
    """Turn a sentence into the subject of another: no afterthought, no capital unless an acronym."""
    text = means.partition(";")[0].strip().removesuffix(".")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
