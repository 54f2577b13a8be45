"""What every layout of another system's export is held to from the day it is listed."""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.errors import InputError
from ledger.home import Home
from ledger.importers.layout import Layout, layout_of, source_columns
from ledger.importers.load import import_files
from ledger.importers.report import ImportReport
from ledger.importers.shipped import LAYOUTS
from ledger.store import Ledger
from tests.conformance.exports import IMPORTED_AT, SAMPLES, SHOPS, Line, Translated, sample, translate

HOSTILE = (
    "=HYPERLINK(A1)", "'; DROP TABLE source; --", '"', "\x00", "\x07\x1b[31m", "x" * 10_000, "9" * 10_000, "-1e308",
    "nan", "inf", "\u202e", "\ufeff", "0000-00-00", "9999-12-31 23:59:59", "2024-01-31 18:05:00 -9900",
    "{n}", "%s", "a@b.test", "+1 518 555 0100", " ", "-0", "null", "🙂" * 300,
)  # fmt: skip


def ids(layout: Layout) -> str:
    return layout.name


every_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=ids)


def cents(text: str) -> int:
    return int((Decimal(text or "0") * 100).to_integral_value())


def shopify_totals(rows: Sequence[Line]) -> dict[str, int]:
    """Sum Subtotal, which is on the first row of an order only."""
    return {row["Name"]: cents(row["Subtotal"]) for row in rows if row["Total"]}


def woocommerce_totals(rows: Sequence[Line]) -> dict[str, int]:
    return {
        row["order_id"]: cents(row["order_total"]) - cents(row["tax_total"]) - cents(row["shipping_total"])
        for row in rows
    }


def online_retail_totals(rows: Sequence[Line]) -> dict[str, int]:
    """Sum Quantity * Price over an invoice's lines, each once."""
    totals: dict[str, int] = defaultdict(int)
    for row in {tuple(row.values()): row for row in rows}.values():
        totals[row["Invoice"]] += round(Decimal(row["Quantity"]) * Decimal(row["Price"]) * 100)
    return totals


TOTALS: Mapping[str, Callable[[Sequence[Line]], Mapping[str, int]]] = {
    "shopify": shopify_totals,
    "woocommerce": woocommerce_totals,
    "online-retail": online_retail_totals,
}


@pytest.fixture(scope="module", params=LAYOUTS, ids=ids)
def both(request: pytest.FixtureRequest) -> tuple[Layout, Translated]:
    layout: Layout = request.param
    return layout, translate(layout, sample(layout))


@every_layout
def test_a_layout_has_a_hand_written_export_and_a_place_in_the_guide(layout: Layout) -> None:
    guide = (SAMPLES.parents[2] / "docs" / "importing.md").read_text(encoding="utf-8")

    assert len(sample(layout)) >= 12
    assert f"--format {layout.name}" in guide
    for column in layout.columns:
        assert not column.required or f"`{column.name}`" in guide, column.name


@every_layout
def test_every_missing_required_column_is_named_with_what_was_found(layout: Layout) -> None:
    names = list(sample(layout)[0])
    for column in layout.columns:
        if not column.required:
            continue
        left = [name for name in names if name != column.name]

        with pytest.raises(InputError, match=re.escape(column.name)) as refused:
            source_columns(layout, left, "orders.csv")

        assert str(refused.value).startswith("orders.csv: ")
        assert f"found {left[0]}" in str(refused.value)
        assert "\n" not in str(refused.value)


@every_layout
def test_a_file_without_the_optional_columns_is_read_too(layout: Layout) -> None:
    needed = {column.name for column in layout.columns if column.required}
    rows = [{name: cell for name, cell in row.items() if name in needed} for row in sample(layout)]

    assert translate(layout, rows).lines("orders") == set(range(2, len(rows) + 2))


@every_layout
def test_case_and_outer_spaces_of_the_header_do_not_matter(layout: Layout) -> None:
    rows = sample(layout)
    shouted = [{f" {name.upper()} ": cell for name, cell in row.items()} for row in rows]

    assert translate(layout, shouted) == translate(layout, rows)


@every_layout
def test_a_header_tells_its_layout(layout: Layout) -> None:
    assert layout_of(list(sample(layout)[0]), LAYOUTS) is layout


@every_layout
def test_the_first_translation_accounts_for_every_row(layout: Layout) -> None:
    """The import leaves rows that are no rows to the first table of a layout."""
    assert layout.translations[0].table.name == "orders"


def test_no_line_is_lost(both: tuple[Layout, Translated]) -> None:
    layout, found = both

    assert found.lines("orders") == set(range(2, len(sample(layout)) + 2))


