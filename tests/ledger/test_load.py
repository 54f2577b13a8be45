"""Importing plain files: added once, corrected, refused with their lines, and whole or not at all."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.contacts import pseudonym
from ledger.engine import open_engine
from ledger.erasure import forget, remember
from ledger.errors import InputError
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.importers.online_retail import LAYOUT as ONLINE_RETAIL
from ledger.importers.report import ImportReport, Reason
from ledger.importers.shopify import LAYOUT as SHOPIFY
from ledger.person import find
from ledger.shop import Shop
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.events import EVENTS
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

HEADER = "customer_id,order_id,ordered_at,net_amount\n"
WriteFile = Callable[[str, str], Path]


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    assert report.read == report.added + report.unchanged + report.corrected + report.rejected
    return report.added, report.unchanged, report.corrected, report.rejected


@dataclass
class Spilled:
    """Progress that looks how much lies in the imports' workspaces."""

    work: Path
    bytes: int = 0

    def __call__(self, _what: str, _share: float) -> None:
        found = sum(path.stat().st_size for path in self.work.rglob("*") if path.is_file())
        self.bytes = max(self.bytes, found)


def held(ledger: Ledger, columns: str, view: str = "ledger_orders") -> list[tuple[object, ...]]:
    with ledger.connect() as connection:
        return connection.execute(f"SELECT {columns} FROM {view} ORDER BY ALL").fetchall()


