from typing import NamedTuple

import pytest

from ledger.errors import InputError
from segments.expression import parse
from segments.vocabulary import SegmentColumn, vocabulary


class Row(NamedTuple):
    name: str
    unit: str
    means: str


def test_a_column_without_a_phrase_of_its_own_is_named_by_what_it_means() -> None:
    columns = vocabulary([Row("gap_spread", "ratio", "Deviation of the gaps; unknown below three orders.")])
    assert columns["gap_spread"] == SegmentColumn("gap_spread", "ratio", "deviation of the gaps")


def test_a_phrase_takes_the_horizon_from_the_columns_name() -> None:
    columns = vocabulary([Row("churn_probability_60d", "probability", "chance of not ordering")])
    assert columns["churn_probability_60d"].phrase == "predicted chance of leaving within 60 days"


def test_a_percentile_is_named_after_its_score() -> None:
    columns = vocabulary([Row("clv_365d_percentile", "percentile", "rank")])
    assert columns["clv_365d_percentile"].phrase == "percentile of the predicted spend in the next 365 days"
    assert columns["clv_365d_percentile"].unit == "percentile"


def test_days_since_an_event_are_spoken_of_as_the_event() -> None:
    columns = vocabulary([Row("days_since_last_order", "days", "Days from the last order to the cutoff.")])
    assert columns["days_since_last_order"] == SegmentColumn(
        "days_since_last_order", "days_ago", "the last order"
    )


def test_only_money_carries_the_currency() -> None:
    columns = vocabulary(
        [Row("spend", "currency", "Spend."), Row("orders", "orders", "Orders.")], currency="EUR"
    )
    assert (columns["spend"].currency, columns["orders"].currency) == ("EUR", "")


def test_the_lifecycle_column_is_known_and_the_customers_id_is_not() -> None:
    columns = vocabulary([Row("customer_id", "text", "Who.")])
    assert "lifecycle" in columns
    assert "customer_id" not in columns


def test_a_sensitive_attribute_is_refused_unless_the_owner_allows_it() -> None:
    text = "attribute('religion') = 'none'"
    with pytest.raises(InputError, match=r"looks sensitive.* sensitive_attributes in settings\.toml"):
        parse(text, vocabulary([]))
    with pytest.raises(InputError, match="'income' looks sensitive"):
        parse("attribute('income') = 'low'", vocabulary([], allowed=["religion"]))
    allowed = parse(text, vocabulary([], allowed=["religion"]))
    assert allowed.sentence == "“religion” is “none”"
    assert allowed == parse(text, vocabulary([], allowed=["religion", "income"]))
