"""Who never ordered is described as the others are, and is nothing to them."""

from dataclasses import replace
from datetime import date, timedelta

import duckdb
from hypothesis import HealthCheck, given, settings

from features.cutoff import Cutoff
from features.prospects import describe
from features.snapshot import compute
from features.surroundings import read_store
from tests.properties.ledgers import Given, Row, ledgers, placed
from tests.properties.reference_rows import who_is_who
from tests.properties.test_features import exactly

often = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def laid_out(example: Given) -> duckdb.DuckDBPyConnection:
    """Return a connection whose ledger its cursors see too, as that of a home is."""
    connection = example.connection()
    for table in ("orders", "products", "identities", "events", "customers"):
        connection.execute(f"create table memory.main.ledger_{table} as from ledger_{table}")
        connection.unregister(f"ledger_{table}")
    return connection


def by_customer(rows: list[Row]) -> dict[str, Row]:
    return {row.pop("customer_id"): row for row in rows}


def named(example: Given) -> set[str]:
    """Say in plain Python who is known by name and has not ordered."""
    at, who = example.cutoff.at, who_is_who(example.identities, example.cutoff.at)
    ids = {row["customer_id"] for row in example.customers if row["known_at"] < at}
    for row in example.events:
        if max(row["known_at"], row["happened_at"]) < at:
            ids |= {row["customer_id"]} if row["customer_id"] else {row["anonymous_id"]} & who.keys()
    ordered = {row["customer_id"] for row in example.orders if max(row["known_at"], row["ordered_at"]) < at}
    return {who.get(each, each) for each in ids} - {who.get(each, each) for each in ordered}


@often
@given(ledgers())
def test_whoever_is_known_by_name_is_described_with_those_who_ordered_or_without_them(
    example: Given,
) -> None:
    with laid_out(example) as connection:
        ordered = compute(connection, example.cutoff)["customer_id"]
        found = describe(connection, example.cutoff, ordered)["customer_id"].to_pylist()

    assert found == sorted(named(example))
    assert not set(found) & set(ordered.to_pylist())


@often
@given(ledgers())
def test_who_never_ordered_is_described_as_if_a_first_order_had_been_cancelled(example: Given) -> None:
    with laid_out(example) as connection:
        ordered = compute(connection, example.cutoff)["customer_id"]
        store = read_store(connection)
        prospects = by_customer(describe(connection, example.cutoff, ordered).to_pylist())
    long_ago = example.cutoff.at - timedelta(days=1000)
    cancelled = [
        placed(
            {
                "customer_id": each,
                "order_id": f"never {each}",
                "line_id": "#0",
                "status": "cancelled",
                "ordered_at": long_ago,
                "known_at": long_ago,
                "currency": "USD",
                "net_minor": 0,
            }
        )
        for each in prospects
    ]
    with replace(example, orders=[*example.orders, *cancelled]).connection() as connection:
        undone = by_customer(compute(connection, example.cutoff, store=store).to_pylist())

    assert exactly(prospects) == exactly({each: undone[each] for each in prospects})


def test_what_turned_out_to_be_somebody_elses_doing_is_nobodys_own_any_more() -> None:
    cutoff = Cutoff.at_midnight(date(2021, 3, 15), "UTC")

    def viewed(hours_before: int, customer_id: str | None, anonymous_id: str | None) -> Row:
        at = cutoff.at - timedelta(hours=hours_before)
        return {
            "event_id": "e0",
            "event": "Product Viewed",
            "happened_at": at,
            "known_at": at,
            "customer_id": customer_id,
            "anonymous_id": anonymous_id,
            "session_id": None,
            "event_day": cutoff.day - 1,
            "event_hour": 24 - hours_before,
            "event_isoweekday": 7,
        }

    def views(events: list[Row]) -> dict[str, float]:
        with laid_out(Given([], [], [], cutoff, events)) as connection:
            ordered = compute(connection, cutoff)["customer_id"]
            found = describe(connection, cutoff, ordered).select(["customer_id", "product_views_30d"])
        return {row["customer_id"]: row["product_views_30d"] for row in found.to_pylist()}

    assert views([viewed(9, "a", None)]) == {"a": 1}
    assert views([viewed(9, "a", None), viewed(1, None, "visitor")]) == {"a": 0}
    assert views([viewed(9, "a", None), viewed(1, "b", None)]) == {"a": 0, "b": 1}


@settings(often, max_examples=15)
@given(ledgers())
def test_what_is_staged_of_customers_stays(example: Given) -> None:
    staged = ("history_orders", "history_items", "history_store")
    with laid_out(example) as connection:
        ordered = compute(connection, example.cutoff)["customer_id"]
        before = [connection.sql(f"from {table} order by all").fetchall() for table in staged]
        describe(connection, example.cutoff, ordered)
        assert [connection.sql(f"from {table} order by all").fetchall() for table in staged] == before
