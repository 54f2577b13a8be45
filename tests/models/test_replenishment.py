"""Next purchases of each customer's products and categories."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.cutoff import Cutoff
from features.history import stage
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from ledger.views import add_missing_tables
from models.replenishment import SCHEMA, ReplenishmentModel

CUTOFF = Cutoff.at_midnight(date(2024, 6, 1), "UTC")
QUANTILES = ["next_purchase_p25", "next_purchase_p50", "next_purchase_p75", "next_purchase_p95"]
Bought = list[tuple[str, str | None, str | None, int]]  # customer, product, category, days before the cutoff


def shop(
    bought: Bought,
    quantity_milli: int | None = 1000,
    gone: Sequence[tuple[str, datetime]] = (),
    last_milli: int | None = None,
    taken: Mapping[tuple[str, int], int] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Return a ledger connection over purchases of 5.00 each, staged at the cutoff; `gone` is discontinued.

    `last_milli` is what was taken five days before the cutoff, `taken` what a customer took so many days before it.
    """
    lines = sorted(set(bought), key=str)
    at = [CUTOFF.at - timedelta(days=age) for _, _, _, age in lines]
    numbers = [str(number) for number in range(len(lines))]
    orders: dict[str, list[Any]] = {
        "customer_id": [customer for customer, _, _, _ in lines],
        "order_id": numbers,
        "line_id": numbers,
        "ordered_at": at,
        "known_at": at,
        "product_id": [product for _, product, _, _ in lines],
        "quantity_milli": [
            (taken or {}).get((customer, age), last_milli or quantity_milli if age == 5 else quantity_milli)
            for customer, *_, age in lines
        ],
        "net_minor": [500] * len(lines),
        "currency": ["EUR"] * len(lines),
        "status": ["paid"] * len(lines),
        "order_day": [CUTOFF.day - age for _, _, _, age in lines],
        "order_hour": [0] * len(lines),
        "order_isoweekday": [instant.isoweekday() for instant in at],
    }
    categories = {product: category for _, product, category, _ in lines if product is not None}
    start = datetime(2020, 1, 1, tzinfo=UTC)
    products: list[tuple[object, ...]] = [
        (product, start, category, None) for product, category in categories.items()
    ]
    products += [(product, known_at, categories[product], True) for product, known_at in gone]
    columns = zip(*products, strict=True) if products else [[]] * 4
    named = dict(zip(("product_id", "known_at", "category", "discontinued"), map(list, columns), strict=True))
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET TimeZone = 'UTC'")
    for table, given in ((ORDERS, orders), (PRODUCTS, named)):
        empty = [None] * len(next(iter(given.values())))
        full = {name: given.get(name, empty) for name in table.arrow_schema.names}
        connection.register(f"ledger_{table.name}", pa.table(full, schema=table.arrow_schema))
    add_missing_tables(connection)
    stage(connection, CUTOFF)
    return connection


def regulars(customers: int = 60, seed: int = 5) -> Bought:
    """Return customers who buy milk about weekly and soap about monthly, and stop one time in thirty."""
    random = np.random.default_rng(seed)
    bought: Bought = []
    for number in range(customers):
        for product, category, gap_days in (("milk", "food", 7), ("soap", "care", 30), ("bread", "food", 9)):
            age = random.uniform(30, 250)
            while age >= 1:
                bought.append((f"customer{number:03d}", product, category, int(age)))
                age -= gap_days * np.exp(0.4 * random.standard_normal())
                if random.random() < 1 / 30:
                    break
    return bought


def forecast(connection: duckdb.DuckDBPyConnection, model: ReplenishmentModel | None = None) -> pd.DataFrame:
    model = model or ReplenishmentModel.fit(connection)
    rows: pd.DataFrame = model.forecast(connection, CUTOFF).to_pandas()
    return rows


@pytest.fixture(scope="module")
def fitted() -> tuple[duckdb.DuckDBPyConnection, ReplenishmentModel]:
    connection = shop(regulars())
    return connection, ReplenishmentModel.fit(connection)


