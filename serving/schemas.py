"""What the API takes and gives, as frozen pydantic models."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

CUSTOMERS_A_REQUEST = 1_000
LINES_A_REQUEST = 10_000
IDS_A_REQUEST = 1_000
IDS_IN_FULL = 100
TEXT_LENGTH = 200
ID_LENGTH = 255
AMOUNT_LIMIT = 10**15


def _as_text(value: object) -> object:
    """Read a whole number as the text it would be in a CSV; ids are often numbers."""
    return (
        str(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18
        else value
    )


def _as_amount(value: object) -> object:
    """Read a JSON number as the decimal text it would be in a CSV, so that both go through the same check."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    # More cents than an int64 holds is no amount; NaN compares with nothing, and `isfinite` fails on huge integers.
    if not -AMOUNT_LIMIT < value < AMOUNT_LIMIT:
        raise ValueError("a finite number below a thousand million million")
    return format(Decimal(repr(value)), "f")


def _as_name(text: str) -> str:
    """Refuse an id that an import would refuse; orders are checked like an import, under keys of our own."""
    if not text.strip() or re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("text that is not blank and holds no control character")
    return text


# What is read is a text either way; the description says what may be sent.
Text = Annotated[
    str,
    BeforeValidator(_as_text, json_schema_input_type=str | int),
    Field(min_length=1, max_length=TEXT_LENGTH),
]
Name = Annotated[Text, AfterValidator(_as_name)]
CustomerId = Annotated[
    str,
    BeforeValidator(_as_text, json_schema_input_type=str | int),
    Field(min_length=1, max_length=ID_LENGTH),
    AfterValidator(_as_name),
]
Amount = Annotated[
    str, BeforeValidator(_as_amount, json_schema_input_type=str | float), Field(min_length=1, max_length=40)
]


class Frozen(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OrderLine(Frozen):
    """One order line in the plain format; the ledger's own checks decide whether it holds together."""

    order_id: Text
    ordered_at: Text = Field(
        description="Instant or local date, ISO 8601; without an offset in the shop's time zone."
    )
    net_amount: Amount = Field(
        description="Paid for this line after discounts, in the shop's currency; refunds negative."
    )
    line_id: Text | None = None
    known_at: Text | None = Field(None, description="When the shop knew this line; required for refunds.")
    product_id: Text | None = None
    quantity: Amount | None = None
    discount_amount: Amount | None = None
    currency: Text | None = None
    status: Text | None = Field(None, description="paid, cancelled or refunded; paid when left out.")
    channel: Text | None = None


class PostedCustomer(Frozen):
    """One customer's whole history."""

    customer_id: Name
    orders: tuple[OrderLine, ...] = Field(min_length=1, max_length=LINES_A_REQUEST)


class ScoreRequest(Frozen):
    """Histories to score: one customer or up to 1,000, 10,000 order lines in all."""

    as_of: str | None = Field(
        None, description="Instant or local date to describe the customers as of; now when left out."
    )
    customers: (
        PostedCustomer | Annotated[list[PostedCustomer], Field(min_length=1, max_length=CUSTOMERS_A_REQUEST)]
    )

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "as_of": "2018-01-01",
                "customers": [
                    {
                        "customer_id": "c-1",
                        "orders": [
                            {"order_id": "o-1", "ordered_at": "2017-10-02", "net_amount": 24.9},
                            {
                                "order_id": "o-2",
                                "ordered_at": "2017-11-20T17:30:00-05:00",
                                "net_amount": "31.50",
                            },
                        ],
                    }
                ],
            }
        },
    )


class SegmentReason(Frozen):
    """A segment the customer is in, and why."""

    name: str
    title: str
    reasons: list[str] | None = Field(description="Null where reasons were not asked for.")
    since: datetime | None = None


class ProblemDocument(Frozen):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    expected: str | None = None
    got: str | None = None
    instance: str | None = None
    request_id: str | None = Field(None, description="As in X-Request-Id, and in the service's log.")


class ScoreReason(Frozen):
    """What one subject contributes to a score."""

    subject: str = Field(description="What it is about: history, lately, money, rhythm, basket, season ...")
    text: str = Field(
        description="What is so, with the customer's own values, and what it does to the score."
    )
    contribution: float = Field(description="On the score's raw scale.")
    effect: float = Field(
        description="The score less what it would be without this: a difference of probabilities, or the part by "
        "which orders or money are higher (negative: lower)."
    )


class ScoreReasons(Frozen):
    """Why a score is what it is: `base`, the contributions and `rest` sum to its raw value."""

    scale: str = Field(description="Of the raw value: log_odds of a probability, log of orders and money.")
    base: float = Field(description="The raw score of the store's usual customer.")
    usual: float = Field(description="The score of the store's usual customer.")
    reasons: list[ScoreReason] = Field(description="The strongest first.")
    rest: float = Field(description="All other contributions together, on the raw scale.")


