import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.contacts import normal_phone
from serving.export.phones import NORTH_AMERICA, e164


@pytest.mark.parametrize(
    ("written", "country", "dialled"),
    [
        ("+49 (0)30 1234567", "DE", "+49301234567"),
        ("0049 30 1234567", None, "+49301234567"),
        ("+44 844 412 4653", None, "+448444124653"),
        ("(650) 555-1212", "US", "+16505551212"),
        ("1-650-555-1212", "CA", "+16505551212"),
        ("(650) 555-1212", None, None),
        ("030 1234567", "DE", None),
        ("150 555 1212", "US", None),
        ("650 155 1212", "US", None),
        ("650 555 121", "US", None),
        ("+0 30 1234567", "DE", None),
        ("+49 1234", "DE", None),
    ],
)
def test_a_number_is_international_or_north_american_or_left_out(
    written: str, country: str | None, dialled: str | None
) -> None:
    stored = normal_phone(written)
    assert stored is not None
    assert e164(stored, country) == dialled


@given(st.text(alphabet="0123456789+()-/ ", max_size=20), st.sampled_from([None, "DE", *NORTH_AMERICA]))
def test_what_is_given_is_always_e164(written: str, country: str | None) -> None:
    stored = normal_phone(written)
    dialled = e164(stored, country) if stored else None
    if dialled is not None:
        assert dialled[0] == "+"
        assert dialled[1] in "123456789"
        assert dialled[1:].isdigit()
        assert 7 <= len(dialled) - 1 <= 15
