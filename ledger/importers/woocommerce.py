"""WooCommerce's orders with one row a line item, as its two usual export plugins write them.

- WooCommerce Customer / Order / Coupon Export (SkyVerge, 5.x), format "CSV: Default - One Row per Item";
- Order Export & Order Import for WooCommerce (WebToffee, 2.x), with line items in separate rows.

Both give an order's cells on each of its rows, under the same names; the first also has item_id and refunds' dates.
WooCommerce's own Analytics > Orders > Download has neither lines nor customers' ids or addresses, so it cannot be used.

- A customer is known by customer_id; a guest (0 or empty) by billing_email, else billing_phone. A registered customer's
  address also says whom earlier guest orders with it belong to.
- A line is worth item_total: after coupons, without taxes, shipping and fees.
- item_refunded is what was given back for a line. Where only the order has an amount (refunded_total, or the status
  refunded and none), it is shared out over the lines in proportion, up to what was paid for them. It is known from the
  last date in `refunds` on, or else from the import on, never before.
- Statuses processing, completed, on-hold and refunded count as bought, and so do those that shops add, for they name
  steps of delivery. Cancelled orders are void from the import on. pending, failed and draft orders are refused: such an
  order may still be paid, and comes with the next export then.
"""

from ledger.contacts import email_in_sql, normal_phone_sql, phone_pseudonym_sql, pseudonym_sql
from ledger.importers.amounts import as_text, hundredths, shared
from ledger.importers.layout import Finding, Layout, SourceColumn, Translation
from ledger.importers.states import states
from ledger.tables.customers import CUSTOMERS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

NOT_BOUGHT = "('pending', 'failed', 'draft', 'checkout-draft', 'auto-draft', 'trash')"
OWN_STATUSES = "('processing', 'completed', 'on-hold', 'refunded', 'cancelled')"


def _text(column: str) -> str:
    return f"""nullif(trim("{column}"), '')"""


_LINES = f"""
    SELECT line, {_text("order_id")} AS order_name, {_text("order_date")} AS ordered,
        regexp_replace(replace(lower(trim("status")), ' ', '-'), '^wc-', '') AS status,
        {_text("order_currency")} AS currency, nullif({_text("customer_id")}, '0') AS account,
        {email_in_sql('"billing_email"')} AS email, {normal_phone_sql('"billing_phone"')} AS phone,
        {_text("billing_country")} AS country, {_text("billing_city")} AS city, {_text("item_id")} AS item,
        coalesce({_text("item_sku")}, nullif({_text("item_product_id")}, '0'), {_text("item_name")}) AS product,
        {_text("item_name")} AS title, {_text("item_quantity")} AS quantity,
        {hundredths('"item_subtotal"')} AS subtotal, {hundredths('"item_total"')} AS net,
        abs(coalesce({hundredths('"item_refunded"')}, 0)) AS item_refund,
        abs(coalesce({hundredths('"refunded_total"')}, 0)) AS returned,
        list_max(regexp_extract_all("refunds", 'date"?:"?([-0-9]{{10}}[ T][:0-9]{{8}})', 1)) AS refunded_at,
        {hundredths('"order_total"')} - coalesce({hundredths('"tax_total"')}, 0)
            - coalesce({hundredths('"shipping_total"')}, 0) - coalesce({hundredths('"fee_total"')}, 0) AS items_total
    FROM source
"""

# The same order exported twice into one file: its second lines share out a refund among themselves.
_COPIED = """
    SELECT *, row_number() OVER (
        PARTITION BY order_name, coalesce(item, concat_ws('|', product, quantity, net)) ORDER BY line
    ) AS copy
    FROM lines
"""

_OWED = """
    SELECT *, greatest(coalesce(net, 0), 0) AS weight, sum(item_refund) OVER whole > 0 AS by_item,
        CAST(least(
            CASE WHEN max(returned) OVER whole = 0 AND status = 'refunded'
                THEN sum(greatest(coalesce(net, 0), 0)) OVER whole ELSE max(returned) OVER whole END,
            sum(greatest(coalesce(net, 0), 0)) OVER whole
        ) AS BIGINT) AS order_refund
    FROM copied WINDOW whole AS (PARTITION BY order_name, copy)
"""

_JUDGED = f"""
    SELECT *, CASE WHEN by_item THEN least(item_refund, weight) ELSE spread END AS refund,
        coalesce(account, {pseudonym_sql("email")}, {phone_pseudonym_sql("phone")}) AS customer
    FROM spread_out
"""

_REFUSED = f"""
CASE
    WHEN status IN {NOT_BOUGHT} THEN 'not bought: the status is ' || status || '; if it is paid, the next export has it'
    WHEN customer IS NULL
        THEN 'neither customer_id nor billing_email nor billing_phone: nobody can be told to have bought this line'
    WHEN product IS NULL THEN 'no line item in this row'
    WHEN net IS NULL THEN 'item_total is not a number like 12.50'
END
"""

_JOINED = """
    SELECT line FROM told WHERE account IS NOT NULL AND email IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY email, account ORDER BY ordered, line) = 1
"""

