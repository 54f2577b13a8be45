"""What the ledger's tables hold: one row a column, from which the checks, the Arrow schemas and docs/ledger.md come."""

from dataclasses import dataclass

import pyarrow as pa

from ledger.readings import CATEGORY, CURRENCY, FLAG, INSTANT, MONEY, NAME, QUANTITY, STATUS, TEXT, Reading

INSTANT_TYPE = pa.timestamp("us", tz="UTC")
SQL_TYPES = {
    "string": "VARCHAR",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
}


@dataclass(frozen=True)
class Column:
    """One stored column.

    Parameters
    ----------
    name : str
        Name in the stored table.
    type : pa.DataType
    means : str
        One sentence for the documentation, with the unit.
    reads : Reading, optional
        How a file's cell becomes the value; None when no file gives this column.
    plain : str, optional
        Name in the plain format, when it is another one (`net_amount` is stored as `net_minor`).
    required : bool
        Whether a file must have the column, and a value in every row.
    default : str, optional
        SQL of the value of an empty cell; `{currency}` is the shop's.
    derived : str, optional
        SQL of a column that no file gives; `{local}` is the order's local time.
    nullable : bool
    also : tuple of str
        Names other systems give the column; used only to suggest what was meant.
    """

    name: str
    type: pa.DataType
    means: str
    reads: Reading | None = None
    plain: str | None = None
    required: bool = False
    default: str | None = None
    derived: str | None = None
    nullable: bool = False
    also: tuple[str, ...] = ()

    @property
    def given(self) -> str:
        """Name in the plain format."""
        return self.plain or self.name


@dataclass(frozen=True)
class Rule:
    """When a row is refused for what its cells say together.

    Parameters
    ----------
    about : tuple of str
        Stored columns of the condition; where a file gives none of one, the rule is left out.
    refused_when : str
        SQL condition over them; an empty cell is NULL, an empty status `paid`.
    reason : str
        What is told.
    """

    about: tuple[str, ...]
    refused_when: str
    reason: str


@dataclass(frozen=True)
class Table:
    """One append-only table.

    Parameters
    ----------
    name : str
        Directory of the Delta table; the DuckDB view is `ledger_` + name.
    means : str
    key : tuple of str
        Stored columns that say which thing a row describes; a later `known_at` of the same key is a correction.
    columns : tuple of Column
    rules : tuple of Rule
    known_from : str
        SQL of the known_at of a row that gives none and is the first of its key.
    lines_within : tuple of str
        Stored columns within which rows without a line_id are numbered.
    """

    name: str
    means: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    known_from: str = "NULL"
    lines_within: tuple[str, ...] = ()

    @property
    def arrow_schema(self) -> pa.Schema:
        """Stored schema."""
        return pa.schema([pa.field(column.name, column.type, column.nullable) for column in self.columns])

    @property
    def names(self) -> tuple[str, ...]:
        """Stored columns' names."""
        return tuple(column.name for column in self.columns)

    @property
    def given(self) -> tuple[Column, ...]:
        """Columns that a plain-format file may have."""
        return tuple(column for column in self.columns if column.reads)

    @property
    def content(self) -> tuple[str, ...]:
        """Stored columns that a correction may change: neither key nor when it was known."""
        return tuple(c.name for c in self.columns if c.name not in (*self.key, "known_at"))


ORDERS = Table(
    name="orders",
    means="What was bought: one row a line of an order and state of that line.",
    key=("order_id", "line_id", "status"),
    columns=(
        Column(
            "customer_id", pa.string(), "Who bought.", NAME, required=True,
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
    lines_within=("order_id", "product_id", "status"),
)  # fmt: skip

PRODUCTS = Table(
    name="products",
    means="What is sold: one row a product and state of its description.",
    key=("product_id",),
    columns=(
        Column(
            "product_id", pa.string(), "The product, as in the orders table.", NAME, required=True,
            also=("product", "sku", "id", "stockcode", "stock_code", "item_id"),
        ),
        Column(
            "known_at", INSTANT_TYPE, "Since when this description is known; the first one's default is 1970-01-01.",
            INSTANT, also=("updated_at",),
        ),
        Column(
            "title", pa.string(), "What the product is called.", TEXT, nullable=True,
            also=("name", "description", "product_name"),
        ),
        Column(
            "category", pa.string(), "Path of categories, levels joined by ` > `.", CATEGORY, nullable=True,
            also=("product_category", "product_type", "department"),
        ),
        Column(
            "price_minor", pa.int64(), "Price, hundredths of the shop's currency.", MONEY, plain="price", nullable=True,
            also=("unit_price", "list_price"),
        ),
        Column("discontinued", pa.bool_(), "Whether it is no longer sold.", FLAG, nullable=True),
    ),
    rules=(Rule(("price_minor",), "price_minor < 0", "price is negative"),),
    known_from="TIMESTAMPTZ '1970-01-01 00:00:00+00'",
)  # fmt: skip

REJECTED = Table(
    name="rejected",
    means="Rows of imported files that were refused, with the reason; a file imported again adds none.",
    key=("file_sha256", "table_name", "line"),
    columns=(
        Column("table_name", pa.string(), "The table the row was meant for."),
        Column("file_name", pa.string(), "Name of the file, without its directory."),
        Column("file_sha256", pa.string(), "SHA-256 of the file's bytes."),
        Column(
            "line", pa.int64(), "Line of a CSV file (the header is line 1) or row of a Parquet file (from 1)."
        ),
        Column("reason", pa.string(), "What is wrong with the row."),
        Column("imported_at", INSTANT_TYPE, "When it was imported."),
        Column("raw", pa.string(), "The row's text as a JSON object."),
    ),
)

TABLES = (ORDERS, PRODUCTS, REJECTED)
