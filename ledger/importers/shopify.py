"""Shopify's order export (Orders > Export > CSV): a row a line item, an order's own cells on its first row only.

What an order's cells mean for its lines, as decided here:

- An order is known by its Name, a customer by Email, else by Phone: the export has no customer id.
- Lines agree with the order's Subtotal (before shipping and taxes, after discounts): what their price * quantity less
  Lineitem discount exceed it by is a discount of the order, shared out over its lines in proportion. Discount Amount
  counts only where there is no Subtotal, for it holds discounts on shipping too.
- Refunded Amount is shared out likewise, up to what was paid for the lines (the rest is shipping and taxes). The export
  does not say when it was given back: it is known from the import on, never before, so that training on the past does
  not see it.
- Cancelled at voids the lines from then on, and with them what was refunded.
- Financial Status pending, authorized and partially_paid count as bought, as in Shopify's own sales; voided and expired
  orders never were: their lines are void, from Cancelled at or else from the import on.
- Test orders (the bogus gateway, or the tag `test`) are refused.
"""

from ledger.contacts import email_in_sql, normal_phone_sql, phone_pseudonym_sql, pseudonym_sql
from ledger.importers.amounts import as_text, hundredths, shared
from ledger.importers.layout import Finding, Layout, SourceColumn, Translation
from ledger.importers.states import states
from ledger.tables.customers import CUSTOMERS
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

NEVER_BOUGHT = "('voided', 'expired')"
NOT_PAID_YET = "('pending', 'authorized', 'partially_paid')"
PRODUCT_SHOWN = 200  # of a product's name in a line's id, which may have 255 characters


def _text(column: str) -> str:
    return f"""nullif(trim("{column}"), '')"""


def _instant(column: str) -> str:
    """Return SQL of `2024-01-31 18:05:00 -0500` as the ledger reads it, without the space before the offset."""
    offset = f"""regexp_replace({_text(column)}, '\\s+([+-]\\d{{2}}:?\\d{{2}})$', '\\1')"""
    return f"""regexp_replace({offset}, '\\s+UTC$', 'Z')"""


def _later(first: str, second: str) -> str:
    """Return SQL of the later of two instants' texts: what undoes an order is not known before it."""
    is_first = f"TRY_CAST({first} AS TIMESTAMPTZ) > TRY_CAST({second} AS TIMESTAMPTZ)"
    return f"CASE WHEN {is_first} THEN {first} ELSE {second} END"


# `Total` is on an order's first row and never empty there: a second one of a Name is the same order exported twice.
_LINES = f"""
    SELECT line, coalesce({_text("Name")}, '') AS name,
        count({_text("Total")}) OVER (PARTITION BY coalesce({_text("Name")}, '') ORDER BY line) AS copy,
        {email_in_sql('"Email"')} AS email, {normal_phone_sql('"Phone"')} AS phone,
        {normal_phone_sql('"Billing Phone"')} AS billing_phone,
        {_text("Billing Country")} AS country, {_text("Shipping Country")} AS ship_country,
        {_text("Billing City")} AS city, {_text("Shipping City")} AS ship_city,
        {_text("Accepts Marketing")} AS consent, lower({_text("Financial Status")}) AS financial,
        {_instant("Created at")} AS created, {_instant("Cancelled at")} AS cancelled,
        {_text("Currency")} AS currency, {_text("Source")} AS channel, lower({_text("Tags")}) AS tags,
        lower({_text("Payment Method")}) AS payment, {hundredths('"Subtotal"')} AS subtotal,
        {hundredths('"Discount Amount"')} AS discount, {hundredths('"Refunded Amount"')} AS returned,
        {_text("Lineitem name")} AS title, coalesce({_text("Lineitem sku")}, {_text("Lineitem name")}) AS product,
        TRY_CAST("Lineitem quantity" AS DECIMAL(12, 3)) AS quantity,
        TRY_CAST("Lineitem price" AS DECIMAL(14, 4)) AS price, {hundredths('"Lineitem discount"')} AS line_discount
    FROM source
"""

_PRICED = f"""
    SELECT *, {hundredths("CAST(CAST(quantity AS DECIMAL(20, 3)) * price AS VARCHAR)")} AS gross,
        row_number() OVER (PARTITION BY name, copy, product ORDER BY line) AS turn
    FROM lines
"""

