"""Every suspicion is raised where something is wrong, with the right figures, and not where it only looks alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.event_names import EVENT_NAMES
from ledger.quality.other_event_names import OTHER_NAMES
from ledger.quality.relations import stage
from ledger.quality.suspicion import Finding, ask
from ledger.quality.suspicions.shipped import SUSPICIONS
from tests.ledger.histories import (
    Rows,
    daily,
    event,
    joined,
    line,
    on_day,
    opened,
    person,
    product,
    refused,
)

WEEK_5 = [5] * 7  # five orders a day
WEEK_CLOSED_SUNDAYS = [5] * 6 + [0]


@dataclass(frozen=True)
class Case:
    """A history in which something is wrong, what is told of it, and one that looks alike but is sound."""

    wrong: Mapping[str, Rows]
    figures: Mapping[str, Any]
    sound: Mapping[str, Rows]
    written_at: datetime | None = field(default=None)


def _a_day_each(prices: list[int], **more: object) -> Rows:
    return [
        line(f"c{n}", f"o{n}", on_day(n), product_id="p", quantity_milli=1000, net_minor=price, **more)
        for n, price in enumerate(prices)
    ]


CASES: Mapping[str, Case] = {
    # Days 30 to 35 are a Wednesday to a Monday: six days of five orders, or five where Sundays are closed.
    "missing_days": Case(
        {"orders": daily([0 if 30 <= day <= 35 else 5 for day in range(70)])},
        {"found": 6, "among": 70, "missed": 30, "first": "2024-01-31", "last": "2024-02-05"},
        {"orders": daily(WEEK_CLOSED_SUNDAYS * 10)},
    ),
    "volume_jumps": Case(
        {"orders": daily(WEEK_5 * 10 + [15] * 70, customers=20)},
        {"found": 1, "day": "2024-03-11", "before": 35, "after": 105, "new_before": 0, "new_after": 0},
        {"orders": daily(WEEK_5 * 10 + [15] * 28 + WEEK_5 * 10)},  # a season of four weeks
    ),
    "crowded_day": Case(
        {"orders": daily(WEEK_5 * 4 + [60] + WEEK_5 * 4)},
        {"found": 60, "among": 340, "day": "2024-01-29", "usual": 5, "days": 1},
        {"orders": daily(WEEK_5 * 4 + [45] + WEEK_5 * 4)},
    ),
    "midnight_orders": Case(
        {"orders": [line("ann", "1", on_day(0, hour=0)), line("bob", "2")]},
        {"found": 1, "among": 2, "share": 0.5},
        {"orders": [line("ann", "1", on_day(0, hour=0, minute=7)), line("bob", "2")]},
    ),
    "night_orders": Case(
        {"orders": [line("ann", f"{n}", on_day(n, hour=2 if n < 20 else 12)) for n in range(40)]},
        {"found": 20, "among": 40, "share": 0.5, "hour": 2},
        {"orders": [line("ann", f"{n}", on_day(n, hour=n % 24)) for n in range(48)]},  # round the clock
    ),
    "stopped_arriving": Case(
        {"orders": daily(WEEK_5)},
        {"found": 25, "day": "2024-01-07"},
        {"orders": daily([*WEEK_5, *([0] * 11), 5])},  # such a pause is usual
        written_at=datetime(2024, 2, 1, tzinfo=UTC),
    ),
    "robots": Case(
        {"orders": [line("bot", f"{n}") for n in range(23)] + daily(WEEK_5)},
        {"found": 1, "among": 36, "most": 23},
        {"orders": [line("ann", f"{n}", on_day(n)) for n in range(23)]},
    ),
    "same_instant": Case(
        {"orders": daily(WEEK_5 * 40) + [line(f"new{n}", f"n{n}", on_day(3, hour=23)) for n in range(12)]},
        {"found": 12, "instants": 1, "most": 12},
        {"orders": [line(f"c{n}", f"{n}", on_day(n // 12)) for n in range(120)]},  # every order at ten sharp
    ),
    "wholesalers": Case(
        {"orders": [line(f"c{n}", f"{n}", quantity_milli=1000) for n in range(99)]
            + [line("big", "big", net_minor=99_000, quantity_milli=50_000)]},
        {"found": 990.0, "among": 1980.0, "share": 0.5, "top": 1, "times_pieces": 50.0},
        {"orders": [line(f"c{n}", f"{n}", net_minor=1000 + 10 * n) for n in range(200)]},
    ),
    "one_large_customer": Case(
        {"orders": [line("ann", "1", net_minor=300), line("bob", "2", net_minor=100)]},
        {"share": 0.75},
        {"orders": [line(f"c{n}", f"{n}") for n in range(6)]},
    ),
    "duplicate_customers": Case(
        {"orders": [line("ann", "1")], "customers": [
            person("ann", email="a@shop.example"), person("ann2", email="a@shop.example"),
            person("bob", phone="+491"), person("bobby", phone="+491"), person("cid", email="c@shop.example"),
        ]},
        {"found": 4, "among": 5},
        {"orders": [line("ann", "1")], "identities": [joined("ann2", "ann")], "customers": [
            person("ann", email="a@shop.example"), person("ann2", email="a@shop.example"), person("bob"),
            person("cid"),
        ]},
    ),
    "free_lines": Case(
        {"orders": [line("ann", "1", net_minor=0), line("bob", "2")]},
        {"found": 1, "among": 2, "share": 0.5},
        {"orders": [line("ann", "1", net_minor=0)] + [line("bob", f"b{n}") for n in range(30)]},
    ),
    "one_cent_orders": Case(
        {"orders": [line("ann", f"{n}", net_minor=1) for n in range(3)] + [line("bob", "b")]},
        {"found": 3, "among": 4},
        {"orders": [line("ann", "1", net_minor=1), line("ann", "1", line_id="2"), line("bob", "2", net_minor=1)]},
    ),
    "refunds_without_order": Case(
        {"orders": [
            line("ann", "1"), line("ann", "1", status="refunded", net_minor=-1000),
            line("bob", "2", status="refunded", net_minor=-1000),
        ]},
        {"found": 1, "among": 2},
        {"orders": [
            line("ann", "1"), line("ann", "1", status="cancelled"),
            line("bob", "2"), line("bob", "C2", status="refunded", net_minor=-1000),
        ]},
    ),
    "refunds_above_paid": Case(
        {"orders": [line("ann", "1"), line("ann", "1", status="refunded", net_minor=-1500)]},
        {"found": 1, "among": 1},
        {"orders": [line("ann", "1"), line("ann", "1", status="refunded", net_minor=-1000)]},
    ),
    "price_outliers": Case(
        {"orders": _a_day_each([1250] * 100 + [125_000] * 3)},
        {"found": 3, "among": 103},
        {"orders": _a_day_each([1250] * 10 + [125_000] * 10)},  # its price is no price at all
    ),
    "needless_decimals": Case(
        {"orders": [line("ann", "1", net_minor=1250, currency="JPY"), line("bob", "2", currency="JPY")]},
        {"found": 1, "among": 2, "currency": "JPY"},
        {"orders": [line("ann", "1", net_minor=1250), line("bob", "2")]},
    ),
    "shared_orders": Case(
        {"orders": [line("ann", "1"), line("bob", "1", line_id="2"), line("cid", "2")]},
        {"found": 1, "among": 2},
        {"orders": [line("ann", "1"), line("ann", "1", line_id="2"), line("bob", "2")]},
    ),
    "test_orders": Case(
        {
            "orders": [
                line("ann", "TEST-1"), line("qa", "2"), line("bob", "3", product_id="t"), line("cid", "4"),
                line("dee", "5", product_id="t"), line("dee", "5", line_id="2", product_id="p"),
            ],
            "customers": [person("qa", email="john.test@shop.example")],
            "products": [product("t", title="This is a test product."), product("p", title="Latest fashion")],
        },
        {"found": 3, "among": 5},
        {
            "orders": [line("greatest", "contest-1", product_id="kit"), line("bob", "2")],
            "customers": [person("bob", email="attest@shop.example")],
            "products": [product("kit", title="Pregnancy test kit")],
        },
    ),
    "unknown_products": Case(
        {"orders": [line("ann", "1", product_id="p"), line("bob", "2", product_id="q")], "products": [product("p")]},
        {"found": 1, "among": 2},
        {"orders": [line("ann", "1", product_id="p")]},  # no products were imported at all
    ),
    "rejected_rows": Case(
        {"orders": [line("ann", "1")], "rejected": [
            refused(2, "duplicate of line 1"), refused(3, "duplicate of line 2"), refused(4, "customer_id is empty"),
        ]},
        {"found": 3, "among": 4, "reason": "duplicate of another line", "most": 2},
        {"orders": [line("ann", f"{n}") for n in range(100)], "rejected": [refused(2, "customer_id is empty")]},
    ),
    "other_currency": Case(
        {"orders": [line("ann", "1")], "rejected": [
            refused(2, "currency is not the shop's currency; a ledger holds one currency"),
        ]},
        {"found": 1, "among": 2},
        {"orders": [line("ann", "1")], "rejected": [refused(2, "customer_id is empty")]},
    ),
    "future_dates": Case(
        {"orders": [line("ann", "1"), line("bob", "2", known_at=on_day(60))],
            "rejected": [refused(2, "ordered_at is in the future")]},
        {"found": 2, "among": 3},
        {"orders": [line("ann", "1"), line("bob", "2", known_at=on_day(31))]},
        written_at=datetime(2024, 2, 1, tzinfo=UTC),
    ),
    "event_names": Case(
        {"orders": [line("ann", "1")], "events": [
            event("view_item", 1), event("View Item", 2), event("AddToCart", 3), event("Chatted", 4),
        ]},
        {"found": 3, "among": 4, "meant": "Product Viewed, Product Added"},
        {"orders": [line("ann", "1")], "events": [event("Product Viewed", 1), event("Chatted", 2)]},
    ),
    "unjoined_visitors": Case(
        {"orders": [line("ann", "1")], "events": [event("Product Viewed", n) for n in range(100)]},
        {"found": 100, "among": 100, "share": 1.0},
        {"orders": [line("ann", "1")], "identities": [joined("v0", "ann")],
            "events": [event("Product Viewed", n) for n in range(100)] + [event("Signed In", 1, customer_id="bob")]},
    ),
    "identity_hubs": Case(
        {"orders": [line("ann", "1")], "identities": [
            *[joined("till", f"c{n}", known_at=on_day(n)) for n in range(8)], joined("tablet", "c1"),
        ]},
        {"found": 1, "among": 2, "most": 8},
        {"orders": [line("ann", "1")], "identities": [joined(f"device{n}", "ann") for n in range(8)]},
    ),
    "large_merges": Case(
        {"orders": [line(f"c{n}", f"{n}") for n in range(12)],
            "identities": [joined(f"c{n}", "c0") for n in range(1, 12)]},
        {"found": 1, "among": 1, "most": 11},
        {"orders": [line("ann", "1")], "identities": [joined(f"cookie{n}", "ann") for n in range(40)]},
    ),
    "identity_cycles": Case(
        {"orders": [line("a", "1")], "identities": [joined("a", "b"), joined("b", "a"), joined("x", "y")]},
        {"found": 2, "among": 3},
        {"orders": [line("a", "1")], "identities": [joined("a", "b"), joined("b", "c")]},
    ),
}  # fmt: skip


def _found(tables: Mapping[str, Rows], written_at: datetime | None = None) -> dict[str, Finding]:
    with opened(tables) as connection:
        stage(connection, written_at)
        return {finding.name: finding for finding in ask(connection, SUSPICIONS)}


def test_every_suspicion_has_a_case() -> None:
    assert list(CASES) == [suspicion.name for suspicion in SUSPICIONS]


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_told_with_its_figures(name: str) -> None:
    case = CASES[name]

    finding = _found(case.wrong, case.written_at)[name]

    assert {figure: finding.figures[figure] for figure in case.figures} == case.figures


@pytest.mark.parametrize("name", CASES)
def test_what_only_looks_alike_is_not_told(name: str) -> None:
    case = CASES[name]

    assert name not in _found(case.sound, case.written_at)


def test_a_shop_that_sells_every_day_gives_no_finding() -> None:
    assert _found({"orders": daily(WEEK_5 * 20)}, on_day(140)) == {}


def test_a_closure_at_the_same_time_of_two_years_is_usual() -> None:
    christmas = {*range(358, 369), *range(724, 735)}

    found = _found({"orders": daily([0 if day in christmas else 5 for day in range(760)])})

    assert "missing_days" not in found


def test_a_corrected_line_counts_as_last_known() -> None:
    corrected = line("ann", "1", known_at=on_day(9), net_minor=0)

    free = _found({"orders": [line("ann", "1"), corrected]})["free_lines"]

    assert (free.figures["found"], free.figures["among"]) == (1, 1)


def test_a_cancelled_line_makes_nobody_a_large_customer() -> None:
    rows = [line(f"c{n}", f"{n}") for n in range(10)]
    void = [line("big", "big", net_minor=10**6), line("big", "big", net_minor=10**6, status="cancelled")]

    assert "one_large_customer" not in _found({"orders": rows + void})


def test_a_history_that_ended_years_before_its_import_was_loaded_on_purpose() -> None:
    assert "stopped_arriving" not in _found({"orders": daily(WEEK_5)}, datetime(2031, 1, 1, tzinfo=UTC))


def test_no_finding_quotes_what_is_the_customers() -> None:
    order = ("SECRET-ann", "SECRET-test-1")
    tables = {
        "orders": [line(*order), line(*order, status="refunded", net_minor=-5000)],
        "customers": [
            person("SECRET-ann", email="SECRET@shop.example"),
            person("SECRET-bob", email="SECRET@shop.example"),
        ],
        "events": [event("SECRET searched", 1, customer_id="SECRET-ann"), event("search", 2)],
        "identities": [joined("SECRET-a", "SECRET-b"), joined("SECRET-b", "SECRET-a")],
    }

    found = _found(tables)

    assert {"refunds_above_paid", "duplicate_customers", "event_names", "identity_cycles"} <= set(found)
    assert "SECRET" not in repr(found)


def test_other_systems_names_mean_names_of_the_specification() -> None:
    assert set(OTHER_NAMES.values()) <= set(EVENT_NAMES)
    assert not set(OTHER_NAMES) & {name.lower().replace(" ", "") for name in EVENT_NAMES}
