"""A replay finds what is not as it was stored, and nothing else."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from models.release import load_release
from serving import tables
from serving.monitoring import runs
from serving.monitoring.replay import Difference, replay
from serving.store import PublishedRun
from tests.serving.shop import CUTOFF, NOW, Shop

SHIFT = 1e-6


def changed(table: pa.Table, name: str, row: int, by: float) -> pa.Table:
    values = table[name].to_numpy().copy()
    values[row] += by
    return table.set_column(
        table.column_names.index(name), name, pa.array(values, pa.float64(), from_pandas=True)
    )


def test_everybody_comes_out_as_he_was_stored(shop: Shop) -> None:
    found = replay(PublishedRun.open(shop.home), customers=10_000)
    assert (found.customers, found.skipped) == (shop.summary.facts.customers, None)
    assert found.columns > 100
    assert found.differences == ()


def test_a_sample_is_the_same_every_time(shop: Shop) -> None:
    run = PublishedRun.open(shop.home)
    assert replay(run, customers=20) == replay(run, customers=20)
    assert replay(run, customers=20).customers == 20


def test_a_tampered_score_is_found_where_it_is_served_and_where_it_is_recorded(own_shop: Shop) -> None:
    home = own_shop.home
    record = tables.read_newest(home.scores)
    assert record is not None
    tables.replace_as_of(home.scores, changed(record, "clv_365d", 7, SHIFT), CUTOFF.at)
    found = replay(PublishedRun.open(home), customers=50)
    assert found.scores == ()
    (one,) = found.recorded
    assert (one.name, one.customers) == ("clv_365d", 1)
    assert one.largest == pytest.approx(SHIFT, rel=1e-3)


def test_a_run_scored_again_by_another_release_is_not_held_against_that_one_s_record(own_shop: Shop) -> None:
    home = own_shop.home
    record = tables.read_newest(home.scores)
    assert record is not None
    other = pa.array(["another"] * record.num_rows, pa.string())
    others = changed(record, "clv_365d", 7, 1.0).set_column(
        record.column_names.index("release"), "release", other
    )
    tables.replace_as_of(home.scores, others, CUTOFF.at)
    assert replay(PublishedRun.open(home), customers=50).differences == ()


def served_otherwise(shop: Shop, change: Callable[[pa.Table], pa.Table]) -> PublishedRun:
    """Return the run with other scores in it than it was made of."""
    run = PublishedRun.open(shop.home)
    return PublishedRun(
        run.name,
        run.facts,
        {**run.tables, "scores": change(run.tables["scores"])},
        run.features,
        run.columns,
        run.home,
    )


def test_a_score_that_is_served_otherwise_than_it_comes_out_is_found(shop: Shop) -> None:
    run = served_otherwise(shop, lambda scores: changed(scores, "p_order_30d", 3, SHIFT))
    found = replay(run, customers=10_000)
    (one,) = found.scores
    assert (one.name, one.customers) == ("p_order_30d", 1)
    assert one.largest == pytest.approx(SHIFT, rel=1e-3)


def test_a_difference_in_the_last_digits_of_a_score_is_none(shop: Shop) -> None:
    run = served_otherwise(shop, lambda scores: changed(scores, "p_order_30d", 3, 1e-12))
    assert replay(run, customers=10_000).scores == ()


def test_an_order_that_is_told_later_as_known_before_is_found(
    own_shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = PublishedRun.open(own_shop.home)
    customer = run.tables["scores"]["customer_id"][0].as_py()
    late = tmp_path_factory.mktemp("late") / "orders.csv"
    late.write_text(f"customer_id,order_id,ordered_at,net_amount\n{customer},late,2023-06-01T10:00:00,12\n")
    import_files(Ledger(own_shop.home), ORDERS, [late], imported_at=NOW)
    found = replay(run, customers=10_000)
    assert Difference(name="orders", customers=1, largest=1.0) in found.features
    assert {each.customers for each in found.features} == {1}


def test_a_run_whose_release_is_gone_is_skipped_with_the_reason(own_shop: Shop) -> None:
    (own_shop.home.releases / own_shop.release.id / "manifest.json").unlink()
    found = replay(PublishedRun.open(own_shop.home))
    assert (found.customers, found.differences) == (0, ())
    assert found.skipped is not None
    assert "manifest cannot be read" in found.skipped


def test_the_customers_a_release_was_trained_on_have_not_drifted_from_it(shop: Shop) -> None:
    run = PublishedRun.open(shop.home)
    features, scores = runs.input_drift(shop.release, run), runs.score_drift(shop.release, run)
    assert {"orders", "spend"} <= {each.name for each in features}
    assert {"clv_365d", "p_order_30d"} <= {each.name for each in scores}
    assert [each.psi for each in (*features, *scores) if each.psi > 1e-12] == []


def test_a_run_is_compared_with_the_scores_that_were_stored_of_the_one_before(own_shop: Shop) -> None:
    home, run = own_shop.home, PublishedRun.open(own_shop.home)
    release = load_release(home.releases / own_shop.release.id)
    record = tables.read_newest(home.scores)
    assert record is not None
    earlier = CUTOFF.plus_days(-30).at
    other = {
        "as_of": pa.array([earlier] * len(record), tables.AS_OF),
        "clv_365d": pa.array(np.asarray(record["clv_365d"]) / 4),
    }
    stored = pa.table({name: other.get(name, record[name]) for name in record.column_names})
    tables.replace_as_of(home.scores, stored, earlier)
    before, now = runs.scored_runs(home)
    assert (before.as_of, now.as_of, now.customers) == (earlier, CUTOFF.at, len(record))
    found = {each.name: each for each in runs.drift_since(release, home, before, run)}
    assert found["clv_365d"].level == "large"
    assert found["p_order_30d"].psi == 0


def test_of_each_month_the_last_run_is_judged_once_its_horizon_is_over() -> None:
    at = [CUTOFF.plus_days(-days).at for days in (91, 90, 89, 120, 121)]  # 28, 29, 30 March; 27, 26 February
    found = runs.over([runs.ScoredRun(each, "r", 5) for each in at], {"r": 90}, CUTOFF)
    assert [each.as_of for each in found] == [at[1], at[3]]
    assert runs.over([runs.ScoredRun(at[0], "gone", 5)], {}, CUTOFF) == []
