"""From text to tree: what an expression may contain, and what is said when it contains something else.

Two walls stand between a text and SQL. No word or sign reaches the SQL parser that is not ours: a column of
the vocabulary, an operator or a function of the operator table. And no node of the parsed tree is used that
the operator table does not name. The tree then holds our own rows only.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from features.words import unit
from ledger.errors import InputError
from segments.calls import CallError, day_number, given_arguments, history_column, suggestion
from segments.dialect import Plain
from segments.nodes import (
    Call,
    Clause,
    Constant,
    Every,
    InSegment,
    Some,
    Statistic,
    Value,
    leaves,
    unit_of,
    with_unit,
)
from segments.operator import Operator
from segments.operators import ARITHMETIC, BY_NODE, COMPARISONS, FUNCTIONS, OPERATORS
from segments.segment import Segment
from segments.vocabulary import FLAG_WORDS, TODAY, SegmentColumn

MAX_LENGTH = 4000  # the longest condition a person can still review
MAX_DEPTH = 30  # brackets and NOT within each other; the parser needs some twenty stack frames for each
MAX_DAYS = 36_500  # a hundred years
MAX_SEGMENTS = 10  # named within each other
MAX_NUMBER = 1e15  # beyond it a DOUBLE no longer holds every whole number

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
_KINDS = {
    "any": "a number or a text",
    "number": "a number",
    "text": "a text in single quotes",
    "column": "a column",
    "number column": "a column of numbers",
    "list column": "a list such as due_now_items",
    "text column": "a column of texts such as city",
    "date column": "a column of dates such as birth_date",
    "constant": "a number or a text in single quotes",
    "days": "a whole number of days",
    "percent": "a number between 0 and 100",
    "order count": "0, 1, 2 or 3",
}
_ADVICE = {
    TokenType.MOD: "write a share as a number from 0 to 1, as in 0.66 for 66 %",
    TokenType.SEMICOLON: "a segment is one condition; join conditions with AND or OR",
    TokenType.IDENTIFIER: "write texts in single quotes, as in 'loyal_active'",
}


@dataclass(frozen=True)
class Reader:
    """Turns one text into a tree.

    Parameters
    ----------
    text : str
        What the user wrote.
    columns : mapping of str to SegmentColumn
        The vocabulary.
    segments : mapping of str to Segment
        Those that it may name.
    path : tuple of str
        Names of the segments in which this text was named, the outermost first.
    """

    text: str
    columns: Mapping[str, SegmentColumn]
    segments: Mapping[str, Segment] = field(default_factory=dict)
    path: tuple[str, ...] = ()

    def read(self, *, negated: bool = False) -> Clause:
        """Return the tree, or that of the opposite; or refuse the text.

        Raises
        ------
        InputError
            Names the position, what was found there and what could be meant.
        """
        tokens = self._tokens()
        try:
            (root,) = Dialect.get_or_raise(Plain).parser().parse_into(exp.Condition, tokens, self.text)
        except RecursionError:
            self._refuse(0, "it is nested too deeply; use fewer brackets")
        except SqlglotError as error:
            self._refuse(
                _position(error, self.text), "the condition breaks off or does not fit together here"
            )
        if root is None:
            self._refuse(0, "it is empty; write a condition such as orders = 1")
        return self._clause(root, negated=negated, depth=0)

    def _refuse(self, start: int, what: str) -> NoReturn:
        raise InputError(f"segment expression, character {start + 1}: {what}")

    # The first wall: words and signs.

    def _tokens(self) -> list[Token]:
        if len(self.text) > MAX_LENGTH:
            self._refuse(
                MAX_LENGTH, f"it is {len(self.text):,} characters long; at most {MAX_LENGTH:,} are allowed"
            )
        for place, character in enumerate(self.text):
            if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\r\t":
                self._refuse(place, "a character that cannot be printed; remove it")
        try:
            tokens = Dialect.get_or_raise(None).tokenize(self.text)
        except SqlglotError:
            self._refuse(0, "a text or a comment in it is not closed; texts are written in single quotes")
        if not tokens:
            self._refuse(0, "it is empty; write a condition such as orders = 1")
        self._check_all(tokens)
        return list(tokens)

    def _check_all(self, tokens: Sequence[Token]) -> None:
        opened: list[str] = []  # what stands before each bracket that is open
        for place, token in enumerate(tokens):
            follower = tokens[place + 1].token_type if place + 1 < len(tokens) else None
            call = FUNCTIONS.get(opened[-1]) if opened else None
            if call and call.named and follower == TokenType.EQ and token.token_type not in _SIGNS:
                self._check_argument(token, call)
            else:
                self._check(token, is_function=follower == TokenType.L_PAREN)
            if token.token_type == TokenType.L_PAREN:
                opened.append(tokens[place - 1].text.lower() if place else "")
            elif token.token_type == TokenType.R_PAREN and opened:
                opened.pop()
            if len(opened) > MAX_DEPTH:
                self._refuse(token.start, f"brackets are nested more than {MAX_DEPTH} deep")

    def _check_argument(self, token: Token, call: Operator) -> None:
        if token.text.lower() not in call.named:
            meant = suggestion(token.text.lower(), call.named)
            self._refuse(token.start, f"{call.symbol} has no argument {token.text!r}; {meant}")

    def _check(self, token: Token, *, is_function: bool) -> None:
        word = token.text.lower()
        if token.token_type in _SIGNS:
            return
        if token.token_type in _ADVICE:
            self._refuse(token.start, f"{token.text!r} is not understood; {_ADVICE[token.token_type]}")
        if not word.isidentifier():
            self._refuse(token.start, f"{token.text!r} is not understood; {_signs_known()}")
        if word in _WORDS:
            return
        known, kind = (FUNCTIONS, "function") if is_function else (self.columns, "column")
        if word not in known:
            self._refuse(token.start, f"unknown {kind} {token.text!r}; {suggestion(word, known)}")

    # The second wall: nodes.

    def _clause(self, node: exp.Expr, *, negated: bool, depth: int) -> Clause:
        node, negated = _unwrapped(node, negated=negated)
        if depth > MAX_DEPTH:
            self._refuse(_start(node), f"conditions are nested more than {MAX_DEPTH} deep")
        if isinstance(node, exp.And | exp.Or):
            parts = [self._clause(part, negated=negated, depth=depth + 1) for part in node.flatten()]
            kind = Every if isinstance(node, exp.And) is not negated else Some
            return kind(tuple(_merged(kind, parts)))
        if isinstance(node, exp.Anonymous) and node.name.lower() == "in_segment":
            return self._in_segment(node, negated=negated)
        condition = self._value(node, depth, wanted="truth")
        if isinstance(condition, SegmentColumn) and condition.name in FLAG_WORDS:
            condition = Call(OPERATORS["="], (condition, Constant(1.0)))
        if not isinstance(condition, Call) or condition.operator.gives != "truth":
            self._refuse(
                _start(node), "a condition is needed here; compare it with something, as in orders >= 3"
            )
        condition = self._with_units(_column_first(condition), node)
        return Call(OPERATORS[condition.operator.opposite], condition.operands) if negated else condition

    def _in_segment(self, node: exp.Anonymous, *, negated: bool) -> InSegment:
        """Read what another segment asks for, in place."""
        name = node.expressions[0].this if len(node.expressions) == 1 else None
        if not isinstance(name, str) or not node.expressions[0].is_string:
            self._refuse(
                _start(node), "in_segment takes a segment's name, as in in_segment('loyal_customers')"
            )
        if name in self.path:
            chain = " → ".join((*self.path[self.path.index(name) :], name))
            self._refuse(_start(node), f"segment {name!r} would hang on itself: {chain}")
        if name not in self.segments:
            self._refuse(_start(node), f"unknown segment {name!r}; {suggestion(name, self.segments)}")
        other = self.segments[name]
        if len(self.path) >= MAX_SEGMENTS:
            self._refuse(_start(node), f"segments are named within each other more than {MAX_SEGMENTS} deep")
        within = Reader(other.expression, self.columns, self.segments, (*self.path, name))
        try:
            clause = within.read(negated=negated)
        except InputError as error:
            self._refuse(_start(node), f"in segment {name!r}: {error}")
        symbol = "not in_segment" if negated else "in_segment"
        return InSegment(OPERATORS[symbol], name, other.title, clause)

    def _value(self, node: exp.Expr, depth: int, wanted: str = "number") -> Value:
        node = node.unnest()
        if depth > MAX_DEPTH:
            self._refuse(_start(node), f"the calculation is nested more than {MAX_DEPTH} deep")
        if isinstance(node, exp.Literal):
            return self._constant(node)
        if isinstance(node, exp.Neg):
            value = self._value(node.this, depth + 1)
            if isinstance(value, Constant) and isinstance(value.value, float):
                return Constant(-value.value)
            return self._typed(OPERATORS["*"], (Constant(-1.0), value), node)
        if isinstance(node, exp.Column) and node.name.lower() in self.columns and len(node.parts) == 1:
            return self.columns[node.name.lower()]
        value = self._call(node, depth)
        if isinstance(value, Call) and value.operator.gives != wanted == "number":
            self._refuse(
                _start(node), "a number is needed here, not a condition; join conditions with AND or OR"
            )
        return value

    def _of_history(self, operator: Operator, node: exp.Anonymous) -> Value:
        """Read a call of a history function: a column, or the condition that what it counts has happened."""
        try:
            return history_column(operator, node, self.columns, self.segments)
        except CallError as error:
            self._refuse(error.start or _start(node), f"{error}, as in {operator.example}")

    def _constant(self, node: exp.Literal) -> Constant:
        if node.is_string:
            return Constant(node.this)
        try:
            number = float(node.this)
        except ValueError:
            self._refuse(_start(node), f"{node.this!r} is not a number; write it as 1200 or 0.5")
        if abs(number) > MAX_NUMBER:
            self._refuse(
                _start(node), f"{node.this} is too large a number; at most {MAX_NUMBER:g} is allowed"
            )
        return Constant(number)

    def _call(self, node: exp.Expr, depth: int) -> Value:
        """Read an operator or a function of the table; everything else is refused."""
        if isinstance(node, exp.Anonymous) and node.name.lower() in FUNCTIONS:
            return self._function(FUNCTIONS[node.name.lower()], node, depth)
        operator = BY_NODE.get(type(node))
        if isinstance(node, exp.Null):
            self._refuse(_start(node), "a value is compared with nothing; write IS UNKNOWN or IS NOT UNKNOWN")
        if operator is None:
            self._refuse(_start(node), f"this is not part of the language; {_signs_known()}")
        if operator.symbol == "in" and not node.args.get("expressions"):
            self._refuse(
                _start(node), "IN needs a list, as in lifecycle in ('loyal_active', 'repeat_active')"
            )
        if operator.symbol == "is unknown":
            if not isinstance(node.expression, exp.Null):
                self._refuse(_start(node), "IS is followed by UNKNOWN or NOT UNKNOWN")
            return self._typed(operator, (self._value(node.this, depth + 1),), node)
        parts = [node.args.get(name) for name in ("this", "expression", "low", "high")]
        operands = [part for part in parts if part is not None] + node.args.get("expressions", [])
        return self._typed(operator, tuple(self._value(part, depth + 1) for part in operands), node)

    def _function(self, operator: Operator, node: exp.Anonymous, depth: int) -> Value:
        if operator.over or operator.measures:
            return self._of_history(operator, node)
        if operator.takes == ("segment",):
            self._refuse(_start(node), f"{operator.symbol} is a condition; join it with AND or OR")
        try:
            given, plain = given_arguments(operator, node)
        except CallError as error:
            self._refuse(error.start or _start(node), f"{error}, as in {operator.example}")
        operands = tuple(self._value(part, depth + 1) for part in plain)
        if len(operands) != len(operator.takes):
            self._refuse(
                _start(node),
                f"{operator.symbol} takes {len(operator.takes)} values, as in {operator.example}",
            )
        call = self._typed(operator, operands, node)
        if not operator.statistics:
            today = (TODAY,) if unit_of(operands[0])[0] == "date" or operator.unit == "date" else ()
            if operator.unit == "date":
                operands = tuple(with_unit(operand, "days", "") for operand in operands)
            days = [Constant(number, "days") for number in given.values() if isinstance(number, float)]
            return Call(operator, (*operands, *today, *days))
        column = operands[0] if isinstance(operands[0], SegmentColumn) else None
        numbers = tuple(
            each.value for each in operands if isinstance(each, Constant) and isinstance(each.value, float)
        )
        name = operator.unit or (column.unit if column else "")
        needed = operator.statistics(numbers)
        statistics = tuple(Statistic(each, column, "days" if name == "days_ago" else name) for each in needed)
        return Call(operator, (*call.operands, *statistics))

    def _typed(self, operator: Operator, operands: tuple[Value, ...], node: exp.Expr) -> Call:
        if operator in ARITHMETIC and any(unit_of(operand)[0] == "date" for operand in operands):
            self._refuse(
                _start(node),
                "dates cannot be calculated with; compare them, as in first_order_on >= days_ago(30)",
            )
        if any(unit_of(operand)[0] == "date" for operand in operands) and not operator.function:
            operands = tuple(self._dated(operand, node) for operand in operands)
        for place, operand in enumerate(operands):
            kind = operator.takes[min(place, len(operator.takes) - 1)]
            if not _fits(operand, kind):
                wanted = _KINDS[kind]
                self._refuse(
                    _start(node),
                    f"value {place + 1} of {operator.symbol} is {wanted}, as in {operator.example}",
                )
        return Call(operator, operands)

    def _with_units(self, condition: Call, node: exp.Expr) -> Call:
        """Give constants their units; refuse to compare what does not compare, as money with days."""
        if not any(isinstance(leaf, SegmentColumn) for leaf in leaves(condition)):
            self._refuse(_start(node), "this says nothing about a customer; name a column, as in orders >= 3")
        if condition.operator.statistics or condition.operator.function or condition.operator.measures:
            return condition
        first, *others = condition.operands
        name, currency = unit_of(first)
        others = [with_unit(other, name, currency) for other in others]
        for other in others:
            self._check_comparable(first, other, node)
        return Call(condition.operator, (with_unit(first, *unit_of(others[0])) if others else first, *others))

    def _dated(self, value: Value, node: exp.Expr) -> Value:
        """Read a day as '2024-01-31' where a date is compared."""
        if not isinstance(value, Constant) or value.unit == "date":
            return value
        day = day_number(value.value) if isinstance(value.value, str) else None
        if day is None:
            self._refuse(_start(node), "a day is needed here, written as '2024-01-31' or days_ago(30)")
        return Constant(float(day), "date")

    def _check_comparable(self, first: Value, other: Value, node: exp.Expr) -> None:
        dimension, against = unit(unit_of(first)[0]).dimension, unit(unit_of(other)[0]).dimension
        is_text = isinstance(other, Constant) and isinstance(other.value, str)
        if is_text != (dimension == "text") and isinstance(other, Constant):
            wanted = "a text in single quotes" if dimension == "text" else "a number"
            self._refuse(_start(node), f"{wanted} is needed here")
        if dimension and against and dimension != against:
            self._refuse(_start(node), f"this compares {dimension} with {against}")
        maximum = unit(first.unit).maximum if isinstance(first, SegmentColumn) else None
        if (
            maximum
            and isinstance(other, Constant)
            and isinstance(other.value, float)
            and other.value > maximum
        ):
            self._refuse(_start(node), f"the value never exceeds {maximum:g}; for 66 % of a share write 0.66")


def _unwrapped(node: exp.Expr, *, negated: bool) -> tuple[exp.Expr, bool]:
    while isinstance(node, exp.Paren | exp.Not):
        negated ^= isinstance(node, exp.Not)
        node = node.this
    return node, negated


def _merged(kind: type[Every] | type[Some], parts: Iterable[Clause]) -> Iterable[Clause]:
    """Open up parts of the same kind: `a and (b and c)` is one list of three."""
    for part in parts:
        if isinstance(part, kind):
            yield from part.clauses
        else:
            yield part


def _column_first(condition: Call) -> Call:
    """Write `30 < days` as `days > 30`, so that the sentence is about the customer."""
    mirror = condition.operator.mirror
    if not mirror or any(isinstance(leaf, SegmentColumn) for leaf in leaves(condition.operands[0])):
        return condition
    return Call(OPERATORS[mirror], condition.operands[::-1])


def _fits(operand: Value, kind: str) -> bool:
    is_text = unit_of(operand)[0] in {"text", "names"} or isinstance(getattr(operand, "value", None), str)
    number = operand.value if isinstance(operand, Constant) and isinstance(operand.value, float) else None
    is_column, is_constant = isinstance(operand, SegmentColumn), isinstance(operand, Constant)
    fits = {
        "any": True,
        "number": not is_text,
        "text": is_text and is_constant,
        "column": is_column,
        "number column": is_column and not is_text and operand is not TODAY,
        "list column": is_column and unit_of(operand)[0] == "names",
        "text column": is_column and unit_of(operand)[0] == "text",
        "date column": is_column and unit_of(operand)[0] == "date" and operand is not TODAY,
        "days": number is not None and number == int(number) and 0 <= number <= MAX_DAYS,
        "constant": is_constant,
        "percent": number is not None and 0 < number < 100,  # noqa: PLR2004 - per cent
        "order count": number in {0.0, 1.0, 2.0, 3.0},
    }
    return fits[kind]


def _signs_known() -> str:
    signs = ", ".join(row.symbol for row in (*COMPARISONS, *ARITHMETIC))
    return (
        f"use columns, numbers, texts in single quotes, AND, OR, NOT, {signs}, and functions such as in_top"
    )


def _start(node: exp.Expr) -> int:
    """Return the first position that any part of a node knows of itself."""
    return min((part.meta["start"] for part in node.walk() if "start" in part.meta), default=0)


def _position(error: SqlglotError, text: str) -> int:
    """Return where a parser's error lies, from its line and column (of the last character read)."""
    found = getattr(error, "errors", None)
    if not found or not found[0].get("line"):
        return 0
    line, column = int(found[0]["line"]), int(found[0]["col"])
    before = sum(len(each) + 1 for each in text.split("\n")[: line - 1])
    return max(0, before + column - len(found[0].get("highlight") or " "))