class ScoredCustomer(Frozen):
    """Scores and segments of one customer."""

    customer_id: str
    confidence: str
    scores: dict[str, float | None]
    reasons: dict[str, ScoreReasons] | None = Field(
        description="By score. Null where they were not asked for, and for stored scores of a release that is gone."
    )
    segments: list[SegmentReason]


class RefusedCustomer(Frozen):
    """One item that could not be scored; the others were."""

    customer_id: str | None = None
    error: ProblemDocument


class ScoreLabel(Frozen):
    """What a score is."""

    unit: str = Field(
        description="probability (0 to 1), percentile (0 to 100 among the customers of the release), orders, days, or "
        "the code of the currency that the money is in."
    )
    rests_on: str | None = Field(
        description="What trained it: what happened within the horizon; the purchase process beyond the trained "
        "horizon, with the correction learnt within it; or the purchase process alone. Null for a release that is gone."
    )


class ScoreAnswer(Frozen):
    """Results in the order of the request."""

    release: str
    as_of: datetime
    data_through: datetime | None
    labels: dict[str, ScoreLabel] = Field(description="By score.")
    results: list[ScoredCustomer | RefusedCustomer]


class Refill(Frozen):
    """One product or category that a customer is expected to buy again; dates are the shop's local days."""

    level: str = Field(description="product or category.")
    product_id: str | None
    category: str | None
    p_due_7d: float
    p_due_14d: float
    p_due_30d: float | None = None
    next_purchase_p25: date | None
    next_purchase_p50: date | None
    next_purchase_p75: date | None
    next_purchase_p95: date | None
    quantity: float | None
    basis: str = Field(description="Whose gaps the dates rest on.")
    suppressed_because: str | None = Field(
        description="The rule by which nobody should be reminded of it, or null: subscribed, paused, discontinued, "
        "out_of_stock, not_used_up, restocked or reminded."
    )
    last_bought_on: date | None
    usual_gap_days: int | None = Field(
        description="Days by which half of those who buy it again have, by this customer's own gaps and others'."
    )
    times_bought: int | None = Field(description="Days on which the customer bought it.")
    state: str | None = Field(description="not_due, due_soon, due_now, late or lost.")
    state_since: date | None
    state_reason: str | None
    suppressed_since: date | None
    suppressed_reason: str | None
    offer_product_id: str | None = Field(description="What to offer in its place: it is no longer sold.")
    value_if_bought: float | None = Field(
        description="What one purchase is worth, by what the customer paid, in the shop's currency."
    )


class CustomerRefill(Refill):
    """A refill and whose it is."""

    customer_id: str


class RefillsAnswer(Frozen):
    """One page of refills, by customer; `next_cursor` is null on the last page."""

    release: str
    as_of: datetime
    data_through: datetime | None
    refills: list[CustomerRefill]
    next_cursor: str | None

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "release": "2018-01-01-3f2a",
                "as_of": "2018-01-01T05:00:00Z",
                "data_through": "2017-12-31T22:10:00Z",
                "refills": [
                    {
                        "customer_id": "c-1",
                        "level": "product",
                        "product_id": "beans-1kg",
                        "category": "Coffee > Beans",
                        "p_due_7d": 0.41,
                        "p_due_14d": 0.63,
                        "p_due_30d": 0.88,
                        "next_purchase_p25": "2018-01-04",
                        "next_purchase_p50": "2018-01-10",
                        "next_purchase_p75": "2018-01-21",
                        "next_purchase_p95": "2018-02-20",
                        "quantity": 2.0,
                        "basis": "customer",
                        "suppressed_because": None,
                        "last_bought_on": "2017-12-01",
                        "usual_gap_days": 29,
                        "times_bought": 7,
                        "state": "due_now",
                        "state_since": "2017-12-30",
                        "state_reason": "usually every 29 days; last bought on 1 December 2017, 31 days ago; "
                        "due since 30 December 2017",
                        "suppressed_since": None,
                        "suppressed_reason": None,
                        "offer_product_id": None,
                        "value_if_bought": 31.8,
                    }
                ],
                "next_cursor": None,
            }
        },
    )


class DemandDay(Frozen):
    """Pieces expected on one local day."""

    date: date
    expected_units: float
    units_p10: float
    units_p90: float
    new_buyer_units: float = Field(description="What of it customers take who never bought it before.")


