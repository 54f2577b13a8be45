"""What Shopify's order export becomes: discounts and refunds on lines, cancellations, who ordered, test orders."""

from typing import Any

import pytest

from ledger.contacts import phone_pseudonym, pseudonym
from ledger.importers.shopify import LAYOUT
from tests.conformance.exports import IMPORTED_AT, Line, Translated, sample, translate

EMPTY = dict.fromkeys(sample(LAYOUT)[0], "")


def order(name: str = "#1", **cells: str) -> Line:
    """Give an order's first row; cells by their names with underscores."""
    usual = {
        "Name": name, "Email": "ada@mail.test", "Financial Status": "paid", "Currency": "USD", "Subtotal": "10.00",
        "Total": "15.00", "Created at": "2024-02-01 12:00:00 -0500", "Lineitem quantity": "1", "Lineitem name": "Tea",
        "Lineitem price": "10.00", "Lineitem sku": "TEA",
    }  # fmt: skip
    return EMPTY | usual | {key.replace("_", " "): cell for key, cell in cells.items()}


def line(price: str, sku: str, name: str = "#1", **cells: str) -> Line:
    """Give a further row of an order."""
    usual = {
        "Name": name,
        "Lineitem quantity": "1",
        "Lineitem name": sku,
        "Lineitem price": price,
        "Lineitem sku": sku,
    }
    return EMPTY | usual | {key.replace("_", " "): cell for key, cell in cells.items()}


def orders(*rows: Line) -> list[dict[str, Any]]:
    return translate(LAYOUT, rows).accepted["orders"]


def nets(found: list[dict[str, Any]], status: str = "paid") -> list[int]:
    return [row["net_minor"] for row in found if row["status"] == status]


def test_an_order_discount_is_shared_out_so_that_lines_add_up_to_the_subtotal() -> None:
    found = orders(order(Subtotal="20.00", Lineitem_price="10.00"), line("10.00", "B"), line("10.00", "C"))

    assert [row["discount_minor"] for row in found] == [334, 333, 333]  # 10.00 off in thirds
    assert nets(found) == [666, 667, 667]


def test_the_cent_that_is_left_goes_to_the_line_that_lost_most_by_rounding() -> None:
    found = orders(order(Subtotal="5.99", Lineitem_price="5.00"), line("1.00", "B"))

    # 0.01 off 6.00: 0.0083 and 0.0017 of a cent
    assert nets(found) == [499, 100]


def test_a_discount_on_shipping_touches_no_line() -> None:
    assert nets(orders(order(Discount_Amount="5.00", Discount_Code="FREESHIP"))) == [1000]


def test_without_a_subtotal_the_discount_amount_counts() -> None:
    assert nets(orders(order(Subtotal="", Discount_Amount="2.50"))) == [750]


def test_a_line_discount_comes_off_its_line_unless_the_price_is_after_it() -> None:
    before = orders(order(Subtotal="16.00", Lineitem_discount="4.00"), line("10.00", "B"))
    after = orders(order(Subtotal="20.00", Lineitem_discount="4.00"), line("10.00", "B"))

    assert nets(before) == [600, 1000]
    assert nets(after) == [1000, 1000]


def test_lines_that_exceed_no_subtotal_are_left_as_they_are_and_told() -> None:
    found = translate(LAYOUT, [order(Subtotal="12.00")])

    assert nets(found.accepted["orders"]) == [1000]
    assert found.findings["unlike_subtotal"] == 1


def test_a_line_that_cannot_be_read_leaves_the_others_their_own_amounts() -> None:
    found = translate(LAYOUT, [order(Subtotal="30.00"), line("a lot", "B"), line("12.00", "C")])

    assert nets(found.accepted["orders"]) == [1000, 1200]
    assert found.refused["orders"] == {3: "Lineitem price is not a number like 12.50"}


def test_a_refund_is_shared_out_and_known_from_the_import_on() -> None:
    found = orders(order(Subtotal="15.00", Refunded_Amount="5.01"), line("5.00", "B"))

    assert nets(found, "refunded") == [-334, -167]
    assert {row["known_at"] for row in found if row["status"] == "refunded"} == {IMPORTED_AT}


def test_shipping_and_taxes_given_back_are_no_refund_of_a_line() -> None:
    assert nets(orders(order(Refunded_Amount="15.00")), "refunded") == [-1000]


