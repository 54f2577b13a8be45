"""Explanations of one customer: what holds, how far it is off, and the day on which time alone changes it."""

from collections.abc import Mapping
from datetime import timedelta

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.cutoff import Cutoff
from features.snapshot import compute
from features.surroundings import read_store
from segments import known
from segments.ahead import days_ahead, recomputed
from segments.assign import assign, compile_segments
from segments.clock import clock_of
from segments.explain import Explainer, Explanation
from segments.measured import measure, relations_of
from segments.segment import Segment
from segments.told import Told, lines, missing
from segments.vocabulary import SegmentColumn
from tests.segments.test_measured import CUTOFF, event, ledger, line

Columns = dict[str, SegmentColumn]
Limits = Mapping[str, float]


def segment(expression: str, name: str = "one") -> Segment:
    return Segment(name=name, title=name.title(), description="D.", expression=expression, advice="A.")


def explained(expression: str, columns: Columns, limits: Limits, **facts: object) -> Explanation:
    known_numbers = {**limits, "clv_365d:90.0": 500.0, "p_order_30d:80.0": 0.4}
    scores = ["clv_365d", "p_order_30d", "churn_probability_90d"]
    (found,) = Explainer([segment(expression)], columns, known_numbers, scores=scores).explain(facts)
    return found


def test_each_clause_is_told_with_the_customers_value_and_how_far_it_is_off(
    columns: Columns, limits: Limits
) -> None:
    text = "orders >= 3 and days_since_last_order <= active_until(3) and in_top(clv_365d, 10)"
    found = explained(text, columns, limits, orders=4, days_since_last_order=52, clv_365d=449.5)
    assert not found.holds
    assert [(each.holds, each.asks, each.own, each.distance) for each in found.told.parts] == [
        (True, "number of orders is at least 3", "4", "1 to spare"),
        (False, "the last order was at most 40 days ago", "52 days ago", "12 days over"),
        (
            False,
            "predicted spend in the next 365 days is in the top 10 %",
            "449.50 US dollars",
            "50.50 US dollars short",
        ),
    ]
    assert [each.gap for each in found.told.parts] == [1.0, -12.0, -50.5]
    assert found.told.scores == ("clv_365d",)


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("orders between 2 and 5", {"orders": 4}, (True, "4", 1.0)),
        ("orders between 2 and 5", {"orders": 9}, (False, "9", -4.0)),
        ("orders not between 2 and 5", {"orders": 9}, (True, "9", 4.0)),
        ("not in_top(clv_365d, 10)", {"clv_365d": 450}, (True, "450 US dollars", 50.0)),
        ("median_gap_days > 30", {}, (None, "unknown", None)),
        ("loyalty_member", {"loyalty_member": 0}, (False, "no", -1.0)),
        ("did('Product Viewed')", {"times('Product Viewed')": 3}, (True, "3 times", None)),
        ("city = 'Bonn'", {"city": "Köln"}, (False, "“Köln”", None)),
        ("birth_date < '1980-01-01'", {"birth_date": 3650}, (True, "30 December 1979", 2.0)),
        ("includes(late_items, 'tea')", {"late_items": "\ncup\ntea\n"}, (True, "“cup”, “tea”", None)),
    ],
)
def test_a_value_of_every_kind_is_told_in_words(
    text: str,
    facts: dict[str, object],
    expected: tuple[bool | None, str, float | None],
    columns: Columns,
    limits: Limits,
) -> None:
    told = explained(text, columns, limits, **facts).told
    assert (told.holds, told.own, told.gap) == expected


def test_of_a_segment_that_he_is_not_to_be_in_it_is_told_what_that_one_asks(
    columns: Columns, limits: Limits
) -> None:
    both = [segment("orders >= 3 and spend > 5", "inner"), segment("not in_segment('inner')", "outer")]
    _, found = Explainer(both, columns, limits).explain({"orders": 4, "spend": 4})
    assert found.holds
    assert [(depth, each.holds, each.text) for depth, each in lines(found.told)] == [
        (0, True, "the customer is not in the segment “Inner”, which asks:"),
        (1, True, "number of orders is at least 3"),
        (1, False, "total net spend is over 5 US dollars"),
    ]
    _, found = Explainer(both, columns, limits).explain({"orders": 4, "spend": 6})
    (kept_out,) = missing(found.told)
    assert (found.holds, kept_out.asks, kept_out.own) == (
        False,
        "the customer is not in the segment “Inner”",
        "he is",
    )
    _, found = Explainer(both, columns, limits).explain({"orders": 4})
    assert (found.told.holds, found.told.own) == (None, "unknown")


