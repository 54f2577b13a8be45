import duckdb
import pytest

from segments.expression import parse
from segments.vocabulary import SegmentColumn

Columns = dict[str, SegmentColumn]
CUSTOMER = {
    "orders": 4.0,
    "days_since_last_order": 45.0,
    "median_gap_days": 20.0,
    "churn_probability_90d": 0.784,
    "clv_365d": 512.5,
    "lifecycle": "loyal_at_risk",
}


def reasons(text: str, columns: Columns, known: dict[str, float] | None = None) -> list[str]:
    expression = parse(text, columns)
    fields = ", ".join(
        f"{value!r}{'' if isinstance(value, str) else '::DOUBLE'} AS {name}"
        for name, value in CUSTOMER.items()
    )
    rows = duckdb.execute(
        f"SELECT {expression.reasons_sql(known)} FROM (SELECT {fields}, NULL::DOUBLE AS spend) "
        f"WHERE {expression.sql(known)}"
    ).fetchall()
    ((texts,),) = rows
    return list(texts)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("churn_probability_90d > 0.66", "predicted chance of leaving within 90 days is 78.4 % (over 66 %)"),
        ("days_since_last_order > 30", "the last order was 45 days ago (more than 30 days ago)"),
        ("orders = 4", "number of orders is 4"),
        ("orders in (3, 4)", "number of orders is 4"),
        ("lifecycle = 'loyal_at_risk'", "place in the lifecycle grid is “loyal_at_risk”"),
        ("spend is unknown", "total net spend is unknown"),
        (
            "days_since_last_order > 2 * median_gap_days",
            "the last order was 45 days ago (longer ago than 2 times the usual time between orders, 40 days)",
        ),
        (
            "clv_365d / orders > 100",
            "predicted spend in the next 365 days divided by the number of orders is 128.12 (over 100)",
        ),
    ],
)
def test_a_reason_holds_the_customers_own_value_and_the_limit(
    text: str, reason: str, columns: Columns
) -> None:
    assert reasons(text, columns) == [reason]


def test_a_reason_names_a_percentile_as_the_condition_does(columns: Columns) -> None:
    assert reasons("in_top(clv_365d, 25)", columns, {"clv_365d:75.0": 300.0}) == [
        "predicted spend in the next 365 days is 512.50 US dollars (in the top 25 %)"
    ]


def test_each_satisfied_condition_gives_one_reason(columns: Columns) -> None:
    assert reasons("orders >= 3 and (orders > 9 or clv_365d > 500)", columns) == [
        "number of orders is 4 (at least 3)",
        "predicted spend in the next 365 days is 512.50 US dollars (over 500 US dollars)",
    ]


def test_what_holds_in_a_branch_that_does_not_hold_is_no_reason(columns: Columns) -> None:
    assert reasons("orders >= 3 and clv_365d > 900 or orders = 4", columns) == ["number of orders is 4"]


def test_under_not_the_reason_is_what_is_the_case(columns: Columns) -> None:
    assert reasons("not (orders < 3 or days_since_last_order > 90)", columns) == [
        "number of orders is 4 (at least 3)",
        "the last order was 45 days ago (at most 90 days ago)",
    ]
