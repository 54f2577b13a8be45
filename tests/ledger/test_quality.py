"""What `examine` says of a ledger."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from ledger.errors import InputError
from ledger.importers.load import import_files
from ledger.quality import examine
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

HEADER = "customer_id,order_id,ordered_at,product_id,net_amount\n"
WriteFile = Callable[[str, str], Path]


def test_the_figures_of_a_small_shop(ledger: Ledger, write_file: WriteFile, imported_at: datetime) -> None:
    path = write_file(
        "orders.csv",
        HEADER
        + "ann,1,2024-01-01 09:00,p,1\n"
        + "ann,1,2024-01-01 09:00,q,2\n"  # the same day: one order
        + "ann,2,2024-01-11 09:00,p,1\n"
        + "bob,3,2024-01-02 09:00,,5\n"
        + "bob,4,someday,,5\n",
    )
    import_files(ledger, ORDERS, [path], imported_at=imported_at, currency="EUR", time_zone="Europe/Berlin")

    report = examine(ledger)

    assert (report.first_day, report.last_day, report.span_days) == ("2024-01-01", "2024-01-11", 11)
    assert (report.lines, report.orders, report.customers, report.products) == (4, 3, 2, 2)
    assert (report.repeat_share, report.median_gap_days) == (0.5, 10.0)
    assert report.quiet_days == 8  # January 3 to 10
    assert report.rejected == 1
    assert json.loads(json.dumps(report.to_json()))["currency"] == "EUR"


def test_a_short_history_says_what_it_lacks(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    import_files(
        ledger, ORDERS, [write_file("o.csv", HEADER + "ann,1,2024-01-01,p,1\n")], imported_at=imported_at
    )

    churn = examine(ledger).predictions[0]

    assert (churn.prediction, churn.allowed) == ("who leaves within 90 days", False)
    assert churn.why == (
        "there are only 1 of 300 days of history, 1 of 200 customers, 0 of 60 customers who came back; "
        "rules answer instead"
    )


def test_a_long_history_allows_every_prediction(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    days = [date(2023, 1, 1) + timedelta(days=30 * month) for month in range(12)]
    rows = [f"c{n},{n}-{day},{day} 10:00,p{n % 3},5\n" for day in days for n in range(200)]

    import_files(ledger, ORDERS, [write_file("o.csv", HEADER + "".join(rows))], imported_at=imported_at)

    assert [allowance.allowed for allowance in examine(ledger).predictions] == [True] * 4


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ("ann,1,2024-01-01 09:00,p,0\nbob,2,2024-01-02 09:00,p,0\n", "free_lines"),
        ("ann,1,2024-01-01 09:00,p,1\nbob,1,2024-01-02 09:00,p,1\n", "shared_orders"),
        ("ann,1,2024-01-01,p,1\nbob,2,2024-01-02,p,1\n", "midnight_orders"),
        ("ann,1,2024-01-01 09:00,p,900\nbob,2,2024-01-02 09:00,p,1\n", "one_large_customer"),
        ("ann,1,2024-01-01 09:00,x,1\nbob,2,2024-01-02 09:00,p,1\n", "unknown_products"),
        ("ann,1,2024-01-01 09:00,p,1\nbob,2,2024-01-02 09:00,p,a\n", "rejected_rows"),
    ],
)
def test_what_looks_wrong_is_found(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime, rows: str, name: str
) -> None:
    import_files(ledger, PRODUCTS, [write_file("p.csv", "product_id\np\n")], imported_at=imported_at)
    import_files(ledger, ORDERS, [write_file("o.csv", HEADER + rows)], imported_at=imported_at)

    assert name in [finding.name for finding in examine(ledger).findings]


def test_a_refund_without_its_order_is_found_with_its_count(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    header = "customer_id,order_id,line_id,ordered_at,known_at,status,net_amount\n"
    rows = (
        "ann,1,a,2024-01-01 09:00,,paid,5\n"
        "ann,1,a,2024-01-01 09:00,2024-02-01,refunded,-5\n"
        "bob,2,a,2024-01-01 09:00,2024-02-01,refunded,-5\n"
    )
    import_files(ledger, ORDERS, [write_file("o.csv", header + rows)], imported_at=imported_at)

    told = {finding.name: finding.text for finding in examine(ledger).findings}

    assert told["refunds_without_order"] == (
        "1 of 2 refunded or cancelled lines have no paid line of the same order_id and line_id"
    )


def test_a_sound_shop_gives_no_finding(ledger: Ledger, write_file: WriteFile, imported_at: datetime) -> None:
    rows = "".join(f"c{n},{n},2024-01-01 09:00,,5\n" for n in range(10))

    import_files(ledger, ORDERS, [write_file("o.csv", HEADER + rows)], imported_at=imported_at)

    assert examine(ledger).findings == ()


def test_an_empty_ledger_cannot_be_examined(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="run `regulars import orders FILE`"):
        examine(ledger)
