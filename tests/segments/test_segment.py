import pytest
from pydantic import ValidationError

from segments.expression import parse
from segments.segment import Segment, load_library
from segments.vocabulary import SegmentColumn

LIBRARY = load_library()


def test_the_library_holds_the_twelve_cells_and_the_segments_that_orders_allow() -> None:
    names = [segment.name for segment in LIBRARY]
    assert len(names) == len(set(names))
    assert names[0] == "prospect_active"
    wanted = (
        "likely_to_churn medium_churn_risk low_churn_risk at_risk_high_value ready_to_buy likely_7_day_purchasers "
        "high_lifetime_value long_shots rising_value falling_value expected_this_week slipping_away "
        "dormant_by_own_cycle win_back_moment not_worth_a_discount bought_once loyal_customers "
        "recent_first_time_buyers one_big_order full_price_customers"
    )
    assert set(wanted.split()) <= set(names)


@pytest.mark.parametrize("segment", LIBRARY, ids=lambda segment: segment.name)
def test_every_segment_of_the_library_parses_over_the_shipped_columns(
    segment: Segment, columns: dict[str, SegmentColumn]
) -> None:
    assert parse(segment.expression, columns, {each.name: each for each in LIBRARY}).sentence
    assert segment.description.endswith(".")
    assert segment.advice.endswith(".")


def test_a_segment_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="colour"):
        Segment(name="a", title="A", description="A.", expression="orders = 1", advice="B.", colour="red")  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["", "Big Spenders", "1st", "über", "a'b"])
def test_a_segments_name_is_a_slug(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        Segment(name=name, title="A", description="A.", expression="orders = 1", advice="B.")
