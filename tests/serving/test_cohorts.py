"""Cohorts of a shop small enough to be counted by hand, and the page that tells of them."""

from datetime import date

import pandas as pd
import pytest
from pydantic import TypeAdapter

from features import numbered
from features.cutoff import Cutoff
from features.frames import connect_frames
from segments.segment import load_library
from serving.cohorts import found
from serving.cohorts.count import count
from serving.cohorts.found import Cohorts, Month
from serving.cohorts.told import CohortsAnswer
from serving.erasure import remove
from serving.live import Live
from tests.serving.shop import Shop
from tests.serving.test_pages import get

CUTOFF = Cutoff.at_midnight(date(2024, 5, 10), "UTC")
ORDERS = pd.DataFrame(
    [
        # Two came in January; a came back in February and March, b never.
        ("a", "2024-01-05T10:00:00", 10.0, "beans", "web"),
        ("a", "2024-01-05T18:00:00", 2.0, "filter", "web"),
        ("a", "2024-02-04T10:00:00", 20.0, "beans", "shop"),
        ("a", "2024-03-04T10:00:00", 30.0, "beans", "web"),
        ("b", "2024-01-31T10:00:00", 8.0, "filter", "shop"),
        # One came in March and again in April.
        ("c", "2024-03-20T10:00:00", 40.0, "beans", "web"),
        ("c", "2024-04-19T10:00:00", 5.0, "beans", "web"),
        # May is under way, and what is after the cutoff is not known.
        ("d", "2024-05-02T10:00:00", 99.0, "beans", "web"),
        ("b", "2024-05-11T10:00:00", 99.0, "beans", "web"),
    ],
    columns=["customer_id", "ordered_at", "net_amount", "product_id", "channel"],
)


@pytest.fixture
def counted() -> Cohorts:
    with connect_frames(ORDERS, "UTC") as connection:
        return count(connection, CUTOFF, {"all": 30.0, "web": 12.0})


def test_a_cohort_is_who_first_ordered_in_a_month_and_what_they_did_in_each_that_is_over(
    counted: Cohorts,
) -> None:
    assert counted.months == (
        Month(month="2024-01", customers=2, active=(2, 1, 1, 0), value=(20.0, 40.0, 70.0, 70.0)),
        Month(month="2024-03", customers=1, active=(1, 1), value=(40.0, 45.0)),
    )


def test_orders_of_one_day_are_one_and_a_second_one_is_awaited_by_who_has_none_yet(counted: Cohorts) -> None:
    share = {each.day: (each.share, each.customers) for each in counted.second}
    # d has been a customer for 8 days and drops out; a and c, two of the three left, come back after 30 days.
    assert share[8] == (0.0, 4)
    assert share[29] == (0.0, 3)
    assert share[30] == pytest.approx((2 / 3, 3))
    assert max(share) == 100  # b's first order, 100 days ago


def test_the_same_comes_out_when_customers_are_counted_in_turns(
    counted: Cohorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbered, "LINES_AT_ONCE", 2)
    with connect_frames(ORDERS, "UTC") as connection:
        assert count(connection, CUTOFF, {"all": 30.0, "web": 12.0}) == counted


def test_first_products_and_channels_are_compared_by_who_came_back_in_time(counted: Cohorts) -> None:
    by_name = {(each.kind, each.name): each for each in counted.firsts}
    # Of a's first day the product counts that most was spent on; c and d are too new to be told of.
    beans = by_name["product", "beans"]
    assert (beans.customers, beans.old_enough, beans.came_back, beans.value) == (3, 1, 1, 62.0)
    filters = by_name["product", "filter"]
    assert (filters.customers, filters.old_enough, filters.came_back, filters.value) == (1, 1, 0, 8.0)
    assert by_name["channel", "web"].customers == 3
    assert by_name["channel", "shop"].customers == 1


def opened(shop: Shop) -> Live:
    live = Live()
    live.open(shop.home, load_library)
    return live


def test_the_page_tells_shares_means_and_when_a_customer_has_paid_back(
    own_shop: Shop, counted: Cohorts
) -> None:
    found.write(own_shop.home, counted)
    answered = get(opened(own_shop), "/v1/cohorts")
    assert TypeAdapter(CohortsAnswer).validate_json(answered.content).counted_as_of == CUTOFF.local_date
    told = answered.json()
    assert told["months"][0]["kept"] == [1.0, 0.5, 0.5, 0.0]
    assert told["months"][0]["value_each"] == [10.0, 20.0, 35.0, 35.0]
    # By the end of the first month three customers had spent 60, of the third two 70.
    assert [(each["customers"], each["value"]) for each in told["value_by_age"]][:3] == [
        (3, 20.0),
        (3, pytest.approx(85 / 3)),
        (2, 35.0),
    ]
    assert told["payback"] == {"cost": 30.0, "months": 2}
    assert {each["name"]: each["cost"] for each in told["channels"]} == {"web": 12.0, "shop": 30.0}
    page = get(opened(own_shop), "/cohorts").text
    assert "2024\u201103" in page
    assert "A new customer costs" in page


def test_without_a_cost_the_page_says_what_is_missing(own_shop: Shop, counted: Cohorts) -> None:
    found.write(own_shop.home, counted.model_copy(update={"acquisition_costs": {}}))
    assert get(opened(own_shop), "/v1/cohorts").json()["payback"] is None
    assert "acquisition_costs = { all = 12.5 }" in get(opened(own_shop), "/cohorts").text


def test_a_shop_that_was_not_counted_yet_and_a_damaged_count_say_what_to_do(own_shop: Shop) -> None:
    assert "Nothing was counted yet" in get(opened(own_shop), "/cohorts").text
    own_shop.home.cohorts.write_text("{")
    assert get(opened(own_shop), "/v1/cohorts").status_code == 503


def test_an_erasure_removes_the_count_in_which_one_may_be_alone(own_shop: Shop, counted: Cohorts) -> None:
    found.write(own_shop.home, counted)
    remove(own_shop.home, ["c001"])
    assert found.read(own_shop.home) is None
