"""What history functions measure, beside a plain reference, and that nothing later than the cutoff is in it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalog.shipped import CORE
from features.cutoff import EPOCH, Cutoff
from features.snapshot import compute
from features.warm import FEW_LINES, WarmSnapshots
from ledger.engine import open_engine
from ledger.tables.customers import CUSTOMERS
from ledger.tables.events import EVENTS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from segments import known
from segments.expression import parse
from segments.measured import measure, relations_of
from segments.vocabulary import Measured, SegmentColumn
from segments.warm import measures

Columns = dict[str, SegmentColumn]
Row = dict[str, Any]
CUTOFF = Cutoff.at_midnight(date(2024, 3, 1), "UTC")
HOUR = timedelta(hours=1)


def line(customer: str, hours_ago: int, order: str = "", **more: object) -> Row:
    at = CUTOFF.at - hours_ago * HOUR
    return {
        "customer_id": customer,
        "order_id": order or f"{customer}-{hours_ago}",
        "line_id": "1",
        "ordered_at": at,
        "known_at": at,
        "product_id": None,
        "quantity_milli": 1000,
        "net_minor": 1000,
        "discount_minor": None,
        "currency": "EUR",
        "status": "paid",
        "channel": None,
        "order_day": (at.date() - EPOCH).days,
        "order_hour": at.hour,
        "order_isoweekday": at.isoweekday(),
    } | more


def event(customer: str, name: str, hours_ago: float, **more: object) -> Row:
    at = CUTOFF.at - hours_ago * HOUR
    return {
        "event": name,
        "event_id": f"{customer}{name}{hours_ago}",
        "happened_at": at,
        "known_at": at,
        "customer_id": customer,
        "event_day": (at.date() - EPOCH).days,
        "event_hour": at.hour,
        "event_isoweekday": at.isoweekday(),
    } | more


def ledger(
    orders: Sequence[Row],
    events: Sequence[Row] = (),
    customers: Sequence[Row] = (),
    products: Sequence[Row] = (),
    identities: Sequence[Row] = (),
) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set timezone = 'Pacific/Auckland'")
    for table, rows in (
        (ORDERS, orders),
        (EVENTS, events),
        (CUSTOMERS, customers),
        (PRODUCTS, products),
        (IDENTITIES, identities),
    ):
        connection.register(f"ledger_{table.name}", pa.Table.from_pylist(list(rows), table.arrow_schema))
    return connection


def measured(
    connection: duckdb.DuckDBPyConnection, texts: Sequence[str], columns: Columns, cutoff: Cutoff = CUTOFF
) -> dict[str, dict[str, Any]]:
    """Return what each condition's one measured column is, by customer and then by the condition."""
    asked = {text: only(text, columns) for text in texts}
    wanted = tuple(dict.fromkeys(asked.values()))
    with connection:
        customers = compute(connection, cutoff)["customer_id"]
        known.stage(connection, cutoff, customers, relations_of(wanted))
        rows = measure(connection, wanted).to_pylist()
    return {row["customer_id"]: {text: row[column.name] for text, column in asked.items()} for row in rows}


def only(text: str, columns: Columns) -> Measured:
    (column,) = [each for each in parse(text, columns).measured if each.name != "today"]
    return column


def test_orders_are_counted_by_product_category_worth_and_time(columns: Columns) -> None:
    orders = [
        line("a", 24 * 5, product_id="tea"),
        line("a", 24 * 40, product_id="tea", net_minor=20_000),
        line("a", 24 * 90, product_id="cup"),
    ]
    products = [
        {"product_id": "tea", "known_at": CUTOFF.at - 9000 * HOUR, "title": None, "category": "Drinks > Tea"}
    ]
    texts = {
        "orders() > 0": 3,
        "orders(product = 'tea') > 0": 2,
        "orders(product = ('tea', 'cup')) > 0": 3,
        "orders(product = 'tea', within_days = 30) > 0": 1,
        "orders(before_days = 30) > 0": 2,
        "orders(within_days = 90, before_days = 30) > 0": 2,
        "orders(category = 'Drinks') > 0": 2,
        "orders(category = 'Drinks > Tea') > 0": 2,
        "orders(category = 'Drink') > 0": 0,
        "orders(worth_at_least = 100) > 0": 1,
        "orders(since = '2024-02-25') > 0": 1,
        "orders(until = '2024-01-30') > 0": 2,
        "spent(product = 'tea') > 0": 210.0,
        "pieces(product = 'tea') > 0": 2.0,
        "first_order(product = 'tea') > 0": 40,
        "last_order(product = 'tea') > 0": 5,
        "last_order(product = 'coffee') > 0": None,
        "orders(product = 'coffee') > 0": 0,
        "bought(product = 'coffee')": 0,
    }
    found = measured(ledger(orders, products=products), list(texts), columns)["a"]
    assert found == texts


