"""What `examine` says of a ledger."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ledger.errors import InputError
from ledger.importers.load import import_files
from ledger.quality.report import examine, examine_views
from ledger.shop import Shop
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from tests.ledger.histories import event, joined, line, on_day, opened, person, product, refused

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
        "1 of 2 refunded or cancelled lines have no paid line of the same order_id and line_id, nor of the same "
        "customer, product and ordered_at"
    )


def test_a_sound_shop_gives_no_finding(ledger: Ledger, write_file: WriteFile, imported_at: datetime) -> None:
    rows = "".join(f"c{n},{n},2024-01-01 09:00,,5\n" for n in range(10))

    import_files(ledger, ORDERS, [write_file("o.csv", HEADER + rows)], imported_at=imported_at)

    assert examine(ledger).findings == ()


def test_an_empty_ledger_cannot_be_examined(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="run `regulars import orders FILE`"):
        examine(ledger)


EUR = Shop(currency="EUR", time_zone="UTC")


def test_the_figures_of_what_else_a_ledger_holds() -> None:
    tables = {
        "orders": [
            line("ann", "1", on_day(0), product_id="p", discount_minor=0, channel="web"),
            line("ann", "1", on_day(0), line_id="2", status="paid", net_minor=3000),
            line("ann", "1", on_day(0), line_id="2", status="cancelled", net_minor=3000),
            line("ann", "1", on_day(0), status="refunded", net_minor=-500),
            line("bob", "2", on_day(4, hour=0), channel="shop"),
        ],
        "products": [product("p", title="Tea"), product("q", category="Tea > Green")],
        "customers": [
            person("ann", email="a@shop.example", email_consent=False),
            person("ann", email="a@shop.example", email_consent=True, known_at=on_day(9)),
            person("bob", phone="+49123", country="DE"),
        ],
        "events": [
            event("Product Viewed", 1, customer_id="ann"),
            event("Poked ann", 2),
            event("Poked bob", 3),
        ],
        "identities": [joined("v1", "ann")],
        "pauses": [{"pause_id": "1", "customer_id": "ann", "paused_at": on_day(0), "known_at": on_day(0)}],
        "rejected": [refused(2, "customer_id is empty"), refused(3, "customer_id is empty")],
    }

    with opened(tables) as connection:
        report = examine_views(connection, EUR, on_day(5))

    assert report.last_import == "2024-01-06T10:00:00+00:00"
    assert report.holds["order_lines"] == {
        "paid_lines": 3,
        "refunded_lines": 1,
        "refunded_line_share": 1 / 3,
        "refunded_money_share": 0.1,  # 5 of 50
        "cancelled_lines": 1,
        "cancelled_line_share": 1 / 3,
        "cancelled_money_share": 0.6,  # 30 of 50
        "known_discount_share": 1 / 3,
        "order_ids": 2,
        "hour_coverage": 0.5,
        "orders_with_product_share": 0.5,
        "channels": 2,
    }
    assert report.holds["products"] == {"products": 2, "with_title": 1, "with_category": 1, "with_price": 0}
    assert {name: count for name, count in report.holds["customers"].items() if count} == {
        "customers": 2,
        "with_email": 1,
        "with_phone": 1,
        "may_be_emailed": 1,
        "with_place": 1,
    }
    assert report.holds["identities"] == {"ids": 1, "joined": 1, "customers": 1, "hubs": 0}
    assert report.holds["upkeep"] == {"subscriptions": 0, "reminders": 0, "pauses": 1}
    assert report.events == [
        {"event": "Product Viewed", "names": 1, "events": 1, "of_customers": 1},
        {"event": None, "names": 2, "events": 2, "of_customers": 0},  # a shop's own names are counted only
    ]
    assert report.rejected_because == [{"table_name": "orders", "reason": "customer_id is empty", "rows": 2}]
    assert report.tables[0] == {
        "table": "orders",
        "rows": 5,
        "first_day": "2024-01-01",
        "last_day": "2024-01-05",
    }
    assert [row["table"] for row in report.tables][-1] == "rejected"


def test_gaps_are_between_the_orders_of_a_person_whatever_ids_he_used() -> None:
    orders = [line("ann", "1", on_day(0)), line("ann2", "2", on_day(10)), line("ann", "3", on_day(30))]

    with opened({"orders": orders, "identities": [joined("ann2", "ann")]}) as connection:
        report = examine_views(connection, EUR)

    assert (report.customers, report.repeat_customers) == (1, 1)
    assert (report.median_gap_days, report.p90_gap_days) == (15.0, 19.0)  # gaps of 10 and 20 days


def test_a_history_of_nothing_but_refunds_has_days_and_no_customers() -> None:
    with opened({"orders": [line("ann", "1", status="refunded", net_minor=-100)]}) as connection:
        report = examine_views(connection, EUR)

    assert (report.first_day, report.orders, report.customers, report.median_gap_days) == (
        "2024-01-01",
        0,
        0,
        None,
    )


def test_the_last_import_is_when_the_ledger_was_written(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    import_files(
        ledger, ORDERS, [write_file("o.csv", HEADER + "ann,1,2024-01-01,p,1\n")], imported_at=imported_at
    )

    told = examine(ledger).last_import

    assert told is not None
    assert before <= datetime.fromisoformat(told) <= datetime.now(UTC)
