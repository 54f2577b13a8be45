import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features import history
from features.catalog.shipped import CATALOG, CORE
from features.cutoff import Cutoff
from features.engines.sqlite import EngineNeededError, SqliteStatement, exact, translated
from features.feature import Feature, FeatureSet
from features.snapshot import compute
from features.surroundings import read_store
from features.warm import FEW_LINES, Beside, WarmPool, WarmSnapshots, statement
from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from tests.properties.ledgers import CUTOFFS, Given, ledgers, placed

NO_PRODUCTS = PRODUCTS.arrow_schema.empty_table()


@pytest.fixture(scope="module", params=[FEW_LINES, 0], ids=["few", "many"])
def warm(request: pytest.FixtureRequest) -> WarmSnapshots:
    return WarmSnapshots(open_engine(), CORE, few_lines=request.param)


def on_both(feature_set: FeatureSet) -> list[WarmSnapshots]:
    return [WarmSnapshots(open_engine(), feature_set, few_lines=lines) for lines in (FEW_LINES, 0)]


@pytest.fixture(scope="module")
def core() -> list[WarmSnapshots]:
    return on_both(CORE)


@pytest.fixture(scope="module")
def catalogue() -> list[WarmSnapshots]:
    return on_both(CATALOG)


def tables(example: Given) -> tuple[pa.Table, pa.Table]:
    return (
        pa.Table.from_pylist(example.orders, ORDERS.arrow_schema),
        pa.Table.from_pylist(example.products, PRODUCTS.arrow_schema),
    )


def smaller(example: Given) -> Given:
    """Return the same ledger with amounts that 64 bits hold the squares of, as any shop's."""
    amounts = ("net_minor", "discount_minor", "quantity_milli", "price_minor")

    def less(row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value % 10**6 if name in amounts and value else value for name, value in row.items()}

    return replace(example, orders=[*map(less, example.orders)], products=[*map(less, example.products)])


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.one_of(ledgers(), ledgers().map(smaller)))
def test_the_kept_plans_give_bit_for_bit_what_staging_gives(
    core: list[WarmSnapshots], example: Given
) -> None:
    alone = replace(example, identities=[])  # posted histories tell of nobody who is somebody else
    with alone.connection() as connection:
        staged = compute(connection, alone.cutoff, CORE)

    for plan in core:
        assert plan.compute(*tables(alone), alone.cutoff).equals(staged)


def line(customer: str, net_minor: int = 1000) -> dict[str, Any]:
    at = CUTOFFS[0].plus_days(-3).at
    return placed(
        {"customer_id": customer, "order_id": f"of {customer}", "line_id": "#1", "ordered_at": at, "known_at": at,
         "net_minor": net_minor, "currency": "USD", "status": "paid", "product_id": "p"}
    )  # fmt: skip


def orders_of(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), ORDERS.arrow_schema)


def described(
    warm: WarmSnapshots, rows: list[dict[str, Any]], cutoff: Cutoff = CUTOFFS[0]
) -> list[tuple[Any, ...]]:
    found = warm.compute(orders_of(*rows), NO_PRODUCTS, cutoff)
    return [(row["customer_id"], row["spend"], row["days_since_last_order"]) for row in found.to_pylist()]


def test_one_request_leaves_nothing_for_the_next(warm: WarmSnapshots) -> None:
    assert described(warm, [line("a"), line("b")]) == [("a", 10.0, 3), ("b", 10.0, 3)]
    assert described(warm, [line("c")]) == [("c", 10.0, 3)]
    assert described(warm, []) == []


def test_each_request_has_its_own_cutoff(warm: WarmSnapshots) -> None:
    assert described(warm, [line("a")], CUTOFFS[0].plus_days(30)) == [("a", 10.0, 33)]
    assert described(warm, [line("a")], Cutoff.at_midnight(date(2021, 1, 1), "America/New_York")) == []


def test_a_refused_request_does_not_spoil_the_next(warm: WarmSnapshots) -> None:
    huge = [line("a", 10**14) | {"line_id": f"#{number}"} for number in range(100_000)]
    with pytest.raises(InputError, match="too large to be added up"):
        described(warm, huge)

    assert described(warm, [line("b")]) == [("b", 10.0, 3)]


def test_the_plan_holds_nothing_for_which_it_would_be_made_anew() -> None:
    # A parameter or a name left for its value; with one DuckDB plans at each request, five times the time.
    text = statement(CORE)

    assert "$" not in text
    assert re.findall(r"(?<!:):[a-z_]+", text) == []
    for step in (history.COLLAPSE, *history.CUT):
        assert f"{step.table} as materialized (" in text


def staged(feature: Feature) -> set[str]:
    return set(
        re.findall(
            r"^(?:with )?(history_\w+) as (?:materialized )?\(",
            statement(FeatureSet([feature])),
            re.MULTILINE,
        )
    )


