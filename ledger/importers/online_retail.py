"""UCI Online Retail and Online Retail II: a UK gift shop's invoice lines, as published (saved as CSV) or as Parquet.

Chen, D. (2012), Online Retail II, UCI Machine Learning Repository, doi 10.24432/C5CG6D. What its lines are, and what is
made of them:

- A line is known by its invoice, stock code and content, for it has no number: an exact repetition (11,812 of them, and
  22,523 more where the two published sheets overlap) is one line, in one file and over several.
- Invoices starting with C cancel and do not say what. A cancelled line becomes a refund of its own, known when it was
  cancelled and dated to the sale it undoes: of the same customer's earlier sales of that stock code one of the same
  price with enough pieces if there is one, of those one of the same quantity, of those the latest. 89 % of customers'
  cancelled lines have such a sale; the others (most were sold before the file begins) keep their own date. So each
  customer's money is the sum of Quantity * Price, and an order cancelled whole is no order any more; of the ways tried
  (none, same price only, each sale's pieces given back once) this one left the fewest customers with an order history
  that adds up to something else.
- Lines without a customer are refused: nobody can be told to have bought them. So are stock adjustments (a negative
  quantity outside a cancellation), bad debt (invoices starting with A) and test products.
- Postage, carriage, manual lines, discounts, bank charges and commissions are money and no product.
- A price of zero is a gift: a line worth nothing.
"""

from ledger.importers.layout import Finding, Layout, SourceColumn, Translation
from ledger.importers.states import states
from ledger.tables.customers import CUSTOMERS
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

# Codes of what is no product: postage (POST, DOT for the dotcom channel), carriage (C2, C3), lines by hand (M),
# discounts (D), samples (S), fees, adjustments of accounts, bad debt (B), a charity's share (CRUK), vouchers (GIFT).
NO_PRODUCT = (
    "POST", "DOT", "C2", "C3", "M", "D", "S", "BANK CHARGES", "AMAZONFEE", "CRUK", "ADJUST", "ADJUST2", "B", "GIFT",
)  # fmt: skip
# "European Community", "Channel Islands", "West Indies" and "Unspecified" are no country of ISO 3166.
COUNTRIES = {
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Bermuda": "BM", "Brazil": "BR",
    "Canada": "CA", "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE", "Finland": "FI",
    "France": "FR", "Germany": "DE", "Greece": "GR", "Hong Kong": "HK", "Iceland": "IS", "Israel": "IL", "Italy": "IT",
    "Japan": "JP", "Korea": "KR", "Lebanon": "LB", "Lithuania": "LT", "Malta": "MT", "Netherlands": "NL",
    "Nigeria": "NG", "Norway": "NO", "Poland": "PL", "Portugal": "PT", "RSA": "ZA", "Saudi Arabia": "SA",
    "Singapore": "SG", "Spain": "ES", "Sweden": "SE", "Switzerland": "CH", "Thailand": "TH", "USA": "US",
    "United Arab Emirates": "AE", "United Kingdom": "GB",
}  # fmt: skip

_CODES = ", ".join(f"'{code}'" for code in NO_PRODUCT)
_COUNTRY = " ".join(f"WHEN '{name}' THEN '{code}'" for name, code in COUNTRIES.items())

# Numbers and dates are compared as values: 2.10 in one file is 2.1 in another. A customer that was read as a number
# with gaps is written 17850.0.
_LINES = f"""
    SELECT line, trim("Invoice") AS invoice, trim("StockCode") AS code, trim("Description") AS title,
        nullif(regexp_replace(trim("Customer ID"), '\\.0+$', ''), '') AS customer,
        TRY_CAST("Quantity" AS DECIMAL(15, 3)) AS quantity, TRY_CAST("Price" AS DECIMAL(18, 6)) AS price,
        "InvoiceDate" AS sold, TRY_CAST("InvoiceDate" AS TIMESTAMP) AS sold_at,
        CASE trim("Country") {_COUNTRY} END AS country,
        upper(left(trim("Invoice"), 1)) = 'C' AS cancels, upper(left(trim("Invoice"), 1)) = 'A' AS bad_debt,
        upper(trim("StockCode")) NOT IN ({_CODES}) AS is_product, "source_sheet" AS sheet
    FROM source
"""

# 48 bits tell the lines of one invoice and stock code apart.
_KEYED = """
    SELECT *, left(code, 100) || '#' || left(md5(concat_ws('|', code, coalesce(title, ''), quantity, price,
        sold_at, coalesce(customer, ''))), 12) AS line_id
    FROM lines
"""

_REFUSED = """
CASE
    WHEN customer IS NULL THEN 'Customer ID is empty: nobody can be told to have bought this line'
    WHEN bad_debt THEN 'an adjustment of bad debt, no purchase'
    WHEN code ILIKE 'TEST%' THEN 'a test product'
    WHEN quantity IS NULL THEN 'Quantity is not a number like 12'
    WHEN price IS NULL THEN 'Price is not a number like 2.55'
    WHEN sold_at IS NULL AND contains(sold, '/')
        THEN 'InvoiceDate leaves open which is the day and which the month; write it like 2010-12-01 08:26:00'
    WHEN quantity < 0 AND NOT cancels THEN 'a negative quantity outside a cancellation: a stock adjustment, no purchase'
END
"""

_SALES = """
    SELECT customer, code, price, quantity, sold_at, min(line) AS line FROM told
    WHERE NOT cancels AND quantity > 0 GROUP BY customer, code, price, quantity, sold_at
"""

