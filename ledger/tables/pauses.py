"""Pauses: who asked not to be reminded for a while."""

import pyarrow as pa

from ledger.readings import CUSTOMER, INSTANT, NAME
from ledger.schema import INSTANT_TYPE, Column, DerivedId, Rule, Table

PAUSES = Table(
    name="pauses",
    means="Who asked not to be reminded: one row a pause and state of it.",
    key=("pause_id",),
    columns=(
        Column("pause_id", pa.string(), "The pause; else made from customer, product and start.", NAME, also=("id",)),
        Column(
            "customer_id", pa.string(), "Who asked.", CUSTOMER, required=True,
            also=("customer", "user_id", "user", "client_id", "profile_id"),
        ),
        Column(
            "product_id", pa.string(), "For which product; empty for everything.", NAME, nullable=True,
            also=("product", "sku", "item_id"),
        ),
        Column(
            "paused_at", INSTANT_TYPE, "When the pause starts.", INSTANT, required=True,
            also=("paused", "pause_start", "started_at", "created_at", "from"),
        ),
        Column(
            "known_at", INSTANT_TYPE, "When the shop knew of it: by default when it starts.", INSTANT,
            also=("updated_at", "received_at"),
        ),
        Column(
            "resumes_at", INSTANT_TYPE, "When it ends; empty until further notice.", INSTANT, nullable=True,
            may_be_future=True, also=("resumed_at", "pause_end", "ends_at", "ended_at", "until", "to"),
        ),
    ),
    rules=(
        Rule(
            ("known_at", "paused_at"), "known_at < paused_at",
            "known_at is before paused_at; leave it empty, or say when the shop learnt of the pause",
        ),
        Rule(
            ("resumes_at", "paused_at"), "resumes_at < paused_at",
            "resumes_at is before paused_at; leave it empty when the end is open",
        ),
    ),
    known_from="paused_at",
    derived_id=DerivedId("pause_id", ("customer_id", "product_id", "paused_at")),
)  # fmt: skip