def test_what_orders_do_not_tell_of_is_unknown_and_not_none(columns: Columns) -> None:
    orders = [line("silent", 24), line("told", 24, product_id="tea"), line("undone", 24, status="cancelled")]
    found = measured(
        ledger(orders), ["orders(product = 'cup') = 0", "orders(category = 'x') = 0", "orders() = 0"], columns
    )
    assert {customer: list(values.values()) for customer, values in found.items()} == {
        "silent": [None, None, 1],
        "told": [0, None, 1],
        "undone": [0, 0, 0],
    }


def test_an_event_that_the_shop_never_recorded_is_unknown_for_everybody(columns: Columns) -> None:
    orders = [line("a", 24), line("b", 24)]
    events = [event("a", "Product Viewed", 5), event("a", "Product Viewed", 24 * 20)]
    texts = ["did('product viewed')", "did('Product Viewed', within_days = 7)", "did_not('Email Opened')"]
    found = measured(ledger(orders, events), texts, columns)
    assert {customer: list(values.values()) for customer, values in found.items()} == {
        "a": [2, 1, None],
        "b": [0, 0, None],
    }


def test_one_thing_after_another_is_found_by_the_hour(columns: Columns) -> None:
    orders = [line("bought", 20), line("left", 24 * 30), line("slow", 5)]
    events = [
        *(event(customer, "Product Added", 30) for customer in ("bought", "left", "slow")),
        event("left", "Product Viewed", 2),
    ]
    texts = {
        "did_then('Product Added', 'Order Completed')": ("bought", "slow"),
        "did_then('Product Added', 'Order Completed', followed_within_hours = 12)": ("bought",),
        "did_then_not('Product Added', 'Order Completed', within_days = 7)": ("left",),
        "did_then_not('Product Added', 'Order Completed', followed_within_hours = 12)": ("left", "slow"),
        # The time is not up yet, so nobody is known not to follow.
        "did_then_not('Product Added', 'Order Completed', followed_within_hours = 31)": (),
    }
    found = measured(ledger(orders, events), list(texts), columns)
    members = {text: tuple(each for each in sorted(found) if found[each][text]) for text in texts}
    assert members == texts


def test_orders_tell_of_events_that_the_shop_does_not_send(columns: Columns) -> None:
    refund = {"status": "refunded", "net_minor": -500, "known_at": CUTOFF.at - 10 * HOUR}
    orders = [line("a", 24 * 50, order="o"), line("a", 24 * 50, order="o", **refund), line("b", 30)]
    events = [event("b", "Order Completed", 30, order_id="b-30"), event("b", "Order Completed", 1)]
    texts = [
        "times('Order Completed') > 0",
        "did('Order Refunded', within_days = 30)",
        "did('Order Refunded', within_hours = 9)",
    ]
    found = measured(ledger(orders, events), texts, columns)
    assert [list(found[customer].values()) for customer in "ab"] == [[1, 1, 0], [2, 0, 0]]


def test_people_are_described_by_the_row_known_last_under_any_of_their_ids(columns: Columns) -> None:
    described = [
        {"customer_id": "a", "known_at": CUTOFF.at - 90 * HOUR, "country": "DE", "city": "Bonn"},
        {
            "customer_id": "old",
            "known_at": CUTOFF.at - 50 * HOUR,
            "city": "New York",
            "birth_date": date(1980, 3, 2),
            "attributes": '{"plan": "gold"}',
        },
        {"customer_id": "a", "known_at": CUTOFF.at, "city": "Too late"},
    ]
    identities = [
        {
            "anonymous_id": "old",
            "customer_id": "a",
            "known_at": CUTOFF.at - 2 * HOUR,
            "how": "merged",
        }
    ]
    texts = [
        "contains(city, 'york')",
        "country = 'DE'",
        "attribute('plan') = 'gold'",
        "birth_date > '1980-01-01'",
    ]
    found = measured(ledger([line("a", 24)], customers=described, identities=identities), texts, columns)
    assert list(found["a"].values()) == ["New York", None, "gold", (date(1980, 3, 2) - EPOCH).days]