# The first row that has a cell fills it in on all rows of the order.
_ORDERS = """
    SELECT name, copy, min(line) AS first_line, arg_min(email, line) AS email,
        coalesce(arg_min(phone, line), arg_min(billing_phone, line)) AS phone,
        coalesce(arg_min(country, line), arg_min(ship_country, line)) AS country,
        coalesce(arg_min(city, line), arg_min(ship_city, line)) AS city, arg_min(consent, line) AS consent,
        arg_min(financial, line) AS financial, arg_min(created, line) AS created,
        arg_min(cancelled, line) AS cancelled, arg_min(currency, line) AS currency,
        arg_min(channel, line) AS channel, arg_min(tags, line) AS tags, arg_min(payment, line) AS payment,
        arg_min(subtotal, line) AS subtotal, greatest(coalesce(arg_min(discount, line), 0), 0) AS discount,
        greatest(coalesce(arg_min(returned, line), 0), 0) AS returned,
        bool_and(gross IS NOT NULL AND gross >= 0) AS readable,
        sum(greatest(gross - coalesce(line_discount, 0), 0)) AS after_lines, sum(gross) AS before_lines
    FROM priced GROUP BY name, copy
"""

# Without a readable Subtotal and lines the order's discount is what Discount Amount says. Where the lines' own
# discounts would leave less than Subtotal, Lineitem price is after them already.
_FILLED = """
    SELECT priced.line, priced.turn, priced.title, priced.product, priced.quantity, priced.gross, orders.*,
        priced.line = orders.first_line AS is_first,
        CASE WHEN readable AND after_lines < orders.subtotal THEN coalesce(gross, 0)
            ELSE greatest(coalesce(gross, 0) - coalesce(line_discount, 0), 0) END AS base,
        CAST(CASE WHEN readable AND orders.subtotal >= 0 THEN greatest(
                CASE WHEN after_lines < orders.subtotal THEN before_lines ELSE after_lines END - orders.subtotal, 0)
            ELSE least(orders.discount, after_lines) END AS BIGINT) AS order_discount
    FROM priced JOIN orders ON orders.name = priced.name AND orders.copy = priced.copy
"""

_NETTED = """
    SELECT *, base - discounted AS net,
        least(returned, CAST(sum(base - discounted) OVER (PARTITION BY name, copy) AS BIGINT)) AS order_refund
    FROM discounted
"""

_JUDGED = f"""
    SELECT *, coalesce({pseudonym_sql("email")}, {phone_pseudonym_sql("phone")}) AS customer,
        TRY_CAST(created AS TIMESTAMPTZ) AS created_at, coalesce(financial IN {NEVER_BOUGHT}, false) AS void,
        coalesce(contains(payment, 'bogus'), false)
            OR coalesce(regexp_matches(tags, '(^|,)\\s*test( order)?\\s*(,|$)'), false) AS is_test
    FROM refunded
"""

_REFUSED = """
CASE
    WHEN name = '' THEN 'Name is empty: the order is not known'
    WHEN copy = 0 THEN 'the first row of its order, with date and customer, is not in this file'
    WHEN is_test THEN 'a test order'
    WHEN customer IS NULL THEN 'neither Email nor Phone: nobody can be told to have bought this line'
    WHEN product IS NULL THEN 'no line item in this row'
    WHEN quantity IS NULL THEN 'Lineitem quantity is not a number like 2'
    WHEN gross IS NULL THEN 'Lineitem price is not a number like 12.50'
END
"""

_TITLED = """
    SELECT line FROM told
    QUALIFY row_number() OVER (PARTITION BY product ORDER BY created_at DESC NULLS LAST, line DESC) = 1
"""

_PREPARE = f"""
WITH lines AS ({_LINES}), priced AS ({_PRICED}), orders AS ({_ORDERS}), filled AS ({_FILLED}),
discounted AS ({shared("filled", "order_discount", "base", "discounted", ("name", "copy"))}), netted AS ({_NETTED}),
refunded AS ({shared("netted", "order_refund", "net", "refund", ("name", "copy"))}), judged AS ({_JUDGED}),
reasoned AS (SELECT *, {_REFUSED} AS refusal FROM judged), told AS (SELECT * FROM reasoned WHERE refusal IS NULL),
firsts AS (SELECT * FROM told WHERE is_first),
stated AS ({states("firsts", "created_at", ("email", "phone", "country", "city", "consent"))}), titled AS ({_TITLED})
SELECT reasoned.*, stated.* EXCLUDE (line), stated.line IS NOT NULL AS states_customer,
    titled.line IS NOT NULL AS names_product
FROM reasoned LEFT JOIN stated ON stated.line = reasoned.line LEFT JOIN titled ON titled.line = reasoned.line
"""

