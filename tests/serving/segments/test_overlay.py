"""Orders posted to the service move their customers in and out of segments at once, over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving.client import Client, served
from tests.serving.shop import Shop

TODAY = "first_time_buyers_today"
ORDER = {"order_id": "new-1", "ordered_at": "2023-06-28T10:00:00", "net_amount": "8.00"}


@pytest.fixture
def ask(own_shop: Shop) -> Iterator[Client]:
    yield from served(str(own_shop.home.path))


def post(ask: Client, customer: str, **more: str) -> None:
    answer = ask("POST", "/v1/orders", json={"orders": [ORDER | {"customer_id": customer} | more]})
    assert answer.json()["added"] == 1


def members(ask: Client, name: str, **given: str) -> dict[str, Any]:
    return dict(ask("GET", f"/v1/segments/{name}/members", params=given).json())


def ids(answer: dict[str, Any]) -> list[str]:
    return [each["customer_id"] for each in answer["members"]]


def changes(ask: Client, name: str, **given: str) -> dict[str, Any]:
    return dict(ask("GET", f"/v1/segments/{name}/changes", params=given).json())


def test_a_first_order_makes_a_first_time_buyer_of_today_and_a_second_one_ends_it(ask: Client) -> None:
    before = members(ask, TODAY)
    post(ask, "newcomer")
    after = members(ask, TODAY)
    assert sorted({*ids(before), "newcomer"}) == ids(after)
    assert after["size"] == before["size"] + 1
    assert after["live"] == {"entered": 1, "left": 0}
    newcomer = next(each for each in after["members"] if each["customer_id"] == "newcomer")
    assert newcomer["since"] == "2023-06-28T08:00:00Z"
    assert newcomer["reasons"] == [
        "number of orders is 1",
        "the customer has placed an order in the last 24 hours",
    ]
    assert TODAY in {each["name"] for each in ask("GET", "/v1/customers/newcomer").json()["segments"]}
    post(ask, "newcomer", order_id="new-2", ordered_at="2023-06-29T10:00:00")
    assert members(ask, TODAY) == before
    assert TODAY not in {each["name"] for each in ask("GET", "/v1/customers/newcomer").json()["segments"]}


def test_who_is_moved_out_is_no_member_and_the_pages_go_on_by_id(ask: Client) -> None:
    name = "bought_once"
    before = members(ask, name, limit="1000")
    leaver, stayer = ids(before)[:2]
    post(ask, leaver)
    for newcomer in ("0-first", "zz-last"):
        post(ask, newcomer, order_id=newcomer)
    now = members(ask, name, limit="1000")
    assert ids(now) == sorted([*ids(before)[1:], "0-first", "zz-last"])
    assert now["live"] == {"entered": 2, "left": 1}
    assert now["size"] == before["size"] + 1 == len(ids(now))
    listed: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = members(ask, name, limit="3", cursor=cursor)
        listed += ids(page)
        cursor = page["next_cursor"]
    assert listed == ids(now)
    assert stayer in listed
    assert members(ask, name, as_of="2023-06-27")["live"] is None


def test_live_moves_are_told_beside_the_feed_and_no_token_counts_them(ask: Client) -> None:
    name = "bought_once"
    before = changes(ask, name, limit="1000")
    leaver = ids(members(ask, name))[0]
    post(ask, "newcomer")
    post(ask, leaver, order_id="new-2", ordered_at="2023-06-28T11:00:00")
    after = changes(ask, name, limit="1000")
    assert before["live"] == []
    assert (after["changes"], after["next"]) == (before["changes"], before["next"])
    assert [(each["at"], each["kind"], each["customer_id"]) for each in after["live"]] == [
        ("2023-06-28T08:00:00Z", "entered", "newcomer"),
        ("2023-06-28T09:00:00Z", "left", leaver),
    ]
    assert all(each["reasons"] == ["number of orders is 1"] for each in after["live"])
    assert changes(ask, name, since=after["next"])["live"] == after["live"]