class DemandAnswer(Frozen):
    """Expected demand of one product or category, day by day."""

    release: str
    as_of: datetime
    data_through: datetime | None
    level: str
    product_id: str | None
    category: str | None
    days: list[DemandDay]
    note: str = Field(description="What is in the figures and what is not.")

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "release": "2018-01-01-3f2a",
                "as_of": "2018-01-01T05:00:00Z",
                "data_through": "2017-12-31T22:10:00Z",
                "level": "product",
                "product_id": "beans-1kg",
                "category": "Coffee > Beans",
                "days": [
                    {
                        "date": "2018-01-01",
                        "expected_units": 12.4,
                        "units_p10": 7.6,
                        "units_p90": 17.7,
                        "new_buyer_units": 3.1,
                    }
                ],
                "note": "Next purchases and what follows them within the 30 days, and first-time buyers as lately.",
            }
        },
    )


class Reminder(Frozen):
    """The one reminder suggested for a customer."""

    send_on: date
    weekday: int = Field(description="On which the customer orders most; 1 is Monday.")
    hour: int | None = Field(
        description="At which he orders most, the shop's local time; null without times of day."
    )
    products: list[str]
    categories: list[str]
    expected_purchases: float
    expected_value: float = Field(
        description="At stake in the week from send_on; not what the reminder adds."
    )
    reasons: list[str]


class StoredCustomer(ScoredCustomer):
    """One customer as of the latest run, or as of the day of what was posted of him since."""

    merged_id: str | None = Field(
        description="The id that was asked for, where a merge made it this customer's; otherwise null."
    )
    release: str
    as_of: datetime
    data_through: datetime | None
    replenishment: list[Refill] | None = Field(
        description="What is likeliest bought again within 14 days: up to 10 products and 10 categories, the likeliest "
        "first. /v1/replenishment?customer= has them all. Null where it was not asked for."
    )
    replenishment_total: int | None = Field(
        description="Refills that there are of this customer; null where they were not asked for."
    )
    reminder: Reminder | None


class CustomerAnswer(StoredCustomer):
    """One customer, and what his scores are."""

    labels: dict[str, ScoreLabel] = Field(description="By score.")


Part = Literal["reasons", "replenishment"]


class LookupRequest(Frozen):
    """Customers to look up: up to 1,000, or 100 with `include`."""

    customer_ids: Annotated[list[CustomerId], Field(min_length=1, max_length=IDS_A_REQUEST)]
    include: list[Part] = Field(
        default=[],
        description="What takes longest and is left out otherwise: reasons, of scores and of segments; replenishment.",
    )

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"customer_ids": ["c-1", "c-1041"], "include": ["reasons"]}},
    )


class LookupAnswer(Frozen):
    """Results in the order of the request; each says of itself as of when, and by which release."""

    release: str
    as_of: datetime
    data_through: datetime | None
    labels: dict[str, ScoreLabel] = Field(description="By score.")
    results: list[StoredCustomer | RefusedCustomer]


class Readiness(Frozen):
    """What is served, and what newer release or run was refused."""

    status: str
    release: str | None
    run: str | None
    refused: str | None


class SegmentSummary(Frozen):
    """A segment: what it is, how many are in it and what they are worth."""

    name: str
    title: str
    group: str = Field(description="predicted, history or lifecycle.")
    sentence: str
    description: str
    advice: str
    expression: str
    size: int
    share: float
    value: float = Field(description="Sum of clv_365d over the members, in the shop's currency.")
    version: int = Field(description="Of its definition.")
    entered: int = Field(description="Members that the latest run added.")
    left: int = Field(description="Members that it removed.")
    warning: str | None = Field(description="Said when its size jumps beyond its own past.")


class SegmentsAnswer(Frozen):
    """All segments of the latest run."""

    warnings: list[str] = Field(description="Segments that jump, and orders that stopped arriving.")

    release: str
    as_of: datetime
    data_through: datetime | None
    customers: int
    currency: str
    segments: list[SegmentSummary]


class TrendPoint(Frozen):
    """A segment in one run."""

    as_of: datetime
    release: str
    version: int | None
    size: int
    value: float
    entered: int
    left: int


class SegmentAnswer(SegmentSummary):
    """One segment of the latest run, and of those before it, oldest first."""

    trend: list[TrendPoint]
    changes_token: str = Field(description="To be given as `since` to hear of changes after this run.")

    release: str
    as_of: datetime
    data_through: datetime | None
    currency: str


class Member(Frozen):
    """One member of a segment."""

    customer_id: str
    confidence: str | None = Field(description="Null of a past day.")
    since: datetime
    reasons: list[str]
    scores: dict[str, float | None] = Field(description="None of a past day.")


class LiveCounts(Frozen):
    """How many customers posted orders and events have moved in and out since the run."""

    entered: int
    left: int


class MembersAnswer(Frozen):
    """One page of a segment's members this second, by customer id; `next_cursor` is null on the last page.

    Whom posted orders or events have moved since the run is listed, or is not, as he stands now.
    """

    release: str
    as_of: datetime
    data_through: datetime | None
    name: str
    size: int | None = Field(description="Null of a past day.")
    members: list[Member]
    next_cursor: str | None
    live: LiveCounts | None = Field(description="In `size` and `members` already. Null of a past day.")


