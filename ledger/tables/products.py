"""Products: what is sold, as described at the time."""

import pyarrow as pa

from ledger.readings import CATEGORY, FLAG, INSTANT, MONEY, NAME, TEXT
from ledger.schema import INSTANT_TYPE, Column, Rule, Table

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
        Column(
            "swap_for", pa.string(), "The product to offer in its place.", NAME, nullable=True,
            also=("replaced_by", "successor", "substitute", "replacement_product_id"),
        ),
        Column(
            "replenishable", pa.bool_(), "Whether it is used up and bought again.", FLAG, nullable=True,
            also=("consumable", "refillable", "is_replenishable"),
        ),
        Column(
            "in_stock", pa.bool_(), "Whether there is any to sell.", FLAG, nullable=True,
            also=("available", "is_in_stock", "instock", "availability"),
        ),
    ),
    rules=(
        Rule(("price_minor",), "price_minor < 0", "price is negative"),
        Rule(
            ("product_id", "swap_for"), "product_id = swap_for",
            "swap_for is the product itself; leave it empty when there is none to offer",
        ),
    ),
    known_from="TIMESTAMPTZ '1970-01-01 00:00:00+00'",
)  # fmt: skip
