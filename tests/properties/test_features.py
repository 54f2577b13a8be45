"""The three properties by which training, batch and a single request agree."""

import struct
from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings

from features import settled, snapshot
from features.catalog.shipped import CATALOG, CORE
from features.cutoff import EPOCH
from features.snapshot import compute
from features.surroundings import read_store
from tests.properties.ledgers import Given, Row, ledgers
from tests.properties.reference import describe, features_of
from tests.properties.reference_events import attributes_of, describe_around, events_of, store
from tests.properties.reference_rows import Value, who_is_who

often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def computed(example: Given, store: pa.Table | None = None) -> dict[str, Row]:
    """Return what the engine says, by customer."""
    return computed_with_store(example, store)[0]


def computed_with_store(example: Given, store: pa.Table | None = None) -> tuple[dict[str, Row], pa.Table]:
    """Return what the engine says, by customer, and of the store."""
    with example.connection() as connection:
        rows = compute(connection, example.cutoff, store=store).to_pylist()
        return {row.pop("customer_id"): row for row in rows}, read_store(connection)


def referenced(example: Given) -> dict[str, dict[str, Value]]:
    """Return what the plain reference says, by customer."""
    orders, identities, cutoff = example.orders, example.identities, example.cutoff
    of_orders = describe(orders, example.products, identities, cutoff)
    around = describe_around(orders, identities, example.events, example.customers, cutoff)
    return {customer: row | around[customer] for customer, row in of_orders.items()}


def bits(value: Value) -> object:
    """Return a value so that equal means the same type and the same bits, -0.0 and all."""
    return struct.pack("<d", value) if isinstance(value, float) else value


def exactly(rows: dict[str, Row]) -> dict[str, dict[str, object]]:
    return {customer: {name: bits(row[name]) for name in CATALOG.names} for customer, row in rows.items()}


def all_said_of(ids: set[str], identities: list[Row]) -> list[Row]:
    """Return what was ever said of some ids, and of those that they were said to be."""
    spoken_of = set(ids)
    while True:
        rows = [row for row in identities if row["anonymous_id"] in spoken_of]
        named = {row["customer_id"] for row in rows} - {None}
        if named <= spoken_of:
            return rows
        spoken_of |= named


def test_the_plain_reference_knows_every_feature() -> None:
    of_orders = set(features_of([], {}, 0))
    around = (
        set(events_of([], set(), set(), 0)) | set(attributes_of(None, None, None, EPOCH)) | set(store({}, 0))
    )

    assert of_orders & around == set()
    assert of_orders | around == set(CATALOG.names), "add it to tests/properties/reference*.py too"


@often
@given(ledgers())
def test_rows_known_at_or_after_the_cutoff_change_nothing(example: Given) -> None:
    before = replace(
        example,
        orders=[row for row in example.orders if row["known_at"] < example.cutoff.at],
        products=[row for row in example.products if row["known_at"] < example.cutoff.at],
        identities=[row for row in example.identities if row["known_at"] < example.cutoff.at],
        events=[row for row in example.events if row["known_at"] < example.cutoff.at],
        customers=[row for row in example.customers if row["known_at"] < example.cutoff.at],
    )

    assert exactly(computed(example)) == exactly(computed(before))


@often
@given(ledgers())
def test_a_customer_alone_gets_the_row_it_has_in_the_crowd(example: Given) -> None:
    crowd, of_store = computed_with_store(example)

    who = who_is_who(example.identities, example.cutoff.at)
    for customer, row in crowd.items():
        ids = {customer, *(each for each, absorbing in who.items() if absorbing == customer)}
        done = {e["event_id"] for e in example.events if (e["customer_id"] or e["anonymous_id"]) in ids}
        theirs = {order["order_id"] for order in example.orders if order["customer_id"] in ids}
        alone = replace(
            example,
            orders=[order for order in example.orders if order["order_id"] in theirs],
            identities=all_said_of(ids, example.identities),
            events=[event for event in example.events if event["event_id"] in done],
            customers=[said for said in example.customers if said["customer_id"] in ids],
        )
        assert exactly({customer: computed(alone, of_store)[customer]}) == exactly({customer: row})


@settings(often, max_examples=25)  # each example is described eight times
@given(ledgers())
def test_cutoffs_of_one_staging_give_what_each_alone_gives(example: Given) -> None:
    cutoffs = [example.cutoff.plus_days(days) for days in (-60, -1, 0, 25)]
    with example.connection() as connection:
        snapshot.collapse(connection, CORE)
        settled.stage(connection)
        found = [settled.describe(connection, cutoff, CORE) for cutoff in cutoffs]
        known = [settled.known(connection, cutoff) for cutoff in cutoffs]
        every_other = [
            settled.describe(connection, cutoff, CORE, numbers[::2])
            for cutoff, numbers in zip(cutoffs, known, strict=True)
        ]

    for cutoff, table, numbers, some in zip(cutoffs, found, known, every_other, strict=True):
        with example.connection() as connection:
            alone = compute(connection, cutoff, CORE)
        assert table.combine_chunks().equals(alone.combine_chunks())
        assert len(numbers) == alone.num_rows
        chosen = alone.take(np.arange(0, alone.num_rows, 2))
        assert some.combine_chunks().equals(chosen.combine_chunks())


@often
@given(ledgers())
def test_the_engine_equals_the_plain_reference_to_the_last_bit(example: Given) -> None:
    assert exactly(computed(example)) == exactly(referenced(example))
