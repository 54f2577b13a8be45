"""A process is asked nothing twice, and answers the same however it is asked."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from models.asked import PROCESS_DAYS, Asked
from models.contributions import UsualCustomer, contributions
from models.level import Level
from models.mbg_cnbd import MbgCnbd
from models.next_order import NextOrder
from models.purchase_process import Histories, OrderValue
from models.rows import Rows
from models.worth import OrdersAndValue
from tests.models.customers import snapshot

PROCESS = MbgCnbd(k=1.4, r=0.9, alpha_weeks=6.0, a=0.6, b=4.0)
LEVEL = Level(as_of_day=107, first_day=100, pace=(2.0, 0.5), says="a busy week, then a quiet one")
VALUE = OrderValue(store_mean=20.0, prior_orders=2.0, basis="shrunk_mean")
DAYS = (7.0, 30.0, 90.0, 365.0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, float]]:
    """Count how often each question is asked, by its number of days."""
    counted: Counter[tuple[str, float]] = Counter()

    def counting(name: str) -> None:
        answer = getattr(MbgCnbd, name)

        def ask(self: MbgCnbd, histories: Histories, days: Any) -> Any:  # noqa: ANN401 - passed on
            counted.update((name, float(each)) for each in np.unique(days))
            return answer(self, histories, days)

        monkeypatch.setattr(MbgCnbd, name, ask)

    counting("p_order")
    counting("expected_orders")
    return counted


@pytest.mark.parametrize("customers", [1, 3, 200])
def test_answers_are_the_process_own_to_the_bit(customers: int) -> None:
    rows = Rows.of(snapshot(customers))
    found, histories = Asked.of(PROCESS, rows), Histories(rows)
    for ask, one in ((found.p_order, PROCESS.p_order), (found.expected_orders, PROCESS.expected_orders)):
        assert ask([30.0])[:, 0].tolist() == one(histories, 30.0).tolist()
        assert ask(DAYS).T.tolist() == [one(histories, days).tolist() for days in DAYS]


def test_days_of_each_customer_are_asked_beside_days_of_all() -> None:
    rows = Rows.of(snapshot(5))
    own = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    found = Asked.of(PROCESS, rows).p_order([30.0, own])
    assert found[:, 0].tolist() == PROCESS.p_order(Histories(rows), 30.0).tolist()
    assert found[:, 1].tolist() == PROCESS.p_order(Histories(rows), own).tolist()


def test_scores_and_their_reasons_ask_nothing_twice(asked: Counter[tuple[str, float]]) -> None:
    next_order = NextOrder(PROCESS, 90, None, LEVEL)
    worth = OrdersAndValue(PROCESS, VALUE, 90, None, None, level=LEVEL)
    rows, usual = Rows.of(snapshot(1)), UsualCustomer.of(snapshot(50, seed=2))
    contributions(next_order, worth, usual, rows)  # of the usual customer too, who is asked once for all
    asked.clear()
    rows = Rows.of(snapshot(1))
    worth.columns(rows, next_order.curve(rows))
    contributions(next_order, worth, usual, rows)
    assert asked["p_order", PROCESS_DAYS] == 1
    assert {name for name, _ in asked} == {"p_order", "expected_orders"}
    assert set(asked.values()) == {1}


def test_rows_that_are_changed_are_asked_about_anew() -> None:
    rows = Rows.of(snapshot(3))
    before = Asked.of(PROCESS, rows)
    assert Asked.of(PROCESS, rows) is before
    later = rows.plus(days_since_first_order=rows["days_since_first_order"] + 100.0)
    assert (Asked.of(PROCESS, later).p_order([30.0]) < before.p_order([30.0])).all()
    other = PROCESS.model_copy(update={"alpha_weeks": 12.0})
    assert (Asked.of(other, rows).p_order([30.0]) != before.p_order([30.0])).all()


@pytest.mark.parametrize("on_day", [None, 95, 103])
def test_the_days_ahead_are_those_of_each_horizon_to_the_bit(on_day: int | None) -> None:
    assert LEVEL.ahead(on_day, DAYS) == [LEVEL.business_days(on_day, days) for days in DAYS]
    each = np.array([95, 103])
    assert [found.tolist() for found in LEVEL.ahead(each, DAYS)] == [
        LEVEL.business_days(each, days).tolist() for days in DAYS
    ]
