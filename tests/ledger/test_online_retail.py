"""What Online Retail II's lines become, on a few lines in sight and on the whole file."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.home import Home
from ledger.importers.load import import_files
from ledger.importers.online_retail import LAYOUT
from ledger.store import Ledger
from tests.conformance.exports import Line, translate

FILE = Path(os.environ.get("REGULARS_TEST_DATA", "")) / "online_retail_ii.parquet"


def line(invoice: str, quantity: str = "1", **cells: str) -> Line:
    usual = {
        "Invoice": invoice, "StockCode": "85048", "Description": "GLASS BALL", "Quantity": quantity,
        "InvoiceDate": "2010-03-01 10:00:00", "Price": "2.50", "Customer ID": "13085", "Country": "United Kingdom",
    }  # fmt: skip
    return usual | {name.replace("_", " "): cell for name, cell in cells.items()}


def orders(*rows: Line) -> list[dict[str, Any]]:
    return translate(LAYOUT, rows).accepted["orders"]


def dated(*rows: Line) -> list[str]:
    """Give the dates of the orders that refunds are told to undo."""
    return [row["ordered_at"].date().isoformat() for row in orders(*rows) if row["status"] == "refunded"]


CANCELLED = line("C9", "-4", InvoiceDate="2010-03-20 10:00:00")


def test_a_cancelled_line_is_a_refund_known_at_its_date_and_dated_to_the_sale_it_undoes() -> None:
    _, refund = orders(line("1", "6"), CANCELLED)

    assert refund["status"] == "refunded"
    assert (refund["order_id"], refund["net_minor"], refund["quantity_milli"]) == ("C9", -1000, 4000)
    assert refund["ordered_at"] == datetime(2010, 3, 1, 10, tzinfo=UTC)
    assert refund["known_at"] == datetime(2010, 3, 20, 9 + 1, tzinfo=UTC)


def test_of_several_sales_the_one_that_fits_best_is_undone() -> None:
    small = line("1", "2", InvoiceDate="2010-03-10 10:00:00")
    exact = line("2", "4", InvoiceDate="2010-03-02 10:00:00")
    large = line("3", "9", InvoiceDate="2010-03-05 10:00:00")
    dear = line("4", "4", InvoiceDate="2010-03-12 10:00:00", Price="2.95")
    later = line("5", "4", InvoiceDate="2010-03-25 10:00:00")
    others = line("6", "4", InvoiceDate="2010-03-11 10:00:00", Customer_ID="12000")

    assert dated(small, exact, large, dear, later, others, CANCELLED) == ["2010-03-02"]
    assert dated(small, large, dear, later, others, CANCELLED) == ["2010-03-05"]
    assert dated(small, dear, later, others, CANCELLED) == ["2010-03-12"]
    assert dated(small, later, others, CANCELLED) == ["2010-03-10"]
    assert dated(later, others, CANCELLED) == ["2010-03-20"]


def test_an_exact_repetition_counts_once_however_its_numbers_are_written() -> None:
    found = translate(LAYOUT, [line("1"), line("1", Price="2.5", Customer_ID="13085.0"), line("1", "2")])

    assert found.refused["orders"] == {3: "duplicate of line 2"}
    assert [row["net_minor"] for row in found.accepted["orders"]] == [250, 500]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Customer_ID": ""}, "Customer ID is empty: nobody can be told to have bought this line"),
        ({"Invoice": "A5"}, "an adjustment of bad debt, no purchase"),
        ({"StockCode": "TEST001"}, "a test product"),
        ({"Quantity": "six"}, "Quantity is not a number like 12"),
        ({"Price": "2,50"}, "Price is not a number like 2.55"),
        ({"Quantity": "-5"}, "a negative quantity outside a cancellation: a stock adjustment, no purchase"),
        (
            {"InvoiceDate": "3/1/2010 10:00"},
            "InvoiceDate leaves open which is the day and which the month; write it like 2010-12-01 08:26:00",
        ),
    ],
)
def test_what_is_no_purchase_is_refused_with_the_reason(cells: dict[str, str], reason: str) -> None:
    assert translate(LAYOUT, [line("1", **cells)]).refused["orders"] == {2: reason}


@pytest.mark.parametrize("code", ["POST", "D", "m", "BANK CHARGES", "CRUK"])
def test_postage_and_lines_by_hand_are_money_and_no_product(code: str) -> None:
    found = translate(LAYOUT, [line("1", StockCode=code)])

    assert [(row["product_id"], row["net_minor"]) for row in found.accepted["orders"]] == [(None, 250)]
    assert found.accepted["products"] == []


def test_a_gift_is_a_line_worth_nothing() -> None:
    assert [row["net_minor"] for row in orders(line("1", Price="0"))] == [0]


def test_a_product_is_called_what_it_is_called_most_often() -> None:
    found = translate(
        LAYOUT,
        [
            line("1"),
            line("2", Description="glass?"),
            line("3", Description="glass?"),
            line("4", Description=""),
        ],
    )

    assert [(row["product_id"], row["title"]) for row in found.accepted["products"]] == [("85048", "glass?")]


def test_countries_become_codes_and_what_is_none_stays_unknown() -> None:
    found = translate(
        LAYOUT, [line("1", Country="EIRE"), line("2", Country="Unspecified", Customer_ID="12000")]
    )

    assert [(row["customer_id"], row["country"]) for row in found.accepted["customers"]] == [("13085", "IE")]


def test_the_older_file_s_names_are_known() -> None:
    older = {"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"}
    row = {older.get(name, name): cell for name, cell in line("1").items()}

    assert [found["net_minor"] for found in orders(row)] == [250]


def test_the_overlap_of_two_sheets_is_told_apart_from_repeated_lines() -> None:
    first = [line("1"), line("1", "2"), line("2"), line("2")]
    second = [line("1"), line("1", "2"), line("3")]

    findings = translate(LAYOUT, first + second).findings
    assert (findings["overlap"], findings["repeated"]) == (2, 3)
    assert translate(LAYOUT, first).findings["overlap"] == 0


@pytest.mark.slow
@pytest.mark.skipif(
    not FILE.is_file(), reason="needs online_retail_ii.parquet in the directory REGULARS_TEST_DATA"
)
def test_the_published_file_comes_in_with_every_line_accounted_for(tmp_path: Path) -> None:
    ledger = Ledger(Home(tmp_path / "home"))

    report = import_files(
        ledger, LAYOUT.tables[0], [FILE], imported_at=datetime(2024, 6, 1, tzinfo=UTC), layout=LAYOUT,
        currency="GBP", time_zone="Europe/London",
    )  # fmt: skip

    assert (report.read, report.added, report.rejected) == (1_044_847, 797_868, 246_979)
    assert Counter({reason.text: reason.rows for reason in report.reasons}) == {
        "Customer ID is empty: nobody can be told to have bought this line": 235_287,  # 22.5 %
        "duplicate of another row": 11_676,  # the other 136 of the 11,812 name no customer
        "a test product": 16,
    }
    told = " ".join(report.notes)
    for count in (
        "11,812 lines repeat", "235,287 lines name no customer", "19,165 lines are of cancellations",
        "16,382 cancelled lines are dated", "6 lines are adjustments of bad debt",
        "6,024 lines have a price of zero", "5,695 lines are postage",
    ):  # fmt: skip
        assert count in told
    with ledger.connect() as connection:
        different = connection.execute(
            "SELECT count(*) FROM (SELECT customer_id, sum(net_minor) AS held FROM ledger_orders GROUP BY ALL) JOIN ("
            "SELECT CAST(customer AS VARCHAR) AS customer_id, sum(net) AS told FROM ("
            'SELECT DISTINCT "Invoice", "StockCode", "Description", "InvoiceDate", "Quantity", "Price", '
            '"Customer ID" AS customer, CAST(round_even(CAST("Quantity" AS DECIMAL(15)) '
            '* CAST("Price" AS DECIMAL(15, 3)), 2) * 100 AS BIGINT) AS net FROM read_parquet($file) '
            'WHERE "Customer ID" IS NOT NULL AND "StockCode" NOT LIKE \'TEST%\') GROUP BY ALL) USING (customer_id) '
            "WHERE held <> told",
            {"file": str(FILE)},
        ).fetchall()
    assert different == [(0,)]


def test_a_line_of_an_impossible_amount_is_refused_and_the_others_are_taken() -> None:
    found = translate(LAYOUT, [line("1", "999999999999.5", Price="18"), line("2")])

    assert found.refused["orders"][2].startswith("net_amount is not a number like 12.50")
    assert [row["order_id"] for row in found.accepted["orders"]] == ["2"]
