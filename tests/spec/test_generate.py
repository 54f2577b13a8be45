"""The made-up store is what its truth says: what is counted in the files is what the settings ask for."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifetimes import ParetoNBDFitter

from benchmarks.feature_speed import store
from benchmarks.generate import DAY_US, People, Store, expected_orders, generate
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.schema import Table
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.events import EVENTS
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

STORE = Store()
NUMBER = 4_000
TRUTH = (
    "select t.*, o.orders from read_parquet('{out}/truth/*.parquet') t left join (select customer_id, "
    "count(distinct order_id) as orders from read_parquet('{out}/orders/*.parquet') group by customer_id) o "
    "using (customer_id) order by customer_id"
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    generate(NUMBER, folder, seed=3)
    return folder


@pytest.fixture(scope="module")
def truth(out: Path) -> pd.DataFrame:
    """Return each customer's truth and how often he ordered."""
    frame: pd.DataFrame = duckdb.execute(TRUTH.format(out=out)).df()
    return frame


def day_numbers(truth: pd.DataFrame, name: str) -> np.ndarray:
    return np.asarray(np.minimum(truth[name] - STORE.first_day, STORE.days), dtype=np.float64)


def test_one_seed_gives_the_same_bytes_and_another_seed_others(out: Path, tmp_path: Path) -> None:
    generate(NUMBER, tmp_path / "again", seed=3)
    generate(NUMBER, tmp_path / "other", seed=4)

    files = sorted(path.relative_to(out) for path in out.rglob("*.*"))
    assert len(files) == 6
    for file in files:
        assert (tmp_path / "again" / file).read_bytes() == (out / file).read_bytes()
    changed = Path("orders/part-00000.parquet")
    assert (tmp_path / "other" / changed).read_bytes() != (out / changed).read_bytes()


def test_a_store_generated_over_a_larger_one_leaves_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "part-00009.parquet").write_bytes(b"of a larger store")

    generate(50, tmp_path, seed=1)

    assert [path.name for path in (tmp_path / "orders").iterdir()] == ["part-00000.parquet"]


@pytest.mark.parametrize(
    ("table", "file"),
    [(ORDERS, "orders"), (CUSTOMERS, "customers"), (EVENTS, "events"), (PRODUCTS, "products.parquet")],
)
def test_an_import_refuses_no_row(table: Table, file: str, out: Path, tmp_path: Path) -> None:
    report = import_files(
        Ledger(Home(tmp_path)), table, [out / file if "." in file else out / file / "part-00000.parquet"],
        imported_at=datetime(2024, 1, 1, tzinfo=UTC), currency="EUR", time_zone="Europe/Berlin",
    )  # fmt: skip

    assert report.rejected == 0
    assert report.added > 0


def test_customers_order_as_often_as_their_rates_say(truth: pd.DataFrame) -> None:
    clock = np.concatenate([[0.0], np.cumsum(STORE.pace()[: STORE.days])])
    days = np.arange(STORE.days + 1)
    lived = np.interp(day_numbers(truth, "left_day"), days, clock)
    expected = truth["orders_a_day"] * (lived - np.interp(day_numbers(truth, "began_day"), days, clock))

    # Repeats are Poisson of these means: their sum lies within four standard deviations of the sum of the means.
    repeats = (truth["orders"] - 1).sum()
    assert abs(repeats - expected.sum()) < 4 * np.sqrt(expected.sum())
    assert repeats > NUMBER


def test_who_is_alive_at_the_end_left_later_and_nobody_else_is_expected_to_order(truth: pd.DataFrame) -> None:
    assert (truth["alive"] == (truth["left_day"] > STORE.end_day)).all()
    assert (truth["expected_orders_90d"][~truth["alive"]] == 0).all()
    assert (truth["expected_orders_90d"][truth["alive"]] > 0).all()
    assert 0.3 < truth["alive"].mean() < 0.8


def test_without_season_and_trend_the_expected_orders_are_those_of_the_closed_form() -> None:
    plain = replace(STORE, season=(1.0,) * 12, growth_a_year=0.0)
    gone, slow, fast = 0.0, 0.001, 0.02
    one = np.ones(3)
    people = People(0, 0.1 * one, np.array([fast, slow, fast]), 0 * one, np.array([gone, 5000.0, 5000.0]))

    # rate (1 - exp(-90 dropout)) / dropout: 0.1 x 86.069 and 0.1 x 41.735.
    assert expected_orders(plain, people) == pytest.approx([0.0, 8.6069, 4.1735], abs=1e-4)


