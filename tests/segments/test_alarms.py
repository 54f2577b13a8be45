from datetime import UTC, datetime, timedelta

import pytest

from ledger.engine import open_engine
from segments.alarms import Flow, Jump, Size, flow, jump

START = datetime(2024, 1, 1, tzinfo=UTC)


def sizes(*counts: int, days: int = 1, version: int = 1) -> list[Size]:
    return [Size(START + timedelta(days=days * place), version, count) for place, count in enumerate(counts)]


CALM = (1000, 1010, 995, 1005, 1000, 1012, 1003)


def test_a_change_beyond_a_segments_own_past_is_a_jump_and_says_what_was_to_be_expected() -> None:
    found = jump(sizes(*CALM, 1600))
    assert isinstance(found, Jump)
    assert (found.before, found.size) == (1003, 1600)
    assert 790 < found.low < 1003 < found.high < 1270  # a quarter either way: its past is calmer than that


@pytest.mark.parametrize("last", [1003, 1200, 850])
def test_a_change_of_less_than_a_quarter_never_is(last: int) -> None:
    assert jump(sizes(*CALM, last)) is None


def test_the_same_change_is_none_in_a_segment_that_always_moves_like_that() -> None:
    assert jump(sizes(1000, 1500, 900, 1600, 1000, 1500, 1000, 1600)) is None


def test_a_steady_growth_is_not_a_jump_and_its_end_is() -> None:
    growing = [round(100 * 1.5**place) for place in range(8)]
    assert jump(sizes(*growing)) is None
    assert jump(sizes(*growing, growing[-1] // 2)) is not None


def test_a_small_segment_may_double_by_chance() -> None:
    assert jump(sizes(4, 4, 4, 4, 4, 4, 4, 9)) is None
    assert jump(sizes(400, 400, 400, 400, 400, 400, 400, 900)) is not None


def test_more_days_between_runs_allow_more() -> None:
    # A median move of 0.1 a day: 0.7 is nothing in a month and an alarm overnight.
    moving = sizes(1000, 1100, 1000, 1100, 1000, 1100, 1000)
    assert jump([*moving, Size(moving[-1].as_of + timedelta(days=30), 1, 2000)]) is None
    assert jump([*moving, Size(moving[-1].as_of + timedelta(days=1), 1, 2000)]) is not None


def test_runs_of_another_definition_and_a_short_past_say_nothing() -> None:
    assert jump([*sizes(*CALM), Size(START + timedelta(days=99), 2, 5000)]) is None
    assert jump(sizes(1000, 1000, 1000, 1000, 1000, 5000)) is None
    assert jump([]) is None


def test_orders_stopped_when_silent_longer_than_ever_and_than_the_flow_explains() -> None:
    busy, rare = Flow(orders_a_day=50.0, longest_silence_days=3), Flow(0.2, 20)
    assert [busy.stopped(days) for days in (0.5, 3.0, 3.1)] == [False, False, True]
    # Longer than any silence of the year, but seven orders would have been due only after 35 days.
    assert [rare.stopped(days) for days in (21.0, 34.0, 36.0)] == [False, False, True]


def test_the_flow_is_of_eight_weeks_and_the_silence_of_a_year_known_before_the_cutoff() -> None:
    with open_engine() as connection:
        connection.execute(
            """CREATE TABLE ledger_orders AS
            SELECT 'o' || n AS order_id, TIMESTAMPTZ '2024-01-01 12:00:00Z' + n * INTERVAL 1 DAY AS ordered_at,
                   TIMESTAMPTZ '2024-01-01 12:00:00Z' + n * INTERVAL 1 DAY AS known_at
            FROM range(0, 100) t(n) WHERE n NOT BETWEEN 11 AND 14
            UNION ALL SELECT 'late', TIMESTAMPTZ '2024-04-09 13:00:00Z', TIMESTAMPTZ '2024-06-01 00:00:00Z'"""
        )
        found = flow(connection, datetime(2024, 5, 1, tzinfo=UTC))
        assert found == Flow(orders_a_day=1.0, longest_silence_days=5)
        assert flow(connection, datetime(2023, 1, 1, tzinfo=UTC)) is None
