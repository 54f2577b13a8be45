"""Reminders: which refill reminders were sent, so that none is sent twice."""

import pyarrow as pa

from ledger.readings import CATEGORY, CUSTOMER, INSTANT, NAME
from ledger.schema import INSTANT_TYPE, Column, DerivedId, Rule, Table

REMINDERS = Table(
    name="reminders",
    means="Which reminders to buy again were sent: one row a reminder.",
    key=("reminder_id",),
    columns=(
        Column(
            "reminder_id", pa.string(), "The reminder; else made from whom, what, when and where.", NAME,
            also=("id", "message_id", "send_id", "campaign_message_id"),
        ),
        Column(
            "customer_id", pa.string(), "Who was reminded.", CUSTOMER, required=True,
            also=("customer", "user_id", "user", "client_id", "recipient_id", "profile_id"),
        ),
        Column(
            "product_id", pa.string(), "Of which product; empty for a category or for everything.", NAME, nullable=True,
            also=("product", "sku", "item_id"),
        ),
        Column(
            "category", pa.string(), "Of which category, a path as in the products table.", CATEGORY, nullable=True,
            also=("product_category", "product_type"),
        ),
        Column(
            "sent_at", INSTANT_TYPE, "When it was sent.", INSTANT, required=True,
            also=("sent", "send_time", "timestamp", "delivered_at", "created_at", "date"),
        ),
        Column(
            "known_at", INSTANT_TYPE, "When the shop knew of it: by default when it was sent.", INSTANT,
            also=("received_at", "updated_at"),
        ),
        Column(
            "channel", pa.string(), "By which way, such as email or sms.", NAME, nullable=True,
            also=("medium", "type", "message_type"),
        ),
    ),
    rules=(
        Rule(
            ("known_at", "sent_at"), "known_at < sent_at",
            "known_at is before sent_at; leave it empty, or say when the shop learnt of the reminder",
        ),
    ),
    known_from="sent_at",
    derived_id=DerivedId("reminder_id", ("customer_id", "product_id", "category", "sent_at", "channel")),
)  # fmt: skip