_IMPORTED = "CAST(getvariable('imported_at') AS VARCHAR)"


def _order_cells(status: str, net: str, known_at: str) -> dict[str, str]:
    return {
        "customer_id": "customer",
        "order_id": "name",
        "line_id": f"left(product, {PRODUCT_SHOWN}) || '#' || turn",
        "ordered_at": "created",
        "known_at": known_at,
        "product_id": "product",
        "quantity": "CAST(quantity AS VARCHAR)",
        "net_amount": as_text(net),
        "currency": "currency",
        "status": f"'{status}'",
        "channel": "channel",
    }


LAYOUT = Layout(
    name="shopify",
    title="a Shopify order export",
    columns=(
        *(
            SourceColumn(name, required=True)
            for name in (
                "Name", "Email", "Financial Status", "Currency", "Subtotal", "Total", "Discount Amount", "Created at",
                "Lineitem quantity", "Lineitem name", "Lineitem price",
            )
        ),
        *(
            SourceColumn(name)
            for name in (
                "Lineitem sku", "Lineitem discount", "Refunded Amount", "Cancelled at", "Payment Method", "Tags",
                "Source", "Phone", "Billing Phone", "Billing Country", "Shipping Country", "Billing City",
                "Shipping City", "Accepts Marketing",
            )
        ),
    ),
    currency='"Currency"',
    prepare=_PREPARE,
    translations=(
        Translation(
            ORDERS, _order_cells("paid", "net", "NULL") | {"discount_amount": as_text("gross - net")},
            where="refusal IS NOT NULL OR NOT void", refused="refusal",
        ),
        Translation(
            ORDERS, _order_cells("cancelled", "net", _later("created", f"coalesce(cancelled, {_IMPORTED})")),
            where="refusal IS NULL AND (void OR cancelled IS NOT NULL)",
        ),
        Translation(
            ORDERS, _order_cells("refunded", "-refund", _later("created", _IMPORTED)),
            where="refusal IS NULL AND NOT void AND cancelled IS NULL AND refund > 0",
        ),
        Translation(PRODUCTS, {"product_id": "product", "title": "title"}, where="names_product"),
        Translation(
            CUSTOMERS,
            {
                "customer_id": "customer",
                "known_at": "created",
                "email": "state_email",
                "phone": "state_phone",
                "country": "state_country",
                "city": "state_city",
                "email_consent": "state_consent",
            },
            where="states_customer",
        ),
    ),
    findings=(
        Finding(
            "test_orders", "SELECT count(DISTINCT (name, copy)) FILTER (is_test) FROM prepared",
            "{n} test orders are refused",
        ),
        Finding(
            "unpaid",
            f"SELECT count(DISTINCT name) FILTER (refusal IS NULL AND financial IN {NOT_PAID_YET}) FROM prepared",
            "{n} orders are not paid yet (pending, authorized or partially paid) and count as bought until voided",
        ),
        Finding(
            "never_bought", "SELECT count(DISTINCT name) FILTER (void AND refusal IS NULL) FROM prepared",
            "{n} orders were voided or expired and do not count as bought",
        ),
        Finding(
            "refunds_undated",
            "SELECT count(DISTINCT name) FILTER (refund > 0 AND refusal IS NULL AND NOT void AND cancelled IS NULL) "
            "FROM prepared",
            "{n} orders were refunded at a time that the export does not say; it is known from this import on",
        ),
        Finding(
            "unlike_subtotal",
            "SELECT count(*) FROM (SELECT name, copy FROM prepared GROUP BY name, copy "
            "HAVING bool_and(refusal IS NULL) AND sum(net) IS DISTINCT FROM any_value(subtotal))",
            "{n} orders have lines that do not add up to their Subtotal",
        ),
    ),
)  # fmt: skip
