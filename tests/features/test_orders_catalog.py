"""What the features of orders say of one history that can be worked out by hand."""

import pandas as pd
import pytest

from features.snapshot import snapshot

# Orders of 10, 20 and 60, on Thursday 3 October 2019 at 9:00, Saturday 2 November 2019 at 13:00 and Monday
# 2 November 2020 at 13:00: gaps of 30 and 366 days. The second has two lines.
LINES = pd.DataFrame(
    [
        ("o1", "2019-10-03 09:00", "tea", 2, 10.0, 10.0),
        ("o2", "2019-11-02 13:00", "tea", 1, 4.0, None),
        ("o2", "2019-11-02 13:00", "mug", 1, 16.0, None),
        ("o3", "2020-11-02 13:00", "tea", 3, 60.0, 0.0),
    ],
    columns=("order_id", "ordered_at", "product_id", "quantity", "net_amount", "discount_amount"),
).assign(customer_id="ann")
PRODUCTS = pd.DataFrame(
    [("tea", "Drinks", 5.0), ("mug", "Kitchen", 8.0)], columns=("product_id", "category", "price")
)
CUTOFF = "2020-11-12"  # 10, 376 and 406 days after the orders


@pytest.fixture(scope="module")
def ann() -> pd.Series:
    return snapshot(LINES, CUTOFF, products=PRODUCTS).iloc[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("orders_7d", 0),
        ("orders_14d", 1),
        ("spend_14d", 60.0),
        ("lines_7d", 0),
        ("lines_365d", 1),
        ("orders_365d_over_prior_365d", 1 / 2),
        ("spend_365d_over_prior_365d", 60 / 30),
        ("orders_30d_of_90d", 1.0),
    ],
)
def test_windows_count_back_from_the_cutoff(ann: pd.Series, name: str, value: float) -> None:
    assert ann[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gross_spend", 90.0),
        ("min_order_value", 10.0),
        ("median_order_value", 20.0),
        ("last_order_over_mean_order", 60 / 30),
        # The line of least squares through 10, 20, 60 rises by 25 an order; the mean is 30.
        ("order_value_trend", 25 / 30),
        # Known of the first and the third order: 10 off 20, and nothing off 60.
        ("discount_share", 10 / 80),
        ("mean_piece_price", 90 / 7),
        # Six of tea at 5.00 and one mug at 8.00.
        ("price_level", 90 / 38),
    ],
)
def test_money_is_beside_its_own_mean_and_the_shops_prices(ann: pd.Series, name: str, value: float) -> None:
    assert ann[name] == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_gap_days", 30),
        ("days_to_second_order", 30),
        ("days_second_to_third_order", 366),
        # Mean 198 and variance 168 squared: the gamma shape is 198^2 / 168^2, and r / (1 + r) is 0.5814.
        ("gap_regularity", 198**2 / (198**2 + 168**2)),
        ("gap_trend", 336 / 198),
        ("last_gap_over_mean_gap", 366 / 198),
        ("days_since_last_over_median_gap", 10 / 198),
        ("days_since_last_over_max_gap", 10 / 366),
        ("early_week_order_share", 1 / 3),
        ("morning_order_share", 1 / 3),
        ("afternoon_order_share", 2 / 3),
    ],
)
def test_rhythm_is_told_by_gaps_weekdays_and_hours(ann: pd.Series, name: str, value: float) -> None:
    assert ann[name] == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("orders_90d_year_ago", 2),
        ("spend_90d_year_ago", 30.0),
        ("orders_next_90d_year_ago", 0),
        ("spend_next_90d_year_ago", 0.0),
        ("orders_90d_over_year_ago", 1 / 2),
        ("spend_90d_over_year_ago", 2.0),
        ("season_order_share", 1.0),
        ("fourth_quarter_order_share", 1.0),
        ("cutoff_month", 11),
    ],
)
def test_the_season_is_that_of_the_cutoff(ann: pd.Series, name: str, value: float) -> None:
    assert ann[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("new_product_share_90d", 0.0),
        ("days_since_new_product", 376),
        ("repeat_products", 1),
        ("top_product_share", 3 / 4),
        ("category_concentration", (3 * 3 + 1) / 16),
        ("first_order_lines", 1),
        ("first_order_products", 1),
        ("first_order_pieces", 2.0),
        ("first_order_discount_share", 1 / 2),
        ("first_order_weekday", 4),
        ("first_order_hour", 9),
        ("first_order_over_mean_order", 1 / 3),
        ("first_order_categories", 1),
        ("first_order_category_share", 2 / 3),
    ],
)
def test_what_is_bought_is_beside_what_was_bought_first(ann: pd.Series, name: str, value: float) -> None:
    assert ann[name] == pytest.approx(value, rel=1e-15)


def test_equal_gaps_are_perfectly_regular_and_steady() -> None:
    weekly = pd.DataFrame(
        {"customer_id": "ben", "ordered_at": pd.date_range("2021-01-01", periods=9, freq="7D")}
    )

    ben = snapshot(weekly.assign(net_amount=5.0), "2021-03-05").iloc[0]

    assert (ben["gap_regularity"], ben["gap_trend"], ben["order_value_trend"]) == (1.0, 0.0, 0.0)


def test_a_year_ago_is_unknown_of_who_came_later_and_december_lies_beside_january() -> None:
    new = pd.DataFrame({"customer_id": ["new"], "ordered_at": ["2020-12-30"], "net_amount": [5.0]})

    row = snapshot(new, "2021-01-02").iloc[0]

    assert row[["orders_90d_year_ago", "spend_next_90d_year_ago", "orders_90d_over_year_ago"]].isna().all()
    assert (row["season_order_share"], row["cutoff_month"]) == (1.0, 1)


@pytest.mark.parametrize("far", ["2020-11-02", "2020-05-02"])
def test_an_order_half_a_year_away_is_of_another_season(far: str) -> None:
    orders = pd.DataFrame({"customer_id": "ann", "ordered_at": ["2020-10-31", far], "net_amount": 5.0})

    expected = {"2020-11-02": 1.0, "2020-05-02": 0.5}[far]
    assert snapshot(orders, "2020-11-12").iloc[0]["season_order_share"] == expected


def test_a_large_quantity_at_a_large_price_is_still_added_up() -> None:
    largest = "999999999999.99"  # of what an import takes; a million pieces of it are beyond 64 bits
    orders = pd.DataFrame([("ann", "2021-01-01", largest, "tea", "1000000")])
    orders.columns = ["customer_id", "ordered_at", "net_amount", "product_id", "quantity"]
    products = pd.DataFrame([("tea", largest)], columns=("product_id", "price"))

    ann = snapshot(orders, "2021-02-10", products=products).iloc[0]

    assert ann["price_level"] == pytest.approx(1e-6, rel=1e-15)
