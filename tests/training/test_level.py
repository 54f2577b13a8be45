"""Season and trend are believed as far as a store shows them; growth of the base is neither, and noise is nothing."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.cutoff import Cutoff
from ledger.engine import open_engine
from ledger.tables.identities import IDENTITIES
from ledger.tables.products import PRODUCTS
from models.level import STEADY
from models.purchase_process import StoreRate
from training.dataset import Dataset
from training.level import fit_level, orders_known, weekly_ratios

DAYS = 3 * 365
SHAPE, SCALE_DAYS = 1.0, 60.0
PROCESS = StoreRate(shape=SHAPE, scale_days=SCALE_DAYS)
JANUARY = (date(2021, 1, 1) - date(1970, 1, 1)).days
CHRISTMAS = (0.8,) * 10 + (2.0, 2.0)


def bought(
    customers: int, season: tuple[float, ...], trend_a_year: float = 1.0, seed: int = 5
) -> pd.DataFrame:
    """Return the orders of customers who begin all through three years from 1 January and never leave."""
    random = np.random.default_rng(seed)
    day = np.arange(DAYS)
    month = np.minimum(day % 365 // 30.5, 11).astype(int)
    pace = np.asarray(season)[month] * trend_a_year ** (day / 365)
    begin = random.integers(0, DAYS, customers)
    rate = random.gamma(SHAPE, 1 / SCALE_DAYS, customers)
    ordered = random.random((customers, DAYS)) < rate[:, None] * pace
    ordered &= day > begin[:, None]
    ordered[np.arange(customers), begin] = True
    customer, when = np.nonzero(ordered)
    return pd.DataFrame({"customer_id": [f"c{each:05d}" for each in customer], "order_day": JANUARY + when})


def factor(orders: pd.DataFrame, on: int, days: int = 61) -> float:
    """Return the pace that is expected of some days after day `on` of the three years."""
    return fit_level(orders, JANUARY + on, PROCESS).business_days(None, days) / days


@pytest.fixture(scope="module")
def seasonal() -> pd.DataFrame:
    return bought(1_500, CHRISTMAS)


def test_a_season_that_was_seen_once_is_expected_again(seasonal: pd.DataFrame) -> None:
    before_christmas = 2 * 365 - 61
    assert 1.25 < factor(seasonal, before_christmas) < 2.0
    assert factor(seasonal, before_christmas - 120) == pytest.approx(0.8, rel=0.15)


def test_a_season_that_was_seen_twice_is_believed_in_full(seasonal: pd.DataFrame) -> None:
    assert factor(seasonal, 3 * 365 - 61) == pytest.approx(2.0, rel=0.1)


def test_a_growing_base_of_like_customers_is_no_season_and_no_trend() -> None:
    steady = bought(1_500, (1.0,) * 12)
    for on in (400, 700, 1_000):
        assert factor(steady, on) == pytest.approx(1.0, abs=0.08)


@pytest.mark.parametrize(("trend_a_year", "least", "most"), [(0.6, 0.35, 0.7), (1.5, 1.3, 1.8)])
def test_a_trend_is_followed(trend_a_year: float, least: float, most: float) -> None:
    # Customers' own counts know some of it already, so the level need not say all.
    assert least < factor(bought(1_500, (1.0,) * 12, trend_a_year), DAYS) < most


def test_a_tiny_store_is_told_that_there_is_too_little_to_tell() -> None:
    level = fit_level(bought(4, CHRISTMAS), JANUARY + 200, PROCESS)
    assert level == STEADY
    assert "too little to tell" in level.says


def test_a_store_without_an_order_has_no_weeks() -> None:
    nothing = pd.DataFrame({"customer_id": [], "order_day": []})
    assert weekly_ratios(nothing, JANUARY, PROCESS) is None
    assert fit_level(nothing, JANUARY, PROCESS) == STEADY


def test_what_comes_after_the_cutoff_is_not_looked_at(seasonal: pd.DataFrame) -> None:
    as_of = JANUARY + 600
    known = seasonal[seasonal["order_day"] < as_of]
    assert fit_level(seasonal, as_of, PROCESS) == fit_level(known, as_of, PROCESS)


def test_the_order_of_rows_changes_nothing_to_the_last_bit(seasonal: pd.DataFrame) -> None:
    shuffled = seasonal.sample(frac=1.0, random_state=1)
    assert fit_level(shuffled, JANUARY + 600, PROCESS) == fit_level(seasonal, JANUARY + 600, PROCESS)


def test_a_very_large_store_is_told_by_a_share_of_its_customers(
    seasonal: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = weekly_ratios(seasonal, JANUARY + 700, PROCESS)
    monkeypatch.setattr("training.level.MOST_CUSTOMERS", 400)
    some = weekly_ratios(seasonal, JANUARY + 700, PROCESS)
    assert some is not None
    assert everybody is not None
    assert 0.1 < some.seen.sum() / everybody.seen.sum() < 0.7
    share, whole = (each.seen.sum() / each.expected.sum() for each in (some, everybody))
    assert share == pytest.approx(whole, rel=0.1)


def test_one_week_after_another_is_counted_by_hand() -> None:
    # One customer orders on day 0 and then every 7 days; nobody is known before.
    orders = pd.DataFrame({"customer_id": ["a"] * 10, "order_day": 1_000 + 7 * np.arange(10)})
    weeks = weekly_ratios(orders, 1_070, PROCESS)
    assert weeks is not None
    assert weeks.first_day == 1_049
    assert weeks.seen.tolist() == [1.0, 1.0, 1.0]
    # As of day 49: 7 orders, 42 days from first to last; (1 + 6) orders in 60 + 49 days.
    assert weeks.expected[0] == pytest.approx(7 * 7 / 109)


def test_the_sentence_tells_the_days_the_factor_and_how_often_it_was_seen(seasonal: pd.DataFrame) -> None:
    says = fit_level(seasonal, JANUARY + 2 * 365 - 61, PROCESS).says
    assert says.startswith("the 90 days from 1 November are expected to bring 1.")
    assert says.endswith("is the season (seen once)")


@pytest.mark.parametrize("merged_on", [date(2024, 2, 20), date(2024, 3, 10)])
def test_orders_are_those_known_at_the_cutoff_and_of_whom_they_were_then(merged_on: date) -> None:
    ledger = open_engine()
    ledger.execute(
        """
        create table ledger_orders as
        select customer_id, order_id, '1' as line_id, ordered_at::timestamptz as ordered_at,
               known_at::timestamptz as known_at, null::varchar as product_id, null::bigint as quantity_milli,
               net_minor::bigint as net_minor, null::bigint as discount_minor, 'EUR' as currency, status,
               null::varchar as channel, ordered_at::date - date '1970-01-01' as order_day, 12 as order_hour,
               1 as order_isoweekday
          from (values ('a', '1', '2024-02-01', '2024-02-01', 1000, 'paid'),
                       ('a', '1', '2024-02-01', '2024-03-05', -1000, 'refunded'),
                       ('b', '2', '2024-02-01', '2024-02-01', 500, 'paid'),
                       ('b', '3', '2024-02-09', '2024-02-09', 500, 'paid'),
                       ('b', '3', '2024-02-09', '2024-02-20', -500, 'refunded'),
                       ('b', '4', '2024-02-11', '2024-03-20', 500, 'paid'))
               as lines (customer_id, order_id, ordered_at, known_at, net_minor, status)
        """
    )
    known_at = datetime.combine(merged_on, datetime.min.time(), UTC)
    merge = {"anonymous_id": "b", "customer_id": "a", "known_at": known_at, "how": "merged"}
    ledger.register("ledger_products", PRODUCTS.arrow_schema.empty_table())
    ledger.register("ledger_identities", pa.Table.from_pylist([merge], IDENTITIES.arrow_schema))
    cutoff = Cutoff.at_midnight(date(2024, 3, 1), "UTC")
    dataset = Dataset(ledger, Cutoff.at_midnight(date(2024, 5, 1), "UTC"), 30)
    # The refund of the first order is not known yet, nor is the last order; that of the ninth is.
    known = orders_known(dataset, cutoff)
    assert sorted(known["customer_id"]) == (["a"] if merged_on < date(2024, 3, 1) else ["a", "b"])
    assert set(known["order_day"]) == {(date(2024, 2, 1) - date(1970, 1, 1)).days}
