"""The days between those that a forecast names."""

import duckdb
import pytest

from serving.reminders.curve import bought_between_sql, cumulative_sql, hazards_sql, horizons


def bought_between(start: int, end: int, p: dict[int, float]) -> float:
    days = tuple(p)
    given = ", ".join(f"{value!r} as p_due_{day}d" for day, value in p.items())
    sql = f"select {bought_between_sql(start, end, days)} from (select {hazards_sql(days)} from (select {given}))"
    with duckdb.connect() as connection:
        return float(connection.execute(sql).fetchall()[0][0])


def test_the_horizons_are_those_that_the_forecast_names() -> None:
    assert horizons(["customer_id", "p_due_30d", "p_due_7d", "p_due_14d", "xp_due_1d", "p_due_d"]) == (
        7,
        14,
        30,
    )


@pytest.mark.parametrize(("day", "p"), [(7, 0.2), (14, 0.5), (30, 0.9)])
def test_the_forecasts_own_probabilities_are_kept(day: int, p: float) -> None:
    assert bought_between(0, day, {7: 0.2, 14: 0.5, 30: 0.9}) == pytest.approx(p)


def test_a_day_in_between_has_an_even_share_of_the_hazard() -> None:
    # 1 - 0.36 = 0.8 * 0.8: half of the hazard of fourteen days by the seventh.
    assert bought_between(0, 7, {14: 0.36}) == pytest.approx(0.2)
    assert bought_between(7, 14, {14: 0.36}) == pytest.approx(0.8 * 0.2)


def test_after_the_last_horizon_the_last_hazard_goes_on() -> None:
    assert bought_between(0, 21, {7: 0.1, 14: 0.19}) == pytest.approx(1 - 0.9**3)


def test_the_parts_add_up_to_the_whole() -> None:
    p = {7: 0.3, 14: 0.4, 30: 0.7}
    assert sum(bought_between(day, day + 1, p) for day in range(30)) == pytest.approx(0.7)


def test_a_certain_purchase_and_one_that_falls_by_rounding_stay_probabilities() -> None:
    assert bought_between(0, 14, {7: 1.0, 14: 1.0}) == pytest.approx(1.0)
    assert bought_between(7, 14, {7: 0.5, 14: 0.4999999}) == 0.0


def test_no_day_needs_no_curve() -> None:
    assert cumulative_sql(0, (7,)) == "0e0"
