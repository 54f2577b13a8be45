"""POST /v1/score: histories, and what is told of each."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from serving.schemas.fields import Amount, Frozen, Name, Stamped, Text
from serving.schemas.service import ProblemDocument

CUSTOMERS_A_REQUEST = 1_000
LINES_A_REQUEST = 10_000


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


class ScoreAnswer(Stamped):
    """Results in the order of the request."""

    labels: dict[str, ScoreLabel] = Field(description="By score.")
    results: list[ScoredCustomer | RefusedCustomer]