@pytest.mark.parametrize(
    ("born", "today", "holds"),
    [
        (date(1980, 3, 1), date(2024, 3, 1), True),
        (date(1980, 3, 30), date(2024, 3, 1), True),
        (date(1980, 3, 31), date(2024, 3, 1), False),
        (date(1980, 2, 29), date(2023, 2, 1), True),  # kept on 1 March
        (date(1980, 1, 5), date(2024, 12, 20), True),
        (date(1980, 2, 28), date(2024, 3, 1), False),
    ],
)
def test_an_anniversary_comes_up_within_the_days_asked(
    born: date, today: date, *, holds: bool, columns: Columns
) -> None:
    sql = parse("anniversary(birth_date, within_days = 30)", columns).sql()
    days = f"{(born - EPOCH).days}::DOUBLE AS birth_date, {(today - EPOCH).days}::DOUBLE AS today"
    assert duckdb.execute(f"SELECT {sql} FROM (SELECT {days})").fetchall() == [(holds,)]


NAMES = ("Product Viewed", "Product Added", "Email Opened")
HOURS = st.integers(-48, 24 * 100)
HAPPENED = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(NAMES), HOURS), max_size=12, unique=True)
BOUGHT = st.lists(st.tuples(st.sampled_from("ab"), HOURS, st.sampled_from(["tea", "cup", None])), max_size=8)


def days(hours_ago: int) -> int:
    return CUTOFF.day - ((CUTOFF.at - hours_ago * HOUR).date() - EPOCH).days


@settings(max_examples=20, deadline=None)
@given(happened=HAPPENED, bought=BOUGHT, within=st.integers(1, 40), soon=st.integers(1, 60))
def test_what_is_measured_is_what_a_plain_count_finds_and_nothing_later_counts(
    happened: list[tuple[str, str, int]],
    bought: list[tuple[str, int, str | None]],
    within: int,
    soon: int,
    columns: Columns,
) -> None:
    orders = [line("a", 24 * 200), line("b", 24 * 200)]
    orders += [
        line(who, at, order=f"o{k}", product_id=product) for k, (who, at, product) in enumerate(bought)
    ]
    events = [event(*each) for each in happened]
    texts = (
        f"orders(product = 'tea', within_days = {within}) > 0",
        f"did('Product Viewed', within_days = {within})",
        f"times('Product Added', within_hours = {soon}) > 0",
        f"did_then('Product Viewed', 'Product Added', followed_within_hours = {soon})",
        f"did_then_not('Product Viewed', 'Product Added', within_days = {within})",
    )
    found = measured(ledger(orders, events), texts, columns)
    past = [each for each in happened if each[2] > 0]
    recorded = {name for _, name, _ in past}
    for who in "ab":
        mine = {name: [at for person, event, at in past if (person, event) == (who, name)] for name in NAMES}
        viewed, added = mine["Product Viewed"], mine["Product Added"]
        tea = {days(at) for person, at, product in bought if (person, product) == (who, "tea") and at > 0}
        told = any(person == who and at > 0 and product for person, at, product in bought)
        both = {"Product Viewed", "Product Added"} <= recorded
        expected = [
            sum(day <= within for day in tea) if told else None,
            sum(days(at) <= within for at in viewed) if "Product Viewed" in recorded else None,
            sum(at <= soon for at in added) if "Product Added" in recorded else None,
            sum(any(0 < at - b <= soon for b in added) for at in viewed) if both else None,
            sum(days(at) <= within and not any(b < at for b in added) for at in viewed) if both else None,
        ]
        assert [found[who][text] for text in texts] == expected


@settings(max_examples=10, deadline=None)
@given(bought=BOUGHT.filter(lambda rows: any(at > 0 for _, at, _ in rows)))
def test_a_posted_history_is_measured_as_the_ledger_is(
    bought: list[tuple[str, int, str | None]], columns: Columns, posted: list[WarmSnapshots]
) -> None:
    orders = [line(who, at, order=f"o{k}", product_id=product) for k, (who, at, product) in enumerate(bought)]
    connection = ledger(orders)
    with connection:
        customers = compute(connection, CUTOFF)["customer_id"]
        wanted = of_orders(columns)
        known.stage(connection, CUTOFF, customers, relations_of(wanted))
        expected = measure(connection, wanted)
    rows = pa.Table.from_pylist(orders, ORDERS.arrow_schema)
    for plan in posted:
        found = plan.compute(rows, PRODUCTS.arrow_schema.empty_table(), CUTOFF)
        assert found.select(expected.column_names).to_pylist() == expected.to_pylist()


def of_orders(columns: Columns) -> tuple[Measured, ...]:
    texts = (
        *("orders(product = 'tea') > 1", "spent(within_days = 30) > 1", "first_order_on > '2024-01-01'"),
        "gap_days_p90 > 1",
    )
    return tuple(only(text, columns) for text in texts)


