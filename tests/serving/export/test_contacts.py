"""Who may be delivered by which address, and why the others may not."""

import pytest

from ledger.tables.customers import CUSTOMERS
from serving.export.contacts import by_address
from serving.export.destination import Destination
from serving.export.google import GOOGLE
from serving.export.klaviyo import KLAVIYO
from serving.export.members import newest
from serving.export.meta import META
from tests.serving.export.shop import NOW, SEGMENT, Loyal

AUDIENCES = [META, GOOGLE, KLAVIYO]


def chosen(
    shop: Loyal, destination: Destination = META
) -> tuple[dict[str, tuple[str | None, str | None]], dict[str, int]]:
    """Return e-mail and phone by customer, and how many are left out why."""
    assert destination.audience is not None
    found = by_address(shop.home, newest(shop.home, SEGMENT), destination.audience, NOW)
    rows = found.contacts.to_pylist()
    return {row["customer_id"]: (row["email"], row["phone"]) for row in rows}, found.left_out


@pytest.mark.parametrize("destination", AUDIENCES, ids=lambda each: each.name)
@pytest.mark.parametrize("said", ["", "no"])
def test_who_did_not_say_yes_is_left_out(shop: Loyal, destination: Destination, said: str) -> None:
    shop.customers(f"a,2024-01-01,a@example.org,+49301234567,,,,{said},{said},{said}")
    shop.run(0, "a")
    assert chosen(shop, destination) == ({}, {"no_consent": 1})


@pytest.mark.parametrize("destination", [META, GOOGLE], ids=lambda each: each.name)
def test_consent_to_letters_is_no_consent_to_advertising(shop: Loyal, destination: Destination) -> None:
    shop.customers("a,2024-01-01,a@example.org,+49301234567,,,,yes,yes,no")
    shop.run(0, "a")
    assert chosen(shop, destination) == ({}, {"no_consent": 1})


def test_klaviyo_gets_each_address_by_its_own_consent(shop: Loyal) -> None:
    shop.customers(
        "a,2024-01-01,a@example.org,+49301111111,,,,yes,no,yes",
        "b,2024-01-01,b@example.org,+49302222222,,,,no,yes,yes",
        "c,2024-01-01,c@example.org,+49303333333,,,,yes,yes,yes",
    )
    shop.run(0, "a", "b", "c")
    assert chosen(shop, KLAVIYO)[0] == {
        "a": ("a@example.org", None),
        "b": (None, "+49302222222"),
        "c": ("c@example.org", "+49303333333"),
    }


def test_the_row_known_last_decides_and_what_it_does_not_say_is_no(shop: Loyal) -> None:
    shop.customers(
        "withdrew,2024-01-01,a@example.org,,,,,,,yes",
        "withdrew,2024-02-01,a@example.org,,,,,,,no",
        "silent,2024-01-01,b@example.org,,,,,,,yes",
        "silent,2024-02-01,b@example.org,,,,,,,",
        "agreed,2024-01-01,c@example.org,,,,,,,no",
        "agreed,2024-02-01,new@example.org,,,,,,,yes",
    )
    shop.run(0, "withdrew", "silent", "agreed")
    assert chosen(shop) == ({"agreed": ("new@example.org", None)}, {"no_consent": 2})


def test_of_two_rows_of_one_instant_the_one_that_allows_less_counts(shop: Loyal) -> None:
    shop.customers("a,2024-01-01,a@example.org,,,,,,,yes", "old,2024-01-01,a@example.org,,,,,,,no")
    shop.same("old,a")
    shop.run(0, "a")
    assert chosen(shop) == ({}, {"no_consent": 1})


def test_who_was_merged_into_another_is_known_by_the_last_row_of_all_his_ids(shop: Loyal) -> None:
    shop.customers("old,2024-03-01,old@example.org,,,,,,,yes", "a,2024-01-01,a@example.org,,,,,,,no")
    shop.same("old,a")
    shop.run(0, "a")
    assert chosen(shop) == ({"a": ("old@example.org", None)}, {})


def test_an_address_that_another_customer_refused_is_not_used(shop: Loyal) -> None:
    shop.customers(
        "a,2024-01-01,both@example.org,+49301111111,,,,,,yes", "guest,2024-01-01,both@example.org,,,,,,,no"
    )
    shop.run(0, "a")
    assert chosen(shop) == ({"a": (None, "+49301111111")}, {})


def test_an_address_is_delivered_once(shop: Loyal) -> None:
    shop.customers(
        "a,2024-01-01,both@example.org,+49301111111,,,,,,yes",
        "b,2024-01-01,both@example.org,+49302222222,,,,,,yes",
        "c,2024-01-01,both@example.org,+49301111111,,,,,,yes",
    )
    shop.run(0, "a", "b", "c")
    assert chosen(shop) == (
        {"a": ("both@example.org", "+49301111111"), "b": (None, "+49302222222")},
        {"address_of_another_member": 1},
    )


def test_why_somebody_is_left_out_is_told_once_a_member(shop: Loyal) -> None:
    shop.customers(
        "a,2024-01-01,,,,,,yes,yes,yes",
        "b,2024-01-01,,030 1234567,DE,,,yes,yes,yes",
        "c,2024-01-01,c@example.org,030 7654321,DE,,,yes,yes,yes",
        "d,2024-01-01,d@example.org,,,,,no,no,no",
    )
    shop.run(0, "a", "b", "c", "d", "unknown")
    assert META.audience is not None
    found = by_address(shop.home, newest(shop.home, SEGMENT), META.audience, NOW)
    assert found.left_out == {"no_address": 2, "no_consent": 1, "phone_without_country_code": 1}
    assert (found.contacts["customer_id"].to_pylist(), found.phones_left_out) == (["c"], 1)


def test_the_ledger_has_the_flags_that_audiences_need() -> None:
    for destination in AUDIENCES:
        assert destination.audience is not None
        assert {destination.audience.email_needs, destination.audience.phone_needs} <= set(CUSTOMERS.names)
