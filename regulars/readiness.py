"""Which segments a history allows: those of the library by the columns they name, and those that do not ship yet."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from features.catalog.shipped import CATALOG
from ledger.quality.report import Report
from models.scores import SCORES
from segments.assign import parse_all
from segments.derived import inputs_of
from segments.expression import Expression
from segments.segment import Segment, load_library
from segments.vocabulary import vocabulary

Status = Literal["ready", "by_rules", "needs_data", "not_shipped"]


@dataclass(frozen=True)
class ColumnNeed:
    """What columns of segment expressions need of the ledger.

    Parameters
    ----------
    pattern : str
        Regular expression of the columns' names.
    capability : str
        Name of a row of `ledger.quality.capability`.
    """

    pattern: str
    capability: str


COLUMN_NEEDS = (
    ColumnNeed(r"discounted_order_share|(first_order_)?discount_share", "discounts"),
    ColumnNeed(r"refunded_share", "refunds"),
    ColumnNeed(
        r"(first_order_)?categories|(top|first_order)_category_share|category_concentration", "categories"
    ),
    ColumnNeed(
        r"(first_order_|repeat_)?products|products_per_order|(repeat|top)_product_share|new_product_share_\d+d|"
        r"days_since_new_product|mean_piece_price|price_level",
        "order_products",
    ),
    ColumnNeed(r"(first_)?refills_\w+|(due_soon|due_now|late|lost)_items|reminder_value", "order_products"),
    ColumnNeed(r"quantity_per_order|first_order_pieces|mean_piece_price|price_level", "quantities"),
    ColumnNeed(r"(morning|afternoon|evening)_order_share|first_order_hour", "order_times"),
    ColumnNeed(r"days_since_sign_up|days_sign_up_to_first_order", "sign_up_dates"),
    ColumnNeed(r"has_email", "emails"),
    ColumnNeed(r"has_phone", "phones"),
    ColumnNeed(r"same_country", "countries"),
    ColumnNeed(r"age_years|days_to_next_birthday", "birth_dates"),
    ColumnNeed(r"loyalty_member", "loyalty"),
    ColumnNeed(r"email_consent", "email_consent"),
    ColumnNeed(r"sms_consent", "sms_consent"),
    ColumnNeed(r"ads_consent", "ads_consent"),
    ColumnNeed(r"product_views_\d+d|days_since_last_product_view", "page_views"),
    ColumnNeed(r"product_list_views_\d+d", "list_views"),
    ColumnNeed(r"searches_\d+d", "searches"),
    ColumnNeed(r"(cart_additions|abandoned_carts)_\d+d|days_since_last_(abandoned_)?cart", "carts"),
    ColumnNeed(r"(abandoned_)?checkouts_\d+d|days_since_last_checkout", "checkouts"),
    ColumnNeed(r"checkout_steps_\d+d", "checkout_steps"),
    ColumnNeed(r"(visits|active_days)_\d+d|days_since_last_visit", "activity"),
    ColumnNeed(r"emails_delivered_\d+d|email_(opens|clicks)_per_delivered_\d+d", "email_sends"),
    ColumnNeed(
        r"emails_(opened|clicked)_\d+d|email_(opens|clicks)_per_delivered_\d+d|days_since_last_email_(open|click)",
        "email_reactions",
    ),
    ColumnNeed(r"unsubscribed", "unsubscribes"),
)
PREDICTED = (
    (r"churn_probability_.*|p_order_.*|expected_orders_.*|next_order_days_.*", "churn"),
    (r"clv_.*|expected_value_.*", "lifetime value"),
)
"""Patterns of score columns, and the prediction (`Allowance.short`) they come from; below its minimum rules answer."""


@dataclass(frozen=True)
class Planned:
    """A segment that the library does not have yet, and the kinds of data that it is going to need."""

    title: str
    needs: tuple[str, ...]


PLANNED = (Planned("New and returning visitors, not identified", ("visitors", "sessions")),)


@dataclass(frozen=True)
class SegmentAnswer:
    """Whether a segment can have members with this history.

    Parameters
    ----------
    name : str or None
        As `regulars segments list` prints it; None of one that does not ship yet.
    title : str
    status : str
        "ready"; "by_rules" where the history is too short for a model; "needs_data"; "not_shipped" where the software
        cannot compute it yet, whatever the data.
    needs, missing : tuple of str
        Names of capabilities; `missing` are those of which the ledger holds nothing.
    """

    name: str | None
    title: str
    status: Status
    needs: tuple[str, ...]
    missing: tuple[str, ...]


def segment_answers(report: Report, library: Sequence[Segment] | None = None) -> tuple[SegmentAnswer, ...]:
    """Return an answer for every segment: those that ship, in the library's order, then the planned ones.

    Parameters
    ----------
    report : Report
    library : sequence of Segment, optional
        The shipped one by default.
    """
    columns = vocabulary((*CATALOG, *SCORES))
    held = {each.name for each in report.capabilities if each.found}
    short = {each.short for each in report.predictions if not each.allowed}
    shipped = load_library() if library is None else library
    parsed = parse_all(shipped, columns)
    return (
        *(_of_library(segment, parsed[segment.name], held, short) for segment in shipped),
        *(
            SegmentAnswer(None, each.title, "not_shipped", each.needs, _lacking(each.needs, held))
            for each in PLANNED
        ),
    )


def waiting(report: Report, library: Sequence[Segment] | None = None) -> dict[str, tuple[str, ...]]:
    """Return the segments that nobody can be in yet, by name, and how the shop brings what each waits for.

    Parameters
    ----------
    report : Report
    library : sequence of Segment, optional
        The shipped one by default.
    """
    bring = {each.name: each.bring for each in report.capabilities}
    return {
        each.name: tuple(bring[need] for need in each.missing)
        for each in segment_answers(report, library)
        if each.name and each.status == "needs_data"
    }


def _of_library(segment: Segment, parsed: Expression, held: set[str], too_short: set[str]) -> SegmentAnswer:
    named = inputs_of(parsed.columns)
    needs = tuple(
        dict.fromkeys((*needs_of(named), *(need for each in parsed.measured for need in each.needs)))
    )
    missing = _lacking(needs, held)
    status: Status = "ready"
    if missing:
        status = "needs_data"
    elif too_short & set(predictions_of(named)):
        status = "by_rules"
    return SegmentAnswer(segment.name, segment.title, status, needs, missing)


def needs_of(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the capabilities that columns of an expression need, in the order of COLUMN_NEEDS."""
    named = tuple(columns)
    return tuple(
        need.capability
        for need in COLUMN_NEEDS
        if any(re.fullmatch(need.pattern, column) for column in named)
    )


def predictions_of(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the predictions that columns of an expression come from."""
    named = tuple(columns)
    return tuple(
        short for pattern, short in PREDICTED if any(re.fullmatch(pattern, column) for column in named)
    )


def _lacking(needs: Iterable[str], held: set[str]) -> tuple[str, ...]:
    return tuple(need for need in needs if need not in held)
