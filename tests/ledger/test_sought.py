import duckdb
import pytest

from ledger.sought import ColumnKind, Sought, column_kind, fingerprint

SOUGHT = Sought(
    ids=frozenset({"abcdef123", "1", "1234567", "Ünal-77"}),
    emails=frozenset({"alice@example.com"}),
    phones=frozenset({"+491511234567"}),
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("customer_id", "person"),
        ("Customer ID", "person"),
        ("anonymous_id", "person"),
        ("Billing Phone", "person"),
        ("user", "person"),
        ("order_id", "number"),
        ("product_id", "number"),
        ("file_sha256", "number"),
        ("customers", "text"),
        ("raw", "text"),
        ("title", "text"),
    ],
)
def test_a_column_s_name_tells_what_it_holds(name: str, kind: ColumnKind) -> None:
    assert column_kind(name) == kind


TEXTS = [
    ("mail alice@example.com.", True),
    ("ALICE@Example.com", True),
    ('"first\\nalice@example.com"', True),  # the n belongs to the escape
    ("mailto%3Aalice%40example.com", True),
    ("xalice@example.com", False),
    ("alice@example.com.au", False),
    ("bought by customer-abcdef123,", True),
    ("abcdef1234", False),
    ("Ünal-77", True),
    ('"\\u00dcnal-77"', True),
    ("customer 1234567 said", True),
    ("a price of 0.1234567", False),
    ("x1234567", False),
    ("+491511234567", True),
    ("+49 1511 234567", True),
    ("0049 1511 234567", True),
    ("(01511) 234-567", True),
    ("01511/234567", True),
    ("+4915112345678", False),
    ('{"customer_id":"1"}', True),
    ('{"Customer ID": 1}', True),
    ('{"stats":"{\\"minValues\\":{\\"customer_id\\":\\"1\\"}}"}', True),
    ('{"customers": 1}', False),
    ('{"quantity":"1"}', False),
    ("1", False),
]


@pytest.mark.parametrize(("text", "held"), TEXTS)
def test_a_text_holds_him_under_any_spelling_and_only_as_a_whole_word(text: str, *, held: bool) -> None:
    assert SOUGHT.text is not None
    assert bool(SOUGHT.text.search(text.encode())) is held


@pytest.mark.parametrize(("text", "held"), TEXTS)
def test_duckdb_reads_the_pattern_as_python_does(text: str, *, held: bool) -> None:
    found = duckdb.execute("SELECT regexp_matches(?, ?)", [text, SOUGHT.text_pattern]).fetchone()
    assert found == (held,)


def cell_holds(sought: Sought, kind: ColumnKind, cell: str) -> bool:
    condition = sought.cell_sql(kind)
    assert condition is not None
    found = duckdb.execute(f"SELECT {condition} FROM (SELECT ? AS cell)", [cell]).fetchone()
    return bool(found and found[0])


@pytest.mark.parametrize(
    ("kind", "cell", "held"),
    [
        ("person", "1", True),
        ("person", "11", False),
        ("person", " Alice@example.com", True),
        ("number", "1234567", False),  # a product may have the number of a customer
        ("number", "order-of-alice@example.com", False),
        ("number", "abcdef123", True),
        ("text", "1", False),
        ("text", "for alice@example.com", True),
    ],
)
def test_a_cell_is_compared_by_what_its_column_holds(kind: ColumnKind, cell: str, *, held: bool) -> None:
    assert cell_holds(SOUGHT, kind, cell) is held


def test_somebody_of_whom_only_hashes_are_known_is_found_in_cells_that_name_a_person() -> None:
    forgotten = Sought(salt="salt", hashes=frozenset({fingerprint("salt", "17")}))
    assert [cell_holds(forgotten, "person", cell) for cell in ("17", "18")] == [True, False]
    assert (forgotten.text, forgotten.cell_sql("text")) == (None, None)
