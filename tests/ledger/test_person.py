import pytest

from ledger.contacts import phone_pseudonym, pseudonym
from ledger.errors import InputError
from ledger.home import Home
from ledger.person import Person, count, find
from ledger.store import Ledger
from tests.ledger.people import (
    ANN,
    ANN_BEFORE,
    ANN_EMAIL,
    ANN_ONLINE,
    BOB,
    CY,
    IMPORTED_AT,
    PHONE_OF_BOTH,
    fill,
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    ledger = Ledger(Home(tmp_path_factory.mktemp("home")))
    fill(ledger, tmp_path_factory.mktemp("files"))
    return ledger


def found(ledger: Ledger, asked: str) -> Person:
    with ledger.connect() as connection:
        return find(connection, asked, IMPORTED_AT)


def rows_of(ledger: Ledger, asked: str) -> dict[str, int]:
    with ledger.connect() as connection:
        return count(connection, find(connection, asked, IMPORTED_AT))


@pytest.mark.parametrize("asked", [ANN, ANN_BEFORE, ANN_ONLINE, ANN_EMAIL, f" {ANN_EMAIL.upper()} "])
def test_a_customer_is_found_with_all_that_he_is_called_by_any_of_it(filled: Ledger, asked: str) -> None:
    person = found(filled, asked)
    assert set(person.ids) == {ANN, ANN_BEFORE, ANN_ONLINE, pseudonym(ANN_EMAIL)}
    assert person.emails == (ANN_EMAIL,)


def test_a_phone_that_another_customer_has_too_is_not_his_alone(filled: Ledger) -> None:
    assert (found(filled, ANN).phones, found(filled, ANN).shared) == ((), 1)


def test_a_phone_that_is_asked_for_finds_everybody_who_has_it(filled: Ledger) -> None:
    person = found(filled, "0049 (30) 123-4567")
    assert {ANN, BOB, phone_pseudonym(PHONE_OF_BOTH)} <= set(person.ids)
    assert (person.phones, person.shared) == ((PHONE_OF_BOTH,), 0)


def test_digits_that_are_somebody_s_id_are_no_phone(filled: Ledger) -> None:
    assert found(filled, CY).ids == (CY,)


def test_the_rows_of_all_his_ids_are_counted_and_of_nobody_else(filled: Ledger) -> None:
    orders_of_two_ids, viewed_before_and_after, refused = 2, 2, 1
    assert rows_of(filled, ANN) == {
        "orders": orders_of_two_ids,
        "events": viewed_before_and_after,
        "customers": 1,
        "identities": 2,
        "rejected": refused,
    }


def test_a_short_id_is_found_among_refused_rows_by_the_cell_that_names_a_customer(filled: Ledger) -> None:
    assert rows_of(filled, CY) == {"orders": 1, "rejected": 1}


def test_nobody_has_no_rows(filled: Ledger) -> None:
    assert rows_of(filled, "nobody@example.org") == {}


def test_it_is_known_since_when_he_orders(filled: Ledger) -> None:
    first = found(filled, ANN).first_known_at
    assert first is not None
    assert first.date().isoformat() == "2023-11-05"


def test_an_id_of_many_customers_is_refused(filled: Ledger) -> None:
    with pytest.raises(
        InputError, match="this id was 6 customers, so it is nobody's own; give the id of one"
    ):
        found(filled, "till")
