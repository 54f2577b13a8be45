"""From text to tree: what an expression may contain, and what is said when it contains something else.

Two walls stand between a text and SQL. The first is `segments.spelling`: no word or sign reaches the SQL parser that is
not ours. The second is here: no node of the parsed tree is used that the operator table does not name. The tree then
holds our own rows only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from features.words import unit
from ledger.errors import InputError
from segments.calls import CallError, day_number, given_arguments, history_column
from segments.dialect import Plain
from segments.kinds import KINDS, fits
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
from segments.operators import ARITHMETIC, BY_NODE, FUNCTIONS, OPERATORS
from segments.past_functions import VALUES
from segments.segment import Segment
from segments.spelling import MAX_DEPTH, Speller, meant_segment, refuse, signs_known, suggestion
from segments.units import quoted
from segments.vocabulary import FLAG_WORDS, TODAY, SegmentColumn

MAX_SEGMENTS = 10  # named within each other
MAX_NUMBER = 1e15  # beyond it a DOUBLE no longer holds every whole number


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
        tokens = Speller(self.columns, self.segments).tokens(self.text)
        try:
            (root,) = Dialect.get_or_raise(Plain).parser().parse_into(exp.Condition, tokens, self.text)
        except RecursionError:
            refuse(0, "it is nested too deeply; use fewer brackets")
        except SqlglotError as error:
            refuse(_position(error, self.text), "the condition breaks off or does not fit together here")
        if root is None:
            refuse(0, "it is empty; write a condition such as orders = 1")
        return self._clause(root, negated=negated, depth=0)

    def _clause(self, node: exp.Expr, *, negated: bool, depth: int) -> Clause:
        node, negated = _unwrapped(node, negated=negated)
        if depth > MAX_DEPTH:
            refuse(_start(node), f"conditions are nested more than {MAX_DEPTH} deep")
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
            refuse(_start(node), "a condition is needed here; compare it with something, as in orders >= 3")
        condition = self._with_units(_column_first(condition), node)
        return Call(OPERATORS[condition.operator.opposite], condition.operands) if negated else condition

    def _in_segment(self, node: exp.Anonymous, *, negated: bool) -> InSegment:
        """Read what another segment asks for, in place."""
        name = node.expressions[0].this if len(node.expressions) == 1 else None
        if not isinstance(name, str) or not node.expressions[0].is_string:
            refuse(_start(node), "in_segment takes a segment's name, as in in_segment('loyal_customers')")
        if name in self.path:
            chain = " → ".join((*self.path[self.path.index(name) :], name))
            refuse(_start(node), f"segment {name!r} would hang on itself: {chain}")
        if name not in self.segments:
            refuse(self._place(name, node), f"unknown segment {name!r}; {meant_segment(name, self.segments)}")
        other = self.segments[name]
        if len(self.path) >= MAX_SEGMENTS:
            refuse(_start(node), f"segments are named within each other more than {MAX_SEGMENTS} deep")
        within = Reader(other.expression, self.columns, self.segments, (*self.path, name))
        try:
            clause = within.read(negated=negated)
        except InputError as error:
            refuse(_start(node), f"in segment {name!r}: {error}")
        symbol = "not in_segment" if negated else "in_segment"
        return InSegment(OPERATORS[symbol], name, other.title, clause)

    def _value(self, node: exp.Expr, depth: int, wanted: str = "number") -> Value:
        node = node.unnest()
        if depth > MAX_DEPTH:
            refuse(_start(node), f"the calculation is nested more than {MAX_DEPTH} deep")
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
            refuse(_start(node), "a number is needed here, not a condition; join conditions with AND or OR")
        return value

    def _of_history(self, operator: Operator, node: exp.Anonymous) -> Value:
        """Read a call of a history function: a column, or the condition that what it counts has happened."""
        try:
            return history_column(operator, node, self.columns, self.segments)
        except CallError as error:
            self._refuse_call(error, operator, node)

    def _refuse_call(self, error: CallError, operator: Operator, node: exp.Expr) -> NoReturn:
        start = error.start or _start(node)
        if error.text is not None:
            start = self._place(error.text, node)
        told = str(error)
        refuse(start, told if told.endswith("?") else f"{told}; as in {operator.example}")

    def _place(self, text: str, node: exp.Expr) -> int:
        """Return where a text in quotes stands; the parser knows no place of it."""
        start = _start(node)
        place = self.text.find(quoted(text), start)
        return start if place < 0 else place

    def _constant(self, node: exp.Literal) -> Constant:
        if node.is_string:
            return Constant(node.this)
        try:
            number = float(node.this)
        except ValueError:
            refuse(_start(node), f"{node.this!r} is not a number; write it as 1200 or 0.5")
        if abs(number) > MAX_NUMBER:
            refuse(_start(node), f"{node.this} is too large a number; at most {MAX_NUMBER:g} is allowed")
        return Constant(number)

    def _call(self, node: exp.Expr, depth: int) -> Value:
        """Read an operator or a function of the table; everything else is refused."""
        if isinstance(node, exp.Anonymous) and node.name.lower() in FUNCTIONS:
            return self._function(FUNCTIONS[node.name.lower()], node, depth)
        operator = BY_NODE.get(type(node))
        if isinstance(node, exp.Null):
            refuse(_start(node), "a value is compared with nothing; write IS UNKNOWN or IS NOT UNKNOWN")
        if operator is None:
            refuse(_start(node), f"this is not part of the language; {signs_known()}")
        if operator.symbol == "in" and not node.args.get("expressions"):
            refuse(_start(node), "IN needs a list, as in lifecycle in ('loyal_active', 'repeat_active')")
        if operator.symbol == "is unknown":
            if not isinstance(node.expression, exp.Null):
                refuse(_start(node), "IS is followed by UNKNOWN or NOT UNKNOWN")
            return self._typed(operator, (self._value(node.this, depth + 1),), node)
        parts = [node.args.get(name) for name in ("this", "expression", "low", "high")]
        operands = [part for part in parts if part is not None] + node.args.get("expressions", [])
        return self._typed(operator, tuple(self._value(part, depth + 1) for part in operands), node)

    def _function(self, operator: Operator, node: exp.Anonymous, depth: int) -> Value:
        if operator.over or operator.measures:
            return self._of_history(operator, node)
        if operator.takes == ("segment",):
            refuse(_start(node), f"{operator.symbol} is a condition; join it with AND or OR")
        try:
            given, plain = given_arguments(operator, node)
        except CallError as error:
            self._refuse_call(error, operator, node)
        operands = tuple(self._value(part, depth + 1) for part in plain)
        if len(operands) != len(operator.takes):
            refuse(
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
            refuse(
                _start(node),
                "dates cannot be calculated with; compare them, as in first_order_on >= days_ago(30)",
            )
        if any(unit_of(operand)[0] == "date" for operand in operands) and not operator.function:
            operands = tuple(self._dated(operand, node) for operand in operands)
        for place, operand in enumerate(operands):
            kind = operator.takes[min(place, len(operator.takes) - 1)]
            if not fits(operand, kind):
                wanted = KINDS[kind]
                refuse(
                    _start(node),
                    f"value {place + 1} of {operator.symbol} is {wanted}, as in {operator.example}",
                )
        return Call(operator, operands)

    def _with_units(self, condition: Call, node: exp.Expr) -> Call:
        """Give constants their units; refuse to compare what does not compare, as money with days."""
        if not any(isinstance(leaf, SegmentColumn) for leaf in leaves(condition)):
            refuse(_start(node), "this says nothing about a customer; name a column, as in orders >= 3")
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
            refuse(_start(node), "a day is needed here, written as '2024-01-31' or days_ago(30)")
        return Constant(float(day), "date")

    def _check_comparable(self, first: Value, other: Value, node: exp.Expr) -> None:
        dimension, against = unit(unit_of(first)[0]).dimension, unit(unit_of(other)[0]).dimension
        is_text = isinstance(other, Constant) and isinstance(other.value, str)
        if is_text != (dimension == "text") and isinstance(other, Constant):
            wanted = "a text in single quotes" if dimension == "text" else "a number"
            refuse(_start(node), f"{wanted} is needed here")
        if dimension and against and dimension != against:
            refuse(_start(node), f"this compares {dimension} with {against}")
        if is_text and isinstance(first, SegmentColumn) and first.name in VALUES:
            self._check_text(first, str(other.value), node)  # type: ignore[union-attr]
        maximum = unit(first.unit).maximum if isinstance(first, SegmentColumn) else None
        if (
            maximum
            and isinstance(other, Constant)
            and isinstance(other.value, float)
            and other.value > maximum
        ):
            refuse(_start(node), f"the value never exceeds {maximum:g}; for 66 % of a share write 0.66")

    def _check_text(self, column: SegmentColumn, text: str, node: exp.Expr) -> None:
        if text not in VALUES[column.name]:
            told = f"{column.phrase} is never {text!r}; {suggestion(text, VALUES[column.name])}"
            refuse(self._place(text, node), told)


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
