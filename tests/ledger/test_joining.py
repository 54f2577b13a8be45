from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from ledger import identity, joining
from ledger.errors import InputError
from ledger.home import Home
from ledger.joining import Change
from ledger.shop import Shop
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS

ORDERED_AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
NOW = datetime(2024, 6, 1, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a ledger of three customers, with two orders of a guest and one of each of the others."""
    bought = {"guest": ("o1", "o2"), "old": ("o3",), "ann": ("o4",), "ben": ("o5",)}
    rows = [_line(customer, order) for customer, orders in bought.items() for order in orders]
    made = Ledger(Home(tmp_path / "home"))
    with made.exclusive():
        made.fix_shop(Shop("EUR", "Europe/Berlin"))
        made.append({ORDERS: pa.Table.from_pylist(rows, ORDERS.arrow_schema)})
    return made


def _line(customer: str, order: str) -> dict[str, object]:
    same = {"line_id": "1", "net_minor": 1000, "status": "paid", "currency": "EUR"}
    when = {"ordered_at": ORDERED_AT, "known_at": ORDERED_AT}
    local = {"order_day": 19844, "order_hour": 14, "order_isoweekday": 3}
    return {"customer_id": customer, "order_id": order} | same | when | local


def rows_of(ledger: Ledger) -> list[tuple[object, ...]]:
    with ledger.connect() as connection:
        return connection.execute(
            "select anonymous_id, customer_id, epoch_us(known_at), how from ledger_identities order by known_at"
        ).fetchall()


def us(at: datetime) -> int:
    return (at - identity.EPOCH) // timedelta(microseconds=1)


def test_a_merge_is_one_row_and_tells_what_it_changes(ledger: Ledger) -> None:
    assert joining.merge(ledger, "guest", "ann", "merged", NOW) == Change("guest", "ann", "merged", NOW, 1, 2)
    assert rows_of(ledger) == [("guest", "ann", us(NOW), "merged")]


def test_an_account_brings_along_what_was_merged_into_it(ledger: Ledger) -> None:
    joining.merge(ledger, "guest", "old", "merged", NOW)

    assert joining.merge(ledger, "old", "ann", "Phone Call", LATER) == Change(
        "old", "ann", "phone call", LATER, ids=2, orders=3
    )


def test_a_merge_into_what_was_merged_itself_tells_the_customer_at_the_end(ledger: Ledger) -> None:
    joining.merge(ledger, "old", "ann", "merged", NOW)

    assert joining.merge(ledger, "guest", "old", "merged", LATER).customer_id == "ann"


def test_an_un_merge_is_a_row_and_gives_the_id_back_to_itself(ledger: Ledger) -> None:
    joining.merge(ledger, "guest", "ann", "merged", NOW)

    assert joining.unmerge(ledger, "guest", LATER) == Change("guest", "guest", "unmerged", LATER, 1, 2)
    assert rows_of(ledger)[1:] == [("guest", None, us(LATER), "unmerged")]


def test_rows_said_at_one_instant_are_known_one_after_the_other(ledger: Ledger) -> None:
    joining.merge(ledger, "guest", "ann", "merged", NOW)
    joining.unmerge(ledger, "guest", NOW)
    joining.merge(ledger, "guest", "ben", "merged", NOW)

    assert [row[2] for row in rows_of(ledger)] == [us(NOW), us(NOW) + 1, us(NOW) + 2]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("nobody", "ann", "no row of the ledger names 'nobody'; give an id as it was imported"),
        ("guest", "nobody", "no row of the ledger names 'nobody'; give an id as it was imported"),
        ("ann", " ann ", "a merge takes two ids; 'ann' is itself already"),
        ("old", "ann", "'old' is merged into 'ann' already"),
        (
            "ann",
            "old",
            "'old' is 'ann' already, so this would close a ring; `regulars identities unmerge old` first",
        ),
    ],
)
def test_a_merge_that_cannot_be_is_refused_and_appends_nothing(
    ledger: Ledger, one: str, other: str, told: str
) -> None:
    joining.merge(ledger, "old", "ann", "merged", NOW)

    with pytest.raises(InputError) as refused:
        joining.merge(ledger, one, other, "merged", LATER)

    assert str(refused.value) == told
    assert len(rows_of(ledger)) == 1


def test_a_ring_of_three_is_refused_too(ledger: Ledger) -> None:
    joining.merge(ledger, "guest", "old", "merged", NOW)
    joining.merge(ledger, "old", "ann", "merged", NOW)

    with pytest.raises(InputError, match="'guest' is 'ann' already, so this would close a ring"):
        joining.merge(ledger, "ann", "guest", "merged", LATER)


def _identify(ledger: Ledger, people: int) -> None:
    said = {"anonymous_id": "device", "known_at": ORDERED_AT, "how": "identified"}
    rows = [said | {"customer_id": f"person {number}"} for number in range(people)]
    with ledger.exclusive():
        ledger.append({IDENTITIES: pa.Table.from_pylist(rows, IDENTITIES.arrow_schema)})


@pytest.mark.parametrize(("one", "other"), [("device", "ann"), ("ann", "device")])
def test_a_merge_with_a_hub_is_refused(ledger: Ledger, one: str, other: str) -> None:
    _identify(ledger, identity.MOST_CUSTOMERS + 1)

    with pytest.raises(
        InputError, match=f"'{one}' and '{other}' cannot be joined: an id that was more than 5"
    ):
        joining.merge(ledger, one, other, "merged", NOW)


def test_a_merge_that_would_make_a_hub_is_refused(ledger: Ledger) -> None:
    _identify(ledger, identity.MOST_CUSTOMERS)

    with pytest.raises(InputError, match="is a hub and joins nobody; `regulars identities hubs` lists them"):
        joining.merge(ledger, "device", "ann", "merged", NOW)


def test_a_merge_said_to_be_an_un_merge_is_refused_as_a_files_row_is(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="an unmerged row names no customer"):
        joining.merge(ledger, "guest", "ann", "unmerged", NOW)


def test_who_is_merged_into_nobody_cannot_be_parted(ledger: Ledger) -> None:
    joining.merge(ledger, "guest", "ann", "merged", NOW)

    with pytest.raises(InputError, match="'ann' is merged into nobody; `regulars identities show` tells"):
        joining.unmerge(ledger, "ann", LATER)


def test_an_e_mail_address_stands_for_its_pseudonym_and_is_not_stored(ledger: Ledger) -> None:
    # The first 20 hexadecimal digits of SHA-256 of ann@example.org.
    pseudonym = "e-438c4c7afe600cdf1e45"
    known = {**dict.fromkeys(CUSTOMERS.names), "customer_id": pseudonym, "known_at": ORDERED_AT}
    with ledger.exclusive():
        ledger.append({CUSTOMERS: pa.Table.from_pylist([known], CUSTOMERS.arrow_schema)})

    assert joining.merge(ledger, "Ann@Example.org", "ann", "merged", NOW).anonymous_id == pseudonym


def test_an_id_is_known_by_any_table_that_names_somebody(ledger: Ledger) -> None:
    joining.merge(ledger, "guest", "ann", "merged", NOW)
    with ledger.connect() as connection:
        assert joining.known_id(connection, " guest ") == "guest"
        connection.register("ledger_orders", ORDERS.arrow_schema.empty_table())
        assert joining.known_id(connection, "guest") == "guest"
        assert joining.known_id(connection, "ann") == "ann"
        with pytest.raises(InputError):
            joining.known_id(connection, "ben")
