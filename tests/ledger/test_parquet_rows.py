"""Reading Parquet: typed columns become the text that a CSV file of the same values would hold."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.importers.header import match_header
from ledger.importers.parquet_rows import open_parquet
from ledger.tables.orders import ORDERS

NOON = datetime(2024, 1, 31, 12)  # noqa: DTZ001 - a naive instant is what is tested
FOUR = {"customer_id": ["a"], "order_id": ["1"], "ordered_at": ["2024-01-31"], "net_amount": ["1"]}


def read(path: Path) -> list[dict[str, object]]:
    with open_engine() as connection:
        source = open_parquet(path, connection)
        positions = match_header(ORDERS, source.names, path.name).positions
        with source.rows(connection, positions) as rows:
            found: list[dict[str, object]] = connection.sql(rows).to_arrow_table().to_pylist()
    assert source.place == "row"
    return found


def read_text(tmp_path: Path, name: str, values: pa.Array) -> object:
    path = tmp_path / "orders.parquet"
    pq.write_table(pa.table(FOUR | {name: values}), path)
    return read(path)[0][name]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([NOON], pa.timestamp("us")), "2024-01-31 12:00:00"),
        (pa.array([NOON], pa.timestamp("ns")), "2024-01-31 12:00:00"),
        (
            pa.array([NOON.replace(tzinfo=UTC)], pa.timestamp("ms", "America/New_York")),
            "2024-01-31 12:00:00+00",
        ),
        (pa.array([date(2024, 1, 31)]), "2024-01-31"),
        (pa.array([None], pa.timestamp("us")), None),
    ],
)
def test_instants_keep_their_offset_and_only_then(tmp_path: Path, values: pa.Array, text: str | None) -> None:
    assert read_text(tmp_path, "ordered_at", values) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([0.1]), "0.1"),
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([12], pa.int16()), "12"),
        (pa.array([Decimal("12.50")]), "12.50"),
        (pa.array([float("nan")]), None),
        (pa.array([1e20]), "1e+20"),
    ],
)
def test_numbers_keep_their_shortest_exact_text(tmp_path: Path, values: pa.Array, text: str | None) -> None:
    assert read_text(tmp_path, "net_amount", values) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([17850]), "17850"),
        (pa.array([17850.0]), "17850"),
        (pa.array([17850.5]), "17850.5"),
        (pa.array(["x"]).dictionary_encode(), "x"),
    ],
)
def test_an_id_that_became_floating_point_is_the_whole_number_again(
    tmp_path: Path, values: pa.Array, text: str
) -> None:
    assert read_text(tmp_path, "customer_id", values) == text


def test_rows_are_counted_from_one(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    pq.write_table(pa.table({name: values * 3 for name, values in FOUR.items()}), path, row_group_size=2)

    assert [row["line"] for row in read(path)] == [1, 2, 3]


def test_a_nested_column_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^orders\.parquet: column customer_id holds struct values, not single ones$"
    ):
        read_text(tmp_path, "customer_id", pa.array([{"id": 1}]))


def test_a_list_column_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"column net_amount holds .* values, not single ones$"):
        read_text(tmp_path, "net_amount", pa.array([[1.0]]))


def test_a_file_that_is_no_parquet_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    path.write_text("customer_id,order_id\n" * 10, encoding="utf-8")

    with pytest.raises(InputError, match=r"^orders\.parquet cannot be read as Parquet: [^\n]*$"):
        read(path)


def test_a_file_damaged_in_the_middle_is_refused_in_one_line_without_its_values(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    pq.write_table(
        pa.table(FOUR | {"customer_id": ["ann-secret"]}), path, use_dictionary=False, compression="none"
    )
    path.write_bytes(path.read_bytes().replace(b"ann-secret", b"ann-\xffecret"))

    with pytest.raises(InputError, match=r"^orders\.parquet is damaged: its rows cannot be read to the end$"):
        read(path)