def test_orders_agree_with_the_export_s_own_totals_to_the_hundredth(both: tuple[Layout, Translated]) -> None:
    layout, found = both
    duplicates = {line for line, reason in found.refused["orders"].items() if reason.startswith("duplicate")}
    partly = {
        row["order_id"]
        for row in found.texts["orders"]
        if row["line"] in found.refused["orders"].keys() - duplicates
    }
    net: dict[str, int] = defaultdict(int)
    once = {
        (row["order_id"], row["line_id"]): row for row in found.accepted["orders"] if row["status"] != "paid"
    }
    once |= {
        (row["order_id"], row["line_id"]): row for row in found.accepted["orders"] if row["status"] == "paid"
    }
    for row in once.values():
        net[row["order_id"]] += row["net_minor"]

    totals = {
        order: total for order, total in TOTALS[layout.name](sample(layout)).items() if order not in partly
    }

    assert len(totals) >= 6
    assert {order: net[order] for order in totals} == totals


def test_what_undoes_an_order_is_never_known_before_it_and_never_after_the_import(
    both: tuple[Layout, Translated],
) -> None:
    _, found = both
    undone = [row for row in found.accepted["orders"] if row["status"] != "paid"]

    assert undone
    for row in undone:
        assert row["ordered_at"] <= row["known_at"] <= IMPORTED_AT


def test_no_refund_exceeds_what_was_paid_for_its_line(both: tuple[Layout, Translated]) -> None:
    _, found = both
    paid = {
        (row["order_id"], row["line_id"]): row["net_minor"]
        for row in found.accepted["orders"]
        if row["status"] == "paid"
    }
    refunds = [row for row in found.accepted["orders"] if row["status"] == "refunded"]

    assert refunds
    for row in refunds:
        key = (row["order_id"], row["line_id"])
        assert key not in paid or -row["net_minor"] <= paid[key]


def test_addresses_and_numbers_are_told_to_the_customers_table_alone(both: tuple[Layout, Translated]) -> None:
    layout, found = both
    cells = [cell for row in sample(layout) for cell in row.values()]
    numbers = {
        re.sub(r"\D", "", cell)[-7:] for cell in cells if re.fullmatch(r"\+?[\d() -]*555[\d -]+", cell)
    }
    for table, rows in found.texts.items():
        for row in rows:
            for name, text in row.items():
                if (table, name) in {("customers", "email"), ("customers", "phone")} or not isinstance(
                    text, str
                ):
                    continue
                assert "@" not in text
                assert not any(number in text for number in numbers)


@every_layout
def test_hostile_cells_are_kept_or_refused_and_never_raise(layout: Layout) -> None:
    good = sample(layout)
    rows = [
        good[number % len(good)] | {name: hostile}
        for number, hostile in enumerate(HOSTILE)
        for name in (column.name for column in layout.columns)
        if name in good[0]
    ]

    found = translate(layout, [*good, *rows])

    assert found.lines("orders") == set(range(2, len(good) + len(rows) + 2))


@every_layout
def test_one_bad_line_takes_no_other_with_it(layout: Layout) -> None:
    rows = sample(layout)
    amount = {"shopify": "Lineitem price", "woocommerce": "item_total", "online-retail": "Price"}[layout.name]
    spoilt = [rows[0] | {amount: "12,50 EUR"}, *rows[1:]]

    before, after = translate(layout, rows), translate(layout, spoilt)

    assert amount in after.refused["orders"][2]
    assert {line for line, _ in after.refused["orders"].items()} == {2, *before.refused["orders"]}


@every_layout
def test_the_same_export_twice_in_one_file_counts_once(layout: Layout) -> None:
    rows = sample(layout)

    once, twice = translate(layout, rows), translate(layout, rows + rows)

    def net(found: Translated) -> int:
        return sum(row["net_minor"] for row in found.accepted["orders"])

    assert net(twice) == net(once)
    assert len(twice.accepted["orders"]) == len(once.accepted["orders"])


@every_layout
def test_an_import_is_complete_and_a_second_one_adds_nothing(layout: Layout, tmp_path: Path) -> None:
    ledger = Ledger(Home(tmp_path / "home"))
    shop = SHOPS[layout.name]
    files = [SAMPLES / f"{layout.name}.csv"]

    def bring() -> ImportReport:
        return import_files(
            ledger, layout.tables[0], files, imported_at=IMPORTED_AT, layout=layout,
            currency=shop.currency, time_zone=shop.time_zone,
        )  # fmt: skip

    first = bring()
    held = {table.name: rows_of(ledger, table.name) for table in layout.tables}
    second = bring()

    expected = translate(layout, sample(layout))
    assert first.added == len(expected.accepted["orders"])
    assert rows_of(ledger, "rejected") == sum(map(len, expected.refused.values()))
    assert held == {table.name: len(expected.accepted[table.name]) for table in layout.tables}
    for report in (second, *second.also):
        assert (report.added, report.corrected) == (0, 0)
    assert {table.name: rows_of(ledger, table.name) for table in layout.tables} == held


def rows_of(ledger: Ledger, table: str) -> int:
    with ledger.connect() as connection:
        return int(connection.execute(f"SELECT count(*) FROM ledger_{table}").fetchall()[0][0])


def test_every_export_is_readable_as_csv() -> None:
    for layout in LAYOUTS:
        with (SAMPLES / f"{layout.name}.csv").open(encoding="utf-8", newline="") as handle:
            widths = {len(row) for row in csv.reader(handle, strict=True)}
        assert len(widths) == 1, layout.name
