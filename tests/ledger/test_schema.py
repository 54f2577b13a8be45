"""The declared tables."""

import pytest

from ledger.engine import open_engine
from ledger.schema import SQL_TYPES, Table
from ledger.tables.orders import ORDERS
from ledger.tables.shipped import TABLES


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_stored_column_has_a_type_in_sql(table: Table) -> None:
    assert {str(column.type) for column in table.columns} <= set(SQL_TYPES)


def test_an_orders_file_needs_four_columns() -> None:
    required = [column.given for column in ORDERS.given if column.required]

    assert required == ["customer_id", "order_id", "ordered_at", "net_amount"]


STORED = {
    "orders": "customer_id string, order_id string, line_id string, ordered_at instant, known_at instant, "
    "product_id string?, quantity_milli int64?, net_minor int64, discount_minor int64?, currency string, "
    "status string, channel string?, order_day int32, order_hour int32, order_isoweekday int32",
    "products": "product_id string, known_at instant, title string?, category string?, price_minor int64?, "
    "discontinued bool?, swap_for string?, replenishable bool?, in_stock bool?",
    "customers": "customer_id string, known_at instant, signed_up_at instant?, email string?, phone string?, "
    "country string?, city string?, birth_date date?, loyalty_member bool?, email_consent bool?, sms_consent bool?, "
    "ads_consent bool?, attributes string?, signed_up_day int32?",
    "events": "event string, event_id string, happened_at instant, known_at instant, anonymous_id string?, "
    "customer_id string?, session_id string?, product_id string?, order_id string?, channel string?, "
    "properties string?, event_day int32, event_hour int32, event_isoweekday int32",
    "identities": "anonymous_id string, customer_id string?, known_at instant, how string",
    "subscriptions": "subscription_id string, customer_id string, product_id string, started_at instant, "
    "known_at instant, every_days int32?, ended_at instant?",
    "reminders": "reminder_id string, customer_id string, product_id string?, category string?, sent_at instant, "
    "known_at instant, channel string?",
    "pauses": "pause_id string, customer_id string, product_id string?, paused_at instant, known_at instant, "
    "resumes_at instant?",
    "rejected": "table_name string, file_name string, file_sha256 string, line int64, reason string, "
    "imported_at instant, raw string",
    "erased": "id_hash string, salt string, erased_at instant",
}
"""What lies on the disk: a change here is a change of every ledger there is."""


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_stored_columns_and_their_types(table: Table) -> None:
    short = {"timestamp[us, tz=UTC]": "instant", "date32[day]": "date"}
    columns = [
        f"{field.name} {short.get(str(field.type), str(field.type))}{'?' if field.nullable else ''}"
        for field in table.arrow_schema
    ]

    assert ", ".join(columns) == STORED[table.name]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_declaration_names_its_own_columns(table: Table) -> None:
    hashed = (table.derived_id.column, *table.derived_id.of) if table.derived_id else ()
    named = {*table.key, *table.lines_within, *hashed, *([table.local_of] if table.local_of else [])}

    assert named <= set(table.names)
    assert bool(table.local_of) == any(column.derived for column in table.columns)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_name_that_other_systems_use_means_one_column(table: Table) -> None:
    names = [name for column in table.given for name in (column.given, *column.also)]

    assert sorted(names) == sorted(set(names))
    assert all(name == name.strip().lower().replace(" ", "_") for name in names)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_no_column_is_named_by_a_word_of_sql(table: Table) -> None:
    with open_engine() as engine:
        for column in table.columns:
            assert engine.sql(f"SELECT {column.name} FROM (SELECT 1 AS {column.name})").fetchall() == [(1,)]
            assert engine.sql(f"SELECT {column.given} FROM (SELECT 1 AS {column.given})").fetchall() == [(1,)]


def test_contacts_are_in_the_customers_table_alone() -> None:
    holding = [(table.name, c.name) for table in TABLES for c in table.given if c.reads and c.reads.contact]

    assert holding == [("customers", "email"), ("customers", "phone")]
