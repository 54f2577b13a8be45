"""Who must not be reminded: every rule, at its edges, as known before the cutoff."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serving.reminders.suppressions import RULES
from tests.serving.reminders.ledgers import CUTOFF, LONG_AGO, every, ledger, many, product, told, unsteadily

# Ann buys milk about every 20 days, after 14 or 28 of them in turn, and did so 21 days ago: it is due.
MILK = [
    *unsteadily((14, 28), "ann", "milk", 21),
    *(row for number in range(6) for row in unsteadily((14, 28), f"other{number}", "milk", 1)),
]
AT = CUTOFF.at
DAY = timedelta(days=1)
MICRO = timedelta(microseconds=1)


def subscription(**cells: object) -> dict[str, Any]:
    start = {"started_at": AT - 30 * DAY, "known_at": AT - 30 * DAY}
    return {"subscription_id": "s", "customer_id": "ann", "product_id": "milk"} | start | cells


def pause(**cells: object) -> dict[str, Any]:
    start = {"paused_at": AT - 3 * DAY, "known_at": AT - 3 * DAY}
    return {"pause_id": "p", "customer_id": "ann"} | start | cells


def reminder(ago: timedelta, **cells: object) -> dict[str, Any]:
    return {"reminder_id": "r", "customer_id": "ann", "sent_at": AT - ago, "known_at": AT - ago} | cells


def suppressed(bought: list[tuple[str, str, int]] = MILK, item: str = "milk", **tables: Any) -> str | None:  # noqa: ANN401
    (row,) = told(ledger(bought, **tables), ("ann", item))
    found: str | None = row["suppressed_because"]
    return found


def test_a_pair_that_is_due_may_be_reminded() -> None:
    (row,) = told(ledger(MILK), ("ann", "milk"))
    assert (row["state"], row["suppressed_because"], row["suppressed_since"]) == ("due_now", None, None)


@pytest.mark.parametrize(
    ("cells", "holds"),
    [
        ({}, True),
        ({"product_id": "soap"}, False),
        ({"customer_id": "bob"}, False),
        ({"started_at": AT}, True),  # starts at the cutoff, known before
        ({"started_at": AT + MICRO}, False),
        ({"ended_at": AT}, False),  # ends at the cutoff: it is over
        ({"ended_at": AT + MICRO}, True),
        ({"known_at": AT}, False),  # known at the cutoff is not known before it
        ({"known_at": AT - MICRO}, True),
    ],
)
def test_a_subscription_counts_from_its_start_to_its_end_once_it_is_known(
    cells: dict[str, object],
    holds: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert suppressed(subscriptions=[subscription(**cells)]) == ("subscribed" if holds else None)


def test_an_end_that_becomes_known_only_after_the_cutoff_is_not_known() -> None:
    ended = subscription(known_at=AT, ended_at=AT - DAY)
    assert suppressed(subscriptions=[subscription(), ended]) == "subscribed"
    assert suppressed(subscriptions=[subscription(), ended | {"known_at": AT - MICRO}]) is None


def test_a_subscription_to_a_product_covers_its_category() -> None:
    assert suppressed(item="Food > Milk", subscriptions=[subscription()]) == "subscribed"
    assert suppressed(item="Food > Milk", subscriptions=[subscription(product_id="soap")]) is None


def test_the_date_and_the_reason_of_a_subscription_are_told_in_the_shops_time() -> None:
    late_evening = datetime(2024, 5, 1, 22, 30, tzinfo=UTC)  # half past midnight on 2 May in Berlin
    given = subscription(started_at=late_evening, known_at=late_evening, every_days=30)
    (row,) = told(ledger(MILK, subscriptions=[given]), ("ann", "milk"))
    assert row["suppressed_since"].isoformat() == "2024-05-02"
    assert row["suppressed_reason"] == "comes by subscription since 2 May, every 30 days"


@pytest.mark.parametrize(
    ("cells", "holds"),
    [
        ({}, True),
        ({"product_id": "milk"}, True),
        ({"product_id": "soap"}, False),
        ({"resumes_at": AT}, False),  # resumes at the cutoff: it is over
        ({"resumes_at": AT + MICRO}, True),
        ({"resumes_at": AT - DAY}, False),
        ({"paused_at": AT}, True),
        ({"paused_at": AT + MICRO}, False),
        ({"known_at": AT}, False),
    ],
)
def test_a_pause_counts_from_its_start_to_its_end_once_it_is_known(
    cells: dict[str, object],
    holds: bool,  # noqa: FBT001
) -> None:
    assert suppressed(pauses=[pause(**cells)]) == ("paused" if holds else None)


def test_a_pause_holds_for_a_category_of_which_nothing_else_was_bought() -> None:
    other = [*MILK, ("ann", "oat", 30)]
    assert suppressed(item="Food > Milk", pauses=[pause()]) == "paused"
    assert suppressed(item="Food > Milk", pauses=[pause(product_id="milk")]) == "paused"
    assert suppressed(other, "Food > Milk", pauses=[pause(product_id="milk")]) is None
    assert suppressed(other, "Food > Milk", pauses=[pause(product_id="soap")]) is None
    assert suppressed(item="Food > Milk", pauses=[pause(product_id="milk", customer_id="bob")]) is None


def test_a_discontinued_product_is_suppressed_from_the_day_that_became_known() -> None:
    gone = [
        product("milk", known_at=AT - 40 * DAY, discontinued=True),
        product("milk", known_at=AT - 9 * DAY, discontinued=True),
    ]
    (row,) = told(ledger(MILK, gone), ("ann", "milk"))
    assert (row["suppressed_because"], row["offer_product_id"]) == ("discontinued", None)
    assert row["suppressed_since"].isoformat() == "2024-04-22"
    assert suppressed(products=[product("milk", known_at=AT, discontinued=True)]) is None
    back = [*gone, product("milk", known_at=AT - DAY, discontinued=False)]
    assert suppressed(products=back) is None


def test_what_replaces_a_discontinued_product_is_offered_instead() -> None:
    gone = product("milk", known_at=AT - 9 * DAY, discontinued=True, swap_for="oat")
    (row,) = told(ledger(MILK, [gone]), ("ann", "milk"))
    assert (row["suppressed_because"], row["offer_product_id"]) == (None, "oat")


def test_a_replacement_that_is_replaced_itself_leads_to_what_is_sold_and_a_ring_to_nothing() -> None:
    gone = {"known_at": AT - 9 * DAY, "discontinued": True}
    chain = [product("milk", swap_for="oat", **gone), product("oat", swap_for="cream", **gone)]
    assert told(ledger(MILK, chain), ("ann", "milk"))[0]["offer_product_id"] == "cream"
    ring = [product("milk", swap_for="oat", **gone), product("oat", swap_for="milk", **gone)]
    (row,) = told(ledger(MILK, ring), ("ann", "milk"))
    assert (row["suppressed_because"], row["offer_product_id"]) == ("discontinued", None)


@pytest.mark.parametrize(
    ("in_stock", "known_at", "found"),
    [
        (False, AT - DAY, "out_of_stock"),
        (False, AT, None),
        (True, AT - DAY, None),
        (None, AT - DAY, None),
    ],
)
def test_what_is_out_of_stock_is_not_reminded_of(
    in_stock: bool | None,  # noqa: FBT001
    known_at: datetime,
    found: str | None,
) -> None:
    assert suppressed(products=[product("milk", known_at=known_at, in_stock=in_stock)]) == found


def test_a_category_of_which_nothing_is_left_to_sell_is_not_reminded_of() -> None:
    def unsold(item: str, days_ago: int, **cells: object) -> dict[str, Any]:
        return dict(product(item, known_at=AT - days_ago * DAY, **cells))

    out = [unsold("milk", 9, in_stock=False), unsold("oat", 3, discontinued=True)]
    assert suppressed(item="Food > Milk", products=out) is None  # there is cream
    (row,) = told(ledger(MILK, [*out, unsold("cream", 5, in_stock=False)]), ("ann", "Food > Milk"))
    assert (row["suppressed_because"], row["suppressed_since"].isoformat()) == ("out_of_stock", "2024-05-29")
    assert row["suppressed_reason"] == "all of it is out of stock since 29 May"
    gone = [unsold(item, 9, discontinued=True) for item in ("milk", "oat", "cream")]
    (row,) = told(ledger(MILK, gone), ("ann", "Food > Milk"))
    assert row["suppressed_because"] == "discontinued"
    assert row["suppressed_reason"] == "nothing of it is sold since 23 May"
    gone[0]["swap_for"] = "soap"
    assert suppressed(item="Food > Milk", products=gone) is None


def test_what_is_not_used_up_is_not_reminded_of() -> None:
    assert suppressed(products=[product("milk", known_at=AT - DAY, replenishable=False)]) == "not_used_up"
    tool = product("milk", known_at=AT - DAY, replenishable=False)
    (row,) = told(ledger(MILK, [tool]), ("ann", "Food > Milk"))
    assert (row["suppressed_because"], row["suppressed_since"].isoformat()) == ("not_used_up", "2024-05-31")
    assert suppressed([*MILK, ("ann", "oat", 30)], "Food > Milk", products=[tool]) is None


@pytest.mark.parametrize(("ago", "found"), [(1, "restocked"), (2, None)])
def test_what_was_bought_less_than_half_an_interval_ago_is_there_still(ago: int, found: str | None) -> None:
    # Every 4 days, with a lead of 5 it counts as due soon at once.
    bought = [*every(4, "ann", "milk", ago, times=40), *many(4, "milk")]
    (row,) = told(ledger(bought), ("ann", "milk"))
    assert (row["state"], row["usual_gap_days"], row["suppressed_because"]) == ("due_soon", 4, found)


def test_a_substitute_bought_within_the_interval_fills_the_need() -> None:
    assert suppressed([*MILK, ("ann", "oat", 19)]) == "restocked"
    (row,) = told(ledger([*MILK, ("ann", "oat", 3)]), ("ann", "milk"))
    assert (row["suppressed_because"], row["suppressed_since"].isoformat()) == ("restocked", "2024-05-29")
    assert row["suppressed_reason"] == "bought oat instead on 29 May"


def test_a_product_of_another_category_is_no_substitute() -> None:
    assert suppressed([*MILK, ("ann", "soap", 3)]) is None


def test_what_the_customer_ever_took_together_are_separate_needs() -> None:
    assert suppressed([*MILK, ("ann", "cream", 3), ("ann", "cream", 35)]) is None  # 35 days ago with milk


def test_a_customer_who_mostly_takes_several_of_a_category_has_several_needs() -> None:
    several = [("ann", item, day) for item in ("cream", "oat") for day in range(100, 200, 6)]
    skimmed, since = [product("skimmed", category="Food > Milk")], [*MILK, ("ann", "skimmed", 3)]
    assert suppressed(since, products=skimmed) == "restocked"
    assert suppressed([*since, *several], products=skimmed) is None


def test_what_replaces_a_product_is_its_substitute_whatever_the_category() -> None:
    swaps = [product("milk", known_at=AT - 90 * DAY, swap_for="soap")]
    assert suppressed([*MILK, ("ann", "soap", 3)], products=swaps) == "restocked"
    assert suppressed([*MILK, ("ann", "soap", 20)], products=swaps) is None  # an interval of 20 days ago


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({"product_id": "milk"}, "reminded"),
        ({"product_id": "soap"}, None),
        ({}, "reminded"),  # of everything
        ({"category": "Food > Milk"}, "reminded"),
        ({"category": "Food"}, "reminded"),
        ({"category": "Foo"}, None),
    ],
)
def test_a_reminder_of_it_of_its_category_or_of_everything_counts(
    cells: dict[str, object], found: str | None
) -> None:
    assert suppressed(reminders=[reminder(DAY, **cells)]) == found


@pytest.mark.parametrize(
    ("ago", "known_at", "found"),
    [
        (10 * DAY - MICRO, None, "reminded"),
        (10 * DAY, None, None),  # half of 20 days ago: no longer
        (MICRO, None, "reminded"),
        (DAY, AT, None),
    ],
)
def test_a_reminder_counts_for_half_an_interval_once_it_is_known(
    ago: timedelta, known_at: datetime | None, found: str | None
) -> None:
    given = reminder(ago, product_id="milk")
    assert suppressed(reminders=[given | ({"known_at": known_at} if known_at else {})]) == found


@pytest.mark.parametrize(
    ("tables", "found"),
    [
        ({"subscriptions": [subscription(customer_id="old-ann")]}, "subscribed"),
        ({"pauses": [pause(customer_id="old-ann")]}, "paused"),
        ({"reminders": [reminder(DAY, customer_id="old-ann")]}, "reminded"),
    ],
)
def test_what_another_id_of_the_same_person_said_counts_once_they_are_known_to_be_one(
    tables: dict[str, Any], found: str
) -> None:
    merged = {"anonymous_id": "old-ann", "customer_id": "ann", "how": "merged"}
    assert suppressed(**tables) is None
    assert suppressed(identities=[merged | {"known_at": AT - DAY}], **tables) == found
    assert suppressed(identities=[merged | {"known_at": AT}], **tables) is None


def test_of_several_rules_the_first_in_the_table_is_told() -> None:
    given: dict[str, Any] = {"pauses": [pause()], "reminders": [reminder(DAY)]}
    given |= {"subscriptions": [subscription()]}
    (row,) = told(ledger(MILK, **given), ("ann", "milk"))
    assert row["suppressed_because"] == "subscribed"
    assert RULES[0].name == "subscribed"


def test_what_becomes_known_at_the_cutoff_or_later_changes_nothing() -> None:
    later = {"known_at": AT + 5 * DAY}
    known = told(ledger(MILK), ("ann", "milk"), ("ann", "Food > Milk"))
    more = ledger(
        MILK,
        [product("milk", discontinued=True, in_stock=False, **later)],
        subscriptions=[subscription(**later)],
        pauses=[pause(**later)],
        reminders=[reminder(DAY) | later],
        identities=[{"anonymous_id": "ann", "customer_id": "bob", "how": "merged", **later}],
    )
    assert told(more, ("ann", "milk"), ("ann", "Food > Milk")) == known


def test_every_rule_is_named_once_and_says_what_it_means() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.means.endswith(".") for rule in RULES)
    assert LONG_AGO < AT
