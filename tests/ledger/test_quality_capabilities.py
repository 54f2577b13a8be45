"""Every kind of data is counted where it is, and found missing where it is not."""

import pytest

from ledger.quality.capability import CAPABILITIES, held
from ledger.quality.relations import stage
from tests.ledger.histories import Rows, event, line, on_day, opened, person, product

DATES_ALONE = {"orders": [line("ann", "1", on_day(0, hour=0))]}
EVERYTHING: dict[str, Rows] = {
    "orders": [
        line("ann", "1", product_id="p", quantity_milli=1000, discount_minor=0),
        line("ann", "1", product_id="p", status="refunded", net_minor=-100),
    ],
    "products": [product("p", category="Tea", discontinued=True, in_stock=False)],
    "customers": [
        person(
            "bob",
            signed_up_at=on_day(0),
            email="b@shop.example",
            phone="+49123",
            country="DE",
            city="Bonn",
            birth_date=on_day(-9000).date(),
            loyalty_member=False,
            email_consent=False,
            sms_consent=False,
            ads_consent=True,
        )
    ],
    "events": [
        event("Product Viewed", 1, session_id="s", properties='{"device_type": "phone"}'),
        *[
            event(name, 2 + number)
            for number, name in enumerate(
                (
                    "Product List Viewed",
                    "Products Searched",
                    "Product Added",
                    "Checkout Started",
                    "Payment Info Entered",
                    "Product Reviewed",
                    "Email Delivered",
                    "Email Opened",
                    "Unsubscribed",
                )
            )
        ],
    ],
    "subscriptions": [
        {
            "subscription_id": "1",
            "customer_id": "ann",
            "product_id": "p",
            "started_at": on_day(0),
            "known_at": on_day(0),
        }
    ],
    "reminders": [{"reminder_id": "1", "customer_id": "ann", "sent_at": on_day(0), "known_at": on_day(0)}],
    "pauses": [{"pause_id": "1", "customer_id": "ann", "paused_at": on_day(0), "known_at": on_day(0)}],
}


def _found(tables: dict[str, Rows]) -> dict[str, int]:
    with opened(tables) as connection:
        stage(connection, None)
        return {each.name: each.found for each in held(connection, CAPABILITIES)}


@pytest.mark.parametrize("name", [capability.name for capability in CAPABILITIES])
def test_a_shop_that_brings_everything_has_it(name: str) -> None:
    # Of ten events by visitors, seven are things done in the shop.
    assert _found(EVERYTHING)[name] == {"visitors": 10, "activity": 7}.get(name, 1)


def test_a_shop_that_gives_dates_and_amounts_alone_has_nothing_else() -> None:
    assert set(_found(DATES_ALONE).values()) == {0}


def test_somebody_who_ordered_under_another_id_has_ordered() -> None:
    tables = {
        "orders": [line("ann", "1")],
        "customers": [person("ann"), person("ann2")],
        "identities": [
            {"anonymous_id": "ann2", "customer_id": "ann", "known_at": on_day(0), "how": "merged"}
        ],
    }

    assert _found(tables)["never_ordered"] == 0
