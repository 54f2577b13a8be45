import fcntl
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.catalog.shipped import CORE
from features.stored import StoredSnapshots, state_of
from ledger.home import Home
from ledger.proof import search
from ledger.sought import Sought
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from segments.segment import load_file, load_library
from serving import batch, tables
from serving.erasure import count, remove, unpublish
from serving.live import Watched
from serving.lock import alone
from serving.pointer import current_run
from serving.store import PublishedRun
from tests.serving.shop import CUTOFF, Shop


def ids_of(table: pa.Table) -> set[str]:
    return set(table["customer_id"].to_pylist())


def leaving(home: Home) -> list[str]:
    scores = PublishedRun.open(home).tables["scores"]
    likely = pc.greater(scores["churn_probability_90d"], batch.LIKELY_TO_LEAVE)
    return list(scores.filter(likely)["customer_id"].to_pylist())


def of_record(home: Home) -> list[Path]:
    return [home.scores, home.replenishment, home.suggestions, home.memberships, home.movements]


def taken_out(home: Home, ids: Sequence[str]) -> None:
    unpublish(home, ids)
    remove(home, ids)


def test_a_customer_is_in_no_table_and_no_run_any_more_and_the_others_are_as_before(own_shop: Shop) -> None:
    home = own_shop.home
    before, gone = PublishedRun.open(home), leaving(home)[0]
    tables_before = [tables.read(path) for path in of_record(home)]
    taken_out(home, [gone])
    after = PublishedRun.open(home)
    assert count(home, [gone]) == {}
    for name in ("scores", "memberships", "members", "replenishment", "suggestions"):
        others = before.tables[name].filter(pc.not_equal(before.tables[name]["customer_id"], gone))
        assert after.tables[name].equals(others)
    assert ids_of(after.features.all()) == ids_of(after.tables["scores"])
    assert after.features_of(leaving(home)[0]).num_rows == 1
    assert after.columns.read(["orders"]).num_rows == after.tables["scores"].num_rows
    for path, held in zip(of_record(home), tables_before, strict=True):
        assert held is not None
        left = tables.read(path)
        others = held.filter(pc.not_equal(held["customer_id"], gone))
        assert left is not None
        lists = {"reasons", "products", "categories", "changed"}
        by = [(name, "ascending") for name in held.column_names if name not in lists]
        assert left.select(held.column_names).sort_by(by).to_pylist() == others.sort_by(by).to_pylist()


def test_no_file_of_any_version_or_run_holds_a_removed_customer(own_shop: Shop) -> None:
    home, gone = own_shop.home, leaving(own_shop.home)[0]
    batch.run(home, own_shop.release, [], CUTOFF.plus_days(1))
    taken_out(home, [gone])
    found = search(home, Sought(frozenset({gone}))).found
    assert {Path(one.path).parts[0] for one in found} == {"ledger"}  # which `ledger.erasure` takes care of
    assert [path.name for path in home.published.iterdir() if path.is_dir()] == [current_run(home)]


def test_no_snapshot_of_before_is_kept(own_shop: Shop) -> None:
    home, gone, ledger = own_shop.home, leaving(own_shop.home)[0], Ledger(own_shop.home)
    files = ledger.all_files()
    with ledger.connect(files) as connection:
        StoredSnapshots(connection, ledger, state_of(files)).at(CUTOFF, CORE)
    (kept,) = home.snapshots.rglob("*.parquet")
    assert gone in ids_of(pq.read_table(kept))

    taken_out(home, [gone])

    assert not home.snapshots.exists()


def test_counts_and_sums_are_those_that_scoring_the_others_gives(own_shop: Shop) -> None:
    home, gone = own_shop.home, leaving(own_shop.home)[:2]
    taken_out(home, gone)
    facts = PublishedRun.open(home).facts
    ledger = Ledger(home)
    with ledger.exclusive():
        ledger.delete({ORDERS: f"customer_id IN ('{gone[0]}', '{gone[1]}')"})
    shutil.rmtree(home.memberships)
    expected = batch.run(home, own_shop.release, load_library(), CUTOFF).facts
    # A feed that is begun anew has other positions.
    aside = {"money_at_stake", "segments", "changes_through", "value"}
    assert facts.model_dump(exclude=aside) == expected.model_dump(exclude=aside)
    assert facts.value == pytest.approx(expected.value)
    assert facts.money_at_stake == pytest.approx(expected.money_at_stake, abs=0.01)
    # What is usual for a product is learnt from everybody's gaps, anew with each run, which no other segment is.
    of_refills = {segment.name for segment in load_file("refills")}
    left = [segment for segment in facts.segments if segment.name not in of_refills]
    scored_anew = [segment for segment in expected.segments if segment.name not in of_refills]
    sizes = [(segment.name, segment.size) for segment in left]
    assert sizes == [(segment.name, segment.size) for segment in scored_anew]
    values = [segment.value for segment in left]
    assert values == pytest.approx([segment.value for segment in scored_anew])


def test_a_service_goes_on_with_the_new_run(own_shop: Shop) -> None:
    home, gone = own_shop.home, leaving(own_shop.home)[0]
    watched = Watched("run", home.published_pointer, lambda: PublishedRun.open(home), "")
    watched.refresh()
    old = watched.current
    assert old is not None
    unpublish(home, [gone])
    assert old.customer(gone) is not None  # still mapped: a request under way ends as it began
    watched.refresh()
    assert watched.current is not None
    assert (watched.current.customer(gone), watched.refused) == (None, None)


def test_doing_it_again_changes_nothing(own_shop: Shop) -> None:
    home, gone = own_shop.home, leaving(own_shop.home)[0]
    taken_out(home, [gone])
    run, scores = current_run(home), tables.read(home.scores)
    taken_out(home, [gone])
    again = tables.read(home.scores)
    assert current_run(home) == run
    assert scores is not None
    assert scores.equals(again)


def test_a_run_that_cannot_be_opened_is_removed(own_shop: Shop) -> None:
    home = own_shop.home
    run = current_run(home)
    assert run is not None
    (home.published / run / "scores.arrow").write_bytes(b"damaged")
    unpublish(home, ["c000"])
    assert (current_run(home), (home.published / run).exists()) == (None, False)


def test_before_the_first_scoring_there_is_nothing_to_take_out(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    taken_out(home, ["c000"])
    assert (count(home, ["c000"]), home.path.exists()) == ({}, False)


def test_rows_are_counted_by_table(own_shop: Shop) -> None:
    gone = leaving(own_shop.home)[0]
    run = PublishedRun.open(own_shop.home)
    held = count(own_shop.home, [gone])
    segments, refills = len(run.memberships_of(gone)), run.replenishment_of(gone).num_rows
    assert held["scores"] == 1
    assert held.get("memberships", 0) == segments
    reminders = int(run.suggestion_of(gone) is not None)
    assert held.get("suggestions", 0) == reminders
    assert held["published"] == 1 + segments + refills + reminders


def test_a_scoring_run_and_an_erasure_wait_for_each_other(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with alone(home), (home.path / "scoring.lock").open("w") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
