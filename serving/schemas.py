"""What the API takes and gives, as frozen pydantic models."""

import re
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

CUSTOMERS_A_REQUEST = 1_000
LINES_A_REQUEST = 10_000
TEXT_LENGTH = 200


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
    if not isfinite(value) or abs(value) >= 10**15:  # more cents than an int64 holds is no amount
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
    reasons: list[str]
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


class ScoredCustomer(Frozen):
    """Scores and segments of one customer."""

    customer_id: str
    confidence: str
    scores: dict[str, float | None]
    segments: list[SegmentReason]


class RefusedCustomer(Frozen):
    """One item that could not be scored; the others were."""

    customer_id: str | None = None
    error: ProblemDocument


class ScoreAnswer(Frozen):
    """Results in the order of the request."""

    release: str
    as_of: datetime
    data_through: datetime | None
    results: list[ScoredCustomer | RefusedCustomer]


class Refill(Frozen):
    """One product or category that a customer is expected to buy again; dates are the shop's local days."""

    level: str = Field(description="product or category.")
    product_id: str | None
    category: str | None
    p_due_7d: float
    p_due_14d: float
    next_purchase_p25: date | None
    next_purchase_p50: date | None
    next_purchase_p75: date | None
    next_purchase_p95: date | None
    quantity: float | None
    basis: str = Field(description="Whose gaps the dates rest on.")
    suppressed_because: str | None = Field(description="Why nobody should be reminded of it, or null.")


class CustomerAnswer(ScoredCustomer):
    """Stored scores of one customer in the latest run."""

    release: str
    as_of: datetime
    data_through: datetime | None
    replenishment: list[Refill]


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


class SegmentsAnswer(Frozen):
    """All segments of the latest run."""

    release: str
    as_of: datetime
    data_through: datetime | None
    customers: int
    currency: str
    segments: list[SegmentSummary]


class SegmentAnswer(SegmentSummary):
    """One segment of the latest run."""

    release: str
    as_of: datetime
    data_through: datetime | None
    currency: str


class Member(Frozen):
    """One member of a segment."""

    customer_id: str
    confidence: str
    since: datetime
    reasons: list[str]
    scores: dict[str, float | None]


class MembersAnswer(Frozen):
    """One page of a segment's members, by customer id; `next_cursor` is null on the last page."""

    release: str
    as_of: datetime
    data_through: datetime | None
    name: str
    size: int
    members: list[Member]
    next_cursor: str | None
