from datetime import UTC, date, datetime

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from features import numbered
from features.catalog.shipped import CATALOG, CORE
from features.cutoff import Cutoff
from features.frames import connect_frames
from features.snapshot import compute, many, snapshot
from ledger.errors import InputError

ORDERS = pd.DataFrame(
    [
        ("ben", "2021-01-01", 10.0),
        ("ann", "2021-01-01", 20.0),
        ("ann", "2021-01-11", 40.0),
        ("ann", "2021-01-31", 30.0),
    ],
    columns=("customer_id", "ordered_at", "net_amount"),
)


def test_three_columns_are_enough() -> None:
    found = snapshot(ORDERS, "2021-02-10").set_index("customer_id")

    assert list(found.index) == ["ann", "ben"]
    ann = found.loc["ann"]
    assert (ann["orders"], ann["spend"], ann["spend_30d"], ann["mean_order_value"]) == (3, 90.0, 70.0, 30.0)
    assert (ann["first_order_value"], ann["last_order_value"], ann["max_order_value"]) == (20.0, 30.0, 40.0)
    # Gaps of 10 and 20 days: mean 15, standard deviation 5. Values 20, 40, 30: mean 30, variance 200 / 3.
    assert (ann["mean_gap_days"], ann["median_gap_days"], ann["last_gap_days"]) == (15.0, 15.0, 20)
    assert ann["gap_spread"] == pytest.approx(5 / 15, rel=1e-15)
    assert ann["order_value_spread"] == pytest.approx((200 / 3) ** 0.5 / 30, rel=1e-15)
    assert ann["days_since_last_over_mean_gap"] == pytest.approx(10 / 15, rel=1e-15)
    # 1 January 2021 was a Friday, the 11th a Monday, the 31st a Sunday.
    assert ann["weekend_order_share"] == pytest.approx(1 / 3, rel=1e-15)


def test_one_order_leaves_gaps_and_spreads_unknown() -> None:
    ben = snapshot(ORDERS, "2021-02-10").set_index("customer_id").loc["ben"]

    unknown = {"mean_gap_days", "median_gap_days", "last_gap_days", "max_gap_days", "gap_spread"}
    assert ben[[*unknown, "order_value_spread", "products", "categories"]].isna().all()
    assert (ben["orders"], ben["days_first_to_last_order"]) == (1, 0)


def test_a_customer_without_a_valid_order_has_zeros_where_declared_and_nothing_else() -> None:
    refund = {"ordered_at": "2021-01-01", "known_at": "2021-01-02", "net_amount": -10.0, "status": "refunded"}
    given = pd.concat([ORDERS[:1], pd.DataFrame([{"customer_id": "ben", **refund}])]).assign(
        order_id="o1", status=["paid", "refunded"]
    )

    row = snapshot(given, "2021-02-10").iloc[0].drop("customer_id")

    declared = {feature.name: feature.empty for feature in CATALOG if isinstance(feature.empty, int)}
    known = {"refunded_share": 1.0, "gross_spend": 10.0, "cutoff_month": 2}
    assert row.dropna().to_dict() == {**declared, **known}


def test_columns_are_whole_numbers_or_doubles_in_the_catalogs_order() -> None:
    with connect_frames(ORDERS, "UTC") as connection:
        table = compute(connection, Cutoff.at_midnight(date(2021, 2, 10), "UTC"))

    assert table.column_names == ["customer_id", *CATALOG.names]
    kinds = {"bigint": pa.int64(), "double": pa.float64()}
    assert [table.schema.field(f.name).type for f in CATALOG] == [kinds[f.type] for f in CATALOG]


def test_many_cutoffs_give_what_each_gives_alone() -> None:
    cutoffs = [Cutoff.at_midnight(date(2021, month, 5), "UTC") for month in (3, 1, 2)]
    with connect_frames(ORDERS, "UTC") as connection:
        together = many(connection, cutoffs)
        alone = [compute(connection, at).to_pandas().assign(cutoff_day=at.day) for at in cutoffs]

    expected = pd.concat(alone, ignore_index=True)[["cutoff_day", "customer_id", *CATALOG.names]]
    pd.testing.assert_frame_equal(together, expected)
    assert list(together["cutoff_day"].unique()) == [at.day for at in cutoffs]


@pytest.mark.parametrize(
    "cutoff",
    [
        "2021-01-11",
        date(2021, 1, 11),
        datetime(2021, 1, 11),  # noqa: DTZ001 - a notebook's naive time is local
        pd.Timestamp("2021-01-10 23:00", tz="UTC"),
        Cutoff(datetime(2021, 1, 10, 23, tzinfo=UTC), "Europe/Berlin"),
    ],
)
def test_a_notebooks_cutoff_is_read_in_the_shops_zone(cutoff: Cutoff | date | str) -> None:
    # Local midnight of the 11th, when the second order is not yet placed.
    found = snapshot(ORDERS, cutoff, "Europe/Berlin").set_index("customer_id")

    assert (found.loc["ann", "orders"], found.loc["ann", "days_since_last_order"]) == (1, 10)


def test_a_cutoff_that_is_no_date_is_told() -> None:
    with pytest.raises(InputError, match="a cutoff is a date like 2024-01-31; got 'tomorrow'"):
        snapshot(ORDERS, "tomorrow")


def test_sums_too_large_to_be_exact_are_refused() -> None:
    huge = pd.DataFrame({"customer_id": "ann", "ordered_at": "2021-01-01", "net_amount": ["9e11"] * 120_000})

    with pytest.raises(InputError, match="too large to be added up"):
        snapshot(huge, "2021-02-10")


def test_some_customers_after_the_others_are_described_as_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    joined = pd.DataFrame([("cem", "ann", "2021-02-01")], columns=("anonymous_id", "customer_id", "known_at"))
    others = pd.DataFrame(
        [("cem", "2021-01-20", 5.0), ("dua", "2021-01-21", 6.0), ("eva", "2021-01-22", 7.0)],
        columns=ORDERS.columns,
    )
    given = pd.concat([ORDERS, others], ignore_index=True)
    at_once = snapshot(given, "2021-02-10", feature_set=CORE, identities=joined)
    turns: list[int] = []
    in_turn = numbered.in_turn

    def noted(connection: duckdb.DuckDBPyConnection) -> list[range]:
        turns.append(len(in_turn(connection)))
        return in_turn(connection)

    monkeypatch.setattr(numbered, "LINES_AT_ONCE", 2)
    monkeypatch.setattr(numbered, "in_turn", noted)
    in_parts = snapshot(given, "2021-02-10", feature_set=CORE, identities=joined)

    assert turns == [4]
    assert list(at_once["customer_id"]) == ["ann", "ben", "dua", "eva"]
    pd.testing.assert_frame_equal(in_parts, at_once, check_exact=True)