def test_the_christmas_months_have_the_season_that_was_set(tmp_path: Path) -> None:
    # Nobody leaves, and the trend is none: a month's repeats over the customers who were there are its season.
    still = replace(STORE, dropout_scale_days=1e9, growth_a_year=0.0, rate_scale_days=30.0)
    generate(3_000, tmp_path, seed=5, store=still, events=False)
    monthly = f"""
        with placed as (select customer_id, order_id, min(ordered_at) as placed_at
            from read_parquet('{tmp_path}/orders/*.parquet') group by all),
        numbered as (select *, row_number() over (partition by customer_id order by placed_at) as turn from placed),
        days as (select unnest(range({still.first_day}, {still.end_day})) as day),
        there as (select month(date '1970-01-01' + day::int) as month,
                sum((select count(*) from read_parquet('{tmp_path}/truth/*.parquet') where began_day < day)) as people
            from days group by month)
        select month, count(*) filter (where turn > 1) / max(people) as repeats from numbered
        join there on month = month(placed_at) group by month order by month"""
    found = duckdb.execute(monthly).df()["repeats"].to_numpy()

    assert found / found.mean() == pytest.approx(np.array(still.season) / np.mean(still.season), rel=0.06)


def test_frequent_buyers_buy_their_staple_once_a_cycle(tmp_path: Path) -> None:
    often = replace(STORE, rate_shape=50.0, rate_scale_days=100.0, dropout_scale_days=1e9, staple_share=1.0)
    generate(100, tmp_path, seed=6, store=often, events=False)
    cycles = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["refill_days"]
    gaps = duckdb.execute(f"""
        with bought as (
            select customer_id, product_id, ordered_at,
                row_number() over (partition by customer_id order by ordered_at) as turn
            from read_parquet('{tmp_path}/orders/*.parquet')
            where product_id < 'p{often.staples:06d}' and status = 'paid'
        )
        select product_id, (max(epoch_us(ordered_at)) - min(epoch_us(ordered_at))) / {DAY_US} / (count(*) - 1) as gap
        from bought where turn > 1 group by customer_id, product_id having count(*) > 5""").df()

    assert len(gaps) > 60  # who began late has no six yet
    ratio = gaps["gap"] / gaps["product_id"].str[1:].astype(int).astype(str).map(cycles)
    assert ratio.mean() == pytest.approx(1.0, abs=0.02)
    assert ratio.between(0.8, 1.2).all()


def test_refunds_and_cancellations_are_later_rows_of_the_share_that_was_set(out: Path) -> None:
    paid, refunded, cancelled, late, before_end = duckdb.execute(f"""
        select count(*) filter (where status = 'paid'), count(*) filter (where status = 'refunded'),
            count(*) filter (where status = 'cancelled'),
            count(*) filter (where status <> 'paid' and known_at >= ordered_at + interval 1 day),
            count(*) filter (where known_at < timestamptz '{STORE.end} 00:00:00+00')
        from read_parquet('{out}/orders/*.parquet')""").fetchall()[0]

    # Of the last 20 days' lines not all fates are known yet.
    assert refunded / paid == pytest.approx(STORE.refunded, rel=0.1)
    assert cancelled / paid == pytest.approx(STORE.cancelled, rel=0.3)
    assert late == refunded + cancelled
    assert before_end == paid + refunded + cancelled


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_peers_own_fit_finds_the_parameters_again(tmp_path: Path) -> None:
    plain = replace(
        STORE, season=(1.0,) * 12, growth_a_year=0.0, rate_scale_days=30.0, dropout_scale_days=200.0
    )
    generate(3_000, tmp_path, seed=7, store=plain, events=False)
    told = duckdb.execute(f"""
        with placed as (select customer_id, order_id, min(epoch_us(ordered_at)) / {DAY_US} as day
            from read_parquet('{tmp_path}/orders/*.parquet') group by all)
        select count(*) - 1 as frequency, max(day) - min(day) as recency, {plain.end_day} - min(day) as age
        from placed group by customer_id order by customer_id""").df()

    fit = ParetoNBDFitter().fit(told["frequency"], told["recency"], told["age"]).params_

    # The mean rate, r / alpha, and the mean drop-out's order of magnitude; s and beta alone are known to trade off.
    assert fit["r"] / fit["alpha"] == pytest.approx(plain.rate_shape / plain.rate_scale_days, rel=0.15)
    assert fit["r"] == pytest.approx(plain.rate_shape, rel=0.15)
    assert fit["s"] / fit["beta"] == pytest.approx(plain.dropout_shape / plain.dropout_scale_days, rel=0.5)


def test_the_speed_of_features_is_measured_on_what_an_import_writes(out: Path, tmp_path: Path) -> None:
    files = ((ORDERS, out / "orders" / "part-00000.parquet"), (PRODUCTS, out / "products.parquet"))
    imported, stored = Ledger(Home(tmp_path / "imported")), Ledger(Home(tmp_path / "stored"))
    for table, file in files:
        import_files(
            imported, table, [file], imported_at=datetime(2024, 1, 1, tzinfo=UTC), currency="EUR", time_zone="UTC"
        )  # fmt: skip
    store(out, stored)

    assert stored.fingerprint() == imported.fingerprint()
