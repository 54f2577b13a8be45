"""Replenishment: who is due for what, the demand that comes of it, and the reminder."""

from datetime import date

from pydantic import ConfigDict, Field

from serving.schemas.fields import Frozen, Stamped


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


class RefillsAnswer(Stamped):
    """One page of refills, by customer; `next_cursor` is null on the last page."""

    refills: list[CustomerRefill]
    next_cursor: str | None

    model_config = ConfigDict(
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


class DemandAnswer(Stamped):
    """Expected demand of one product or category, day by day."""

    level: str
    product_id: str | None
    category: str | None
    days: list[DemandDay]
    note: str = Field(description="What is in the figures and what is not.")

    model_config = ConfigDict(
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
