import pytest

from ledger.errors import InputError
from segments.expression import parse
from segments.vocabulary import SegmentColumn

Columns = dict[str, SegmentColumn]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("churn_probability_90d > 0.66", "predicted chance of leaving within 90 days is over 66 %"),
        ("days_since_last_order > 30", "the last order was more than 30 days ago"),
        ("30 < days_since_last_order", "the last order was more than 30 days ago"),
        ("days_since_last_order = 1", "the last order was exactly 1 day ago"),
        ("clv_365d >= 1200", "predicted spend in the next 365 days is at least 1,200 US dollars"),
        (
            "days_since_last_order > 30 and days_since_last_order <= 90",
            "the last order was more than 30 days ago and at most 90 days ago",
        ),
        (
            "days_since_last_order > 2 * median_gap_days",
            "the last order was longer ago than 2 times the usual time between orders",
        ),
        (
            "orders = 1 and (days_since_last_order < 7 or days_since_last_order is unknown)",
            "number of orders is 1, and the last order was less than 7 days ago or at an unknown time",
        ),
        (
            "orders = 1 and (in_top(clv_365d, 5) or not p_order_7d < 0.5)",
            (
                "number of orders is 1, and either predicted spend in the next 365 days is in the top 5 % "
                "or predicted chance of ordering within 7 days is at least 50 %"
            ),
        ),
        (
            "orders = 1 or orders = 2 and spend > 100",
            "either number of orders is 1; or number of orders is 2 and total net spend is over 100 US dollars",
        ),
        ("between_percentiles(spend, 21, 93)", "total net spend is between its 21st and 93rd percentile"),
        (
            "lifecycle in ('loyal_active', 'repeat_active', 'one_timer_active')",
            "place in the lifecycle grid is “loyal_active”, “repeat_active” or “one_timer_active”",
        ),
    ],
)
def test_a_condition_reads_as_a_marketer_would_write_it(text: str, sentence: str, columns: Columns) -> None:
    assert parse(text, columns).sentence == sentence


def test_the_numbers_of_a_release_take_the_place_of_their_names(columns: Columns) -> None:
    text = "days_since_last_order <= active_until(1) and p_order_7d >= 2 * mean_of(p_order_7d)"
    known = {"A_1": 41, "p_order_7d:mean": 0.05, "p_order_7d:known": 900}
    assert parse(text, columns).sentence == (
        "the last order was at most as long ago as the store's active limit for customers with 1 order "
        "and predicted chance of ordering within 7 days is at least 2 times the store-wide average"
    )
    assert parse(text, columns).describe(known) == (
        "the last order was at most 41 days ago "
        "and predicted chance of ordering within 7 days is at least 10 %"
    )


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("Orders >= 3", '("orders" >= 3.0e0)'),
        ("orders > -2", '("orders" > -2.0e0)'),
        ("city = 'it''s'", "(\"city\" = 'it''s')"),
        ("spend_90d / spend > 0.5", '(("spend_90d" / nullif("spend", 0)) > 0.5e0)'),
        ("not (orders > 3 or spend < 5)", '(("orders" <= 3.0e0) AND ("spend" >= 5.0e0))'),
        (
            "orders = 1 and (spend > 2 and spend < 3)",
            '(("orders" = 1.0e0) AND ("spend" > 2.0e0) AND ("spend" < 3.0e0))',
        ),
        ("orders > 1 -- the rest is a comment", '("orders" > 1.0e0)'),
    ],
)
def test_sql_is_built_from_operator_rows_quoted_columns_and_rewritten_literals(
    text: str, sql: str, columns: Columns
) -> None:
    assert parse(text, columns).sql() == sql


def test_an_expression_says_which_columns_and_percentiles_it_needs(columns: Columns) -> None:
    expression = parse("in_top(clv_365d, 25) and spend > mean_of(spend_90d) and orders >= 1", columns)
    assert expression.columns == {"clv_365d", "spend", "spend_90d", "orders"}
    assert expression.percentiles == {("clv_365d", 75.0)}
    assert {statistic.key for statistic in expression.statistics} == {"clv_365d:75.0", "spend_90d:mean"}


def test_a_release_without_the_number_a_condition_needs_is_refused_by_name(columns: Columns) -> None:
    with pytest.raises(InputError, match=r"no number for 'clv_365d:75.0'.*run `regulars train`"):
        parse("in_top(clv_365d, 25)", columns).sql({})


def test_a_statistic_of_a_column_without_any_known_value_is_unknown(columns: Columns) -> None:
    assert parse("in_top(clv_365d, 25)", columns).sql({"clv_365d:known": 0.0}) == (
        '("clv_365d" > CAST(NULL AS DOUBLE))'
    )
