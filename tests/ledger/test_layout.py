"""How a layout's columns are found in a file, what is said of missing ones, and the SQL that comes of it."""

from collections.abc import Iterator
from functools import cache

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.importers.amounts import as_text, hundredths, shared
from ledger.importers.layout import (
    Layout,
    SourceColumn,
    Translation,
    advice,
    layout_of,
    prepared_sql,
    source_columns,
    source_sql,
    translated_sql,
)
from ledger.importers.states import states
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

TILL = Layout(
    name="till",
    title="a till's receipts",
    columns=(
        SourceColumn("Receipt", required=True, also=("Bon",)),
        SourceColumn("Paid sum", required=True),
        SourceColumn("Note"),
    ),
    currency="'EUR'",
    prepare='SELECT *, count(*) OVER (PARTITION BY "Receipt") AS lines FROM source',
    translations=(
        Translation(
            ORDERS,
            {"order_id": '"Receipt"', "net_amount": '"Paid sum"'},
            refused="CASE WHEN \"Receipt\" = '' THEN 'no receipt' END",
        ),
        Translation(PRODUCTS, {"product_id": '"Note"'}, where="lines > 1"),
    ),
)


@cache
def warm_engine() -> duckdb.DuckDBPyConnection:
    """Give the one connection of all generated examples."""
    return open_engine()


@pytest.fixture(scope="module", autouse=True)
def _close_engine() -> Iterator[None]:
    yield
    warm_engine().close()
    warm_engine.cache_clear()  # a connection left at exit makes its library complain


def error_of(*names: str) -> str:
    with pytest.raises(InputError) as refused:
        source_columns(TILL, names, "till.csv")
    return str(refused.value)


def test_columns_are_found_under_any_of_their_names() -> None:
    header = source_columns(TILL, ["\ufeffbon", "Cashier", " PAID SUM"], "till.csv")

    assert header.positions == {"Receipt": 0, "Paid sum": 2}
    assert header.unknown == ("Cashier",)
    assert header.width == 3


def test_a_missing_column_is_named_with_what_was_found_and_what_was_meant() -> None:
    assert error_of("Receipt", "Payd sum") == (
        "till.csv: a till's receipts has the column Paid sum; found Receipt, Payd sum; "
        "did you mean Payd sum -> Paid sum? Rename in the header"
    )
    assert error_of("a", "b") == (
        "till.csv: a till's receipts has the columns Receipt, Paid sum; found a, b; see docs/importing.md"
    )


def test_a_header_of_values_is_not_repeated() -> None:
    assert error_of("7", "ada@mail.test") == (
        "till.csv: the first line holds values, not column names; export it again with Receipt, Paid sum"
    )


def test_another_separator_is_noticed() -> None:
    assert error_of("Receipt;Paid sum") == (
        "till.csv: a till's receipts has the columns Receipt, Paid sum; found Receipt;Paid sum; "
        "the columns seem to be separated by ';': import it with --separator ';'"
    )


@pytest.mark.parametrize("names", [("Receipt", "RECEIPT ", "Paid sum"), ("Receipt", "Bon", "Paid sum")])
def test_a_column_that_comes_twice_is_refused(names: tuple[str, ...]) -> None:
    assert error_of(*names) == "till.csv: column Receipt appears twice in the header; keep one"


def test_a_layout_is_told_by_its_required_columns_and_what_to_do_is_said() -> None:
    assert layout_of(["paid sum", "bon", "other"], [TILL]) is TILL
    assert layout_of(["paid sum", "other"], [TILL]) is None
    assert advice(TILL) == "this looks like a till's receipts: use --format till"


def test_a_layout_fills_each_of_its_tables_once() -> None:
    assert TILL.tables == (ORDERS, PRODUCTS)


def test_rows_are_prepared_and_translated_as_declared() -> None:
    rows = pa.table({"line": [2, 3, 4], "Receipt": ["r1", "r1", ""], "Paid sum": ["1", "2", "3"]})
    with open_engine() as engine:
        engine.register("read_rows", rows)
        engine.execute(
            f"CREATE TEMP TABLE source AS {source_sql(TILL, ['Receipt', 'Paid sum'], 'read_rows')}"
        )
        engine.execute(f"CREATE TEMP TABLE prepared AS {prepared_sql(TILL)}")
        orders, products = (
            engine.execute(f"{translated_sql(one)} ORDER BY line").fetchall() for one in TILL.translations
        )

    assert orders == [(2, "r1", "1", None), (3, "r1", "2", None), (4, "", "3", "no receipt")]
    assert products == [(2, None, None), (3, None, None)]  # the file has no Note, so its cells are NULL


def test_amounts_are_read_as_the_ledger_reads_them_and_written_as_files_write_them() -> None:
    with open_engine() as engine:
        engine.register("said", pa.table({"amount": ["12.5", " 7 ", "0.125", "x", "-0.05"]}))
        found = engine.execute(f"SELECT {as_text(hundredths('amount'))} FROM said").fetchall()

    assert found == [("12.50",), ("7.00",), ("0.12",), (None,), ("-0.05",)]


def by_largest_remainder(amount: int, weights: list[int]) -> list[int]:
    """Share out slowly and plainly."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [amount * weight // whole for weight in weights]
    lost = sorted(range(len(weights)), key=lambda place: (-(amount * weights[place] % whole), place))
    for place in lost[: amount - sum(shares)]:
        shares[place] += 1
    return shares


weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=8)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(weights, st.floats(0, 1)), min_size=1, max_size=4))
def test_shares_add_up_and_agree_with_plain_python(orders: list[tuple[list[int], float]]) -> None:
    asked = [(int(sum(parts) * part), parts) for parts, part in orders]
    rows = [
        {"line": place * 10 + turn, "name": place, "amount": amount, "weight": weight}
        for place, (amount, parts) in enumerate(asked)
        for turn, weight in enumerate(parts)
    ]
    warm_engine().register("given_rows", pa.Table.from_pylist(rows))
    sharing = shared("given_rows", "amount", "weight", "share", ("name",))
    found = warm_engine().execute(f"SELECT share FROM ({sharing}) ORDER BY line").fetchall()

    expected = [share for amount, parts in asked for share in by_largest_remainder(amount, parts)]
    assert [share for (share,) in found] == expected
    assert sum(expected) == sum(amount for amount, _ in asked)
    assert all(row["weight"] >= share for row, share in zip(rows, expected, strict=True))


def test_a_state_is_told_when_something_new_is_said_and_keeps_what_was_said_before() -> None:
    said = pa.table(
        {
            "line": [2, 3, 4, 5, 6],
            "customer": ["a", "a", "a", "b", "a"],
            "since": [1, 2, 3, 1, 4],
            "city": ["Ulm", None, "Bonn", None, "Bonn"],
            "phone": [None, None, "123", None, None],
        }
    )
    with open_engine() as engine:
        engine.register("said", said)
        found = engine.execute(
            f"SELECT * FROM ({states('said', 'since', ('city', 'phone'))}) ORDER BY line"
        ).fetchall()

    assert found == [(2, "Ulm", None), (4, "Bonn", "123"), (5, None, None)]
