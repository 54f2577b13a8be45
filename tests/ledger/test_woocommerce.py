"""What WooCommerce's order exports become: guests and accounts, refunds with and without lines and dates, statuses."""

from typing import Any

import pytest

from ledger.contacts import phone_pseudonym, pseudonym
from ledger.importers.woocommerce import LAYOUT
from tests.conformance.exports import IMPORTED_AT, Line, sample, translate

EMPTY = dict.fromkeys(sample(LAYOUT)[0], "")


def item(order: str = "1", **cells: str) -> Line:
    usual = {
        "order_id": order, "order_date": "2024-02-01 12:00:00", "status": "completed", "order_currency": "EUR",
        "customer_id": "7", "billing_email": "ada@mail.test", "item_name": "Tea", "item_sku": "TEA",
        "item_quantity": "1", "item_subtotal": "10.00", "item_total": "10.00",
    }  # fmt: skip
    return EMPTY | usual | cells


def orders(*rows: Line) -> list[dict[str, Any]]:
    return translate(LAYOUT, rows).accepted["orders"]


def refunds(*rows: Line) -> list[int]:
    return [row["net_minor"] for row in orders(*rows) if row["status"] == "refunded"]


def test_a_line_is_worth_its_total_and_coupons_are_its_discount() -> None:
    (row,) = orders(item(item_total="8.50"))

    assert (row["net_minor"], row["discount_minor"]) == (850, 150)


@pytest.mark.parametrize(
    "status", ["completed", "processing", "on-hold", "On hold", "wc-processing", "shipped"]
)
def test_an_order_counts_as_bought(status: str) -> None:
    assert [row["status"] for row in orders(item(status=status))] == ["paid"]


@pytest.mark.parametrize("status", ["pending", "failed", "checkout-draft"])
def test_an_order_that_may_still_be_paid_is_refused_until_it_is(status: str) -> None:
    assert translate(LAYOUT, [item(status=status)]).refused["orders"] == {
        2: f"not bought: the status is {status}; if it is paid, the next export has it"
    }


def test_a_cancelled_order_is_void_from_the_import_on() -> None:
    (row,) = orders(item(status="cancelled"))

    assert (row["status"], row["known_at"]) == ("cancelled", IMPORTED_AT)


def test_a_refund_of_a_line_is_known_from_its_last_date_on() -> None:
    told = (
        "id:1|date:2024-02-10 10:00:00|amount:2.00|reason:;id:2|date:2024-02-12 10:00:00|amount:1.00|reason:"
    )
    found = orders(item(item_refunded="3.00", refunded_total="3.00", refunds=told))

    (refund,) = [row for row in found if row["status"] == "refunded"]
    assert refund["net_minor"] == -300
    assert refund["known_at"].isoformat() == "2024-02-12T09:00:00+00:00"  # Berlin is an hour ahead


def test_a_refund_of_the_order_is_shared_out_and_known_from_the_import_on() -> None:
    lines = [item(refunded_total="5.00"), item(item_sku="CUP", item_total="20.00", refunded_total="5.00")]

    assert refunds(*lines) == [-167, -333]
    assert {row["known_at"] for row in orders(*lines) if row["status"] == "refunded"} == {IMPORTED_AT}


def test_an_order_that_is_refunded_without_an_amount_is_refunded_whole() -> None:
    assert refunds(item(status="refunded"), item(status="refunded", item_sku="CUP", item_total="0.99")) == [
        -1000,
        -99,
    ]


def test_taxes_and_shipping_given_back_are_no_refund_of_a_line() -> None:
    assert refunds(item(refunded_total="99.00")) == [-1000]
    assert refunds(item(item_refunded="99.00")) == [-1000]


def test_guests_are_known_by_address_and_customers_by_id() -> None:
    found = orders(
        item("1"),
        item("2", customer_id="0", billing_email="Bo@Mail.test"),
        item("3", customer_id="", billing_email="", billing_phone="030 5550199"),
    )

    assert [row["customer_id"] for row in found] == [
        "7",
        pseudonym("bo@mail.test"),
        phone_pseudonym("0305550199"),
    ]


def test_an_order_of_nobody_is_refused() -> None:
    assert translate(LAYOUT, [item(customer_id="0", billing_email="")]).refused["orders"] == {
        2: "neither customer_id nor billing_email nor billing_phone: nobody can be told to have bought this line"
    }


def test_a_registered_customer_s_address_joins_his_guest_orders_from_then_on() -> None:
    found = translate(
        LAYOUT,
        [
            item("1", customer_id="0"),
            item("2", order_date="2024-03-01 12:00:00"),
            item("3", order_date="2024-04-01 12:00:00"),
        ],
    )

    assert [
        (row["anonymous_id"], row["customer_id"], row["known_at"].isoformat(), row["how"])
        for row in found.accepted["identities"]
    ] == [(pseudonym("ada@mail.test"), "7", "2024-03-01T11:00:00+00:00", "imported")]


def test_a_line_is_known_by_its_item_id_else_by_its_product_and_turn() -> None:
    assert [row["line_id"] for row in orders(item(item_id="55"))] == ["55"]
    assert [row["line_id"] for row in orders(item())] == ["TEA#1"]


def test_a_product_goes_by_sku_then_id_then_name() -> None:
    found = orders(item(), item(item_sku="", item_product_id="12"), item(item_sku="", item_product_id="0"))

    assert [row["product_id"] for row in found] == ["TEA", "12", "Tea"]


def test_lines_that_do_not_add_up_to_the_order_s_total_are_told() -> None:
    right = item(order_total="16.90", shipping_total="5.00", tax_total="1.90")

    assert translate(LAYOUT, [right]).findings["unlike_total"] == 0
    assert translate(LAYOUT, [right | {"fee_total": "1.00"}]).findings["unlike_total"] == 1
