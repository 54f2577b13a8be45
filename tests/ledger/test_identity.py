"""Who is who as of an instant; rows are (id, customer, day of January 2024), customer None an un-merge."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pytest

from ledger.engine import open_engine
from ledger.identity import (
    MOST_CUSTOMERS,
    Hub,
    Standing,
    chain,
    hubs,
    last_said,
    resolved,
    stage,
    stage_nobody,
    standing,
    trail,
)
from ledger.tables.identities import IDENTITIES

Said = tuple[str, str | None, int]


def january(day: int) -> datetime:
    return datetime(2024, 1, day, tzinfo=UTC)


FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as engine:
        yield engine


def say(connection: duckdb.DuckDBPyConnection, *said: Said, how: str = "merged") -> None:
    names = ("anonymous_id", "customer_id", "known_at", "how")
    rows = [dict(zip(names, (one, other, january(day), how), strict=True)) for one, other, day in said]
    connection.register("ledger_identities", pa.Table.from_pylist(rows, IDENTITIES.arrow_schema))


def who(
    connection: duckdb.DuckDBPyConnection, *said: Said, known_before: datetime = FEBRUARY
) -> dict[str, str]:
    say(connection, *said)
    rows = resolved(connection, known_before).to_pylist()
    return {row["anonymous_id"]: row["customer_id"] for row in rows}


def test_a_merge_counts_from_the_instant_after_it_is_known(connection: duckdb.DuckDBPyConnection) -> None:
    merge = ("visitor", "ann", 10)

    assert who(connection, merge, known_before=january(10)) == {}
    assert who(connection, merge, known_before=january(11)) == {"visitor": "ann"}


def test_the_row_known_last_decides_and_an_un_merge_is_a_row(connection: duckdb.DuckDBPyConnection) -> None:
    rows: tuple[Said, ...] = (("visitor", "ann", 1), ("visitor", "ben", 2), ("visitor", None, 3))

    assert who(connection, *rows, known_before=january(2)) == {"visitor": "ann"}
    assert who(connection, *rows, known_before=january(3)) == {"visitor": "ben"}
    assert who(connection, *rows) == {}
    assert who(connection, *rows, ("visitor", "ann", 4)) == {"visitor": "ann"}


def test_at_one_instant_an_un_merge_outweighs_a_merge_and_the_smaller_id_a_larger(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert who(connection, ("x", "ben", 1), ("x", "ann", 1)) == {"x": "ann"}
    assert who(connection, ("x", "ann", 1), ("x", None, 1)) == {}


def test_a_duplicate_account_merges_as_a_visitor_does_and_a_chain_is_followed_to_its_end(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = who(connection, ("visitor", "old account", 1), ("old account", "ann", 2))

    assert found == {"visitor": "ann", "old account": "ann"}


@pytest.mark.parametrize("links", [2, 3, 31, 32, 33, 63, 64])
def test_chains_of_up_to_64_links_reach_their_end(connection: duckdb.DuckDBPyConnection, links: int) -> None:
    rows = [(f"step {number:02}", f"step {number + 1:02}", 1) for number in range(links)]

    assert set(who(connection, *rows).values()) == {f"step {links:02}"}


def test_a_longer_chain_ends_somewhere_on_it_the_same_on_every_run(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    rows = [(f"step {number:03}", f"step {number + 1:03}", 1) for number in range(150)]
    found = who(connection, *rows)
    random.Random(7).shuffle(rows)  # noqa: S311 - an order, no secret

    assert who(connection, *rows) == found
    assert set(found.values()) <= {f"step {number:03}" for number in range(151)}


@pytest.mark.parametrize("links", [2, 3, 5, 40, 64])
def test_a_ring_is_one_customer_under_its_smallest_id(
    connection: duckdb.DuckDBPyConnection, links: int
) -> None:
    names = [f"n{number:02}" for number in range(links)]
    ring = [(one, other, 1) for one, other in zip(names, [*names[1:], names[0]], strict=True)]

    found = who(connection, *ring, ("visitor", "n01", 1))

    assert found == dict.fromkeys(["visitor", *names[1:]], "n00")


def test_an_id_that_is_said_to_be_itself_is_nobody_else(connection: duckdb.DuckDBPyConnection) -> None:
    assert who(connection, ("ann", "ann", 1)) == {}


def people(count: int) -> list[Said]:
    return [("device", f"person {number}", number + 1) for number in range(count)]


def test_a_device_of_a_few_people_is_the_last_ones_and_of_more_is_a_hub_that_joins_nobody(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    few, more = people(MOST_CUSTOMERS), people(MOST_CUSTOMERS + 1)

    assert who(connection, *few) == {"device": f"person {MOST_CUSTOMERS - 1}"}
    assert who(connection, *more) == {}
    assert hubs(connection, FEBRUARY) == (Hub("device", MOST_CUSTOMERS + 1),)


def test_a_hub_is_one_only_once_it_is_known_and_an_un_merge_does_not_clear_it(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    rows: list[Said] = [*people(MOST_CUSTOMERS + 1), ("device", None, 20), ("device", "person 0", 21)]
    before_the_sixth = january(MOST_CUSTOMERS + 1)

    assert who(connection, *rows, known_before=before_the_sixth) == {"device": "person 4"}
    assert hubs(connection, before_the_sixth) == ()
    assert who(connection, *rows) == {}


def test_one_customer_named_again_and_again_makes_no_hub(connection: duckdb.DuckDBPyConnection) -> None:
    logins: list[Said] = [("device", "ann", day) for day in range(1, 30)]

    assert who(connection, *logins) == {"device": "ann"}


def test_a_chain_through_a_hub_is_cut_on_both_sides(connection: duckdb.DuckDBPyConnection) -> None:
    # Without the cut at the hub itself, the visitors would be one customer, called "device".
    found = who(connection, ("one", "device", 1), ("two", "device", 1), *people(25), ("three", "ann", 1))

    assert found == {"three": "ann"}


def test_a_customer_may_absorb_any_number_of_visitors(connection: duckdb.DuckDBPyConnection) -> None:
    visits: list[Said] = [(f"visit {number}", "ann", 1) for number in range(500)]

    assert set(who(connection, *visits).values()) == {"ann"}
    assert hubs(connection, FEBRUARY) == ()


def test_how_rows_lie_on_the_disk_does_not_matter(connection: duckdb.DuckDBPyConnection) -> None:
    chance = random.Random(11)  # noqa: S311 - an order, no secret
    ids = [f"id {number}" for number in range(30)]
    rows = [(chance.choice(ids), chance.choice([*ids, None]), chance.choice((1, 2))) for _ in range(90)]
    found = who(connection, *rows)
    for _ in range(5):
        chance.shuffle(rows)
        assert who(connection, *rows) == found
    assert found
    assert not set(found) & set(found.values())


def test_nobody_is_joined_where_nothing_was_said_and_when_told_so(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert who(connection) == {}

    say(connection, ("visitor", "ann", 1))
    stage(connection, FEBRUARY)
    stage_nobody(connection)
    assert connection.execute("select count(*) from identities_resolved").fetchall() == [(0,)]


def test_a_standing_tells_who_else_is_the_same_customer(connection: duckdb.DuckDBPyConnection) -> None:
    say(connection, ("visitor", "old", 1), ("old", "ann", 2), *people(6))

    assert standing(connection, "old", FEBRUARY) == Standing("ann", ("ann", "visitor"), None)
    assert standing(connection, "ann", FEBRUARY) == Standing("ann", ("old", "visitor"), None)
    assert standing(connection, "old", january(2)) == Standing("old", ("visitor",), None)
    assert standing(connection, "device", FEBRUARY) == Standing("device", (), 6)
    assert standing(connection, "nobody's", FEBRUARY) == Standing("nobody's", (), None)


def test_the_trail_tells_every_row_and_which_is_in_force(connection: duckdb.DuckDBPyConnection) -> None:
    say(
        connection,
        ("visitor", "ben", 1),
        ("visitor", "ann", 2),
        ("visitor", None, 20),
        ("ann", "anna", 3),
        ("stranger", "ann", 4),
        ("stranger", "zoe", 5),
        ("else", "zoe", 1),
    )

    told = [(row.anonymous_id, row.customer_id, row.state) for row in trail(connection, "ann", january(10))]

    assert told == [
        ("visitor", "ann", "in force"),
        ("ann", "anna", "in force"),
        ("stranger", "ann", "superseded"),
    ]
    visitor = trail(connection, "visitor", january(10))
    assert [(row.known_at, row.state) for row in visitor] == [
        (january(1), "superseded"),
        (january(2), "in force"),
        (january(20), "not known yet"),
    ]
    assert visitor[0].how == "merged"


def test_the_trail_of_a_hub_says_why_it_joins_nobody(connection: duckdb.DuckDBPyConnection) -> None:
    say(connection, *people(6), ("visitor", "device", 1))

    states = {row.customer_id: row.state for row in trail(connection, "device", FEBRUARY)}

    assert states == {"device": "hub", "person 5": "hub"} | dict.fromkeys(
        [f"person {number}" for number in range(5)], "superseded"
    )


def test_a_chain_is_told_link_by_link_and_a_ring_once(connection: duckdb.DuckDBPyConnection) -> None:
    say(connection, ("a", "b", 1), ("b", "c", 1), ("x", "y", 1), ("y", "x", 1))

    assert chain(connection, "a", FEBRUARY) == ("a", "b", "c")
    assert chain(connection, "x", FEBRUARY) == ("x", "y")
    assert chain(connection, "nobody's", FEBRUARY) == ("nobody's",)


def test_what_was_said_last_is_told_of_a_hub_too(connection: duckdb.DuckDBPyConnection) -> None:
    say(connection, *people(6), ("visitor", "ann", 1), ("visitor", None, 2))

    assert last_said(connection, "device", FEBRUARY) == "person 5"
    assert last_said(connection, "visitor", FEBRUARY) is None
    assert last_said(connection, "visitor", january(2)) == "ann"
    assert last_said(connection, "nobody's", FEBRUARY) is None
