"""The three properties by which training, batch and a single request agree."""

import struct
from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from features.catalog.shipped import CATALOG
from features.snapshot import compute
from tests.properties.ledgers import Given, Row, ledgers
from tests.properties.reference import Value, describe, features_of, who_is_who

often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def computed(example: Given) -> dict[str, Row]:
    """Return what the engine says, by customer."""
    with example.connection() as connection:
        rows = compute(connection, example.cutoff).to_pylist()
    return {row.pop("customer_id"): row for row in rows}


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
    assert set(features_of([], {}, 0)) == set(CATALOG.names), "add it to tests/properties/reference.py too"


@often
@given(ledgers())
def test_rows_known_at_or_after_the_cutoff_change_nothing(example: Given) -> None:
    before = replace(
        example,
        orders=[row for row in example.orders if row["known_at"] < example.cutoff.at],
        products=[row for row in example.products if row["known_at"] < example.cutoff.at],
        identities=[row for row in example.identities if row["known_at"] < example.cutoff.at],
    )

    assert exactly(computed(example)) == exactly(computed(before))


@often
@given(ledgers())
def test_a_customer_alone_gets_the_row_it_has_in_the_crowd(example: Given) -> None:
    crowd = computed(example)

    who = who_is_who(example.identities, example.cutoff.at)
    for customer, row in crowd.items():
        ids = {customer, *(each for each, absorbing in who.items() if absorbing == customer)}
        theirs = {order["order_id"] for order in example.orders if order["customer_id"] in ids}
        alone = replace(
            example,
            orders=[order for order in example.orders if order["order_id"] in theirs],
            identities=all_said_of(ids, example.identities),
        )
        assert exactly({customer: computed(alone)[customer]}) == exactly({customer: row})


@often
@given(ledgers())
def test_the_engine_equals_the_plain_reference_to_the_last_bit(example: Given) -> None:
    told = describe(example.orders, example.products, example.identities, example.cutoff)

    assert exactly(computed(example)) == exactly(told)
