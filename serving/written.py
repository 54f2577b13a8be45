"""What the ledger takes over the API: orders and events in the plain format, as frozen pydantic models."""

from typing import Annotated

from pydantic import ConfigDict, Field

from serving.schemas.fields import Frozen, Name, Text
from serving.schemas.scores import OrderLine

ROWS_A_POST = 1_000


class LedgerLine(OrderLine):
    """One order line and whose it is."""

    customer_id: Name


class OrdersRequest(Frozen):
    """Order lines for the ledger, up to 1,000: all are taken or none."""

    orders: Annotated[list[LedgerLine], Field(min_length=1, max_length=ROWS_A_POST)]

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "orders": [
                    {
                        "customer_id": "c-1",
                        "order_id": "o-9",
                        "ordered_at": "2018-01-02T09:30:00+01:00",
                        "product_id": "beans-1kg",
                        "quantity": 1,
                        "net_amount": "24.90",
                    }
                ]
            }
        },
    )


class LedgerEvent(Frozen):
    """One event under Segment's e-commerce names; a customer_id or an anonymous_id is required."""

    event: Text = Field(description="What was done, such as Product Viewed.")
    happened_at: Text = Field(
        description="Instant or local date, ISO 8601; without an offset in the shop's time zone."
    )
    event_id: Text | None = Field(None, description="Made from everything the event says when left out.")
    known_at: Text | None = None
    anonymous_id: Text | None = None
    customer_id: Name | None = None
    session_id: Text | None = None
    product_id: Text | None = None
    order_id: Text | None = None
    channel: Text | None = None
    properties: dict[str, object] | None = Field(
        None, description="Anything else; without e-mail addresses and telephone numbers."
    )


class EventsRequest(Frozen):
    """Events for the ledger, up to 1,000: all are taken or none."""

    events: Annotated[list[LedgerEvent], Field(min_length=1, max_length=ROWS_A_POST)]

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "events": [
                    {
                        "event": "Product Viewed",
                        "event_id": "e-1",
                        "happened_at": "2018-01-02T09:20:00+01:00",
                        "customer_id": "c-1",
                        "product_id": "beans-1kg",
                    }
                ]
            }
        },
    )


class WriteAnswer(Frozen):
    """What became of the rows of one request; they are on the disk by now."""

    added: int = Field(description="New to the ledger.")
    corrected: int = Field(description="Later versions of rows that it holds.")
    unchanged: int = Field(description="Known already: sending the same again changes nothing.")


class WebhookAnswer(WriteAnswer):
    """What became of the order of one delivery; repeated deliveries and older states of an order change nothing."""

    refused: list[str] = Field(
        description="Why lines of it are none that the ledger takes: test orders, say."
    )
    ignored: str | None = Field(description="Why nothing of it was looked at: what it says was taken before.")

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {"added": 2, "corrected": 0, "unchanged": 0, "refused": [], "ignored": None}
        },
    )
