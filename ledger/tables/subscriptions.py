"""Subscriptions: what is delivered without being ordered again, so that nobody is reminded of it."""

import pyarrow as pa

from ledger.readings import CUSTOMER, INSTANT, NAME, WHOLE
from ledger.schema import INSTANT_TYPE, WHEN_IMPORTED, Column, DerivedId, Rule, Table

SUBSCRIPTIONS = Table(
    name="subscriptions",
    means="Who gets a product regularly without ordering it: one row a subscription and state of it.",
    key=("subscription_id",),
    columns=(
        Column(
            "subscription_id", pa.string(), "The subscription; else made from customer, product and start.", NAME,
            also=("subscription", "id", "contract_id", "subscription_contract_id"),
        ),
        Column(
            "customer_id", pa.string(), "Who gets it.", CUSTOMER, required=True,
            also=("customer", "user_id", "user", "client_id", "subscriber_id", "member_id"),
        ),
        Column(
            "product_id", pa.string(), "The product, as in the products table.", NAME, required=True,
            also=("product", "sku", "plan", "plan_id", "price_id", "item_id", "variant_id"),
        ),
        Column(
            "started_at", INSTANT_TYPE, "When it started.", INSTANT, required=True,
            also=("start_date", "started", "created_at", "created", "start", "current_period_start"),
        ),
        Column(
            "known_at", INSTANT_TYPE,
            "When the shop knew this: by default at the start, and with an ended_at at the end.",
            INSTANT, also=("updated_at", "modified_at"),
        ),
        Column(
            "every_days", pa.int32(), "Days between two deliveries.", WHOLE, nullable=True,
            also=("interval_days", "frequency_days", "interval", "frequency", "interval_count"),
        ),
        Column(
            "ended_at", INSTANT_TYPE, "When it ended or is going to end.", INSTANT, nullable=True, may_be_future=True,
            also=("canceled_at", "cancelled_at", "end_date", "ended", "cancel_at", "expires_at"),
        ),
    ),
    rules=(
        Rule(
            ("known_at", "started_at"), "known_at < started_at",
            "known_at is before started_at; leave it empty, or say when the shop learnt of the subscription",
        ),
        Rule(
            ("ended_at", "started_at"), "ended_at < started_at",
            "ended_at is before started_at; leave it empty while the subscription runs",
        ),
    ),
    # An end that lies ahead was known at the import at the latest.
    known_from=f"greatest(started_at, least(coalesce(ended_at, started_at), {WHEN_IMPORTED}))",
    derived_id=DerivedId("subscription_id", ("customer_id", "product_id", "started_at")),
)  # fmt: skip