def test_alternatives_stand_apart_and_the_nearest_says_what_is_missing(
    columns: Columns, limits: Limits
) -> None:
    text = "orders >= 3 and spend > 50 or orders = 1 and (spend > 9 or loyalty_member)"
    found = explained(text, columns, limits, orders=1, spend=8, loyalty_member=0)
    assert [(depth, each.holds, each.text) for depth, each in lines(found.told)] == [
        (0, False, "one of these:"),
        (1, False, "all of these:"),
        (2, False, "number of orders is at least 3"),
        (2, False, "total net spend is over 50 US dollars"),
        (1, False, "all of these:"),
        (2, True, "number of orders is 1"),
        (2, False, "one of these:"),
        (3, False, "total net spend is over 9 US dollars"),
        (3, False, "the customer is a member of the loyalty programme"),
    ]
    assert [each.asks for each in missing(found.told)] == ["total net spend is over 9 US dollars"]


def test_of_alternatives_as_near_the_one_meant_for_him_says_what_is_missing(
    columns: Columns, limits: Limits
) -> None:
    text = "orders >= 3 and spend > 5 or orders = 1 and spend > 9"
    found = explained(text, columns, limits, orders=1, spend=8)
    assert [each.asks for each in missing(found.told)] == ["total net spend is over 9 US dollars"]


def conditions(told: Told) -> list[Told]:
    return [told] if told.kind == "condition" else [each for part in told.parts for each in conditions(part)]


def test_what_a_prediction_decides_is_told_as_uncertain_and_what_outlives_it_as_the_latest_day(
    columns: Columns, limits: Limits
) -> None:
    facts = {"clv_365d": 900.0, "days_since_last_order": 10.0}
    turn = explained("in_top(clv_365d, 10) and days_since_last_order <= 40", columns, limits, **facts).turn
    assert (turn.days, turn.certain) == (31, False)
    assert turn.hangs_on == ("predicted spend in the next 365 days",)
    turn = explained("in_top(clv_365d, 10) or days_since_last_order <= 40", columns, limits, **facts).turn
    assert (turn.days, turn.certain) == (None, False)
    turn = explained("days_since_last_order > 40", columns, limits, **facts).turn
    assert (turn.days, turn.certain, turn.hangs_on) == (31, True, ())


def test_a_birthday_comes_by_itself(columns: Columns, limits: Limits) -> None:
    # Born on 1 January 1970; today is 1 January 2024 (day 19,723), so the next one is 366 days ahead.
    turn = explained(
        "anniversary(birth_date, within_days = 30)", columns, limits, birth_date=0, today=19_724
    ).turn
    assert (turn.days, turn.certain) == (365 - 29, True)


def test_every_column_has_a_clock_and_predictions_never_count_as_standing_still(columns: Columns) -> None:
    clocks = {name: clock_of(column) for name, column in columns.items()}
    assert clocks["days_since_last_order"] == clocks["days_since_sign_up"] == clocks["today"] == "ages"
    assert clocks["orders"] == clocks["median_gap_days"] == clocks["city"] == clocks["birth_date"] == "stays"
    assert clocks["spend_365d"] == clocks["clv_365d"] == clocks["refills_late"] == "moves"
    assert clocks["store_trend_30d"] == clocks["p_order_30d_percentile"] == clocks["age_years"] == "moves"


ASKED = (
    "orders >= 2 and days_since_last_order > 2 * median_gap_days",
    "days_since_last_order > active_until(1) and days_since_last_order <= churned_after(1)",
    "lifecycle in ('one_timer_at_risk', 'loyal_at_risk', 'repeat_at_risk')",
    "recency_score <= 2",
    "orders_90d >= 2 or spend_30d > 15",
    "orders_30d_of_90d < 0.5",
    "season_order_share > 0.5",
    "orders(within_days = 60, before_days = 20) >= 1 and not bought(product = 'tea', within_days = 45)",
    "did('Product Viewed', within_days = 30) and did_not('Product Viewed', within_hours = 100)",
    "did_then_not('Product Viewed', 'Order Completed', within_days = 50, followed_within_days = 3)",
    "last_order_on < days_ago(33) and first_order_on >= days_ago(77)",
    "not in_segment('s5') and product_views_30d = 0",
)
LIBRARY = [segment(text, f"s{number}") for number, text in enumerate(ASKED)]
NUMBERS = {f"days_since_last_order:{share}.0": float(share) for share in (20, 40, 60, 80)}
HOURS = st.integers(1, 24 * 120)


