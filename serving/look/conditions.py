"""A condition as rows of a form and as text, each made from the other by the operator table."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Literal

from features.words import unit
from ledger.errors import InputError
from segments import nodes
from segments.expression import parse
from segments.nodes import Call, Clause, Constant, Every, InSegment, Some, Value
from segments.operator import Operator
from segments.operators import COMPARISONS, OPERATORS, PERCENTILES
from segments.segment import Segment
from segments.text_and_dates import DATES, LISTS, SEGMENTS, TEXTS
from segments.units import quoted
from segments.vocabulary import TODAY, Measured, SegmentColumn

SEGMENT: Final = "segment"
"""What a row is about when it is not a column: being in another segment."""
EPOCH: Final = date(1970, 1, 1)
Joint = Literal["and", "or"]
Asks = Literal["number", "text", "day"]
_SAME: Final = ("=", "<>", "in", "not in")
_KNOWN: Final = ("is unknown", "is not unknown")
_EVERY: Final = {row.symbol: row for row in (*COMPARISONS, *PERCENTILES, *LISTS, *TEXTS, *DATES, *SEGMENTS)}
_CALLED: Final = {row.symbol for row in _EVERY.values() if row.is_function}


@dataclass(frozen=True)
class Row:
    """One condition of a form.

    Parameters
    ----------
    column : str
        Of the vocabulary, or `SEGMENT`.
    operator : str
        Symbol of a row of the operator table.
    values : tuple of str
        As typed: a share in per cent, a day as 2024-01-31.
    """

    column: str
    operator: str
    values: tuple[str, ...] = ()


FIRST: Final = Row("orders", ">=", ("",))


@dataclass(frozen=True)
class Rows:
    """All conditions of a form.

    Parameters
    ----------
    joint : "and" or "or"
    rows : tuple of Row
    """

    joint: Joint
    rows: tuple[Row, ...]


def operators_of(column: SegmentColumn | None) -> tuple[str, ...]:
    """Return the operators that a form offers for a column, or for segments when it is None."""
    if column is None:
        return tuple(row.symbol for row in SEGMENTS)
    if column.unit == "names":
        return (*(row.symbol for row in LISTS), *_KNOWN)
    if column.unit == "text":
        texts = (row.symbol for row in TEXTS if row.takes[0] == "text column")
        return (*_SAME, *texts, *_KNOWN)
    numbers = tuple(row.symbol for row in COMPARISONS if row.form in {"number", "number pair"})
    if column.unit == "date":
        return (*numbers, *(row.symbol for row in DATES if row.takes[0] == "date column"), *_KNOWN)
    return (*numbers, *(row.symbol for row in PERCENTILES), *_KNOWN)


def asks(operator: str, column: SegmentColumn | None) -> tuple[Asks, ...]:
    """Return what a form asks for beside an operator: one kind for each field."""
    row = _EVERY[operator]
    if row.form == "none":
        return ()
    if column is None:
        return ("text",)
    if row.named or row.form in {"percent", "percent pair"}:
        numbers: tuple[Asks, ...] = ("number", "number")
        return numbers[: max(len(row.takes) - 1, 1)]
    kind: Asks = "text" if column.unit in {"text", "names"} else "day" if column.unit == "date" else "number"
    return (kind,) * (1 if row.repeats else len(row.takes) - 1)


def symbol_of_value(operator: str, column: SegmentColumn | None) -> str:
    """Return what stands behind a field: %, days, the currency."""
    row = _EVERY[operator]
    if row.form in {"percent", "percent pair"}:
        return "%"
    if row.named or column is None:
        return "days" if row.named else ""
    if column.unit == "currency":
        return column.currency
    return {"%": "%", "days": "days"}.get(unit(column.unit).written.replace("{n}", "").strip(), "")


def text_of(form: Rows, columns: Mapping[str, SegmentColumn]) -> str:
    """
    Write a form as text; rows that lack a value are left out.

    Raises
    ------
    InputError
        When a value is not what its field asks for.
    """
    written = [text for row in form.rows if (text := text_of_row(row, columns))]
    return f" {form.joint} ".join(written)


def text_of_row(row: Row, columns: Mapping[str, SegmentColumn]) -> str:
    """Write one row as text; empty while it lacks a value. Raises InputError as `text_of`."""
    column = columns.get(row.column)
    if row.operator not in operators_of(column) or (column is None and row.column != SEGMENT):
        return ""
    kinds = asks(row.operator, column)
    values = row.values[: len(kinds)]
    if len(values) < len(kinds) or not all(value.strip() for value in values):
        return ""
    operator = _EVERY[row.operator]
    made = [
        _literal(value.strip(), kind, operator, column) for value, kind in zip(values, kinds, strict=True)
    ]
    return _written(operator, column.name if column else "", made)


def _literal(value: str, kind: Asks, operator: Operator, column: SegmentColumn | None) -> str:
    if kind == "day":
        try:
            return quoted(date.fromisoformat(value).isoformat())
        except ValueError as error:
            raise InputError(f"'{value[:20]}' is not a day; write one such as 2024-01-31") from error
    if kind == "text":
        parts = [part.strip() for part in value.split(",")] if operator.repeats else [value]
        return ", ".join(quoted(part) for part in parts if part)
    try:
        number = float(value.replace(",", ".") if value.count(",") == 1 and "." not in value else value)
    except ValueError as error:
        raise InputError(f"'{value[:20]}' is not a number; write one such as 3 or 2.5") from error
    return f"{number / _factor(operator, column):.12g}"


def _factor(operator: Operator, column: SegmentColumn | None) -> int:
    """Return by what a typed number is larger than a written one: shares are typed in per cent."""
    if column is None or operator.named or operator.form in {"percent", "percent pair"}:
        return 1
    return unit(column.unit).factor


def _written(operator: Operator, column: str, made: Sequence[str]) -> str:
    symbol, listed = operator.symbol, ", ".join((column, *made) if column else made)
    if operator.named:
        return f"{symbol}({column}, {operator.named[0]} = {made[0]})"
    if symbol.removeprefix("not ") in _CALLED:
        return f"{symbol}({listed})"
    if operator.repeats:
        return f"{column} {symbol} ({', '.join(made)})"
    return f"{column} {symbol} {' and '.join(made)}".rstrip()


def rows_of(text: str, columns: Mapping[str, SegmentColumn], segments: Mapping[str, Segment]) -> Rows | None:
    """
    Read a text as the rows of a form.

    Returns
    -------
    Rows or None
        None when the condition is more than rows can show: mixed AND and OR, a calculation, a history.

    Raises
    ------
    InputError
        When the text is refused by the language.
    """
    clause = parse(text, columns, segments).clause
    joint: Joint = "or" if isinstance(clause, Some) else "and"
    parts = clause.clauses if isinstance(clause, Every | Some) else (clause,)
    rows = [_row(part) for part in parts]
    read = Rows(joint, tuple(row for row in rows if row is not None))
    if None in rows or not _same(text_of(read, columns), text, columns, segments):
        return None
    return read


def _same(one: str, two: str, columns: Mapping[str, SegmentColumn], segments: Mapping[str, Segment]) -> bool:
    """Whether two texts are one condition: what rows cannot say must not be lost by showing rows."""
    return parse(one, columns, segments).clause == parse(two, columns, segments).clause


def _row(clause: Clause) -> Row | None:
    if isinstance(clause, InSegment):
        return Row(SEGMENT, clause.operator.symbol, (clause.name,))
    if not isinstance(clause, Call) or clause.operator.symbol not in _EVERY:
        return None
    first, *others = clause.operands
    if not isinstance(first, SegmentColumn) or (
        isinstance(first, Measured) and first.source != "known_people"
    ):
        return None
    others = [each for each in others if not isinstance(each, nodes.Statistic) and each is not TODAY]
    values = [_typed(each, clause.operator, first) for each in others]
    if any(value is None for value in values):
        return None
    told = [value for value in values if value is not None]
    if clause.operator.repeats:
        told = [", ".join(told)]
    return Row(first.name, clause.operator.symbol, tuple(told))


def _typed(value: Value, operator: Operator, column: SegmentColumn) -> str | None:
    if not isinstance(value, Constant) or value.value is None:
        return None
    if isinstance(value.value, str):
        return value.value
    if column.unit == "date" and not operator.named:
        return (EPOCH + timedelta(days=round(value.value))).isoformat()
    return f"{value.value * _factor(operator, column):.12g}"


def with_change(form: Rows, *, removed: str, added: bool) -> Rows:
    """Return a form with a row added or removed, as one of its buttons asks; one row always stays."""
    rows = [row for place, row in enumerate(form.rows) if str(place) != removed]
    if added or not rows:
        rows.append(FIRST)
    return replace(form, rows=tuple(rows))


def fitting(row: Row, columns: Mapping[str, SegmentColumn]) -> Row:
    """Return a row with an operator that its column takes and as many values as that asks for."""
    column = columns.get(row.column)
    offered = operators_of(column)
    operator = row.operator if row.operator in offered else offered[0]
    fields = len(asks(operator, column))
    values = (*row.values, "", "")[:fields] if row.operator == operator else ("",) * fields
    return Row(row.column, operator, values)


def words_of(operator: str) -> str:
    """Return an operator in words for a form's list: its own sentence with dots for values."""
    row = OPERATORS[operator]
    told = row.says.format("…", "…", "…", "…", nth1="…", nth2="…", either="…", rest="…", of="")
    words = " ".join((row.verb or "is", told.replace(" “…”", "")))
    return re.sub(r" …( and …)?$", "", words).strip()
