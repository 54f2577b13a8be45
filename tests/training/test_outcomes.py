"""Outcomes count exactly the window: its first day in, its last day out, net of what was refunded by then."""

from datetime import UTC, date, datetime

import duckdb
import numpy as np
import pandas as pd
import pytest

from features.cutoff import Cutoff
from ledger.engine import open_engine
from ledger.tables.products import PRODUCTS
from training.dataset import Dataset
from training.outcomes import outcomes

CUTOFF = Cutoff.at_midnight(date(2024, 3, 1), "UTC")


def test_the_windows_first_day_counts_and_the_day_after_its_last_does_not() -> None:
    day = CUTOFF.day
    orders = pd.DataFrame(
        [
            ("a", day - 1, 5.0),
            ("a", day, 7.0),
            ("b", day + 29, 2.0),
            ("b", day + 30, 9.0),
            ("c", day + 30, 1.0),
        ],
        columns=["customer_id", "order_day", "value"],
    )
    found = outcomes(orders, pd.Series(["c", "b", "a", "never"]), CUTOFF, 30)
    assert found.next_order_days.tolist()[1:3] == [29.0, 0.0]
    assert np.isnan(found.next_order_days[[0, 3]]).all()
    assert found.orders.tolist() == [0.0, 1.0, 1.0, 0.0]
    assert found.value.tolist() == [0.0, 2.0, 7.0, 0.0]


def test_ordered_within_is_by_the_day_and_not_on_it() -> None:
    orders = pd.DataFrame({"customer_id": ["a"], "order_day": [CUTOFF.day + 7], "value": [1.0]})
    found = outcomes(orders, pd.Series(["a"]), CUTOFF, 30)
    assert found.ordered_within(7).tolist() == [0.0]
    assert found.ordered_within(8).tolist() == [1.0]


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    """Return a ledger of one customer: an order before the cutoff, one after it, half refunded a month later."""
    ledger = open_engine()
    ledger.execute(
        """
        create table ledger_orders as
        select 'a' as customer_id, order_id, '1' as line_id, ordered_at::timestamptz as ordered_at,
               known_at::timestamptz as known_at, null::varchar as product_id, null::bigint as quantity_milli,
               net_minor::bigint as net_minor, null::bigint as discount_minor, 'EUR' as currency, status,
               null::varchar as channel, ordered_at::date - date '1970-01-01' as order_day, 12 as order_hour,
               1 as order_isoweekday
          from (values ('1', '2024-02-01', '2024-02-01', 1000, 'paid'),
                       ('2', '2024-03-10', '2024-03-10', 3000, 'paid'),
                       ('2', '2024-03-10', '2024-04-10', -1000, 'refunded'))
               as lines (order_id, ordered_at, known_at, net_minor, status)
        """
    )
    columns = ", ".join(f"null as {column.name}" for column in PRODUCTS.columns)
    ledger.execute(f"create table ledger_products as select {columns} where false")
    return ledger


@pytest.mark.parametrize(("known_until", "value"), [(date(2024, 4, 1), 30.0), (date(2024, 5, 1), 20.0)])
def test_value_is_net_of_the_refunds_known_when_it_is_read(
    connection: duckdb.DuckDBPyConnection, known_until: date, value: float
) -> None:
    dataset = Dataset(connection, Cutoff.at_midnight(known_until, "UTC"), 30)
    assert dataset.snapshot(CUTOFF)["spend"].tolist() == [10.0]
    assert dataset.outcomes(CUTOFF).value.tolist() == [value]


def test_a_window_that_is_not_over_yet_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    known_until = Cutoff(datetime(2024, 3, 20, tzinfo=UTC), "UTC")
    with pytest.raises(ValueError, match="the 30 days after 2024-03-01 end after 2024-03-20"):
        Dataset(connection, known_until, 30).outcomes(CUTOFF)
