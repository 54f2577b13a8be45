"""What a feature holds of one customer reads as a sentence, and every feature that ships is about something."""

import pytest

from features.catalog.shipped import CATALOG
from features.catalog.subjects import OTHER, subject_of
from features.feature import Feature
from features.words import said_of

FEATURE = {feature.name: feature for feature in CATALOG}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("days_since_last_order", 41.0, "the last order was 41 days ago"),
        ("orders_90d", 2.0, "number of orders in the last 90 days is 2"),
        ("mean_order_value", 24.9, "average order value is 24.90 euros"),
        ("median_gap_days", None, "usual time between orders is not known"),
        ("first_order_weekday", 7.0, "weekday of the first order is Sunday"),
        ("cutoff_month", 1.0, "month of the year is January"),
        ("has_email", 1.0, "e-mail address on record: yes"),
        ("loyalty_member", 0.0, "membership of the loyalty programme: no"),
        ("email_consent", None, "consent to e-mails: not known"),
    ],
)
def test_a_value_is_told_in_the_feature_own_words(name: str, value: float | None, text: str) -> None:
    assert said_of(FEATURE[name], value, "EUR") == text


def test_every_feature_that_ships_has_a_subject_and_another_is_about_something_else() -> None:
    assert [name for name in CATALOG.names if subject_of(name) is OTHER] == []
    assert subject_of(Feature("own", "count(*)", unit="orders", means="Own.").name) is OTHER


@pytest.mark.parametrize(
    ("names", "subject"),
    [
        (("spend_30d", "spend_90d", "spend_60d", "mean_order_value"), "money"),
        (("orders_30d", "orders_7d", "orders_30d_over_prior_30d"), "lately"),
        (("days_since_last_order", "orders"), "history"),
        (("weekend_order_share", "morning_order_share"), "times"),
        (("median_gap_days", "gap_regularity"), "rhythm"),
        (("store_season_30d", "orders_90d_year_ago"), "season"),
    ],
)
def test_features_that_say_nearly_the_same_have_one_subject(names: tuple[str, ...], subject: str) -> None:
    assert {subject_of(name).name for name in names} == {subject}
