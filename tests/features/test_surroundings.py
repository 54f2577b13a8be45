"""What customers did and who they are, by a small shop's week that can be read."""

from typing import Any

import pandas as pd
import pytest

from features.catalog.shipped import CATALOG, CORE
from features.cutoff import Cutoff
from features.feature import Feature
from features.frames import connect_frames
from features.snapshot import compute, snapshot
from features.surroundings import NAMES, orders_alone, read_store
from ledger.errors import InputError
from tests.features.shop_week import CUSTOMERS, CUTOFF, EVENTS, IDENTITIES, ORDERS, ZONE

AROUND = [feature for feature in CATALOG if feature.over in NAMES]


def described(cutoff: str = CUTOFF, **frames: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    """Return the shop's customers as of a cutoff; a frame that is given takes the place of the shop's."""
    given: dict[str, Any] = {"events": EVENTS, "customers": CUSTOMERS, "identities": IDENTITIES} | frames
    found = snapshot(given.pop("orders", ORDERS), cutoff, ZONE, **given).set_index("customer_id")
    return {str(customer): dict(row.dropna()) for customer, row in found.iterrows()}


def test_views_carts_and_visits_are_counted_with_what_the_customers_telephone_did() -> None:
    found = described()

    ann = {
        "product_views_7d": 2,
        "cart_additions_7d": 1,
        "checkouts_30d": 1,
        "checkout_steps_30d": 1,
        "visits_7d": 2,
    }
    ben = {
        "product_views_7d": 1,
        "searches_30d": 1,
        "cart_additions_7d": 1,
        "checkouts_30d": 1,
        "visits_7d": 2,
    }
    assert {name: found["ann"][name] for name in ann} == ann
    assert {name: found["ben"][name] for name in ben} == ben
    # The telephone's first visit went on past midnight: two visits, on three days.
    assert found["ben"]["active_days_30d"] == 3
    assert set(found) == {"ann", "ben", "cleo"}


def test_a_cart_is_abandoned_unless_it_was_bought_on_that_day_or_the_next() -> None:
    carts = {customer: row["abandoned_carts_7d"] for customer, row in described().items()}
    checkouts = {customer: row["abandoned_checkouts_7d"] for customer, row in described().items()}

    assert carts == {"ann": 0, "ben": 1, "cleo": 0}
    assert checkouts == {"ann": 0, "ben": 1, "cleo": 0}


def test_an_order_that_was_refunded_later_was_no_abandoned_cart() -> None:
    refund = {"customer_id": "cleo", "ordered_at": "2023-11-18 23:40", "known_at": "2023-11-19 10:00"}
    orders = pd.concat([ORDERS, pd.DataFrame([refund | {"net_amount": -64.90}])], ignore_index=True).assign(
        order_id=["1", "2", "3", "4", "4"], status=["paid"] * 4 + ["refunded"]
    )

    cleo = described(orders=orders)["cleo"]

    assert (cleo["orders"], cleo["abandoned_carts_7d"]) == (0, 0)


def test_a_telephone_is_its_owners_from_the_moment_this_is_known() -> None:
    assert described("2023-11-19")["ben"]["product_views_7d"] == 0
    assert described("2023-11-20")["ben"]["product_views_7d"] == 1


def test_a_kind_of_event_that_the_shop_never_recorded_is_unknown_and_one_that_it_did_is_0() -> None:
    assert "unsubscribed" not in described("2023-11-19")["ann"]
    assert described("2023-11-20")["ann"]["unsubscribed"] == 0
    assert described("2023-11-20")["ben"]["unsubscribed"] == 1
    without = described(events=None)["ann"]
    assert [f.name for f in AROUND if f.over == "events" and f.name in without] == []


def test_an_event_that_was_put_right_counts_as_it_was_known_last() -> None:
    first = {"event_id": "e1", "happened_at": "2023-11-10 12:00", "customer_id": "ann"}
    events = pd.DataFrame(
        [
            first | {"event": "Product Viewed", "known_at": "2023-11-10 12:00"},
            first | {"event": "Product Added", "known_at": "2023-11-15 12:00"},
        ]
    )

    assert described("2023-11-15", events=events)["ann"]["product_views_30d"] == 1
    then = described("2023-11-16", events=events)["ann"]
    assert (then["product_views_30d"], then["cart_additions_30d"]) == (0, 1)


def test_e_mails_are_counted_and_put_in_proportion() -> None:
    found = described()

    assert (found["ann"]["emails_delivered_7d"], found["ann"]["email_opens_per_delivered_90d"]) == (1, 1.0)
    assert (found["ben"]["emails_delivered_7d"], found["ben"]["email_opens_per_delivered_90d"]) == (1, 0.0)
    assert (found["cleo"]["emails_delivered_7d"], found["ann"]["days_since_last_email_click"]) == (0, 4)
    assert "email_opens_per_delivered_90d" not in found["cleo"]


def test_descriptions_say_who_a_customer_is_as_known_at_the_cutoff() -> None:
    found = described()

    # Ann turns 33 on the day; she signed up two days before her first order. Ben's next birthday is in a leap year.
    ann = {
        "age_years": 33,
        "days_to_next_birthday": 0,
        "days_sign_up_to_first_order": 2,
        "days_since_sign_up": 445,
    }
    ben = {"age_years": 35, "days_to_next_birthday": 101, "email_consent": 0, "has_email": 0, "has_phone": 1}
    assert {name: found["ann"][name] for name in ann} == ann
    assert {name: found["ben"][name] for name in ben} == ben
    assert "loyalty_member" not in found["ben"]
    assert described("2023-11-19")["ben"]["email_consent"] == 1
    # What the shop learnt of Cleo on the morning after the cutoff is not known yet.
    assert "has_email" not in found["cleo"]


def test_no_value_is_an_address_a_number_or_a_name() -> None:
    cutoff = Cutoff.at_midnight(pd.Timestamp(CUTOFF).date(), ZONE)
    with connect_frames(ORDERS, ZONE, events=EVENTS, customers=CUSTOMERS) as connection:
        schema = compute(connection, cutoff).schema

    assert {str(schema.field(feature.name).type) for feature in AROUND} == {"int64", "double"}


def test_the_store_is_the_same_for_all_its_customers_and_knows_its_season_after_13_months() -> None:
    days = pd.date_range("2022-10-01", "2023-11-19", freq="10D").strftime("%Y-%m-%d")
    orders = pd.DataFrame({"customer_id": "regular", "ordered_at": days, "net_amount": 10.0})
    christmas = pd.DataFrame(
        {"customer_id": "guest", "ordered_at": pd.date_range("2022-11-20", "2022-12-19"), "net_amount": 10.0}
    )
    christmas["ordered_at"] = christmas["ordered_at"].dt.strftime("%Y-%m-%d")

    found = described(orders=pd.concat([orders, christmas], ignore_index=True))
    young = described(orders=orders[orders["ordered_at"] > "2022-11-01"])

    store = [{f.name: row[f.name] for f in AROUND if f.over == "store"} for row in found.values()]
    assert store[0] == store[1]
    # 30 days of guests and 3 of the regular, of 66 in the year: 33 / 66 * 365 / 30.
    assert store[0]["store_season_30d"] == pytest.approx(365 / 60, rel=0.05)
    assert "store_season_30d" not in young["regular"]


def test_orders_alone_are_compared_with_the_store_and_leave_the_rest_unknown() -> None:
    cutoff = Cutoff.at_midnight(pd.Timestamp(CUTOFF).date(), ZONE)
    with connect_frames(ORDERS, ZONE, events=EVENTS, customers=CUSTOMERS) as connection:
        crowd = compute(connection, cutoff).to_pylist()
        store = orders_alone(read_store(connection))
    with connect_frames(ORDERS[ORDERS["customer_id"] == "ben"], ZONE) as connection:
        (ben,) = compute(connection, cutoff, store=store).to_pylist()

    known = {name: value for name, value in crowd[1].items() if name not in _told_by_more_than_orders()}
    assert known.items() <= ben.items()
    assert {ben[name] for name in _told_by_more_than_orders()} == {None}


def _told_by_more_than_orders() -> set[str]:
    return {feature.name for feature in AROUND if feature.over != "store"}


def test_the_features_of_models_wait_for_nothing_but_orders() -> None:
    assert not CORE.looks_around
    assert CATALOG.looks_around


def test_a_feature_that_is_0_or_unknown_names_what_the_store_records() -> None:
    with pytest.raises(InputError, match="unknown column 'no_visit' in 'store'; did you mean 'no_visits'"):
        Feature("f", "sum(visits)", unit="visits", means="A test.", over="events", empty="no_visit")


def test_a_frame_of_customers_says_since_when_it_was_known() -> None:
    with pytest.raises(InputError, match="the frame of customers needs the column known_at"):
        described(customers=CUSTOMERS.drop(columns="known_at"))
