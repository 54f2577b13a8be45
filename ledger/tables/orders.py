"""Order lines: what was bought, cancelled and refunded."""

import pyarrow as pa

from ledger.readings import CURRENCY, CUSTOMER, INSTANT, MONEY, NAME, QUANTITY, STATUS
from ledger.schema import INSTANT_TYPE, Column, Rule, Table

ORDERS = Table(
    name="orders",
    means="What was bought: one row a line of an order and state of that line.",
    key=("order_id", "line_id", "status"),
    columns=(
        Column(
            "customer_id", pa.string(), "Who bought.", CUSTOMER, required=True,
            also=("customer", "user_id", "user", "client_id", "client", "household_id", "buyer_id", "member_id"),
        ),
        Column(
            "order_id", pa.string(), "The order, invoice or basket.", NAME, required=True,
            also=("order", "order_number", "invoice", "invoice_id", "basket_id", "transaction_id", "receipt_id"),
        ),
        Column(
            "line_id", pa.string(),
            "The line within the order; else `product_id#k`, the k-th such line of the order and status in the file.",
            NAME, also=("line", "line_number", "line_item_id", "item_id"),
        ),
        Column(
            "ordered_at", INSTANT_TYPE, "When it was ordered.", INSTANT, required=True,
            also=("date", "order_date", "ordered", "created_at", "timestamp", "transaction_timestamp", "invoicedate"),
        ),
        Column(
            "known_at", INSTANT_TYPE,
            "When the shop knew this row: by default ordered_at, but a cancelled or refunded row must give it.",
            INSTANT, also=("refunded_at", "cancelled_at", "updated_at"),
        ),
        Column(
            "product_id", pa.string(), "The product, as in the products table.", NAME, nullable=True,
            also=("product", "sku", "stockcode", "stock_code", "item"),
        ),
        Column(
            "quantity_milli", pa.int64(), "Quantity, thousandths of a piece or measure.", QUANTITY, plain="quantity",
            nullable=True, also=("qty", "units"),
        ),
        Column(
            "net_minor", pa.int64(),
            "Paid for the line after discounts, hundredths of the currency; on a refunded row all that was given back "
            "for the line so far, negative.",
            MONEY, plain="net_amount", required=True,
            also=("amount", "total", "net", "sales_value", "sales", "revenue", "value", "price", "line_total"),
        ),
        Column(
            "discount_minor", pa.int64(), "Discount already taken off, hundredths of the currency.", MONEY,
            plain="discount_amount", nullable=True, also=("discount", "discounts"),
        ),
        Column("currency", pa.string(), "The shop's currency.", CURRENCY, default="'{currency}'"),
        Column(
            "status", pa.string(),
            "State of the line: a cancelled row voids it, a refunded row adds its negative amount.",
            STATUS, default="'paid'", also=("state", "order_status", "financial_status"),
        ),
        Column("channel", pa.string(), "Where it was sold.", NAME, nullable=True, also=("source", "store", "store_id")),
        Column(
            "order_day", pa.int32(), "Local day of the order, days since 1970-01-01.",
            derived="date_diff('day', DATE '1970-01-01', CAST({local} AS DATE))",
        ),
        Column("order_hour", pa.int32(), "Local hour of the order, 0 to 23.", derived="hour({local})"),
        Column(
            "order_isoweekday", pa.int32(), "Local weekday of the order, 1 = Monday to 7 = Sunday.",
            derived="isodow({local})",
        ),
    ),
    rules=(
        Rule(
            ("status", "net_minor"), "status = 'paid' AND net_minor < 0",
            "net_amount is negative on a paid row; a refund is a row with status refunded and its known_at",
        ),
        Rule(
            ("status", "net_minor"), "status = 'refunded' AND net_minor >= 0",
            "net_amount of a refunded row must be negative",
        ),
        Rule(
            ("status", "known_at"), "status <> 'paid' AND known_at IS NULL",
            "known_at is empty; a cancelled or refunded row says when that became known",
        ),
        Rule(("known_at", "ordered_at"), "known_at < ordered_at", "known_at is before ordered_at"),
    ),
    known_from="ordered_at",
    local_of="ordered_at",
    lines_within=("order_id", "product_id", "status"),
)  # fmt: skip