def test_someone_who_buys_weekly_and_last_bought_five_days_ago_is_due_within_days(
    fitted: tuple[duckdb.DuckDBPyConnection, ReplenishmentModel],
) -> None:
    bought: Bought = [("anna", "milk", "food", age) for age in range(5, 120, 7)]
    row = forecast(shop(bought), fitted[1]).query("level == 'product'").iloc[0]
    assert row["basis"] == "customer"
    assert row["p_due_7d"] > 0.8
    assert abs((row["next_purchase_p50"] - date(2024, 6, 3)).days) <= 1  # the last was May 27


def test_probabilities_grow_with_the_horizon_and_dates_with_the_quantile(
    fitted: tuple[duckdb.DuckDBPyConnection, ReplenishmentModel],
) -> None:
    rows = forecast(*fitted)
    assert rows["p_due_7d"].between(0, 1).all()
    assert (rows["p_due_7d"] <= rows["p_due_14d"]).all()
    assert (rows["p_due_14d"] <= rows["p_due_30d"]).all()
    dates = rows[QUANTILES].dropna()
    assert len(dates) > 50
    assert (np.diff(dates.to_numpy("datetime64[D]").astype(int), axis=1) >= 0).all()
    assert (dates["next_purchase_p25"] >= CUTOFF.local_date).all()


def test_probability_and_date_agree(fitted: tuple[duckdb.DuckDBPyConnection, ReplenishmentModel]) -> None:
    rows = forecast(*fitted)
    # half are bought before June 8, the seventh day, exactly where the probability of seven days is a half
    within = rows["next_purchase_p50"] < date(2024, 6, 8)
    assert within.sum() > 10
    assert (within == (rows["p_due_7d"] >= 0.5)).all()


def test_a_long_silence_makes_a_purchase_less_likely_than_a_short_one(
    fitted: tuple[duckdb.DuckDBPyConnection, ReplenishmentModel],
) -> None:
    bought: Bought = [("here", "milk", "food", 6 + 7 * week) for week in range(5)]
    bought += [("gone", "milk", "food", 106 + 7 * week) for week in range(5)]
    rows = forecast(shop(bought), fitted[1]).query("level == 'product'").set_index("customer_id")
    gone, here = rows["p_due_14d"].loc[["gone", "here"]]
    assert gone < 0.2 < here
    assert pd.isna(rows["next_purchase_p95"].loc["gone"])


def test_pairs_bought_within_a_year_have_rows_those_bought_once_too() -> None:
    bought: Bought = [
        ("once", "milk", "food", 10),
        ("twice", "milk", "food", 10),
        ("twice", "milk", "food", 20),
        ("two", "bread", "food", 20),
        ("lapsed", "milk", "food", 366),
        ("lapsed", "milk", "food", 380),
        ("just", "milk", "food", 365),
        ("just", "milk", "food", 380),
    ]
    rows = forecast(shop(bought))
    assert list(zip(rows["customer_id"], rows["level"], rows["product_id"].fillna("-"), strict=True)) == [
        ("just", "category", "-"),
        ("just", "product", "milk"),
        ("once", "category", "-"),
        ("once", "product", "milk"),
        ("twice", "category", "-"),
        ("twice", "product", "milk"),
        ("two", "category", "-"),
        ("two", "product", "bread"),
    ]
    assert set(rows["category"]) == {"food"}


def test_a_pair_bought_once_is_left_out_where_hardly_anybody_buys_the_item_again() -> None:
    fleeting: Bought = [(f"f{number}", "toy", "toys", 100 + number % 150) for number in range(300)]
    rows = forecast(shop([*regulars(), *fleeting, ("anna", "milk", "food", 10), ("anna", "toy", "toys", 10)]))
    assert rows.query("customer_id == 'anna'")["category"].tolist() == ["food", "food"]
    assert not rows.query("customer_id == 'f7'").size


def test_a_first_time_buyer_gets_the_products_curve(
    fitted: tuple[duckdb.DuckDBPyConnection, ReplenishmentModel],
) -> None:
    bought: Bought = [("anna", "milk", "food", 3), ("anna", "soap", "care", 3)]
    rows = forecast(shop(bought), fitted[1]).query("level == 'product'").set_index("product_id")
    assert rows["basis"].to_dict() == {"milk": "product", "soap": "product"}
    # milk is bought about every 7 days and soap every 30
    assert rows["p_due_14d"]["milk"] > 0.6
    assert rows["p_due_14d"]["soap"] < 0.3


