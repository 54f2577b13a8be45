"""Every engine says the same of every customer, to the last bit, by the same text."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from features import snapshot
from features.catalog.shipped import CATALOG
from features.engines import spark
from ledger.errors import InputError
from tests.conformance.ledger_files import generated, together, written
from tests.properties.ledgers import CUTOFFS, HOUR, LARGEST_MINOR, Given, Row, placed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.slow

ENOUGH = 160


def both(example: Given, session: "SparkSession", folder: Path) -> tuple[pa.Table, pa.Table]:
    """Return what DuckDB says and what Spark says."""
    # Signs that mean something in a path of Spark's: a home may have any name.
    place = folder / "a [b] {c,d} e?*"
    place.mkdir()
    with example.connection() as connection:
        embedded = snapshot.compute(connection, example.cutoff)
    return embedded, spark.compute(spark.SparkHistory(session, written(example, place)), example.cutoff)


def differences(one: pa.Table, other: pa.Table) -> Mapping[str, object]:
    """Return, for each column that is not the same in type and bits, the first customer it differs for."""
    found: dict[str, object] = {}
    for name in one.column_names:
        types = one.schema.field(name).type, other.schema.field(name).type
        if types[0] != types[1]:
            found[name] = types
        # A float's text tells all its bits, -0.0 and the last of a million digits.
        cells = zip(
            one["customer_id"].to_pylist(), one[name].to_pylist(), other[name].to_pylist(), strict=True
        )
        differing = [(customer, a, b) for customer, a, b in cells if repr(a) != repr(b)]
        if differing:
            found[name] = (len(differing), differing[0])
    return found


def test_spark_and_duckdb_agree_to_the_last_bit_on_everything_that_ever_went_wrong(
    spark_session: "SparkSession", tmp_path: Path
) -> None:
    shops = together(generated(ENOUGH))

    assert {shop.cutoff for shop in shops} == set(CUTOFFS)
    for number, shop in enumerate(shops):
        folder = tmp_path / str(number)
        folder.mkdir()
        embedded, on_spark = both(shop, spark_session, folder)
        assert embedded.column_names == on_spark.column_names == ["customer_id", *CATALOG.names]
        assert differences(embedded, on_spark) == {}


def order(customer: str, number: int, net_minor: int, hours_ago: int) -> Row:
    cutoff = CUTOFFS[0]
    at = cutoff.at - hours_ago * HOUR
    return placed(
        {
            "customer_id": customer,
            "order_id": f"{customer} {number}",
            "line_id": "#0",
            "ordered_at": at,
            "known_at": at,
            "product_id": f"p{number % 7}",
            "quantity_milli": 1000 * number,
            "net_minor": net_minor,
            "discount_minor": None,
            "currency": "USD",
            "status": "paid",
            "channel": None,
        }
    )


def test_sums_of_squares_beyond_what_a_double_holds_agree_to_the_last_bit(
    spark_session: "SparkSession", tmp_path: Path
) -> None:
    # 200 customers of 20 orders of up to a thousandth of the largest amount, no two alike: of such sums DuckDB's
    # own cast to a double takes one in a hundred to the wrong neighbour.
    orders = [
        order(
            f"c{customer}",
            number,
            (customer * 7_919 + number * 104_729_713) % (LARGEST_MINOR // 1000),
            24 * number,
        )
        for customer in range(200)
        for number in range(1, 21)
    ]

    embedded, on_spark = both(Given(orders, [], [], CUTOFFS[0]), spark_session, tmp_path)

    assert embedded.num_rows == 200
    assert len(set(embedded["order_value_spread"].to_pylist())) == 200
    assert differences(embedded, on_spark) == {}


def test_an_empty_ledger_is_an_empty_table_on_both(spark_session: "SparkSession", tmp_path: Path) -> None:
    embedded, on_spark = both(Given([], [], [], CUTOFFS[0]), spark_session, tmp_path)

    assert embedded.num_rows == on_spark.num_rows == 0
    assert differences(embedded, on_spark) == {}


def test_amounts_too_large_to_be_added_up_are_refused_on_both_in_the_same_words(
    spark_session: "SparkSession", tmp_path: Path
) -> None:
    largest = 2**63 - 1
    example = Given([order("a", number, largest, number) for number in (1, 2)], [], [], CUTOFFS[0])
    with example.connection() as connection, pytest.raises(InputError) as embedded:
        snapshot.compute(connection, example.cutoff)

    with pytest.raises(InputError) as on_spark:
        spark.compute(spark.SparkHistory(spark_session, written(example, tmp_path)), example.cutoff)

    assert str(on_spark.value) == str(embedded.value)