def test_only_what_the_features_look_at_is_staged() -> None:
    of_orders = Feature("orders", "count(*)", "orders", "Orders.")
    of_categories = Feature("categories", "count(*)", "categories", "Categories.", over="categories")
    needed_by_all = {"history_lines", "history_ids", "history_baskets", "history_customers"}

    of_people = Feature("birthdays", "max(days_to_birthday)", "days", "Days.", over="attributes")

    assert staged(of_people) == needed_by_all
    assert staged(of_orders) == needed_by_all | {"history_orders"}
    assert staged(of_categories) == needed_by_all | {"history_orders", "history_items", "history_categories"}


def test_features_that_compare_with_the_store_need_its_row() -> None:
    plan = WarmSnapshots(open_engine(), CATALOG)

    with pytest.raises(ValueError, match="give the store's row"):
        plan.compute(orders_of(), NO_PRODUCTS, CUTOFFS[0])


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.one_of(ledgers(), ledgers().map(smaller)))
def test_the_whole_catalogue_is_what_staging_gives_beside_the_same_store(
    catalogue: list[WarmSnapshots], example: Given
) -> None:
    alone = replace(example, identities=[], events=[], customers=[])
    with alone.connection() as connection:
        staged = compute(connection, alone.cutoff, CATALOG)
        store = read_store(connection)

    for plan in catalogue:
        assert plan.compute(*tables(alone), alone.cutoff, store).equals(staged)


def test_sqlite_takes_few_lines_of_usual_amounts_and_nothing_else() -> None:
    plan = WarmSnapshots(open_engine(), CATALOG, few_lines=2)
    assert plan.takes_few(orders_of(line("a")))
    assert plan.takes_few(orders_of(line("a"), line("b", 10**8)))
    assert not plan.takes_few(orders_of(line("a"), line("b"), line("c")))
    assert not plan.takes_few(orders_of(line("a", 2 * 10**9)))
    assert not WarmSnapshots(open_engine(), CATALOG, few_lines=0).takes_few(orders_of())


def test_amounts_just_below_what_sqlite_adds_up_come_to_the_same() -> None:
    amount = 10**8
    while exact(orders_of(*lines_of(amount * 2)), NO_PRODUCTS):
        amount *= 2
    orders = orders_of(*lines_of(amount))
    few, many = on_both(CORE)

    assert few.takes_few(orders)
    found = few.compute(orders, NO_PRODUCTS, CUTOFFS[0])
    assert found.equals(many.compute(orders, NO_PRODUCTS, CUTOFFS[0]))
    assert found["order_value_spread"][0].as_py() > 0


def lines_of(amount: int) -> list[dict[str, Any]]:
    return [
        line("a", amount - number)
        | {"order_id": f"{number}", "order_day": CUTOFFS[0].day - 3 - number, "quantity_milli": amount}
        for number in range(3)
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3650), min_size=1, max_size=40))
def test_between_two_values_a_rounded_quantile_is_the_same_on_both(gaps: list[int]) -> None:
    # Not rounded it is not: DuckDB multiplies and adds in one step where its compiler found one.
    text, schema = (
        "select round(quantile_cont(gap, 0.9), 6) as within from gaps",
        pa.schema({"gap": pa.int64()}),
    )
    rows = pa.table({"gap": gaps}, schema)
    few = SqliteStatement(text, {"gaps": schema}, {"within": pa.float64()}).run({"gaps": rows})
    with open_engine() as connection:
        connection.register("gaps", rows)
        many = connection.sql(text).to_arrow_table()

    assert few.to_pylist() == many.to_pylist()


def test_what_sqlite_has_no_word_for_is_left_to_duckdb() -> None:
    beside = Beside(
        {"firsts": "select customer_id, order_day as day from history_orders where order_number = 1"},
        "select customer_id, dayname(date '1970-01-01' + cast(day as int)) as first_weekday from firsts",
        {"first_weekday": pa.string()},
    )
    plan = WarmSnapshots(open_engine(), CORE, beside)
    orders = orders_of(line("a"))

    assert not plan.takes_few(orders)
    on = CUTOFFS[0].plus_days(-3).at
    assert plan.compute(orders, NO_PRODUCTS, CUTOFFS[0])["first_weekday"].to_pylist() == [f"{on:%A}"]


@pytest.mark.parametrize(
    "select", ["extract(year from date '1970-01-01' + 3)", "extract(month from today())"]
)
def test_of_dates_sqlite_is_asked_for_the_month_of_a_day_alone(select: str) -> None:
    with pytest.raises(EngineNeededError):
        translated(f"select {select}")


def test_a_pool_keeps_the_plan_that_it_made_unless_it_failed() -> None:
    pool = WarmPool(CORE)
    assert pool.idle == 0

    with pool.one() as first:
        pass
    assert pool.idle == 1

    with pool.one() as again, pool.one() as another:
        assert again is first
        assert another is not first
    assert pool.idle == 2

    with pytest.raises(ZeroDivisionError), pool.one():
        raise ZeroDivisionError
    assert pool.idle == 1