_UNDONE = """
    SELECT cancelled.invoice, cancelled.line_id, sale.sold_at AS bought_at
    FROM (SELECT DISTINCT invoice, line_id, customer, code, price, quantity, sold_at FROM told
          WHERE cancels AND quantity < 0) AS cancelled
    JOIN sales AS sale
        ON sale.customer = cancelled.customer AND sale.code = cancelled.code AND sale.sold_at <= cancelled.sold_at
    QUALIFY row_number() OVER (
        PARTITION BY cancelled.invoice, cancelled.line_id
        ORDER BY sale.price = cancelled.price AND sale.quantity >= -cancelled.quantity DESC,
            sale.quantity = -cancelled.quantity DESC, sale.sold_at DESC, sale.line
    ) = 1
"""

# The most frequent description of a product's sales is its title; the line that first has it speaks for the product.
_TITLED = """
    SELECT min(line) AS line FROM told WHERE NOT cancels AND is_product AND title <> ''
    GROUP BY code, title
    QUALIFY row_number() OVER (PARTITION BY code ORDER BY count(*) DESC, min(line)) = 1
"""

_PREPARE = f"""
WITH lines AS ({_LINES}), keyed AS ({_KEYED}), reasoned AS (SELECT *, {_REFUSED} AS refusal FROM keyed),
told AS (SELECT * FROM reasoned WHERE refusal IS NULL), sales AS ({_SALES}), undone AS ({_UNDONE}),
titled AS ({_TITLED}),
placed AS (SELECT * FROM told WHERE country IS NOT NULL), stated AS ({states("placed", "sold_at", ("country",))})
SELECT reasoned.*, state_country, coalesce(strftime(undone.bought_at, '%Y-%m-%d %H:%M:%S'), sold) AS ordered,
    undone.bought_at, titled.line IS NOT NULL AS names_product, stated.line IS NOT NULL AS states_customer
FROM reasoned
LEFT JOIN undone ON undone.invoice = reasoned.invoice AND undone.line_id = reasoned.line_id
LEFT JOIN titled ON titled.line = reasoned.line
LEFT JOIN stated ON stated.line = reasoned.line
"""

LAYOUT = Layout(
    name="online-retail",
    title="an Online Retail file",
    columns=(
        SourceColumn("Invoice", required=True, also=("InvoiceNo",)),
        SourceColumn("StockCode", required=True),
        SourceColumn("Description"),
        SourceColumn("Quantity", required=True),
        SourceColumn("InvoiceDate", required=True),
        SourceColumn("Price", required=True, also=("UnitPrice",)),
        SourceColumn("Customer ID", required=True, also=("CustomerID", "Customer_ID")),
        SourceColumn("Country"),
        SourceColumn("source_sheet"),
    ),
    currency="'GBP'",
    prepare=_PREPARE,
    translations=(
        Translation(
            ORDERS,
            {
                "customer_id": "customer",
                "order_id": "invoice",
                "line_id": "line_id",
                "ordered_at": "ordered",
                "known_at": "CASE WHEN cancels THEN sold END",
                "product_id": "CASE WHEN is_product THEN code END",
                "quantity": "CAST(abs(quantity) AS VARCHAR)",
                "net_amount": "CAST(CAST(quantity AS DECIMAL(20, 3)) * price AS VARCHAR)",
                "currency": "'GBP'",
                "status": "CASE WHEN cancels THEN 'refunded' ELSE 'paid' END",
            },
            refused="refusal",
        ),
        Translation(PRODUCTS, {"product_id": "code", "title": "title"}, where="names_product"),
        Translation(
            CUSTOMERS,
            {"customer_id": "customer", "known_at": "sold", "country": "state_country"},
            where="states_customer",
        ),
    ),
    findings=(
        Finding(
            "overlap",
            # The sheets' overlap, concatenated: all lines of the invoice an even number of times, and not side by side.
            "SELECT CAST(coalesce(sum(copies), 0) / 2 AS BIGINT) FROM ("
            "SELECT sum(copies) AS copies FROM (SELECT invoice, line_id, count(*) AS copies, min(line) AS first_line, "
            "max(line) AS last_line FROM prepared GROUP BY invoice, line_id) GROUP BY invoice "
            "HAVING bool_and(copies % 2 = 0) AND max(last_line) - min(first_line) >= sum(copies))",
            "{n} lines stand in the file twice, as in the overlap of the two published sheets; each counts once",
        ),
        Finding(
            "repeated",
            "SELECT count(*) - count(DISTINCT (invoice, line_id)) FROM prepared",
            "{n} lines repeat an earlier one exactly; each counts once",
        ),
        Finding(
            "nameless", "SELECT count(*) FILTER (customer IS NULL) FROM prepared",
            "{n} lines name no customer and are refused",
        ),
        Finding(
            "cancellations", "SELECT count(*) FILTER (cancels) FROM prepared",
            "{n} lines are of cancellations (invoices starting with C)",
        ),
        Finding(
            "cancellations_dated", "SELECT count(*) FILTER (cancels AND bought_at IS NOT NULL) FROM prepared",
            "{n} cancelled lines are dated to an earlier sale of the same product to the same customer",
        ),
        Finding(
            "bad_debt", "SELECT count(*) FILTER (bad_debt) FROM prepared",
            "{n} lines are adjustments of bad debt (invoices starting with A)",
        ),
        Finding("free", "SELECT count(*) FILTER (price = 0) FROM prepared", "{n} lines have a price of zero"),
        Finding(
            "no_product", "SELECT count(*) FILTER (NOT is_product) FROM prepared",
            "{n} lines are postage, fees, discounts or other lines by hand: money, and no product",
        ),
    ),
)  # fmt: skip
