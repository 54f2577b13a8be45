import duckdb
import pytest

from segments.expression import parse
from segments.segment import load_library
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
            "the last order was 45 days ago (longer ago than 2 times the usual time between orders, that is 40 days)",
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


def test_money_that_is_not_whole_is_written_to_the_cent_in_the_limit_as_in_the_value(
    columns: Columns,
) -> None:
    known = {"spend_365d:mean": 96.9, "clv_365d:50.0": 1200.0}
    text = "spend_365d > mean_of(spend_365d) and clv_365d > percentile_of(clv_365d, 50) and spend > 99.5"
    assert parse(text, columns).describe(known) == (
        "net spend in the last 365 days is over 96.90 US dollars, predicted spend in the next 365 days is over "
        "1,200 US dollars and total net spend is over 99.50 US dollars"
    )


def test_a_number_that_the_store_does_not_have_is_named_and_not_called_unknown(columns: Columns) -> None:
    text = "spend_365d >= mean_of(spend_365d) + 1.5 * deviation_of(spend_365d)"
    parsed = parse(text, columns)
    assert parsed.describe({"spend_365d:known": 0.0}) == parsed.sentence
    assert parsed.sentence.endswith("the store-wide average plus 1.5 times the store-wide standard deviation")


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


def test_what_follows_a_without_is_not_read_as_part_of_it(columns: Columns) -> None:
    shipped = {segment.name: segment for segment in load_library()}
    sentence = parse(shipped["checkout_left_at_payment"].expression, columns, shipped).sentence
    assert sentence == (
        "the customer has started to check out in the last 7 days without having placed an order since "
        "and has entered payment details in the last 7 days"
    )
