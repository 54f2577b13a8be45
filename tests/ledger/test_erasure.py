from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ledger.contacts import pseudonym
from ledger.erasure import Erased, erased_before, forget, mentions_sql, refused_sql, remember
from ledger.person import Person, count, find, sought
from ledger.proof import search
from ledger.sought import fingerprint
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.erased import ERASED
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from tests.ledger.people import ANN, ANN_BEFORE, ANN_EMAIL, ANN_ONLINE, BOB, CY, IMPORTED_AT, fill

ERASED_AT = datetime(2024, 7, 1, tzinfo=UTC)


@pytest.fixture
def filled(ledger: Ledger, tmp_path: Path) -> Ledger:
    fill(ledger, tmp_path / "files")
    return ledger


def person(ledger: Ledger, asked: str = ANN) -> Person:
    with ledger.connect() as connection:
        return find(connection, asked, IMPORTED_AT)


def before(ledger: Ledger, asked: str) -> Erased | None:
    with ledger.connect() as connection:
        return erased_before(connection, asked)


def rows_left(ledger: Ledger, table: str) -> int:
    with ledger.connect() as connection:
        return int(connection.execute(f"SELECT count(*) FROM ledger_{table}").fetchall()[0][0])


def test_of_somebody_erased_nothing_is_left_in_the_home_and_of_the_others_everything(filled: Ledger) -> None:
    ann, bob, cy = person(filled), person(filled, BOB), person(filled, CY)
    with filled.connect() as connection:
        others = [count(connection, bob), count(connection, cy)]
    with filled.exclusive():
        forget(filled, ann)
    assert search(filled.home, sought(ann)).found == ()
    with filled.connect() as connection:
        assert count(connection, ann) == {}
        assert [count(connection, bob), count(connection, cy)] == others


def test_who_has_a_short_id_is_removed_from_refused_rows_alone_of_all_that_have_its_digit(
    filled: Ledger,
) -> None:
    with filled.exclusive():
        forget(filled, person(filled, CY))
    assert (rows_left(filled, "rejected"), rows_left(filled, "orders")) == (1, 3)


def test_forgetting_again_does_no_harm(filled: Ledger) -> None:
    ann = person(filled)
    with filled.exclusive():
        forget(filled, ann)
        left = rows_left(filled, "orders")
        forget(filled, ann)
    assert rows_left(filled, "orders") == left


def test_what_a_killed_import_left_in_the_home_is_removed(filled: Ledger) -> None:
    left = filled.home.work / "of-a-killed-import"
    left.mkdir(parents=True)
    (left / ".lock").touch()
    (left / "rows.csv").write_text(ANN_EMAIL)
    dangling = filled.new_part(ORDERS)
    dangling.write_bytes(filled.files(ORDERS)[0].read_bytes())
    ann = person(filled)
    with filled.exclusive():
        forget(filled, ann)
    assert search(filled.home, sought(ann)).found == ()
    assert (left.exists(), dangling.exists()) == (False, False)


def test_an_erasure_is_written_down_as_hashes_with_one_salt_a_home(filled: Ledger) -> None:
    with filled.exclusive():
        remember(filled, person(filled), ERASED_AT, "salt-of-the-first")
        remember(filled, person(filled, CY), ERASED_AT, "salt-of-the-second")
    with filled.connect() as connection:
        rows = connection.execute("SELECT id_hash, salt FROM ledger_erased").fetchall()
    called = [ANN, ANN_BEFORE, ANN_ONLINE, pseudonym(ANN_EMAIL), ANN_EMAIL, CY]
    assert {salt for _, salt in rows} == {"salt-of-the-first"}
    assert {id_hash for id_hash, _ in rows} == {fingerprint("salt-of-the-first", name) for name in called}


@pytest.mark.parametrize("asked", [ANN, ANN_ONLINE, ANN_EMAIL])
def test_an_erasure_of_before_is_known_by_anything_he_was_called(filled: Ledger, asked: str) -> None:
    with filled.exclusive():
        remember(filled, person(filled), ERASED_AT, "salt")
        forget(filled, person(filled))
    found = before(filled, asked)
    assert found is not None
    assert (found.at, len(found.hashes)) == (ERASED_AT, 5)
    assert before(filled, BOB) is None


def test_where_nobody_was_erased_nobody_was(filled: Ledger) -> None:
    assert before(filled, ANN) is None


@pytest.fixture
def erased() -> duckdb.DuckDBPyConnection:
    """Return a connection on which customer c1 was erased, and c0 never was."""
    connection = duckdb.connect()
    row = {"id_hash": [fingerprint("salt", "c1")], "salt": ["salt"], "erased_at": [ERASED_AT]}
    connection.register("ledger_erased", pa.table(row, ERASED.arrow_schema))
    return connection


BEFORE, AFTER = ERASED_AT - timedelta(days=1), ERASED_AT + timedelta(days=1)


def test_orders_of_before_the_erasure_are_refused_and_later_ones_are_a_new_history(
    erased: duckdb.DuckDBPyConnection,
) -> None:
    rows = [("c1", BEFORE), ("c1", AFTER), ("c0", BEFORE)]
    table = {"line": [1, 2, 3], "customer_id": [who for who, _ in rows], "ordered_at": [at for _, at in rows]}
    erased.register("fresh", pa.table(table))
    statement = refused_sql(ORDERS, "fresh")
    assert statement is not None
    assert erased.execute(statement).fetchall() == [(1,)]


def test_a_customer_s_row_comes_back_only_when_it_says_that_it_is_of_after_the_erasure(
    erased: duckdb.DuckDBPyConnection,
) -> None:
    table = {
        "line": [1, 2, 3],
        "customer_id": ["c1", "c1", "c1"],
        "known_at": [AFTER, AFTER, BEFORE],
        "known_given": [False, True, True],
    }
    erased.register("fresh", pa.table(table))
    statement = refused_sql(CUSTOMERS, "fresh")
    assert statement is not None
    assert sorted(erased.execute(statement).fetchall()) == [(1,), (3,)]


def test_a_table_of_no_customers_refuses_nothing() -> None:
    assert refused_sql(PRODUCTS, "fresh") is None


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ('{"customer_id":"c1","quantity":"1"}', True),
        ('{"Customer ID":"c1"}', True),
        ('{"product_id":"c1"}', False),
        ('{"customer_id":"c0"}', False),
        ('c1,o5,2024-01-01,9"', True),
        ('c0,o5,2024-01-01,9"', False),
    ],
)
def test_the_text_of_a_refused_row_that_names_somebody_erased_is_known(
    erased: duckdb.DuckDBPyConnection, raw: str, *, named: bool
) -> None:
    found = erased.execute(f"SELECT {mentions_sql('raw')} FROM (SELECT ? AS raw)", [raw]).fetchone()
    assert found == (named,)