@settings(max_examples=4, deadline=None)
@given(
    bought=st.lists(st.tuples(HOURS, st.sampled_from(["tea", "cup"])), min_size=1, max_size=5, unique=True),
    viewed=st.lists(HOURS, max_size=3),
    between=st.integers(1, 700),
)
def test_on_the_day_told_membership_changes_and_never_before(
    bought: list[tuple[int, str]], viewed: list[int], between: int, columns: Columns, limits: Limits
) -> None:
    orders = [line("a", at, order=f"o{k}", product_id=product) for k, (at, product) in enumerate(bought)]
    orders += [line("other", 24 * 300), line("other", 30)]
    events = [event("a", "Product Viewed", at) for at in viewed] + [event("other", "Product Viewed", 9000)]
    numbers = {**limits, **NUMBERS}
    with ledger(orders, events) as connection:
        told, without_ledger = _ahead(connection, columns, numbers)
        today = _members(connection, columns, numbers, 0)
        assert {each.name for each in told if each.holds} == today
        assert all(each.turn.certain for each in told)
        for each, less in zip(told, without_ledger, strict=True):
            # What windows hang on is not known then: a day that is told is his last, or the very one.
            if less.turn.days is not None:
                assert each.turn.days is not None
                assert (
                    each.turn.days == less.turn.days
                    if less.turn.certain
                    else each.turn.days <= less.turn.days
                )
        for days in {min(each.turn.days or 700, between) for each in told}:
            on_that_day = _members(connection, columns, numbers, days - 1)
            for each in told:
                if each.turn.days is None or days - 1 < each.turn.days:
                    assert (each.name in on_that_day) == each.holds, (each.name, days - 1)
        for each in told:
            if each.turn.days is not None:
                then = _members(connection, columns, numbers, each.turn.days)
                assert (each.name in then) != each.holds, (each.name, each.turn)


def _ahead(
    connection: duckdb.DuckDBPyConnection, columns: Columns, numbers: Mapping[str, float]
) -> tuple[list[Explanation], list[Explanation]]:
    """Explain with the ledger at hand, and without."""
    assigner = compile_segments(LIBRARY, columns, numbers, {})
    features = recomputed(assigner.needs)
    compute(connection, CUTOFF)
    store = read_store(connection)
    recorded = known.recorded(connection, CUTOFF)
    days = days_ahead(
        connection, CUTOFF, "a", store, names=features, measured=assigner.measured, recorded=recorded
    )
    facts = _facts(connection, columns, numbers, 0).query("customer_id == 'a'").iloc[0].dropna()
    exact = (*features, *(each.name for each in assigner.measured))
    mine = {str(name): value for name, value in facts.items()}
    known_then = Explainer(LIBRARY, columns, numbers, exact=exact).explain(mine, days=days)
    return known_then, Explainer(LIBRARY, columns, numbers).explain(mine)


def _facts(
    connection: duckdb.DuckDBPyConnection, columns: Columns, numbers: Mapping[str, float], days: int
) -> pd.DataFrame:
    cutoff = CUTOFF.plus_days(days)
    assigner = compile_segments(LIBRARY, columns, numbers, {})
    found: pa.Table = compute(connection, cutoff)
    known.stage(connection, cutoff, found["customer_id"], relations_of(assigner.measured))
    measured = measure(connection, assigner.measured).to_pandas()
    frame: pd.DataFrame = found.to_pandas().merge(measured, on="customer_id")
    return frame


def _members(
    connection: duckdb.DuckDBPyConnection, columns: Columns, numbers: Mapping[str, float], days: int
) -> set[str]:
    found = assign(_facts(connection, columns, numbers, days), LIBRARY, numbers, {}, columns)
    return {row["segment"] for row in found.to_pylist() if row["customer_id"] == "a"}


def test_the_cutoff_moves_by_local_days() -> None:
    # What the property above relies on, across the change to summer time.
    cutoff = Cutoff(CUTOFF.at, "Europe/Berlin")
    assert cutoff.plus_days(40).day - cutoff.day == 40
    assert cutoff.plus_days(40).at - cutoff.at == timedelta(days=40, hours=-1)
