"""The first wall between a text and SQL: which words and signs it may hold, and what was perhaps meant by another.

No word or sign reaches the SQL parser that is not ours: a column of the vocabulary, an operator or a function of the
operator table, a number, a text in quotes.
"""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from ledger.errors import InputError
from segments.operator import Operator
from segments.operators import ARITHMETIC, COMPARISONS, FUNCTIONS
from segments.segment import Segment
from segments.vocabulary import SegmentColumn

MAX_LENGTH = 4000  # the longest condition a person can still review
MAX_DEPTH = 30  # brackets and NOT within each other; the parser needs some twenty stack frames for each
MAX_NAMED = 12  # names listed in an error, which is one line

_SIGNS = {
    TokenType.L_PAREN,
    TokenType.R_PAREN,
    TokenType.COMMA,
    TokenType.EQ,
    TokenType.NEQ,
    TokenType.GT,
    TokenType.GTE,
    TokenType.LT,
    TokenType.LTE,
    TokenType.PLUS,
    TokenType.DASH,
    TokenType.STAR,
    TokenType.SLASH,
    TokenType.NUMBER,
    TokenType.STRING,
}
_WORDS = {"and", "or", "not", "between", "in", "is", "null", "unknown"}
_ADVICE = {
    TokenType.MOD: "write a share as a number from 0 to 1, as in 0.66 for 66 %",
    TokenType.SEMICOLON: "a segment is one condition; join conditions with AND or OR",
    TokenType.IDENTIFIER: "write texts in single quotes, as in 'loyal_active'",
}
# What other languages write.
_MEANT = {
    "=>": ">=",
    "=<": "<=",
    "≥": ">=",
    "≤": "<=",
    "≠": "<>",
    "&&": "AND",
    "&": "AND",
    "||": "OR",
    "|": "OR",
}


def refuse(start: int, what: str) -> NoReturn:
    """Refuse a text.

    Parameters
    ----------
    start : int
        From 0, where in it.
    what : str
        What is wrong there and what could be meant.

    Raises
    ------
    InputError
        Always.
    """
    raise InputError(f"segment expression, character {start + 1}: {what}")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return what was perhaps meant by an unknown word, or what there is."""
    close = closest(word, known)
    if close:
        return f"did you mean {close!r}?"
    names = sorted(known)
    return f"known are {', '.join(names[:MAX_NAMED])}{' and more' if len(names) > MAX_NAMED else ''}"


def meant_segment(name: str, segments: Mapping[str, Segment]) -> str:
    """Return which segment was perhaps meant by an unknown name; its title will do."""
    titles = {each.title: each.name for each in segments.values()}
    title = None if closest(name, segments) else closest(name, titles)
    return f"did you mean {titles[title]!r}?" if title else suggestion(name, segments)


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that another was perhaps meant to be, whatever its case."""
    by_case = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(word.casefold(), list(by_case), n=1)
    return by_case[found[0]] if found else None


def signs_known() -> str:
    """Return what a condition is written with."""
    signs = ", ".join(row.symbol for row in (*COMPARISONS, *ARITHMETIC))
    return (
        f"use columns, numbers, texts in single quotes, AND, OR, NOT, {signs}, and functions such as in_top"
    )


@dataclass(frozen=True)
class Speller:
    """Takes a text apart.

    Parameters
    ----------
    columns : mapping of str to SegmentColumn
        The vocabulary.
    segments : mapping of str to Segment
        Those that it may name.
    """

    columns: Mapping[str, SegmentColumn]
    segments: Mapping[str, Segment]

    def tokens(self, text: str) -> list[Token]:
        """Return the words and signs of a text, all of them known.

        Raises
        ------
        InputError
            Names the position, what was found there and what could be meant.
        """
        if len(text) > MAX_LENGTH:
            refuse(MAX_LENGTH, f"it is {len(text):,} characters long; at most {MAX_LENGTH:,} are allowed")
        for place, character in enumerate(text):
            if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\r\t":
                refuse(place, "a character that cannot be printed; remove it")
        try:
            tokens = Dialect.get_or_raise(None).tokenize(text)
        except SqlglotError:
            refuse(0, "a text or a comment in it is not closed; texts are written in single quotes")
        if not tokens:
            refuse(0, "it is empty; write a condition such as orders = 1")
        self._check_all(tokens)
        return list(tokens)

    def _check_all(self, tokens: Sequence[Token]) -> None:
        opened: list[tuple[str, int]] = []  # what stands before each bracket that is open, and where that is
        for place, token in enumerate(tokens):
            follower = tokens[place + 1].token_type if place + 1 < len(tokens) else None
            call = FUNCTIONS.get(opened[-1][0]) if opened else None
            if call and call.named and follower == TokenType.EQ and token.token_type not in _SIGNS:
                _check_argument(token, call)
            else:
                self._check(token, is_function=follower == TokenType.L_PAREN)
            if token.token_type == TokenType.L_PAREN:
                opened.append((tokens[place - 1].text.lower() if place else "", token.start))
            elif token.token_type == TokenType.R_PAREN:
                if not opened:
                    refuse(token.start, "this bracket closes none that is open")
                opened.pop()
            if len(opened) > MAX_DEPTH:
                refuse(token.start, f"brackets are nested more than {MAX_DEPTH} deep")
        if opened:
            refuse(opened[-1][1], "this bracket is not closed")

    def _check(self, token: Token, *, is_function: bool) -> None:
        word = token.text.lower()
        if token.token_type in _SIGNS:
            return
        if token.token_type in _ADVICE:
            refuse(token.start, f"{token.text!r} is not understood; {_ADVICE[token.token_type]}")
        if word in _MEANT:
            refuse(token.start, f"{token.text!r} is not understood; did you mean {_MEANT[word]}?")
        if not word.isidentifier():
            refuse(token.start, f"{token.text!r} is not understood; {signs_known()}")
        if word in _WORDS or word in (FUNCTIONS if is_function else self.columns):
            return
        kind = "function" if is_function else "column"
        refuse(token.start, f"unknown {kind} {token.text!r}; {self._meant(word, is_function=is_function)}")

    def _meant(self, word: str, *, is_function: bool) -> str:
        """Return what was perhaps meant by a word that is no column, or no function."""
        if is_function and word in self.columns:
            return f"{word} is a column and has no brackets"
        if not is_function and word in FUNCTIONS:
            return f"{word} is a function, as in {FUNCTIONS[word].example}"
        if word in self.segments:
            return f"{word} is a segment; write in_segment('{word}')"
        known = FUNCTIONS if is_function else self.columns
        if is_function or closest(word, known):
            return suggestion(word, known)
        return f"if it is a text, write it in single quotes; {suggestion(word, known)}"


def _check_argument(token: Token, call: Operator) -> None:
    if token.text.lower() not in call.named:
        meant = suggestion(token.text.lower(), call.named)
        refuse(token.start, f"{call.symbol} has no argument {token.text!r}; {meant}")