def test_what_was_taken_more_of_lasts_longer_where_the_store_has_shown_it() -> None:
    connection = shop(regulars())
    model = ReplenishmentModel.fit(connection)
    longer = replace(
        model.levels["product"].gaps, elasticity=np.full_like(model.levels["product"].gaps.elasticity, 0.8)
    )
    taught = ReplenishmentModel(
        {**model.levels, "product": replace(model.levels["product"], gaps=longer, trees=None)}
    )
    bought: Bought = [("anna", "soap", "care", age) for age in (5, 35, 65)]
    usual = forecast(shop(bought), taught).query("level == 'product'").iloc[0]
    more = forecast(shop(bought, last_milli=3000), taught).query("level == 'product'").iloc[0]
    assert more["next_purchase_p50"] > usual["next_purchase_p50"] + timedelta(days=10)
    assert more["p_due_30d"] < usual["p_due_30d"]


def test_that_two_last_twice_as_long_is_learnt_from_the_purchases_and_told() -> None:
    random = np.random.default_rng(8)
    taken: dict[tuple[str, int], int] = {}
    for number in range(150):
        age = random.uniform(60, 240)
        while age >= 1:
            pieces = int(random.integers(1, 4))
            taken[f"customer{number:03d}", int(age)] = 1000 * pieces
            age -= 10 * pieces * np.exp(0.3 * random.standard_normal())
    for name, pieces in (("single", 1), ("triple", 3)):
        taken |= {(name, age): 1000 * (pieces if age == 5 else 2) for age in (5, 25, 45, 65)}
    rows = forecast(shop([(customer, "soap", "care", age) for customer, age in taken], taken=taken))
    by_customer = rows.query("level == 'product'").set_index("customer_id")
    single, triple = by_customer.loc["single"], by_customer.loc["triple"]
    # 2 last about 20 days, so 1 about 10 and 3 about 30, of which 5 are over
    assert (triple["next_purchase_p50"] - single["next_purchase_p50"]).days == pytest.approx(20, abs=8)
    assert triple["p_due_7d"] < 0.5 * single["p_due_7d"]


def test_every_day_without_a_purchase_moves_the_date_on_from_where_it_would_have_been(
    fitted: tuple[duckdb.DuckDBPyConnection, ReplenishmentModel],
) -> None:
    # the same six purchases of soap, 30 days apart, looked at from 1 to 60 days after the last
    said = []
    for since in (1, 10, 20, 30, 36, 42, 60):
        bought: Bought = [("anna", "soap", "care", since + 30 * back) for back in range(6)]
        row = forecast(shop(bought), fitted[1]).query("level == 'product'").iloc[0]
        date_said = row["next_purchase_p50"]
        # no date: fewer than half of such pairs are ever bought again
        said.append((date_said - CUTOFF.local_date).days + since if date_said else np.inf)
    assert said == sorted(said)
    assert said[0] == pytest.approx(30, abs=5)  # days from the last purchase on
    assert said[3] > 30  # where it was due on the day: ahead, not then
    assert said[-1] > 60


def test_the_items_say_which_products_repeat_and_how(
    fitted: tuple[duckdb.DuckDBPyConnection, ReplenishmentModel],
) -> None:
    items = fitted[1].items().query("level == 'product'").set_index("item")
    assert items["buyers"]["milk"] == 60
    assert items["rebuy_share_84d"]["milk"] > 0.85
    assert items["gap_p25"]["milk"] < 7 < items["gap_p75"]["milk"]
    assert items["gap_p50"]["soap"] == pytest.approx(30, rel=0.2)
    assert items["within"]["milk"] == "food"
    assert 0.9 < items["own_weight"]["milk"] < 1


def test_a_customer_alone_gets_what_he_gets_in_the_crowd(
    fitted: tuple[duckdb.DuckDBPyConnection, ReplenishmentModel],
) -> None:
    crowd = forecast(*fitted).query("customer_id == 'customer007'").reset_index(drop=True)
    alone = forecast(shop([row for row in regulars() if row[0] == "customer007"]), fitted[1])
    pd.testing.assert_frame_equal(alone, crowd, rtol=1e-12)


