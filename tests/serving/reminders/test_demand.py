"""Pieces a day: the sum of what pairs are expected to take, what follows it, and new buyers."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from serving.reminders import demand, rhythm
from tests.serving.reminders.ledgers import CUTOFF, every, forecast, ledger

EVEN = (1 - 0.9**7, 1 - 0.9**14, 1 - 0.9**30)  # a tenth of who waits buys, every day


def calendar(bought: list[tuple[str, str, int]], given: pa.Table) -> pd.DataFrame:
    connection = ledger(bought)
    rhythm.DAYS.fill(connection)
    connection.register("given", given)
    found = demand.expected(connection, "given", CUTOFF)
    assert found.schema == demand.SCHEMA
    return pd.DataFrame(found.to_pandas())


def test_next_purchases_are_the_sum_over_pairs_of_probability_times_quantity() -> None:
    given = forecast([("ann", "milk"), ("bob", "milk")], p=EVEN)
    given = given.set_column(given.column_names.index("quantity"), "quantity", pa.array([1.0, 3.0]))
    # Bought once and long ago: nobody is new, and nobody ever bought again.
    days = calendar([("ann", "milk", 200), ("bob", "milk", 200)], given)
    milk = days[days["level"] == "product"]["expected_units"].to_numpy()
    assert milk == pytest.approx(4 * 0.1 * 0.9 ** np.arange(30), abs=1e-5)
    assert days["new_buyer_units"].max() == 0


def test_a_calendar_has_thirty_days_from_the_cutoffs_own() -> None:
    days = calendar([("ann", "milk", 200)], forecast([("ann", "milk")]))
    milk = days[days["product_id"] == "milk"]
    assert [str(milk["date"].iloc[place]) for place in (0, -1)] == ["2024-06-01", "2024-06-30"]
    assert len(milk) == 30


def test_first_time_buyers_come_on_as_they_did_lately() -> None:
    newcomers = [(f"c{number}", "soap", number + 1) for number in range(9)]
    long_known = [("ann", "milk", 400)]
    days = calendar([*newcomers, *long_known], forecast([]))
    soap = days[days["product_id"] == "soap"]
    assert soap["new_buyer_units"].unique() == pytest.approx([9 / 90])


def test_what_is_bought_every_week_is_bought_again_within_the_month() -> None:
    bought = [row for number in range(40) for row in every(7, f"c{number:02d}", "milk", 7, times=20)]
    pairs = [(f"c{number:02d}", "milk") for number in range(40)]
    days = calendar(bought, forecast(pairs, p=(0.999, 0.9999, 0.99999)))
    milk = days[days["level"] == "product"]["expected_units"].to_numpy()
    # Forty customers, four to five purchases each in thirty days.
    assert milk.sum() == pytest.approx(40 * 30 / 7, rel=0.15)
    assert milk[21:28].sum() == pytest.approx(40, rel=0.2)


def test_the_days_in_between_are_those_that_were_seen_with_the_waiting_counted() -> None:
    items = pd.DataFrame({"level": ["product"], "item": ["milk"]})
    # Of ten purchases four were followed after three days, and six were watched for five days in vain.
    followed = pd.DataFrame(
        {
            "level": ["product"] * 2,
            "item": ["milk"] * 2,
            "lasted": [3, 5],
            "purchases": [4, 6],
            "again": [4, 0],
        }
    )
    after = demand.rebuying(items, followed)[0]
    # The item is the whole store, so pooling changes nothing: 0.4 after 3 days, 0.4 x 0.4 after 6, 0.4^3 after 9.
    assert after[[0, 1, 3, 5, 6, 9]] == pytest.approx([0, 0, 0.4, 0, 0.16, 0.064])


def test_an_item_with_few_purchases_leans_on_the_store() -> None:
    items = pd.DataFrame({"level": ["product"] * 2, "item": ["milk", "rare"]})
    followed = pd.DataFrame(
        {
            "level": ["product"] * 3,
            "item": ["milk", "milk", "rare"],
            "lasted": [3, 5, 3],
            "purchases": [400, 600, 1],
            "again": [400, 0, 0],
        }
    )
    rare = demand.rebuying(items, followed)[1, 3]
    store = 400 / 1001
    assert rare == pytest.approx(20 * store / 21)


def test_the_interval_is_that_of_independent_purchases() -> None:
    pairs = [(f"c{number:04d}", "milk") for number in range(2000)]
    bought = [(name, "milk", 200) for name, _ in pairs]
    days = calendar(bought, forecast(pairs, p=EVEN))
    first = days[days["product_id"] == "milk"].iloc[0]
    drawn = np.random.default_rng(3).binomial(2000, 0.1, 20_000)
    low, high = np.quantile(drawn, [0.1, 0.9])
    assert (first["units_p10"], first["units_p90"]) == pytest.approx((low, high), abs=1.5)


def test_what_sells_seldom_has_whole_pieces_for_its_interval() -> None:
    mean = np.array([0.0, 0.05, 0.2, 0.2, 3.0])
    apart = np.array([0.0, 0.05, 0.2, 2.0, 3.0])  # the fourth is bought by tens, on one day in fifty
    low, high = demand.quantiles(mean, apart, np.zeros(5))
    # A Poisson number of mean 0.05 is 0 on 95 days in 100, of 0.2 on 82, of 3 below 1 on 5 and above 5 on 8.
    assert low.tolist() == [0, 0, 0, 0, 1]
    assert high.tolist() == [0, 0, 1, 0, 5]


@pytest.mark.parametrize("swing", [0.0, 0.5])
@pytest.mark.parametrize("mean", [0.3, 1.2, 6.0, 80.0])
def test_eight_days_in_ten_or_more_lie_in_the_interval(mean: float, swing: float) -> None:
    low, high = demand.quantiles(np.array([mean]), np.array([mean]), np.array([swing]))
    drawn = np.random.default_rng(5)
    rates = mean * (drawn.gamma(1 / swing, swing, 50_000) if swing else np.ones(50_000))
    days = drawn.poisson(rates)
    assert (days < low).mean() <= 0.105
    assert (days > high).mean() <= 0.105
    assert (days >= high).mean() >= 0.095  # and no wider than whole pieces need


def test_days_that_are_good_for_many_at_once_stray_further_than_independent_purchases() -> None:
    items = pd.DataFrame({"level": ["product"] * 3, "item": ["milk", "rare", "steady"]})
    strayed = pd.DataFrame(
        {
            "level": ["product"] * 3,
            "item": ["milk", "gone", "steady"],
            "purchases": [400, 10, 400],
            # Ten pieces every other day, one a purchase: a variance of 25, of which 5 were chance. Steady: always five.
            "mean": [5.0, 1.0, 5.0],
            "day_squares": [50.0, 9.0, 25.0],
            "squares": [5.0, 1.0, 5.0],
        }
    )
    milk, rare, steady = demand.swings(items, strayed)
    store = (400 * 20 / 25 - 400 * 5 / 25) / 800  # 0.3; what is no longer sold is not counted
    assert milk == pytest.approx((400 * 0.8 + 100 * store) / 500)
    assert rare == pytest.approx(store)
    assert steady == 0


def test_a_store_that_sells_on_every_other_day_alone_gets_wide_intervals() -> None:
    pairs = [(f"c{number:04d}", "milk") for number in range(600)]
    together = [(name, "milk", 2 + 4 * (place % 20)) for place, (name, _) in enumerate(pairs)]
    spread = [(name, "milk", 2 + place % 80) for place, (name, _) in enumerate(pairs)]
    wide, narrow = (
        days[days["product_id"] == "milk"].iloc[0]
        for days in (calendar(bought, forecast(pairs, p=EVEN)) for bought in (together, spread))
    )
    assert wide["units_p90"] - wide["units_p10"] > 3 * (narrow["units_p90"] - narrow["units_p10"])


def test_the_interval_holds_the_mean_and_nothing_below_zero() -> None:
    days = calendar(every(9, "ann", "milk", 2), forecast([("ann", "milk"), ("ann", "Food > Milk")]))
    assert (days["units_p10"] >= 0).all()
    assert (days["units_p90"] >= days["units_p10"]).all()
    assert set(days["level"]) == {"product", "category"}


def test_without_products_there_is_no_calendar() -> None:
    assert calendar([], forecast([])).empty
