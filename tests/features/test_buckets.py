from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks.generate import Store, generate
from features.buckets import LINES_A_BUCKET, buckets_for, in_buckets
from features.catalog.shipped import CORE
from features.cutoff import Cutoff
from features.snapshot import compute
from ledger.engine import bound
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from tests.properties.ledgers import Given, ledgers

END = Cutoff.at_midnight(Store().end, "UTC")
FOUR_CUSTOMERS_A_BUCKET = 3


def together(parts: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts).sort_by("customer_id").combine_chunks()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(ledgers())
def test_buckets_give_together_what_all_at_once_gives(
    tmp_path_factory: pytest.TempPathFactory, example: Given
) -> None:
    with example.connection() as connection:
        at_once = compute(connection, example.cutoff)
    with example.connection() as connection:
        folder = tmp_path_factory.mktemp("lines")
        parts = list(in_buckets(connection, example.cutoff, folder, FOUR_CUSTOMERS_A_BUCKET))

    assert len(parts) == FOUR_CUSTOMERS_A_BUCKET
    assert together(parts).equals(at_once.combine_chunks())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Return a ledger of about 300,000 lines, which take more memory than the tests below allow."""
    out = tmp_path_factory.mktemp("made-up")
    generate(30_000, out, seed=2, events=False)
    ledger = Ledger(Home(out / "home"))
    for table, file in ((ORDERS, "orders/part-00000.parquet"), (PRODUCTS, "products.parquet")):
        import_files(
            ledger, table, [out / file], imported_at=datetime(2024, 1, 1, tzinfo=UTC), currency="EUR", time_zone="UTC"
        )  # fmt: skip
    return ledger


def spilled(connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Return how many bytes lie on the disk because memory did not take them."""
    found = connection.execute("select coalesce(sum(size), 0) from duckdb_temporary_files()").fetchall()
    assert {path.parent for path in folder.rglob("*") if path.is_file()} <= {folder}
    return int(found[0][0])


def test_a_ledger_larger_than_its_memory_spills_and_gives_the_same_values(
    store: Ledger, tmp_path: Path
) -> None:
    with store.connect() as connection:
        roomy = compute(connection, END, CORE)
        assert spilled(connection, tmp_path) == 0
    with store.connect() as connection:
        bound(connection, tmp_path, memory_limit_mb=100)
        tight = compute(connection, END, CORE)
        assert spilled(connection, tmp_path) > 10_000_000

    assert tight.equals(roomy)
    assert list(tmp_path.iterdir()) == []


def test_buckets_need_less_memory_than_all_at_once(store: Ledger, tmp_path: Path) -> None:
    (tmp_path / "lines").mkdir()
    (tmp_path / "spill").mkdir()
    with store.connect() as connection:
        roomy = compute(connection, END, CORE)
    with store.connect() as connection:
        bound(connection, tmp_path / "spill", memory_limit_mb=100)
        parts = in_buckets(connection, END, tmp_path / "lines", 8, CORE)
        found = [(part, spilled(connection, tmp_path / "spill")) for part in parts]

    assert together([part for part, _ in found]).equals(roomy.combine_chunks())
    assert found[-1][1] == 0


def test_few_lines_are_one_bucket() -> None:
    with duckdb.connect() as connection:
        connection.execute(f"create view ledger_orders as from range({LINES_A_BUCKET})")
        assert buckets_for(connection) == 1
        connection.execute(f"create or replace view ledger_orders as from range({LINES_A_BUCKET + 1})")
        assert buckets_for(connection) == 2