def test_a_model_read_back_from_json_forecasts_the_same(
    fitted: tuple[duckdb.DuckDBPyConnection, ReplenishmentModel],
) -> None:
    connection, model = fitted
    read = ReplenishmentModel.from_json_dict(json.loads(json.dumps(model.to_json_dict())))
    assert read.forecast(connection, CUTOFF).equals(model.forecast(connection, CUTOFF))


def test_fitting_twice_gives_the_same_parameters(
    fitted: tuple[duckdb.DuckDBPyConnection, ReplenishmentModel],
) -> None:
    connection, model = fitted
    assert ReplenishmentModel.fit(connection).to_json_dict() == model.to_json_dict()


def test_the_stored_parameters_name_no_customer(
    fitted: tuple[duckdb.DuckDBPyConnection, ReplenishmentModel],
) -> None:
    stored = json.dumps(fitted[1].to_json_dict())
    assert "milk" in stored
    assert "customer0" not in stored


def test_forecasts_come_true_as_often_as_they_say() -> None:
    # the made-up shop goes on for 14 days beyond the cutoff: what is forecast then is looked up in those days
    later = regulars(customers=700, seed=11)
    known = [
        (customer, product, category, age - 14) for customer, product, category, age in later if age > 14
    ]
    then = {(customer, product) for customer, product, _, age in later if age <= 14}
    rows = forecast(shop(known)).query("level == 'product'")
    happened = [pair in then for pair in zip(rows["customer_id"], rows["product_id"], strict=True)]
    assert len(rows) > 1500
    assert np.mean(happened) == pytest.approx(rows["p_due_14d"].mean(), abs=0.02)
    top = (rows["p_due_14d"] > rows["p_due_14d"].median()).to_numpy()
    assert np.mean(np.asarray(happened)[top]) == pytest.approx(rows["p_due_14d"][top].mean(), abs=0.04)


def test_the_quantity_is_the_median_of_the_days_and_null_where_the_shop_does_not_say() -> None:
    twice: Bought = [
        ("anna", "milk", "food", 10),
        ("anna", "milk", "food", 20),
        ("anna", "bread", "food", 20),
    ]
    rows = forecast(shop(twice, quantity_milli=2500))
    by_item = rows.set_index(rows["product_id"].fillna("all food"))["quantity"]
    assert by_item["milk"] == 2.5
    assert by_item["all food"] == 3.75  # 2.5 on one day, 5 on the other
    assert forecast(shop(twice, quantity_milli=None))["quantity"].isna().all()


def test_a_discontinued_product_is_suppressed_once_that_is_known() -> None:
    bought: Bought = [("anna", "milk", "food", 10), ("anna", "milk", "food", 20)]
    after, before = datetime(2024, 6, 2, tzinfo=UTC), datetime(2024, 5, 2, tzinfo=UTC)
    assert forecast(shop(bought, gone=[("milk", after)]))["suppressed_because"].isna().all()
    rows = forecast(shop(bought, gone=[("milk", before)]))
    by_level = rows.set_index("level")["suppressed_because"]
    assert by_level["product"] == "discontinued"
    assert pd.isna(by_level["category"])


@pytest.mark.parametrize(
    "bought",
    [
        pytest.param([("anna", None, None, 10), ("anna", None, None, 20)], id="no product ids"),
    ],
)
def test_a_shop_that_says_nothing_of_products_gets_an_empty_table_of_the_same_columns(bought: Bought) -> None:
    connection = shop(bought)
    table = ReplenishmentModel.fit(connection).forecast(connection, CUTOFF)
    assert (table.num_rows, table.schema) == (0, SCHEMA)


def test_a_shop_without_categories_still_forecasts_products() -> None:
    rows = forecast(shop([("anna", "milk", None, 10), ("anna", "milk", None, 20)]))
    assert rows[["level", "product_id", "basis"]].to_numpy().tolist() == [["product", "milk", "store"]]
    assert rows["category"].isna().all()
