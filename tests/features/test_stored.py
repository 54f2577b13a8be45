from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from features import history, numbered
from features.catalog.shipped import CORE
from features.cutoff import Cutoff
from features.feature import Feature, FeatureSet
from features.snapshot import compute
from features.stored import StoredSnapshots, state_of
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS

MARCH, APRIL = (Cutoff.at_midnight(date(2021, month, 1), "Europe/Berlin") for month in (3, 4))
LINES = "customer_id,order_id,ordered_at,net_amount\nann,1,2021-01-05,10\nben,2,2021-02-07,20\n"
SPEND = Feature("spend", "sum(net_minor)", unit="currency", means="All of it.", empty=0)
ORDERED = Feature("orders", "count(*)", unit="orders", means="How often.", empty=0)
TWO = FeatureSet((SPEND, ORDERED))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(Home(tmp_path / "home"))
    add(ledger, LINES)
    return ledger


def add(ledger: Ledger, lines: str) -> None:
    file = ledger.home.path.parent / "orders.csv"
    file.write_text(lines, encoding="utf-8")
    import_files(
        ledger, ORDERS, [file], imported_at=datetime(2022, 1, 1, tzinfo=UTC), currency="EUR", time_zone="Europe/Berlin"
    )  # fmt: skip


def opened(ledger: Ledger) -> StoredSnapshots:
    files = ledger.all_files()
    return StoredSnapshots(ledger.connect(files), ledger, state_of(files))


def columns_computed(ledger: Ledger, cutoff: Cutoff, feature_set: FeatureSet) -> int:
    """Return how many columns a new run had to compute for one snapshot."""
    stored = opened(ledger)
    stored.at(cutoff, feature_set)
    return stored.computed


def test_a_snapshot_is_computed_once_and_read_from_then_on(ledger: Ledger) -> None:
    first = opened(ledger).at(MARCH, TWO)

    again = opened(ledger)
    assert again.at(MARCH, TWO).equals(first)
    assert again.computed == 0
    assert again.at(MARCH, TWO)["spend"].to_pylist() == [10.0, 20.0]


def test_what_is_read_is_what_computing_gives(ledger: Ledger) -> None:
    opened(ledger).at(MARCH, CORE)

    with ledger.connect() as connection:
        assert opened(ledger).at(MARCH, CORE).equals(compute(connection, MARCH, CORE))


def test_a_changed_feature_is_computed_and_an_unchanged_one_is_not(ledger: Ledger) -> None:
    assert columns_computed(ledger, MARCH, TWO) == 2

    doubled = FeatureSet((Feature("spend", "sum(2 * net_minor)", unit="currency", means="Twice."), ORDERED))
    assert columns_computed(ledger, MARCH, doubled) == 1
    assert opened(ledger).at(MARCH, doubled)["spend"].to_pylist() == [20.0, 40.0]
    assert opened(ledger).at(MARCH, TWO)["spend"].to_pylist() == [10.0, 20.0]
    assert columns_computed(ledger, MARCH, doubled) == 0


def test_a_better_sentence_computes_nothing(ledger: Ledger) -> None:
    columns_computed(ledger, MARCH, FeatureSet((SPEND,)))

    reworded = Feature("spend", SPEND.sql, unit="currency", means="Net spend.", empty=0)
    assert columns_computed(ledger, MARCH, FeatureSet((reworded,))) == 0


def test_another_cutoff_is_another_snapshot(ledger: Ledger) -> None:
    january = Cutoff.at_midnight(date(2021, 2, 1), "Europe/Berlin")
    columns_computed(ledger, MARCH, TWO)

    assert columns_computed(ledger, january, TWO) == 2
    assert opened(ledger).at(january, TWO)["customer_id"].to_pylist() == ["ann"]


def test_a_changed_ledger_computes_anew_and_removes_what_was_kept(ledger: Ledger) -> None:
    opened(ledger).at(MARCH, TWO)
    opened(ledger).at(APRIL, TWO)
    add(ledger, LINES + "cem,3,2021-02-08,30\n")

    assert opened(ledger).at(MARCH, TWO)["spend"].to_pylist() == [10.0, 20.0, 30.0]
    assert len(list(ledger.home.snapshots.rglob("*.parquet"))) == 1


def test_who_reads_an_older_ledger_keeps_nothing(ledger: Ledger) -> None:
    before = opened(ledger)
    add(ledger, LINES + "cem,3,2021-02-08,30\n")

    assert before.at(MARCH, TWO)["spend"].to_pylist() == [10.0, 20.0]
    assert not ledger.home.snapshots.exists()


def test_a_half_written_file_is_not_read(ledger: Ledger) -> None:
    opened(ledger).at(MARCH, TWO)
    (kept,) = ledger.home.snapshots.rglob("*.parquet")
    kept.rename(kept.with_suffix(".draft"))

    assert columns_computed(ledger, MARCH, TWO) == 2


def test_the_lines_are_collapsed_once_for_many_cutoffs(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    collapsed: list[duckdb.DuckDBPyConnection] = []
    collapse = numbered.collapse

    def noted(connection: duckdb.DuckDBPyConnection) -> None:
        collapsed.append(connection)
        collapse(connection)

    monkeypatch.setattr(numbered, "collapse", noted)
    stored = opened(ledger)

    for cutoff in (APRIL, MARCH):
        stored.at(cutoff, TWO)

    assert (len(collapsed), stored.computed) == (1, 4)


def test_without_a_home_nothing_is_kept(ledger: Ledger) -> None:
    with ledger.connect() as connection:
        assert StoredSnapshots(connection).at(MARCH, TWO).equals(opened(ledger).at(MARCH, TWO))


def test_a_cutoff_is_staged_as_by_itself_and_another_can_be_asked_for_after_it(ledger: Ledger) -> None:
    stored = opened(ledger)
    april = stored.at(APRIL, CORE)
    stored.stage(MARCH)
    from_collapsed = [staged(stored.connection, name) for name in ("history_orders", "history_items")]

    with ledger.connect() as connection:
        history.stage(connection, MARCH)
        assert [staged(connection, name) for name in ("history_orders", "history_items")] == from_collapsed
    assert from_collapsed[0]
    assert StoredSnapshots(stored.connection).at(APRIL, CORE).equals(april)
    assert stored.days(APRIL)["paid"].to_pylist() == [1000, 2000]


def staged(connection: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = connection.sql(f"from {name} order by all").to_arrow_table().to_pylist()
    return rows
