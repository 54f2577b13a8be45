"""The ledger's tables: empty but typed before the first import, append-only after it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.errors import InputError
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.schema import SQL_TYPES, Table
from ledger.shop import Shop
from ledger.store import MANY_FILES, Ledger
from ledger.tables.orders import ORDERS
from ledger.tables.shipped import TABLES

HEADER = "customer_id,order_id,ordered_at,net_amount\n"
WriteFile = Callable[[str, str], Path]


def described(ledger: Ledger, table: Table) -> list[tuple[str, str]]:
    with ledger.connect() as connection:
        rows = connection.execute(f"DESCRIBE ledger_{table.name}").fetchall()
    return [(row[0], "TIMESTAMPTZ" if row[1] == "TIMESTAMP WITH TIME ZONE" else row[1]) for row in rows]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_without_rows_is_a_typed_view(ledger: Ledger, table: Table) -> None:
    assert described(ledger, table) == [
        (column.name, SQL_TYPES[str(column.type)]) for column in table.columns
    ]


def test_a_table_with_rows_has_the_same_types(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    empty = [described(ledger, table) for table in TABLES]
    import_files(
        ledger,
        ORDERS,
        [write_file("o.csv", HEADER + "ann,1,2024-01-31,1\nann,2,2024-01-31,x\n")],
        imported_at=imported_at,
    )

    assert [described(ledger, table) for table in TABLES] == empty


def test_reading_creates_nothing(ledger: Ledger) -> None:
    ledger.connect().close()

    assert not ledger.home.path.exists()


@pytest.mark.parametrize(
    "ask", [lambda it: it.shop, lambda it: it.data_through(), lambda it: it.default_cutoff_date()]
)
def test_an_empty_ledger_says_what_to_do_next(ledger: Ledger, ask: Callable[[Ledger], object]) -> None:
    with pytest.raises(
        InputError, match=r"^no orders in .* yet; run `regulars import orders FILE` or `regulars demo`$"
    ):
        ask(ledger)


def test_the_cutoff_is_the_local_day_after_the_last_order(
    ledger: Ledger, write_file: WriteFile, imported_at: datetime
) -> None:
    path = write_file(
        "o.csv", HEADER + "ann,1,2024-02-01T03:00:00Z,1\n"
    )  # the evening of January 31 in New York

    import_files(ledger, ORDERS, [path], imported_at=imported_at, time_zone="America/New_York")

    assert ledger.default_cutoff_date().isoformat() == "2024-02-01"
    assert ledger.data_through().isoformat() == "2024-02-01T03:00:00+00:00"


def test_the_fingerprint_is_of_the_content_not_of_how_it_came(
    tmp_path: Path, write_file: WriteFile, imported_at: datetime
) -> None:
    rows = ["ann,1,2024-01-31,1\n", "bob,2,2024-01-31,2\n"]
    imports = {
        "at once": [HEADER + "".join(rows)],
        "the other way round": [HEADER + "".join(reversed(rows))],
        "one by one": [HEADER + row for row in rows],
        "one missing": [HEADER + rows[0]],
        "another amount": [HEADER + rows[0] + "bob,2,2024-01-31,3\n"],
    }
    found = {}
    for name, texts in imports.items():
        ledger = Ledger(Home(tmp_path / name))
        for number, text in enumerate(texts):
            import_files(ledger, ORDERS, [write_file(f"{name}{number}.csv", text)], imported_at=imported_at)
        found[name] = ledger.fingerprint()

    assert found["at once"] == found["the other way round"] == found["one by one"]
    assert len({found["at once"], found["one missing"], found["another amount"]}) == 3


def test_rows_in_another_schema_are_not_appended(ledger: Ledger) -> None:
    with ledger.exclusive(), pytest.raises(ValueError, match="customer_id"):
        ledger.append({ORDERS: pa.table({"customer_id": ["ann"]})})

    assert ledger.files(ORDERS) == []


def test_a_damaged_shop_file_is_named(ledger: Ledger) -> None:
    ledger.home.path.mkdir()
    ledger.home.shop_facts.write_text("{", encoding="utf-8")

    with pytest.raises(InputError, match=r"shop\.json should hold currency and time_zone as JSON"):
        _ = ledger.shop


def test_the_shop_s_facts_are_fixed_once(ledger: Ledger) -> None:
    with ledger.exclusive():
        ledger.fix_shop(Shop("EUR", "Europe/Berlin"))
        ledger.append({ORDERS: order_rows("1")})
    ledger.fix_shop(Shop("EUR", "Europe/Berlin"))

    with pytest.raises(InputError, match="this ledger is in EUR, Europe/Berlin, and cannot take USD, UTC"):
        ledger.fix_shop(Shop("USD", "UTC"))


def test_a_killed_first_import_fixes_nothing(ledger: Ledger) -> None:
    ledger.fix_shop(Shop("EUR", "Europe/Berlin"))  # and was killed before any row counted

    ledger.fix_shop(Shop("USD", "UTC"))

    assert ledger.shop == Shop("USD", "UTC")


def test_a_percent_sign_in_the_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="may not hold a '%'"):
        Ledger(Home(tmp_path / "50%"))


def test_a_home_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    ledger = Ledger(Home(tmp_path / "file" / "home"))

    with (
        pytest.raises(InputError, match=r"^cannot write to .*/file/home/ledger: not a directory$"),
        ledger.exclusive(),
    ):
        pass


def order_rows(*orders: str) -> pa.Table:
    """Return one paid line of each order, of the customer `of-<order>`."""
    at = datetime(2024, 1, 1, tzinfo=UTC)
    row = {
        "line_id": "#1", "ordered_at": at, "known_at": at, "net_minor": 100, "currency": "USD", "status": "paid",
        "order_day": 19723, "order_hour": 0, "order_isoweekday": 1,
    }  # fmt: skip
    rows = [row | {"customer_id": f"of-{order}", "order_id": order} for order in orders]
    return pa.Table.from_pylist(rows, ORDERS.arrow_schema)


def orders_in(ledger: Ledger) -> list[str]:
    with ledger.connect() as connection:
        return [
            row[0] for row in connection.execute("SELECT order_id FROM ledger_orders ORDER BY 1").fetchall()
        ]


def test_what_a_killed_commit_left_does_not_count_and_is_taken_back(ledger: Ledger) -> None:
    with ledger.exclusive():
        ledger.append({ORDERS: order_rows("1")})
        before = (ledger.home.ledger / "versions.json").read_bytes()
        ledger.append({ORDERS: order_rows("2")})
    (ledger.home.ledger / "versions.json").write_bytes(before)  # as if killed before the last step

    seen_after_the_kill = orders_in(ledger)
    with ledger.exclusive():
        ledger.append({ORDERS: order_rows("3")})

    assert (seen_after_the_kill, orders_in(ledger)) == (["1"], ["1", "3"])


def test_deleted_rows_are_in_no_file(ledger: Ledger) -> None:
    with ledger.exclusive():
        ledger.append({ORDERS: order_rows("1", "2")})
        ledger.append({ORDERS: order_rows("3")})

        deleted = ledger.delete({ORDERS: "customer_id = 'of-2'"})

    files = sorted((ledger.home.ledger / "orders").glob("*.parquet"))
    held = [row for path in files for row in pq.read_table(path)["customer_id"].to_pylist()]
    assert deleted == {"orders": 1}
    assert sorted(held) == ["of-1", "of-3"]
    assert orders_in(ledger) == ["1", "3"]


def test_many_small_files_become_one(ledger: Ledger) -> None:
    orders = [f"{number:02d}" for number in range(MANY_FILES)]
    with ledger.exclusive():
        for order in orders:
            ledger.append({ORDERS: order_rows(order)})
        ledger.compact()

    assert len(ledger.files(ORDERS)) == 1
    assert orders_in(ledger) == orders


def test_a_file_from_before_a_column_was_there_is_read_with_it_empty(ledger: Ledger) -> None:
    with ledger.exclusive():
        ledger.append({ORDERS: order_rows("1")})
        old = ledger.new_part(ORDERS)
        pq.write_table(order_rows("2").drop_columns(["channel"]), old)
        ledger.commit({ORDERS: [old]})

    with ledger.connect() as connection:
        rows = connection.execute("SELECT order_id, channel FROM ledger_orders ORDER BY 1").fetchall()
    assert rows == [("1", None), ("2", None)]
