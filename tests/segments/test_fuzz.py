"""Texts grown from the grammar and torn: none crashes the language or says SQL that is not ours."""

import pytest

from benchmarks.segment_fuzz import Checker, Grammar, foreign_words
from segments.vocabulary import SegmentColumn


def test_twenty_thousand_texts_are_refused_or_become_sql_of_our_words(
    columns: dict[str, SegmentColumn],
) -> None:
    grammar, checker = Grammar(columns, seed=20_231), Checker(columns)
    for _ in range(20_000):
        checker.check(grammar.text())
    # Or nothing was tried.
    assert checker.seen["understood"] > 2_000
    assert checker.seen["refused"] > 2_000
    assert checker.seen["bound"] > 20


@pytest.mark.parametrize(
    ("sql", "foreign"),
    [
        ('("orders" > 3.0e0)', set()),
        ("(\"city\" = 'read_csv(''/etc/passwd'')')", set()),
        ("read_csv('/etc/passwd')", {"read_csv"}),
        ('("orders" > 3); drop table x', {";", "drop", "table", "x"}),
        ('"orders" > 1 -- "', {'"'}),
    ],
)
def test_what_is_not_ours_is_found_outside_of_quotes_alone(sql: str, foreign: set[str]) -> None:
    assert foreign_words(sql) == foreign
