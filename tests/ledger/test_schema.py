"""The declared tables."""

import pytest

from ledger.schema import SQL_TYPES, Table
from ledger.tables.orders import ORDERS
from ledger.tables.shipped import TABLES


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_stored_column_has_a_type_in_sql(table: Table) -> None:
    assert {str(column.type) for column in table.columns} <= set(SQL_TYPES)


def test_an_orders_file_needs_four_columns() -> None:
    required = [column.given for column in ORDERS.given if column.required]

    assert required == ["customer_id", "order_id", "ordered_at", "net_amount"]


def test_stored_columns_of_orders_and_their_types() -> None:
    assert [(field.name, str(field.type)) for field in ORDERS.arrow_schema] == [
        ("customer_id", "string"),
        ("order_id", "string"),
        ("line_id", "string"),
        ("ordered_at", "timestamp[us, tz=UTC]"),
        ("known_at", "timestamp[us, tz=UTC]"),
        ("product_id", "string"),
        ("quantity_milli", "int64"),
        ("net_minor", "int64"),
        ("discount_minor", "int64"),
        ("currency", "string"),
        ("status", "string"),
        ("channel", "string"),
        ("order_day", "int32"),
        ("order_hour", "int32"),
        ("order_isoweekday", "int32"),
    ]
