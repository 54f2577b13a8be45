"""Where a pair stands, on the first and the last day of each state."""

from datetime import date

import duckdb
import pytest

from features.cutoff import Cutoff
from serving.reminders import states

CUTOFF = Cutoff.at_midnight(date(2024, 6, 1), "UTC")


def state_of(
    elapsed: int, since_bought_else: int | None = None, times: int = 3, lead_days: int = 5
) -> tuple[str, str, str]:
    """Return state, since when and why of a pair with quantiles of 30, 40 and 60 days, bought so many days ago."""
    last = CUTOFF.day - elapsed
    other = "NULL" if since_bought_else is None else str(last + since_bought_else)
    with duckdb.connect() as connection:
        connection.execute(
            "create temp table reminder_rows as select 0 as row, "
            f"{last} as last_day, {elapsed} as elapsed, 30 as usual, 40 as usual_p75, 60 as usual_p95, "
            f"cast({other} as bigint) as next_order_day, {times} as days_bought"
        )
        states.stage(connection, CUTOFF, lead_days)
        ((state, since, reason),) = connection.execute(
            "select state, cast(state_since as varchar), state_reason from reminder_states"
        ).fetchall()
    return state, since, reason


@pytest.mark.parametrize(
    ("elapsed", "state"),
    [
        (0, "not_due"),
        (24, "not_due"),
        (25, "due_soon"),  # 30 less the lead of 5 days
        (29, "due_soon"),
        (30, "due_now"),
        (39, "due_now"),
        (40, "late"),
        (59, "late"),
        (60, "lost"),
        (500, "lost"),
    ],
)
def test_a_state_holds_from_its_first_day_to_the_day_before_the_next(elapsed: int, state: str) -> None:
    assert state_of(elapsed, since_bought_else=20)[0] == state


def test_the_lead_days_are_a_setting() -> None:
    assert [state_of(28, lead_days=days)[0] for days in (0, 1, 2)] == ["not_due", "not_due", "due_soon"]


def test_who_has_bought_nothing_at_all_since_is_not_lost_on_this_product() -> None:
    assert state_of(60, since_bought_else=None)[0] == "not_due"
    assert state_of(59, since_bought_else=None)[0] == "late"


@pytest.mark.parametrize(
    ("elapsed", "other", "since"),
    [
        (10, None, "2024-05-22"),  # the purchase
        (27, None, "2024-05-30"),  # five days before the thirtieth
        (31, None, "2024-05-31"),  # the thirtieth
        (45, None, "2024-05-27"),  # the fortieth
        (70, 20, "2024-05-22"),  # the sixtieth; something else was bought before
        (70, 65, "2024-05-27"),  # something else was bought only on the sixty-fifth
    ],
)
def test_a_state_says_since_when_it_holds(elapsed: int, other: int | None, since: str) -> None:
    assert state_of(elapsed, since_bought_else=other)[1] == since


@pytest.mark.parametrize(
    ("elapsed", "times", "reason"),
    [
        (29, 4, "usually every 30 days; last bought on 3 May, 29 days ago; due in 1 day"),
        (30, 4, "usually every 30 days; last bought on 2 May, 30 days ago; due today"),
        (33, 4, "usually every 30 days; last bought on 29 April, 33 days ago; due since 29 May"),
        (45, 4, "usually every 30 days; last bought on 17 April, 45 days ago, 15 days over"),
        (
            29,
            3,
            "by 3 purchases and what others do, every 30 days; last bought on 3 May, 29 days ago; due in 1 day",
        ),
        (29, 1, "others buy it again after 30 days; bought once, on 3 May, 29 days ago; due in 1 day"),
        (10, 4, "usually every 30 days; last bought on 22 May, 10 days ago; due in 20 days, on 21 June"),
    ],
)
def test_the_reason_names_the_customers_own_numbers(elapsed: int, times: int, reason: str) -> None:
    assert state_of(elapsed, times=times)[2] == reason


def test_a_date_in_another_year_names_the_year() -> None:
    assert "last bought on 1 June 2023, 366 days ago" in state_of(366, since_bought_else=5)[2]


def test_every_day_after_a_purchase_has_one_state_and_they_come_in_order() -> None:
    order = ["not_due", "due_soon", "due_now", "late", "lost"]
    places = [order.index(state_of(elapsed, since_bought_else=1)[0]) for elapsed in range(90)]
    assert places == sorted(places)
    assert set(places) == set(range(5))
