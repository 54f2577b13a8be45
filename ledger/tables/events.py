"""Events: what visitors and customers did besides ordering, under Segment's e-commerce names."""

import pyarrow as pa

from ledger.readings import CUSTOMER, EVENT, INSTANT, JSON_OBJECT, NAME
from ledger.schema import INSTANT_TYPE, Column, DerivedId, Rule, Table

EVENTS = Table(
    name="events",
    means="What visitors and customers did: one row an event. The names are those of Segment's e-commerce and e-mail "
    "specifications, whatever their case, blanks, hyphens and underscores; a shop's own names are kept as they are.",
    key=("event_id",),
    columns=(
        Column(
            "event", pa.string(), "What was done, such as Product Viewed.", EVENT, required=True,
            also=("event_name", "event_type", "name", "type", "action", "metric", "metric_name", "event_text"),
        ),
        Column(
            "event_id", pa.string(), "The event; else made from everything the row says, so a file that is imported "
            "again adds nothing.", NAME,
            also=("id", "message_id", "messageid", "uuid", "insert_id", "$insert_id", "event_uuid"),
        ),
        Column(
            "happened_at", INSTANT_TYPE, "When it was done.", INSTANT, required=True,
            also=(
                "at", "timestamp", "original_timestamp", "originaltimestamp", "event_time", "event_timestamp",
                "occurred_at", "created_at", "datetime", "date", "time", "ts",
            ),
        ),
        Column(
            "known_at", INSTANT_TYPE, "When the shop knew of it: by default when it was done.", INSTANT,
            also=("received_at", "receivedat", "server_timestamp", "loaded_at"),
        ),
        Column(
            "anonymous_id", pa.string(), "The visitor: a cookie or device, before anyone knew who it is.", CUSTOMER,
            nullable=True,
            also=("anonymousid", "visitor_id", "client_id", "device_id", "cookie_id", "user_pseudo_id", "distinct_id"),
        ),
        Column(
            "customer_id", pa.string(), "The customer, where the shop knew who it was.", CUSTOMER, nullable=True,
            also=("user_id", "userid", "customer", "user", "person_id", "profile_id", "member_id"),
        ),
        Column(
            "session_id", pa.string(), "The visit.", NAME, nullable=True,
            also=("session", "visit_id", "ga_session_id"),
        ),
        Column(
            "product_id", pa.string(), "The product it is about, as in the products table.", NAME, nullable=True,
            also=("product", "sku", "item_id", "properties_product_id", "properties_sku"),
        ),
        Column(
            "order_id", pa.string(), "The order it is about, as in the orders table.", NAME, nullable=True,
            also=("order", "transaction_id", "properties_order_id", "checkout_id"),
        ),
        Column(
            "channel", pa.string(), "Where it was done.", NAME, nullable=True,
            also=("source", "platform", "medium", "utm_source", "context_channel"),
        ),
        Column(
            "properties", pa.string(), "Anything else, a JSON object; without e-mail addresses and telephone numbers.",
            JSON_OBJECT, nullable=True, also=("event_properties", "params", "event_params", "attributes", "payload"),
        ),
        Column(
            "event_day", pa.int32(), "Local day of the event, days since 1970-01-01.",
            derived="date_diff('day', DATE '1970-01-01', CAST({local} AS DATE))",
        ),
        Column("event_hour", pa.int32(), "Local hour of the event, 0 to 23.", derived="hour({local})"),
        Column(
            "event_isoweekday", pa.int32(), "Local weekday of the event, 1 = Monday to 7 = Sunday.",
            derived="isodow({local})",
        ),
    ),
    rules=(
        Rule(
            ("anonymous_id", "customer_id"), "anonymous_id IS NULL AND customer_id IS NULL",
            "nobody did it; give an anonymous_id or a customer_id",
        ),
        Rule(
            ("known_at", "happened_at"), "known_at < happened_at",
            "known_at is before happened_at; leave it empty, or say when the shop learnt of the event",
        ),
    ),
    known_from="happened_at",
    local_of="happened_at",
    derived_id=DerivedId(
        "event_id",
        (
            "event", "happened_at", "anonymous_id", "customer_id", "session_id", "product_id", "order_id", "channel",
            "properties",
        ),
    ),
)  # fmt: skip