def test_a_cancelled_order_is_void_from_when_it_was_cancelled_and_has_no_refund() -> None:
    found = orders(
        order(Cancelled_at="2024-02-02 08:00:00 -0500", Refunded_Amount="15.00", Financial_Status="refunded")
    )

    assert [(row["status"], row["known_at"].isoformat()) for row in found] == [
        ("paid", "2024-02-01T17:00:00+00:00"),
        ("cancelled", "2024-02-02T13:00:00+00:00"),
    ]


@pytest.mark.parametrize(
    "status", ["pending", "authorized", "partially_paid", "partially_refunded", "refunded", "paid"]
)
def test_an_order_counts_as_bought_before_its_money_is_there(status: str) -> None:
    assert nets(orders(order(Financial_Status=status))) == [1000]


@pytest.mark.parametrize("status", ["voided", "expired"])
def test_a_voided_order_was_never_bought(status: str) -> None:
    (row,) = orders(order(Financial_Status=status))

    assert (row["status"], row["known_at"]) == ("cancelled", IMPORTED_AT)


@pytest.mark.parametrize(
    "cells", [{"Payment_Method": "Bogus Gateway"}, {"Tags": "test"}, {"Tags": "vip, Test order"}]
)
def test_test_orders_are_refused(cells: dict[str, str]) -> None:
    assert translate(LAYOUT, [order(**cells)]).refused["orders"] == {2: "a test order"}


def test_a_tag_that_only_begins_like_it_is_no_test() -> None:
    assert nets(orders(order(Tags="testimonial, contest"))) == [1000]


def who(found: Translated) -> list[str]:
    return [row["customer_id"] for row in found.accepted["orders"]]


def test_a_customer_is_known_by_address_then_by_telephone() -> None:
    rows = [
        order("#1", Email=" Ada@Mail.test "),
        order("#2", Email="", Phone="(518) 555-0100"),
        order("#3", Email="n/a", Billing_Phone="+1 518 555 0101"),
    ]

    assert who(translate(LAYOUT, rows)) == [
        pseudonym("ada@mail.test"),
        phone_pseudonym("5185550100"),
        phone_pseudonym("+15185550101"),
    ]


def test_an_order_of_nobody_is_refused() -> None:
    assert translate(LAYOUT, [order(Email="")]).refused["orders"] == {
        2: "neither Email nor Phone: nobody can be told to have bought this line"
    }


def test_a_row_whose_order_begins_in_another_file_is_refused() -> None:
    assert translate(LAYOUT, [line("5.00", "B", "#9"), order()]).refused["orders"] == {
        2: "the first row of its order, with date and customer, is not in this file"
    }


def test_a_product_without_a_sku_goes_by_its_name_and_the_latest_name_is_its_title() -> None:
    found = translate(
        LAYOUT,
        [
            order("#1", Lineitem_sku="", Lineitem_name="Gift card"),
            order("#2", Lineitem_name="Tea, new label", Created_at="2024-03-01 12:00:00 -0500"),
            order("#3"),
        ],
    )

    assert {row["product_id"]: row["title"] for row in found.accepted["products"]} == {
        "Gift card": "Gift card",
        "TEA": "Tea, new label",
    }


def test_a_customer_s_state_is_told_once_and_again_when_it_changes() -> None:
    found = translate(
        LAYOUT,
        [
            order("#1", Billing_City="Troy", Accepts_Marketing="yes", Phone="518 555 0100"),
            order("#2", Billing_City="Troy", Accepts_Marketing="yes", Created_at="2024-02-02 12:00:00 -0500"),
            order("#3", Billing_City="Troy", Accepts_Marketing="no", Created_at="2024-02-03 12:00:00 -0500"),
        ],
    )

    assert [
        (row["line"], row["email"], row["phone"], row["city"], row["email_consent"])
        for row in found.accepted["customers"]
    ] == [
        (2, "ada@mail.test", "5185550100", "Troy", True),
        (4, "ada@mail.test", "5185550100", "Troy", False),
    ]


def test_a_line_of_an_impossible_amount_does_not_stop_the_others() -> None:
    found = translate(
        LAYOUT, [order("#1", Lineitem_quantity="999999999", Lineitem_price="9999999999"), order("#2")]
    )

    assert (list(found.refused["orders"]), [row["order_id"] for row in found.accepted["orders"]]) == (
        [2],
        ["#2"],
    )
