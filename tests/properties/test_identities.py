"""Who is who, as the engine resolves it, is who the plain reference says it is."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.identity import resolved
from tests.properties.ledgers import CUTOFFS, Given, Row, joins
from tests.properties.reference_rows import who_is_who


@st.composite
def said(draw: st.DrawFn) -> Given:
    cutoff = draw(st.sampled_from(CUTOFFS))
    rows: list[Row] = [row for drawn in draw(st.lists(joins(cutoff), max_size=6)) for row in drawn]
    return Given([], [], draw(st.permutations(rows)), cutoff)


@settings(max_examples=300, deadline=None)
@given(said())
def test_the_engine_resolves_ids_as_the_plain_reference_does(example: Given) -> None:
    with example.connection() as connection:
        found = resolved(connection, example.cutoff.at).to_pylist()

    expected = {
        one: other for one, other in who_is_who(example.identities, example.cutoff.at).items() if one != other
    }
    assert {row["anonymous_id"]: row["customer_id"] for row in found} == expected
