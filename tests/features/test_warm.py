import re
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from features import history
from features.catalog.shipped import CATALOG, CORE
from features.cutoff import Cutoff
from features.feature import Feature, FeatureSet
from features.snapshot import compute
from features.surroundings import read_store
from features.warm import WarmPool, WarmSnapshots, statement
from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from tests.properties.ledgers import CUTOFFS, Given, ledgers, placed


@pytest.fixture(scope="module")
def warm() -> WarmSnapshots:
    return WarmSnapshots(open_engine(), CORE)


@pytest.fixture(scope="module")
def catalogue() -> WarmSnapshots:
    return WarmSnapshots(open_engine(), CATALOG)


def tables(example: Given) -> tuple[pa.Table, pa.Table]:
    return (
        pa.Table.from_pylist(example.orders, ORDERS.arrow_schema),
        pa.Table.from_pylist(example.products, PRODUCTS.arrow_schema),
    )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(ledgers())
def test_the_kept_plan_gives_bit_for_bit_what_staging_gives(warm: WarmSnapshots, example: Given) -> None:
    alone = replace(example, identities=[])  # posted histories tell of nobody who is somebody else
    with alone.connection() as connection:
        staged = compute(connection, alone.cutoff, CORE)

    assert warm.compute(*tables(alone), alone.cutoff).equals(staged)


def line(customer: str, net_minor: int = 1000) -> dict[str, Any]:
    at = CUTOFFS[0].plus_days(-3).at
    return placed(
        {"customer_id": customer, "order_id": f"of {customer}", "line_id": "#1", "ordered_at": at, "known_at": at,
         "net_minor": net_minor, "currency": "USD", "status": "paid", "product_id": "p"}
    )  # fmt: skip


def described(
    warm: WarmSnapshots, rows: list[dict[str, Any]], cutoff: Cutoff = CUTOFFS[0]
) -> list[tuple[Any, ...]]:
    orders = pa.Table.from_pylist(rows, ORDERS.arrow_schema)
    found = warm.compute(orders, PRODUCTS.arrow_schema.empty_table(), cutoff)
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
        plan.compute(ORDERS.arrow_schema.empty_table(), PRODUCTS.arrow_schema.empty_table(), CUTOFFS[0])


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(ledgers())
def test_the_whole_catalogue_is_what_staging_gives_beside_the_same_store(
    catalogue: WarmSnapshots, example: Given
) -> None:
    alone = replace(example, identities=[], events=[], customers=[])
    with alone.connection() as connection:
        staged = compute(connection, alone.cutoff, CATALOG)
        store = read_store(connection)

    assert catalogue.compute(*tables(alone), alone.cutoff, store).equals(staged)


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