@pytest.fixture(scope="module")
def posted(columns: Columns) -> list[WarmSnapshots]:
    beside = measures(of_orders(columns))
    return [WarmSnapshots(open_engine(), CORE, beside, few_lines=lines) for lines in (FEW_LINES, 0)]


def test_the_day_of_an_undoing_is_local(columns: Columns) -> None:
    cutoff = Cutoff(datetime(2024, 3, 1, 5, tzinfo=UTC), "America/New_York")
    undone: Row = {"status": "cancelled", "known_at": datetime(2024, 3, 1, 4, 30, tzinfo=UTC)}
    connection = ledger([line("a", 24), line("a", 24, **undone)])
    # Half past four in London is half past eleven of the day before in New York.
    found = measured(connection, ["last_time('Order Cancelled') >= 0"], columns, cutoff)
    assert list(found["a"].values()) == [1]


def test_the_ninetieth_percentile_of_a_customers_own_gaps_lies_between_the_longest_two(
    columns: Columns,
) -> None:
    # Days between orders: 10, 20, 30; nine tenths of the way through them is 20 + 0.8 * 10.
    orders = [line("a", 24 * ago) for ago in (5, 15, 35, 65)] + [line("once", 24)]
    found = measured(ledger(orders), ["gap_days_p90 > 0"], columns)
    assert found == {"a": {"gap_days_p90 > 0": pytest.approx(28.0)}, "once": {"gap_days_p90 > 0": None}}


def test_a_season_is_the_fullest_six_weeks_of_the_year_and_goes_on_over_new_years_eve(
    columns: Columns,
) -> None:
    def on(customer: str, *days: str) -> list[Row]:
        return [line(customer, int((CUTOFF.at.date() - date.fromisoformat(day)).days * 24)) for day in days]

    orders = [
        *on("winter", "2021-12-20", "2022-12-28", "2024-01-10", "2023-07-01"),
        *on("spread", "2023-01-15", "2023-04-15", "2023-07-15", "2023-10-15"),
        *on(
            "edge", "2023-03-01", "2023-04-11", "2023-04-12"
        ),  # the first day of six weeks, the last, one too late
    ]
    found = measured(ledger(orders), ["season_share > 0"], columns)
    shares = {who: row["season_share > 0"] for who, row in found.items()}
    assert shares == {"winter": 0.75, "spread": 0.25, "edge": pytest.approx(2 / 3)}


def test_dear_and_cheap_are_the_tenths_of_products_by_the_price_of_a_piece(columns: Columns) -> None:
    # Eleven products at 1, 2, ... 11 a piece: the dearest tenth is the last, the cheapest the first.
    orders = [
        line("all", 24 * n, product_id=f"p{n:02d}", net_minor=300 * n, quantity_milli=3000)
        for n in range(1, 12)
    ]
    orders += [
        line("dear", 24, product_id="p11", net_minor=1100),
        line("cheap", 24, product_id="p01", net_minor=100),
        line("both", 24, order="b1", product_id="p11", net_minor=1100),
        line("both", 24, order="b2", product_id="p01", net_minor=100),
        line("untold", 24),
    ]
    texts = ["dear_item_share > 0", "cheap_item_share > 0"]
    found = {who: list(row.values()) for who, row in measured(ledger(orders), texts, columns).items()}
    assert found == {
        "all": [pytest.approx(1 / 11), pytest.approx(1 / 11)],
        "dear": [1.0, 0.0],
        "cheap": [0.0, 1.0],
        "both": [0.5, 0.5],
        "untold": [None, None],
    }


def test_the_device_used_most_is_told_by_what_visitors_who_became_customers_did(columns: Columns) -> None:
    def on(customer: str | None, device: str, hours_ago: float, **more: object) -> Row:
        properties = f'{{"device_type": "{device}"}}'
        return event(
            customer or "v", "Page Viewed", hours_ago, properties=properties, customer_id=customer, **more
        )

    events = [
        on("a", "desktop", 30),
        on(None, "Mobile", 40, anonymous_id="v1"),
        on(None, "mobile", 41, anonymous_id="v1"),
        on("b", "tablet", 50),
        on("b", "desktop", 51),
        on("c", "mobile", -1),  # happens after the cutoff
    ]
    identities = [{"anonymous_id": "v1", "customer_id": "a", "known_at": CUTOFF.at - 20 * HOUR}]
    orders = [line(customer, 100) for customer in "abc"]
    found = measured(ledger(orders, events, identities=identities), ["usual_device = 'mobile'"], columns)
    assert {who: row["usual_device = 'mobile'"] for who, row in found.items()} == {
        "a": "mobile",
        "b": "desktop",  # as often as the tablet, and before it by name
        "c": None,
    }
