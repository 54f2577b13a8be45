"""Addresses and numbers: found, written one way, replaced and withheld, in Python as in SQL."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import contacts
from ledger.engine import open_engine

TEXTS = st.one_of(
    st.text(st.sampled_from("abAZ019.-_+'\"%@ <>()\\/\u00e9\u00a0\u2013:;2B40"), max_size=24),
    st.lists(
        st.sampled_from(["ann", "@", "%40", "%2B", "x.de", ".", "A", "é", " ", "'", "9", "-", "ﬀ", "\n"]),
        max_size=12,
    ).map("".join),
    st.text(max_size=12),
)
PHONES = st.text(st.sampled_from("+0123456789 ()-./'\u00a0x"), max_size=22)


@cache
def warm_engine() -> duckdb.DuckDBPyConnection:
    """Give the connection that all tests here use: opening one takes longer than reading."""
    return open_engine()


@pytest.fixture(scope="module", autouse=True)
def _close_engine() -> Iterator[None]:
    yield
    warm_engine().close()
    warm_engine.cache_clear()  # a connection left at exit makes its library complain


def in_sql(build: Callable[[str], str], texts: Sequence[str]) -> list[object]:
    engine = warm_engine()
    engine.register("cells", pa.table({"place": range(len(texts)), "text": pa.array(texts, pa.string())}))
    found = engine.sql(f"SELECT {build('text')} AS value FROM cells ORDER BY place").to_arrow_table()
    return list(found["value"].to_pylist())


def test_a_pseudonym_is_the_start_of_the_hash_of_the_small_letters() -> None:
    digits = hashlib.sha256(b"ann@example.com").hexdigest()[:20]

    assert contacts.pseudonym(" Ann@Example.com ") == f"e-{digits}"


def test_a_number_has_a_pseudonym_too_however_it_is_written() -> None:
    digits = hashlib.sha256(b"+4930123456").hexdigest()[:20]

    assert contacts.phone_pseudonym("0049 (0)30 123-456") == f"p-{digits}"


def test_what_is_no_address_or_number_has_no_pseudonym() -> None:
    with pytest.raises(ValueError, match="no e-mail address"):
        contacts.pseudonym("ann")
    with pytest.raises(ValueError, match="not a telephone number"):
        contacts.phone_pseudonym("12")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ann@example.com", "(withheld)"),
        ('{"email":"Ann@Example.com"}', '{"email":"(withheld)"}'),
        ("a@b.de,c@d.fr", "(withheld),(withheld)"),
        ("?e=ann%2Bnews%40example.com", "?e=(withheld)"),
        ("ann.smith@mail.example.co.uk.", "(withheld)."),
        ("tea 2@9.99, @home, a@b", "tea 2@9.99, @home, a@b"),
        ("“ann@example.com”", "“(withheld)”"),
        ("nothing", "nothing"),
    ],
)
def test_only_addresses_are_withheld(text: str, kept: str) -> None:
    assert contacts.masked(text) == kept


@settings(max_examples=80, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=40))
def test_python_and_sql_say_the_same_of_addresses(texts: list[str]) -> None:
    assert [contacts.masked(text) for text in texts] == in_sql(contacts.masked_sql, texts)
    assert [contacts.email_in(text) for text in texts] == in_sql(contacts.email_in_sql, texts)
    known = [text for text in texts if contacts.email_in(text)]
    assert [contacts.pseudonym(text) for text in known] == in_sql(contacts.pseudonym_sql, known)


@settings(max_examples=80, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=40))
def test_no_text_without_the_marks_of_an_address_has_anything_to_withhold(texts: list[str]) -> None:
    lines = [text.replace("\n", " ") for text in texts]
    marked = in_sql(contacts.may_hold_address_sql, lines)

    assert [
        line for line, has in zip(lines, marked, strict=True) if not has and contacts.masked(line) != line
    ] == []


@settings(max_examples=80, deadline=None)
@given(st.lists(PHONES, min_size=1, max_size=40))
def test_python_and_sql_say_the_same_of_numbers(texts: list[str]) -> None:
    assert [contacts.normal_phone(text) for text in texts] == in_sql(contacts.normal_phone_sql, texts)
    known = [text for text in texts if contacts.normal_phone(text)]
    assert [contacts.phone_pseudonym(text) for text in known] == in_sql(contacts.phone_pseudonym_sql, known)


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_what_was_withheld_holds_no_address(text: str) -> None:
    assert contacts.masked(contacts.masked(text)) == contacts.masked(text)


@pytest.mark.parametrize("text", ["a" * 300_000 + "@", "@" * 100_000, "a@" * 100_000, "a@b." * 50_000 + "1"])
def test_a_long_text_takes_no_longer_than_its_length(text: str) -> None:
    started = time.perf_counter()

    contacts.masked(text)

    assert time.perf_counter() - started < 20  # its length squared would be minutes
