"""How each item is bought, counted by the engine over everybody as over the pairs at hand."""

from dataclasses import asdict

import duckdb
import numpy as np
import pandas as pd
import pytest

from models.gap_curve import fit_gaps
from models.gaps import LEVELS, Level, chunks, read_days, read_items, stage_days
from models.item_counts import ItemCounts, count_everybody, counted
from models.item_rates import ItemRates
from models.pair_history import pairs_as_of
from models.pooling import Tree

DAY = 1000


def store(customers: int = 80, seed: int = 1) -> duckdb.DuckDBPyConnection:
    """Return a connection with staged purchases of a year and a half, some of unknown quantity.

    Product 0 is bought once or twice by whoever buys it, product 5 up to eleven times.
    """
    random = np.random.default_rng(seed)
    rows = [
        {
            "customer_id": f"c{customer:04d}",
            "product_id": f"p{product}",
            "category": f"category {product % 2}",
            "order_day": DAY - int(random.integers(1, 540)),
            "quantity_milli": [1000, 2000, 5000, None][random.integers(0, 4)],
            "net_minor": 500,
        }
        for customer in range(customers)
        for product in range(6)
        for _ in range(random.integers(0, 3 + 2 * product))
    ]
    bought = pd.DataFrame(rows).astype({"quantity_milli": "Int64"})
    connection = duckdb.connect(config={"threads": 2})
    connection.register("rows", bought)
    connection.execute(f"CREATE TABLE history_items AS SELECT *, {DAY} - order_day AS age_days FROM rows")
    stage_days(connection)
    return connection


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("level", LEVELS)
def test_the_engine_counts_over_everybody_what_arithmetic_counts_pair_by_pair(
    level: Level, seed: int
) -> None:
    connection = store(seed=seed)
    items = read_items(connection, level)
    pairs = pairs_as_of(read_days(connection, level, chunks(connection)[0]), items, DAY)
    plain, everybody = counted(pairs, items), count_everybody(connection, level, items, DAY)
    assert plain.gaps.sum() > 100
    assert 0 < plain.year_ago.sum() < plain.year.sum()
    for name, expected in asdict(plain).items():
        np.testing.assert_allclose(getattr(everybody, name), expected, rtol=1e-6, atol=1e-4, err_msg=name)


def test_a_sample_with_the_counts_of_all_comes_nearer_to_all_than_alone() -> None:
    connection = store(customers=1500)
    items = read_items(connection, "product")
    customers = chunks(connection)[0]
    every = pairs_as_of(read_days(connection, "product", customers), items, DAY)
    some = pairs_as_of(read_days(connection, "product", customers, share=0.02), items, DAY)
    truth = fit_gaps(every, items, 2)
    alone = fit_gaps(some, items, 2)
    helped = fit_gaps(some, items, 2, count_everybody(connection, "product", items, DAY))
    assert helped.names == truth.names
    assert helped.buyers.tolist() == truth.buyers.tolist()
    assert helped.rebuy_share == pytest.approx(truth.rebuy_share, rel=1e-4)
    products = truth.depth == 2
    for name in ("log_gap_mean", "log_gap_variance"):
        off, nearer = (
            np.abs(getattr(found, name) - getattr(truth, name))[products].mean() for found in (alone, helped)
        )
        assert nearer < 0.75 * off, name


def test_the_sample_is_the_seeds_and_nobody_is_in_it_by_halves() -> None:
    connection = store(customers=400)
    customers = chunks(connection)[0]
    every = read_days(connection, "product", customers)
    first, again, other = (read_days(connection, "product", customers, 0.2, seed) for seed in (1, 1, 2))
    assert first.customer.tolist() == again.customer.tolist()
    assert set(first.customer) != set(other.customer)
    assert len(set(first.customer)) == pytest.approx(80, abs=8)
    chosen = np.isin(every.customer, first.customer)
    assert every.day[chosen].tolist() == first.day.tolist()


def counts(**known: list[float]) -> ItemCounts:
    """Return counts of two items, nothing but what is given."""
    return ItemCounts(
        **{name: np.asarray(known.get(name, [0.0, 0.0])) for name in ItemCounts.__annotations__}
    )


def test_the_season_is_an_items_part_of_the_year_beside_the_stores() -> None:
    connection = store()
    items = read_items(connection, "category")
    tree = Tree.grow(items, np.asarray([50.0, 50.0]), 1)
    # of 3000 and 1000 a year 300 and 20 fell into the coming four weeks: 8 % in the store, 10 % and 2 % of the items
    rates = ItemRates.of(counts(year=[3000.0, 1000.0], year_ago=[300.0, 20.0]), items, tree)
    # 30 purchases of the store's count beside: (300 + 30) / (3000 x 0.08 + 30)
    assert rates.season.tolist() == pytest.approx([1.0, 330 / 270, 50 / 110])
    young = ItemRates.of(counts(year=[3000.0, 1000.0]), items, tree)
    assert young.season.tolist() == [1.0, 1.0, 1.0]


def test_a_trend_is_the_last_days_beside_the_last_84() -> None:
    connection = store()
    items = read_items(connection, "category")
    tree = Tree.grow(items, np.asarray([50.0, 50.0]), 1)
    rates = ItemRates.of(counts(recent=[80.0, 0.0], month=[100.0, 0.0], season=[240.0, 60.0]), items, tree)
    # the store: 81 over 300 / 6 + 1 and 101 over 300 / 3 + 1; the items with 30 purchases as in the store beside
    assert rates.trend_14d.tolist() == pytest.approx([81 / 51, (80 + 30 * 81 / 51) / 70, 30 * 81 / 51 / 40])
    assert rates.trend.tolist() == pytest.approx([1.0, 130 / 110, 30 / 50])
