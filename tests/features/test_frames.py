from datetime import date

import pandas as pd
import pytest

from features.frames import connect_frames
from ledger.errors import InputError


def stored(orders: pd.DataFrame, time_zone: str = "UTC") -> list[tuple[object, ...]]:
    with connect_frames(orders, time_zone) as connection:
        return connection.execute(
            "select customer_id, order_day, order_hour, net_minor from ledger_orders order by order_id"
        ).fetchall()


@pytest.mark.parametrize(
    "ordered_at",
    [
        pd.Series(["2021-01-31 23:30"]),
        pd.to_datetime(pd.Series(["2021-01-31 23:30"])),
        pd.to_datetime(pd.Series(["2021-01-31 23:30"])).dt.tz_localize("America/New_York"),
        pd.to_datetime(pd.Series(["2021-02-01 04:30"])).dt.tz_localize("UTC"),
    ],
)
def test_times_of_any_type_are_read_in_the_shops_zone(ordered_at: pd.Series) -> None:
    orders = pd.DataFrame({"customer_id": ["ann"], "ordered_at": ordered_at, "net_amount": [1.5]})

    # 31 January 2021 is day 18658.
    assert stored(orders, "America/New_York") == [("ann", 18658, 23, 150)]


def test_numbers_and_mixed_objects_become_the_text_a_file_would_hold() -> None:
    orders = pd.DataFrame(
        {
            "Customer_ID": pd.Series([17850.0, "b7", 12], dtype=object),
            "ordered_at": [date(2021, 1, 1)] * 3,
            "net_amount": pd.Series([1, "2.50", 0.1], dtype=object),
        }
    )

    assert [(row[0], row[3]) for row in stored(orders)] == [("17850.0", 100), ("b7", 250), ("12", 10)]


def test_floating_point_ids_are_whole_numbers_again() -> None:
    orders = pd.DataFrame({"customer_id": [17850.0], "ordered_at": ["2021-01-01"], "net_amount": [1.0]})

    assert stored(orders)[0][0] == "17850"


def test_the_first_refused_row_is_told_with_the_number_of_others() -> None:
    orders = pd.DataFrame(
        {"customer_id": ["a", "b", "c"], "ordered_at": "2021-01-01", "net_amount": [1.0, -1.0, -2.0]}
    )

    with pytest.raises(InputError) as refused:
        stored(orders)

    assert "the frame of orders: row 1, counted from 0: net_amount is negative on a paid row" in str(
        refused.value
    )
    assert "(and 1 more rows)" in str(refused.value)


def test_a_missing_column_is_told_with_the_one_that_was_meant() -> None:
    orders = pd.DataFrame({"customer_id": ["a"], "ordered_at": ["2021-01-01"], "net_amout": [1.0]})

    with pytest.raises(InputError, match=r"missing required column net_amount; .*did you mean net_amout"):
        stored(orders)


def test_two_currencies_in_one_frame_are_refused() -> None:
    orders = pd.DataFrame(
        {"customer_id": ["a", "b"], "ordered_at": "2021-01-01", "net_amount": 1.0, "currency": ["EUR", "USD"]}
    )

    with pytest.raises(InputError, match="row 1, counted from 0: currency is not the shop's currency"):
        stored(orders)
