"""Matching a file's header, and what is said of one that does not match."""

import pytest

from ledger.errors import InputError
from ledger.importers.header import match_header
from ledger.tables.orders import ORDERS

FOUR = ["customer_id", "order_id", "ordered_at", "net_amount"]


def test_case_and_spaces_around_names_do_not_matter() -> None:
    header = match_header(ORDERS, [" Customer_ID", "ORDER_ID ", "ordered_at", "net_amount"], "orders.csv")

    assert header.positions == {"customer_id": 0, "order_id": 1, "ordered_at": 2, "net_amount": 3}


def test_columns_that_are_not_imported_are_named() -> None:
    assert match_header(ORDERS, [*FOUR, "colour", "Weight"], "orders.csv").unknown == ("colour", "Weight")


def test_a_column_given_twice_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"^orders\.csv: column order_id appears twice in the header; keep one$"
    ):
        match_header(ORDERS, [*FOUR, "Order_ID"], "orders.csv")


def test_missing_columns_are_named_with_the_found_ones_and_what_was_probably_meant() -> None:
    with pytest.raises(InputError) as caught:
        match_header(ORDERS, ["customer", "order_id", "Order Date", "net_amout"], "orders.csv")

    assert str(caught.value) == (
        "orders.csv: missing required columns customer_id, ordered_at, net_amount; found customer, order_id, "
        "Order Date, net_amout; did you mean customer -> customer_id, Order Date -> ordered_at, "
        "net_amout -> net_amount? Rename in the header"
    )


@pytest.mark.parametrize(("mark", "name"), [(";", "';'"), ("\t", "a tab"), ("|", "'|'")])
def test_another_separator_is_recognised(mark: str, name: str) -> None:
    with pytest.raises(
        InputError, match=f"seem to be separated by {name.replace('|', '[|]')}: import it with --separator "
    ):
        match_header(ORDERS, [mark.join(FOUR)], "orders.csv")


def test_a_file_without_a_header_is_told_so_without_its_values() -> None:
    with pytest.raises(InputError) as caught:
        match_header(ORDERS, ["ann@example.com", "1001", "2024-01-31", "12.50"], "orders.csv")

    assert str(caught.value) == (
        "orders.csv: the first line holds values, not column names; "
        "add a header line with customer_id, order_id, ordered_at, net_amount"
    )


def test_a_name_that_runs_on_into_the_rows_is_shown_without_their_values() -> None:
    with pytest.raises(InputError) as caught:
        match_header(ORDERS, ["customer_id,order_id\nann"], "o.csv")

    assert "found customer_id,order_id;" in str(caught.value)
