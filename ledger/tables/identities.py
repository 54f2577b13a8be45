"""Identities: which ids are one customer, since when, and how the shop learnt it."""

import pyarrow as pa

from ledger.readings import CUSTOMER, HOW, INSTANT
from ledger.schema import INSTANT_TYPE, WHEN_IMPORTED, Column, Rule, Table

IDENTITIES = Table(
    name="identities",
    means="Who is who: one row an id that is absorbed and the customer it belongs to from then on. A row without a "
    "customer parts the two again; of the rows of one id the latest known counts.",
    key=("anonymous_id",),
    columns=(
        Column(
            "anonymous_id", pa.string(), "The id that is absorbed: a visitor's, or a duplicate account's.", CUSTOMER,
            required=True,
            also=("anonymousid", "visitor_id", "device_id", "cookie_id", "user_pseudo_id", "distinct_id", "previous_id",
                  "previousid", "merged_id", "duplicate_id", "alias", "old_id", "from_id"),
        ),
        Column(
            "customer_id", pa.string(), "The customer it belongs to; empty when it is parted from everyone.", CUSTOMER,
            nullable=True,
            also=("user_id", "userid", "customer", "canonical_id", "new_id", "to_id", "profile_id", "person_id"),
        ),
        Column(
            "known_at", INSTANT_TYPE,
            "Since when the shop knew it: by default since the import, so that earlier training rows stay as they are.",
            INSTANT, also=("at", "timestamp", "merged_at", "identified_at", "received_at", "updated_at", "created_at"),
        ),
        Column(
            "how", pa.string(), "How it was learnt: identified, merged, unmerged, imported or a word of the shop's.",
            HOW, default="'imported'", also=("method", "reason", "type", "source"),
        ),
    ),
    rules=(
        Rule(
            ("anonymous_id", "customer_id"), "anonymous_id = customer_id",
            "anonymous_id and customer_id are the same; leave the row out, every id is itself already",
        ),
        Rule(
            ("customer_id", "how"), "how = 'unmerged' AND customer_id IS NOT NULL",
            "an unmerged row names no customer; leave customer_id empty, or say merged",
        ),
        Rule(
            ("customer_id", "how"), "how IN ('identified', 'merged') AND customer_id IS NULL",
            "customer_id is empty; give the customer, or say unmerged",
        ),
    ),
    known_from=WHEN_IMPORTED,
)  # fmt: skip
