"""Outcomes count exactly the window: its first day in, its last day out, net of what was refunded by then."""

from datetime import UTC, date, datetime, time

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.cutoff import Cutoff
from ledger.engine import open_engine
from ledger.tables.identities import IDENTITIES
from ledger.tables.products import PRODUCTS
from training.dataset import Dataset
from training.outcomes import outcomes

CUTOFF = Cutoff.at_midnight(date(2024, 3, 1), "UTC")
NOBODY = pd.Series([], dtype=str)


def bought(*rows: tuple[str, int, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["customer_id", "order_day", "paid", "refunded"])


def test_the_windows_first_day_counts_and_the_day_after_its_last_does_not() -> None:
    day = CUTOFF.day
    orders = bought(
        ("a", day - 1, 500, 0),
        ("a", day, 700, 0),
        ("b", day + 29, 200, 0),
        ("b", day + 30, 900, 0),
        ("c", day + 30, 100, 0),
    )
    found = outcomes(orders, NOBODY, pd.Series(["c", "b", "a", "never"]), CUTOFF, 30)
    assert found.next_order_days.tolist()[1:3] == [29.0, 0.0]
    assert np.isnan(found.next_order_days[[0, 3]]).all()
    assert found.orders.tolist() == [0.0, 1.0, 1.0, 0.0]
    assert found.value.tolist() == [0.0, 2.0, 7.0, 0.0]


def test_a_day_on_which_all_was_given_back_is_no_order() -> None:
    orders = bought(("a", CUTOFF.day, 700, 700), ("a", CUTOFF.day + 3, 500, 100))

    found = outcomes(orders, NOBODY, pd.Series(["a"]), CUTOFF, 30)

    assert (found.next_order_days[0], found.orders[0], found.value[0]) == (3.0, 1.0, 4.0)


def test_what_two_ids_of_one_customer_bought_on_one_day_is_one_order() -> None:
    orders = bought(("a", CUTOFF.day, 700, 0), ("old", CUTOFF.day, 300, 100), ("old", CUTOFF.day + 1, 200, 0))

    found = outcomes(orders, pd.Series({"old": "a"}), pd.Series(["a", "old"]), CUTOFF, 30)

    assert found.orders.tolist() == [2.0, 0.0]
    assert found.value.tolist() == [11.0, 0.0]


def test_ordered_within_is_by_the_day_and_not_on_it() -> None:
    orders = bought(("a", CUTOFF.day + 7, 100, 0))
    found = outcomes(orders, NOBODY, pd.Series(["a"]), CUTOFF, 30)
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
    ledger.register("ledger_products", PRODUCTS.arrow_schema.empty_table())
    ledger.register("ledger_identities", IDENTITIES.arrow_schema.empty_table())
    return ledger


@pytest.mark.parametrize(("known_until", "value"), [(date(2024, 4, 1), 30.0), (date(2024, 5, 1), 20.0)])
def test_value_is_net_of_the_refunds_known_when_it_is_read(
    connection: duckdb.DuckDBPyConnection, known_until: date, value: float
) -> None:
    dataset = Dataset(connection, Cutoff.at_midnight(known_until, "UTC"), 30)
    assert dataset.snapshot(CUTOFF)["spend"].tolist() == [10.0]
    assert dataset.outcomes(CUTOFF).value.tolist() == [value]


def merged(known_at: datetime) -> pa.Table:
    row = {"anonymous_id": "b", "customer_id": "a", "known_at": known_at, "how": "merged"}
    return pa.Table.from_pylist([row], IDENTITIES.arrow_schema)


@pytest.mark.parametrize(
    ("merged_on", "spend", "value"),
    [
        # Known before the cutoff, the two are one customer, before and after it.
        (date(2024, 2, 20), {"a": 15.0}, {"a": 32.0}),
        # Learnt in the window, it changes nothing: each keeps his own past and his own label.
        (date(2024, 3, 5), {"a": 10.0, "b": 5.0}, {"a": 30.0, "b": 2.0}),
    ],
)
def test_a_merge_counts_in_outcomes_from_the_cutoff_that_knows_it(
    connection: duckdb.DuckDBPyConnection, merged_on: date, spend: dict[str, float], value: dict[str, float]
) -> None:
    connection.execute(
        """
        insert into ledger_orders by name
        select 'b' as customer_id, order_id, '1' as line_id, ordered_at, ordered_at as known_at,
               net_minor, 'EUR' as currency, 'paid' as status,
               ordered_at::date - date '1970-01-01' as order_day, 12 as order_hour, 1 as order_isoweekday
          from (values ('3', timestamptz '2024-02-10', 500), ('4', timestamptz '2024-03-20', 200))
               as lines (order_id, ordered_at, net_minor)
        """
    )
    connection.register("ledger_identities", merged(datetime.combine(merged_on, time(), UTC)))
    dataset = Dataset(connection, Cutoff.at_midnight(date(2024, 4, 1), "UTC"), 30)

    rows = dataset.snapshot(CUTOFF).set_index("customer_id")

    assert rows["spend"].to_dict() == spend
    assert dict(zip(rows.index, dataset.outcomes(CUTOFF).value, strict=True)) == value


def test_a_window_before_the_cutoff_speaks_of_the_customers_known_at_the_cutoff(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("update ledger_orders set customer_id = 'b' where order_id = '1'")
    connection.register("ledger_identities", merged(datetime(2024, 2, 20, tzinfo=UTC)))
    dataset = Dataset(connection, Cutoff.at_midnight(date(2024, 4, 1), "UTC"), 30)

    february = dataset.window(Cutoff.at_midnight(date(2024, 2, 1), "UTC"), CUTOFF)

    assert dataset.snapshot(CUTOFF)["customer_id"].tolist() == ["a"]
    assert february.value.tolist() == [10.0]


def test_a_window_that_is_not_over_yet_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    known_until = Cutoff(datetime(2024, 3, 20, tzinfo=UTC), "UTC")
    with pytest.raises(ValueError, match="the 30 days after 2024-03-01 end after 2024-03-20"):
        Dataset(connection, known_until, 30).outcomes(CUTOFF)