def test_a_file_of_four_columns_is_imported(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    path = write_file("orders.csv", HEADER + "ann,1,2024-01-31 18:05:00,12.50\nbob,2,2024-02-01,3\n")

    report = import_files(
        ledger, ORDERS, [path], imported_at=imported_at, currency="EUR", time_zone="Europe/Berlin"
    )

    assert counts(report) == (2, 0, 0, 0)
    assert ledger.shop == Shop(currency="EUR", time_zone="Europe/Berlin")
    assert held(ledger, "customer_id, order_id, line_id, net_minor, order_hour, currency, status") == [
        ("ann", "1", "#1", 1250, 18, "EUR", "paid"),
        ("bob", "2", "#1", 300, 0, "EUR", "paid"),
    ]


def test_the_same_file_twice_adds_neither_orders_nor_refused_rows(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    path = write_file(
        "orders.csv", HEADER + "ann,1,2024-01-31,1\nann,1,2024-01-31,1\n,2,2024-01-31,1\nbob,3\n"
    )

    first = import_files(ledger, ORDERS, [path], imported_at=imported_at)
    fingerprint = ledger.fingerprint()
    second = import_files(ledger, ORDERS, [path], imported_at=imported_at + timedelta(days=1))

    assert (counts(first), counts(second)) == ((1, 0, 0, 3), (0, 1, 0, 3))
    assert ledger.fingerprint() == fingerprint
    assert held(ledger, "file_name, line, reason, raw", "ledger_rejected") == [
        (
            "orders.csv",
            3,
            "duplicate of line 2; give line_id to keep both",
            '{"customer_id":"ann","order_id":"1","ordered_at":"2024-01-31","net_amount":"1"}',
        ),
        (
            "orders.csv",
            4,
            "customer_id is empty",
            '{"customer_id":"","order_id":"2","ordered_at":"2024-01-31","net_amount":"1"}',
        ),
        ("orders.csv", 5, "has 2 fields, the header has 4", '{"text":"bob,3"}'),
    ]


def test_reasons_are_counted_with_their_first_line(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    row = "ann,1,2024-01-31,1\n"
    path = write_file("orders.csv", HEADER + row + "bob,2,2024-01-31,x\n" + row + row)

    report = import_files(ledger, ORDERS, [path], imported_at=imported_at)

    assert report.reasons[0] == Reason(
        "duplicate of another line; give line_id to keep both", 2, "orders.csv", "line", 4
    )
    assert [(reason.rows, reason.line) for reason in report.reasons] == [(2, 4), (1, 3)]
    assert json.loads(json.dumps(report.to_json()))["rejected"] == 3


def test_a_row_that_says_something_else_is_a_correction_known_from_the_import(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    old = write_file("old.csv", HEADER + "ann,1,2024-01-31T00:00:00Z,10\n")
    new = write_file("new.csv", HEADER + "ann,1,2024-01-31T00:00:00Z,12\n")

    import_files(ledger, ORDERS, [old], imported_at=imported_at)
    corrected = import_files(ledger, ORDERS, [new], imported_at=imported_at)
    again = [counts(import_files(ledger, ORDERS, [path], imported_at=imported_at)) for path in (old, new)]

    assert counts(corrected) == (0, 0, 1, 0)
    assert again == [(0, 1, 0, 0), (0, 1, 0, 0)]  # an old file imported late does not undo the correction
    assert held(ledger, "net_minor, CAST(known_at AS VARCHAR)") == [
        (1000, "2024-01-31 00:00:00+00"),
        (1200, "2024-06-01 12:00:00+00"),
    ]


def test_two_corrections_at_one_instant_keep_their_order(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    files = [write_file(f"{amount}.csv", HEADER + f"ann,1,2024-01-31,{amount}\n") for amount in (1, 2, 3)]

    report = import_files(ledger, ORDERS, files, imported_at=imported_at)

    assert counts(report) == (1, 0, 2, 0)
    assert held(ledger, "known_at - TIMESTAMPTZ '2024-06-01 12:00:00+00', net_minor")[1:] == [
        (timedelta(0), 200),
        (timedelta(microseconds=1), 300),
    ]


def test_a_given_known_at_is_compared_with_what_was_in_force_then(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    header = "customer_id,order_id,ordered_at,known_at,net_amount\n"

    def bring(known_at: str, amount: int) -> tuple[int, int, int, int]:
        path = write_file(f"{known_at}.csv", header + f"ann,1,2024-01-01,{known_at},{amount}\n")
        return counts(import_files(ledger, ORDERS, [path], imported_at=imported_at))

    assert bring("2024-01-05", 10) == (1, 0, 0, 0)
    assert bring("2024-01-09", 10) == (0, 1, 0, 0)  # says what was in force already
    assert bring("2024-01-07", 12) == (0, 0, 1, 0)
    assert bring("2024-01-11", 10) == (0, 0, 1, 0)  # taken back
    assert bring("2024-01-03", 9) == (0, 0, 1, 0)  # an earlier state, learnt late
    assert bring("2024-01-07", 13) == (0, 0, 0, 1)
    assert held(ledger, "reason", "ledger_rejected") == [
        (
            "differs from the row the ledger holds with the same key and known_at; give a later known_at to correct it",
        )
    ]


def test_a_refund_is_a_row_of_its_own_beside_the_paid_one(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    header = "customer_id,order_id,product_id,ordered_at,known_at,status,net_amount\n"
    path = write_file(
        "orders.csv",
        header + "ann,1,p,2024-01-01,,,10\nann,1,p,2024-01-01,2024-01-20,refunded,-10\n",
    )

    assert counts(import_files(ledger, ORDERS, [path], imported_at=imported_at)) == (2, 0, 0, 0)
    assert held(ledger, "line_id, status, net_minor") == [("p#1", "paid", 1000), ("p#1", "refunded", -1000)]


def test_csv_and_parquet_of_the_same_rows_are_the_same_ledger(tmp_path: Path, imported_at: datetime) -> None:
    at = datetime(2024, 1, 31, 17, 5, tzinfo=UTC)
    table = pa.table(
        {"customer_id": [7, 8], "order_id": [1, 2], "ordered_at": [at, at], "net_amount": [0.125, 3.0]}
    )
    pq.write_table(table, tmp_path / "orders.parquet")
    (tmp_path / "orders.csv").write_text(
        HEADER + "7,1,2024-01-31T17:05:00Z,0.125\n8,2,2024-01-31T17:05:00+00:00,3.0\n", encoding="utf-8"
    )
    fingerprints = []
    for name in ("orders.parquet", "orders.csv"):
        ledger = Ledger(Home(tmp_path / f"home of {name} ü"))
        import_files(ledger, ORDERS, [tmp_path / name], imported_at=imported_at, time_zone="Asia/Tokyo")
        fingerprints.append(ledger.fingerprint())

    assert fingerprints[0] == fingerprints[1]


def test_one_customer_with_one_order_is_a_shop(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    import_files(
        ledger, ORDERS, [write_file("o.csv", HEADER + "ann,1,2024-01-31,1\n")], imported_at=imported_at
    )

    assert ledger.default_cutoff_date().isoformat() == "2024-02-01"
    assert ledger.data_through() == datetime(2024, 1, 31, tzinfo=UTC)


def test_what_is_assumed_and_left_out_is_told(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    path = write_file("orders.csv", HEADER.strip() + ",colour\nann,1,2024-01-31,1,red\n")

    assert import_files(ledger, ORDERS, [path], imported_at=imported_at).notes == (
        "no currency was given: USD is assumed from now on",
        "no time zone was given: UTC is assumed from now on",
        "orders.csv: not imported: colour",
    )


def test_the_currency_of_the_file_is_taken_when_none_is_given(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    path = write_file("o.csv", HEADER.strip() + ",currency\nann,1,2024-01-31,1,gbp\nann,2,2024-01-31,1,\n")

    import_files(ledger, ORDERS, [path], imported_at=imported_at)

    assert held(ledger, "order_id, currency") == [("1", "GBP"), ("2", "GBP")]


@pytest.mark.parametrize(("currency", "time_zone"), [("EUR", None), (None, "Europe/Berlin")])
def test_a_ledger_keeps_its_currency_and_zone(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime, currency: str | None, time_zone: str | None
) -> None:
    path = write_file("o.csv", HEADER + "ann,1,2024-01-31,1\n")
    import_files(ledger, ORDERS, [path], imported_at=imported_at, currency="USD", time_zone="UTC")

    with pytest.raises(
        InputError, match=r"^this ledger is in USD, UTC, and cannot take .*; use another --home$"
    ):
        import_files(ledger, ORDERS, [path], imported_at=imported_at, currency=currency, time_zone=time_zone)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("folder.csv", "folder.csv is a directory; give the files in it"),
        ("none.csv", "none.csv: no such file or directory"),
        ("orders.xlsx", "orders.xlsx: unknown kind of file .xlsx; expected .csv or .parquet"),
        ("orders", "orders: unknown kind of file without an extension; expected .csv or .parquet"),
        ("empty.parquet", "empty.parquet is empty; a header line and rows are expected, see docs/ledger.md"),
    ],
)
def test_a_bad_file_is_told_in_one_line_and_nothing_is_written_of_the_good_one(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime, name: str, error: str
) -> None:
    good = write_file("good.csv", HEADER + "ann,1,2024-01-31,1\n")
    write_file("empty.parquet", "")
    good.with_name("folder.csv").mkdir()

    with pytest.raises(InputError) as caught:
        import_files(ledger, ORDERS, [good, good.with_name(name)], imported_at=imported_at)

    assert str(caught.value).endswith(error)
    assert "\n" not in str(caught.value)
    assert not ledger.home.path.exists()


def test_a_file_of_refused_rows_only_leaves_the_shop_open(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    path = write_file("o.csv", HEADER + "ann,1,someday,1\n")

    report = import_files(ledger, ORDERS, [path], imported_at=imported_at)

    assert counts(report) == (0, 0, 0, 1)
    assert ledger.shop_if_known() is None
    assert held(ledger, "line", "ledger_rejected") == [(2,)]


def test_progress_is_told_as_shares_of_named_work(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    told: list[tuple[str, float]] = []
    path = write_file("o.csv", HEADER + "ann,1,2024-01-31,1\n")

    import_files(
        ledger,
        ORDERS,
        [path],
        imported_at=imported_at,
        progress=lambda what, share: told.append((what, share)),
    )

    begun_and_done = [(what, share) for what, share in told if share in (0.0, 1.0)]
    assert list(dict.fromkeys(begun_and_done)) == [
        ("reading o.csv", 0.0), ("reading o.csv", 1.0), ("writing", 0.0), ("writing", 1.0),
    ]  # fmt: skip


def test_products_are_known_from_the_start_and_corrected_from_the_import(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    first = write_file("a.csv", "product_id,title,category\np,Milk,Food>Dairy\n")
    second = write_file("b.csv", "product_id,title,category\np,Milk,Drinks\n")

    reports = [
        import_files(ledger, PRODUCTS, [path], imported_at=imported_at) for path in (first, first, second)
    ]

    assert [counts(report) for report in reports] == [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)]
    assert held(ledger, "category, CAST(known_at AS VARCHAR)", "ledger_products") == [
        ("Drinks", "2024-06-01 12:00:00+00"),
        ("Food > Dairy", "1970-01-01 00:00:00+00"),
    ]
    assert ledger.shop_if_known() is None


IMPORT_IN_A_PROCESS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
ledger = Ledger(Home(Path(sys.argv[1])))
sys.stdin.readline()
for path in sys.argv[2:]:
    import_files(ledger, ORDERS, [Path(path)], imported_at=datetime(2024, 6, 1, tzinfo=UTC))
"""


def test_two_processes_importing_at_once_neither_lose_nor_repeat_a_row(
    ledger: Ledger, write_file: WriteFile
) -> None:
    def rows(orders: range) -> str:
        return HEADER + "".join(f"ann,{order},2024-01-31,1\n" for order in orders) + ",bad,2024-01-31,1\n"

    mine, theirs = write_file("mine.csv", rows(range(50))), write_file("theirs.csv", rows(range(50, 100)))
    both = write_file("both.csv", rows(range(120)))
    home = str(ledger.home.path)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", IMPORT_IN_A_PROCESS, home, *map(str, files)],
            stdin=subprocess.PIPE,
            text=True,
        )
        for files in ((mine, both), (theirs, both))
    ]
    for process in processes:  # both are let go before either is waited for
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.close()
    for process in processes:
        process.wait(timeout=120)

    assert [process.returncode for process in processes] == [0, 0]
    assert held(ledger, "count(*), count(DISTINCT order_id)") == [(120, 120)]
    assert held(ledger, "count(*), count(DISTINCT file_sha256)", "ledger_rejected") == [(3, 3)]


def test_a_file_without_rows_is_told_and_leaves_nothing(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime, tmp_path: Path
) -> None:
    no_lines, no_rows = write_file("o.csv", HEADER), tmp_path / "o.parquet"
    pq.write_table(pa.table({name: pa.array([], pa.string()) for name in HEADER.strip().split(",")}), no_rows)

    with pytest.raises(InputError, match=r"^o\.csv has a header and no rows; nothing was imported$"):
        import_files(ledger, ORDERS, [no_lines], imported_at=imported_at)
    with pytest.raises(InputError, match=r"^o\.parquet has columns and no rows; nothing was imported$"):
        import_files(ledger, ORDERS, [no_rows], imported_at=imported_at)
    assert not ledger.home.path.exists()


def test_versions_of_a_line_in_one_file_follow_each_other(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    header = "customer_id,order_id,line_id,ordered_at,known_at,net_amount\n"
    first, second = "ann,1,1,2024-01-01,2024-01-01,10\n", "ann,1,1,2024-01-01,2024-01-05,8\n"
    same_as_second = "ann,1,1,2024-01-01,2024-01-07,8\n"
    path = write_file("o.csv", header + same_as_second + second + first)

    assert counts(import_files(ledger, ORDERS, [path], imported_at=imported_at)) == (1, 1, 1, 0)
    assert held(ledger, "net_minor, CAST(known_at AS DATE) - DATE '2024-01-01'") == [(800, 4), (1000, 0)]
    assert counts(import_files(ledger, ORDERS, [path], imported_at=imported_at)) == (0, 3, 0, 0)


def test_a_column_that_a_later_file_lacks_keeps_its_value(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    whole = write_file("a.csv", "product_id,title,category\np,Milk,Dairy\nq,Tea,Drinks\n")
    titles = write_file("b.csv", "product_id,title\np,Whole milk\nq,Tea\n")

    import_files(ledger, PRODUCTS, [whole], imported_at=imported_at)
    report = import_files(ledger, PRODUCTS, [titles], imported_at=imported_at)

    assert counts(report) == (0, 1, 1, 0)
    assert held(ledger, "product_id, title, category", "ledger_products") == [
        ("p", "Milk", "Dairy"), ("p", "Whole milk", "Dairy"), ("q", "Tea", "Drinks"),
    ]  # fmt: skip


def test_columns_may_be_called_differently(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    path = write_file("o.csv", "Client no.,Bon,Tag,customer_id,net_amount\nann,1,2024-01-31,x,5\n")
    renamed = {"customer_id": "client no.", "order_id": "Bon", "ordered_at": "Tag"}

    report = import_files(ledger, ORDERS, [path], imported_at=imported_at, renamed=renamed)

    assert held(ledger, "customer_id, order_id") == [("ann", "1")]
    assert "o.csv: not imported: customer_id" in report.notes


@pytest.mark.parametrize(
    ("renamed", "error"),
    [
        ({"customer": "Client"}, "--map: there is no column 'customer' to fill; did you mean customer_id?"),
        (
            {"customer_id": "Klient"},
            "o.csv: no column 'Klient', given by --map for customer_id; did you mean Client?",
        ),
    ],
)
def test_a_wrong_name_is_told_with_the_near_one(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime, renamed: dict[str, str], error: str
) -> None:
    path = write_file("o.csv", "Client,order_id,ordered_at,net_amount\nann,1,2024-01-31,5\n")

    with pytest.raises(InputError) as caught:
        import_files(ledger, ORDERS, [path], imported_at=imported_at, renamed=renamed)

    assert str(caught.value) == error


def test_customers_called_by_their_address_get_a_pseudonym_and_the_address_is_kept_once(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    rows = "Ann@Example.com,1,2024-01-31,5\nann@example.com,2,2024-02-01,5\nbob,3,2024-02-01,5\n"
    path = write_file("o.csv", HEADER + rows)

    report = import_files(ledger, ORDERS, [path], imported_at=imported_at)

    ann = pseudonym("ann@example.com")
    assert held(ledger, "customer_id, order_id") == [("bob", "3"), (ann, "1"), (ann, "2")]
    assert held(ledger, "customer_id, email", "ledger_customers") == [(ann, "ann@example.com")]
    assert [(also.table, also.added) for also in report.also] == [("customers", 1)]
    files = [path.read_bytes() for path in ledger.home.path.rglob("*.json")]
    assert not any(b"example.com" in text for text in files)


def test_who_was_erased_does_not_come_back_with_his_past(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    path = write_file("o.csv", HEADER + "ann,1,2024-01-31,5\nbob,2,2024-01-31,5\nann,3,2024-01-31,x\n")
    import_files(ledger, ORDERS, [path], imported_at=imported_at)
    with ledger.exclusive():
        with ledger.connect() as connection:
            ann = find(connection, "ann", imported_at)
        remember(ledger, ann, datetime(2024, 5, 1, tzinfo=UTC), new_salt="salt")
        forget(ledger, ann)
    later = write_file("later.csv", HEADER + "ann,4,2024-05-02,5\n")

    again = import_files(ledger, ORDERS, [path], imported_at=imported_at)
    after = import_files(ledger, ORDERS, [later], imported_at=imported_at)

    assert counts(again) == (0, 1, 0, 2)
    assert counts(after) == (1, 0, 0, 0)
    assert held(ledger, "customer_id, order_id") == [("ann", "4"), ("bob", "2")]
    withheld = [raw for (raw,) in held(ledger, "raw", "ledger_rejected")]
    assert withheld == ['{"text":"(withheld)"}', '{"text":"(withheld)"}']


def test_a_file_of_another_system_is_recognised(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    header = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    path = write_file("sales.csv", header + "1,85048,BALL,2,2010-01-01 10:00:00,1.50,13085,United Kingdom\n")

    with pytest.raises(InputError, match=r"use --format online-retail$"):
        import_files(ledger, ORDERS, [path], imported_at=imported_at)
    report = import_files(ledger, ORDERS, [path], imported_at=imported_at, layout=ONLINE_RETAIL)

    assert (report.added, report.currency) == (1, "GBP")


def test_an_order_without_a_telephone_number_does_not_say_that_there_is_none(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    header = (
        "Name,Email,Financial Status,Currency,Subtotal,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
        "Refunded Amount,Cancelled at,Discount Amount,Phone,Lineitem sku,Payment Method,Total,Shipping,Taxes\n"
    )
    order = (
        "#{},ann@example.com,paid,USD,5.00,2024-0{}-01 10:00:00 +0000,1,Tea,5.00,0.00,,0.00,{},T,x,5.00,0,0\n"
    )
    first = write_file("a.csv", header + order.format(1, 1, "+49 170 1234567"))
    second = write_file("b.csv", header + order.format(2, 2, ""))

    for path in (first, second):
        import_files(ledger, ORDERS, [path], imported_at=imported_at, layout=SHOPIFY)

    assert held(ledger, "phone", "ledger_customers") == [("+491701234567",)]


def test_an_address_learnt_from_orders_is_added_to_what_is_known_of_the_customer(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    ann = pseudonym("ann@example.com")
    customers = write_file("c.csv", f"customer_id,known_at,country\n{ann},2024-02-01,DE\n")
    orders = write_file("o.csv", HEADER + "ann@example.com,1,2024-01-31,5\n")

    for table, path in ((CUSTOMERS, customers), (ORDERS, orders), (ORDERS, orders)):
        import_files(ledger, table, [path], imported_at=imported_at, currency="EUR", time_zone="UTC")

    last = "arg_max({'country': country, 'email': email}, known_at), count(*)"
    assert held(ledger, last, "ledger_customers") == [({"country": "DE", "email": "ann@example.com"}, 2)]


def test_events_wait_for_the_shop_s_time_zone(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    path = write_file("e.csv", "event,happened_at,anonymous_id\nProduct Viewed,2024-01-31 23:30:00,v\n")

    with pytest.raises(
        InputError, match=r"^import orders before events, or give --time-zone and --currency: "
    ):
        import_files(ledger, EVENTS, [path], imported_at=imported_at)
    import_files(ledger, EVENTS, [path], imported_at=imported_at, time_zone="Asia/Tokyo", currency="JPY")

    assert held(ledger, "event_hour", "ledger_events") == [(23,)]
    assert ledger.shop == Shop("JPY", "Asia/Tokyo")


@pytest.mark.slow
def test_a_file_larger_than_the_memory_allowed_is_spilled_and_imported(
    ledger: Ledger, tmp_path: Path, imported_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "o.parquet"
    with open_engine() as connection:
        connection.execute(f"""
            COPY (SELECT 'customer number ' || (i // 7) AS customer_id, 'order number ' || (i // 3) AS order_id,
                'a product with a long name ' || (i % 3) AS product_id, DATE '2024-01-01' AS ordered_at,
                1 AS net_amount FROM range(600_000) AS made(i)) TO '{path}'""")
    monkeypatch.setattr("ledger.importers.stage.MEMORY_LIMIT_MB", 64)
    spilled = Spilled(ledger.home.work)

    report = import_files(ledger, ORDERS, [path], imported_at=imported_at, progress=spilled)

    assert counts(report) == (600_000, 0, 0, 0)
    assert spilled.bytes > 0
    assert not ledger.home.work.exists()