class Change(Frozen):
    """Somebody who entered or left a segment."""

    at: datetime = Field(description="Cutoff of the run.")
    kind: str = Field(description="entered or left.")
    customer_id: str
    cause: str = Field(
        description="condition: one came to hold or ceased to; limits: the store's numbers in it moved; definition: "
        "it was edited; started or ended: it is followed since now, or no more; new or gone: the customer is."
    )
    changed: list[str] = Field(description="The conditions that changed, with the customer's own values.")
    reasons: list[str] = Field(description="Why he is a member, or was.")
    version: int | None = Field(description="Of the segment's definition.")


class LiveChange(Frozen):
    """Somebody whom a posted order or event has moved since the run."""

    at: datetime = Field(description="When what was posted happened.")
    kind: str = Field(description="entered or left.")
    customer_id: str
    reasons: list[str] = Field(description="Why he is a member, or was.")


class ChangesAnswer(Frozen):
    """A segment's changes after a token, in one order for ever; each comes once, and asking again gives the same."""

    release: str
    as_of: datetime
    data_through: datetime | None
    name: str
    changes: list[Change]
    next: str = Field(description="The token to give as `since` next time.")
    more: bool = Field(description="Whether there are more already.")
    live: list[LiveChange] = Field(
        description="Who was moved since the last run; no token counts them, and the changes tell them after the next."
    )

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "release": "2018-01-01-3f2a",
                "as_of": "2018-01-01T05:00:00Z",
                "data_through": "2017-12-31T22:10:00Z",
                "name": "likely_to_churn",
                "changes": [
                    {
                        "at": "2018-01-01T05:00:00Z",
                        "kind": "left",
                        "customer_id": "c-1041",
                        "cause": "condition",
                        "changed": ["predicted chance of leaving within 90 days is 21 % (at most 66 %)"],
                        "reasons": ["predicted chance of leaving within 90 days is 71 % (over 66 %)"],
                        "version": 1,
                    }
                ],
                "next": "9a1b22c3-48211",
                "more": False,
                "live": [],
            }
        },
    )


class Move(Frozen):
    """How many customers moved from one group to another; null is not known then, or no longer."""

    before: str | None
    after: str | None
    customers: int


class MigrationAnswer(Frozen):
    """Who moved from which group of a partition to which."""

    release: str
    as_of: datetime
    data_through: datetime | None
    of: str
    groups: list[str]
    moves: list[Move]


class PreviewRequest(Frozen):
    """A condition to try on everybody of the latest run."""

    expression: str = Field(min_length=1, max_length=4_000, strict=True)
    sample: int = Field(5, ge=0, le=100, strict=True, description="How many of the members to name.")
    edit_of: str | None = Field(
        None,
        max_length=63,
        strict=True,
        description="A segment that it would replace: what would change is told.",
    )

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {"expression": "orders >= 3 and days_since_last_order > 60", "sample": 2}
        },
    )


class SampledCustomer(Frozen):
    """One of those that a condition holds for."""

    customer_id: str
    clv_365d: float | None
    reasons: list[str]


class OverlapWith(Frozen):
    """Another segment that shares members."""

    name: str
    title: str
    both: int
    share_of_these: float = Field(description="Of those that the condition holds for.")
    share_of_those: float = Field(description="Of the other segment.")


class EditDifference(Frozen):
    """What saving the condition would change."""

    stay: int
    enter: int
    leave: int
    entering: list[SampledCustomer]
    leaving: list[SampledCustomer]
    value_before: float
    value_after: float


class PreviewAnswer(Frozen):
    """What a condition would make of the latest run's customers; nothing is saved."""

    release: str
    as_of: datetime
    data_through: datetime | None
    currency: str
    sentence: str
    count: int
    share: float
    value: float
    sample: list[SampledCustomer]
    overlap: list[OverlapWith]
    difference: EditDifference | None

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "release": "2018-01-01-3f2a",
                "as_of": "2018-01-01T05:00:00Z",
                "data_through": "2017-12-31T22:10:00Z",
                "currency": "USD",
                "sentence": "number of orders is at least 3 and the last order was more than 60 days ago",
                "count": 412,
                "share": 0.08,
                "value": 5120.4,
                "sample": [
                    {
                        "customer_id": "c-1041",
                        "clv_365d": 12.5,
                        "reasons": ["number of orders is 4 (at least 3)", "the last order was 71 days ago"],
                    }
                ],
                "overlap": [
                    {
                        "name": "likely_to_churn",
                        "title": "Likely to churn",
                        "both": 380,
                        "share_of_these": 0.92,
                        "share_of_those": 0.31,
                    }
                ],
                "difference": None,
            }
        },
    )