_TITLED = """
    SELECT line FROM told QUALIFY row_number() OVER (PARTITION BY product ORDER BY ordered DESC, line DESC) = 1
"""

_PREPARE = f"""
WITH lines AS ({_LINES}), copied AS ({_COPIED}), owed AS ({_OWED}),
spread_out AS ({shared("owed", "order_refund", "weight", "spread", ("order_name", "copy"))}), judged AS ({_JUDGED}),
reasoned AS (SELECT *, {_REFUSED} AS refusal FROM judged), told AS (SELECT * FROM reasoned WHERE refusal IS NULL),
stated AS ({states("told", "ordered", ("email", "phone", "country", "city"))}),
joined AS ({_JOINED}), titled AS ({_TITLED})
SELECT reasoned.*, stated.* EXCLUDE (line), stated.line IS NOT NULL AS states_customer,
    joined.line IS NOT NULL AS joins_guest, titled.line IS NOT NULL AS names_product
FROM reasoned LEFT JOIN stated ON stated.line = reasoned.line LEFT JOIN joined ON joined.line = reasoned.line
LEFT JOIN titled ON titled.line = reasoned.line
"""

_IMPORTED = "CAST(getvariable('imported_at') AS VARCHAR)"
_LINE = {
    "customer_id": "customer",
    "order_id": "order_name",
    "line_id": "item",
    "ordered_at": "ordered",
    "product_id": "product",
    "quantity": "quantity",
    "currency": "currency",
}

LAYOUT = Layout(
    name="woocommerce",
    title="a WooCommerce order export with one row a line item",
    columns=(
        SourceColumn("order_id", required=True),
        SourceColumn("order_date", required=True, also=("date",)),
        SourceColumn("status", required=True, also=("order_status",)),
        SourceColumn("order_currency", also=("currency",)),
        SourceColumn("customer_id", required=True, also=("customer_user",)),
        SourceColumn("billing_email", required=True, also=("customer_email",)),
        SourceColumn("billing_phone"),
        SourceColumn("billing_country"),
        SourceColumn("billing_city"),
        SourceColumn("item_id"),
        SourceColumn("item_sku"),
        SourceColumn("item_product_id"),
        SourceColumn("item_name", required=True),
        SourceColumn("item_quantity", required=True),
        SourceColumn("item_subtotal"),
        SourceColumn("item_total", required=True),
        SourceColumn("item_refunded"),
        SourceColumn("refunded_total"),
        SourceColumn("refunds"),
        SourceColumn("order_total"),
        SourceColumn("tax_total"),
        SourceColumn("shipping_total"),
        SourceColumn("fee_total"),
    ),
    currency='"order_currency"',
    prepare=_PREPARE,
    translations=(
        Translation(
            ORDERS,
            _LINE
            | {
                "net_amount": as_text("net"),
                "discount_amount": as_text("subtotal - net"),
                "status": "'paid'",
            },
            where="refusal IS NOT NULL OR status <> 'cancelled'",
            refused="refusal",
        ),
        Translation(
            ORDERS,
            _LINE | {"known_at": _IMPORTED, "net_amount": as_text("net"), "status": "'cancelled'"},
            where="refusal IS NULL AND status = 'cancelled'",
        ),
        Translation(
            ORDERS,
            _LINE
            | {
                "known_at": f"coalesce(refunded_at, {_IMPORTED})",
                "net_amount": as_text("-refund"),
                "status": "'refunded'",
            },
            where="refusal IS NULL AND status <> 'cancelled' AND refund > 0",
        ),
        Translation(PRODUCTS, {"product_id": "product", "title": "title"}, where="names_product"),
        Translation(
            CUSTOMERS,
            {
                "customer_id": "customer",
                "known_at": "ordered",
                "email": "state_email",
                "phone": "state_phone",
                "country": "state_country",
                "city": "state_city",
            },
            where="states_customer",
        ),
        Translation(
            IDENTITIES,
            {
                "anonymous_id": pseudonym_sql("email"),
                "customer_id": "account",
                "known_at": "ordered",
                "how": "'imported'",
            },
            where="joins_guest",
        ),
    ),
    findings=(
        Finding(
            "other_statuses",
            "SELECT count(DISTINCT order_name) "
            f"FILTER (refusal IS NULL AND status NOT IN {OWN_STATUSES}) FROM prepared",
            "{n} orders have a status that is not WooCommerce's own; they count as bought",
        ),
        Finding(
            "refunds_undated",
            "SELECT count(DISTINCT order_name) FILTER (refund > 0 AND refusal IS NULL AND status <> 'cancelled' "
            "AND refunded_at IS NULL) FROM prepared",
            "{n} orders were refunded at a time that the export does not say; it is known from this import on",
        ),
        Finding(
            "unlike_total",
            "SELECT count(*) FROM (SELECT order_name, copy FROM prepared GROUP BY order_name, copy "
            "HAVING bool_and(refusal IS NULL) AND sum(net) <> any_value(items_total))",
            "{n} orders have lines that do not add up to their total less taxes, shipping and fees",
        ),
    ),
)
