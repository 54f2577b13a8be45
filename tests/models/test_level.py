"""The store's clock: a busy week counts double, nothing before or after what is known, and curves keep their shape."""

import numpy as np
import pytest

from features.catalog.shipped import CATALOG
from models.level import STEADY, Level
from models.next_order import NextOrder
from models.purchase_process import Histories, OrderValue, StoreRate, fit_purchase_process
from models.worth import OrdersAndValue
from tests.models.customers import HORIZON_DAYS, outcomes, snapshot

LEVEL = Level(as_of_day=107, first_day=100, pace=(2.0, 0.5), says="a busy week, then a quiet one")
PROCESS = StoreRate(shape=0.8, scale_days=60.0)
ORDER_VALUE = OrderValue(store_mean=20.0, prior_orders=2.0, basis="shrunk_mean")


def test_a_day_counts_as_much_as_its_week_is_busy() -> None:
    assert LEVEL.business_days(100, 7) == pytest.approx(14.0)
    assert LEVEL.business_days(100, 14) == pytest.approx(17.5)
    assert LEVEL.business_days(103, 5.5) == pytest.approx(4 * 2.0 + 1.5 * 0.5)


def test_beyond_the_weeks_that_are_known_a_day_is_a_day() -> None:
    assert LEVEL.business_days(90, 10) == pytest.approx(10.0)
    assert LEVEL.business_days(114, 90) == pytest.approx(90.0)
    assert LEVEL.business_days(98, 20) == pytest.approx(2 + 17.5 + 4)


def test_without_a_day_the_level_counts_from_its_own_cutoff() -> None:
    assert LEVEL.business_days(None, 7) == LEVEL.business_days(107, 7) == pytest.approx(3.5)


def test_each_row_may_have_a_cutoff_of_its_own() -> None:
    days = np.array([90, 100, 107])
    found = LEVEL.business_days(days, 14)
    assert found.tolist() == [LEVEL.business_days(int(day), 14) for day in days]


def test_a_steady_store_leaves_every_number_of_days_as_it_is() -> None:
    assert STEADY.business_days(None, 90) == 90.0
    assert STEADY.business_days(19_000, 12.5) == 12.5


def test_a_busy_time_moves_the_curve_as_more_days_would() -> None:
    frame = snapshot(50)
    steady, busy = NextOrder(PROCESS, 90, None), NextOrder(PROCESS, 90, None, LEVEL)
    assert busy.p_order(frame, [7], 100) == pytest.approx(steady.p_order(frame, [14]))
    assert busy.p_order(frame, [7]) == pytest.approx(steady.p_order(frame, [3.5]))


def test_no_curve_falls_when_a_busy_week_is_followed_by_a_dead_one() -> None:
    frame = snapshot(600)
    level = Level(as_of_day=0, first_day=0, pace=(5.0, 0.0, 0.1), says="")
    process = fit_purchase_process(Histories(frame))
    fitted = NextOrder.fit(frame, outcomes(frame), process, CATALOG.names, 3, level)
    curve = fitted.p_order(snapshot(200, seed=9), [1, 5, 7, 8, 14, 20, 30, 90, 365])
    assert (np.diff(curve, axis=1) >= 0).all()


def test_orders_and_money_follow_the_same_clock_as_the_curve() -> None:
    frame = snapshot(50)
    steady = OrdersAndValue(PROCESS, ORDER_VALUE, 90, None, None)
    busy = OrdersAndValue(PROCESS, ORDER_VALUE, 90, None, None, level=LEVEL)
    for said, expected in zip(busy.expected(frame, 7, on_day=100), steady.expected(frame, 14), strict=True):
        assert said == pytest.approx(expected)


def test_trees_do_not_learn_what_the_level_explains() -> None:
    frame = snapshot(600)
    happened = outcomes(frame)
    doubled = Level(as_of_day=0, first_day=0, pace=(2.0,) * 13, says="")
    process = fit_purchase_process(Histories(frame))
    steadily, busily = (
        NextOrder.fit(frame, happened, process, ["orders"], 3, level) for level in (STEADY, doubled)
    )
    plain = OrdersAndValue.fit(frame, happened, steadily, ORDER_VALUE, ["orders"], 3)
    told = OrdersAndValue.fit(frame, happened, busily, ORDER_VALUE, ["orders"], 3)
    # The same total in the window that both learnt from; on an ordinary day later, about half of it.
    assert told.expected(frame, HORIZON_DAYS, on_day=0)[0].sum() == pytest.approx(
        plain.expected(frame, HORIZON_DAYS)[0].sum(), rel=0.06
    )
    later = told.expected(frame, HORIZON_DAYS, on_day=1_000)[0].sum()
    assert later < 0.6 * plain.expected(frame, HORIZON_DAYS)[0].sum()


def test_a_level_is_the_same_after_a_round_trip_through_its_text() -> None:
    assert Level.model_validate_json(LEVEL.model_dump_json()) == LEVEL
