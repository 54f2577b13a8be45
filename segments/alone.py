"""Segments of a few customers without an engine: the very SQL of a condition, as a function of one row.

Of one customer, DuckDB takes ten milliseconds to set up what it then runs in one. So the texts that its SELECT is put
together from are read once more, into Python. No operator is defined here a second time, only the SQL that operators
and reasons are written in; a text that says more than that is left to DuckDB.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlglot
from sqlglot import exp

Row = Mapping[str, Any]
Value = Callable[[Row], Any]


class EngineNeededError(Exception):
    """What is asked is left to DuckDB: words that are not read here, or numbers beyond any customer's."""


class Alone:
    """All segments as functions of one customer's row.

    Parameters
    ----------
    columns : sequence of (str, str)
        Columns and their SQL, in the order in which they hang on each other.
    members : sequence of (str, str, str)
        Of each segment its name, and the SQL of its condition and of its members' reasons.

    Raises
    ------
    EngineNeededError
        When some SQL is not read here.
    """

    def __init__(self, columns: Sequence[tuple[str, str]], members: Sequence[tuple[str, str, str]]) -> None:
        self._columns = [(name, function_of(sql)) for name, sql in columns]
        self._members = [
            (name, function_of(condition), function_of(reasons)) for name, condition, reasons in members
        ]

    def memberships(self, data: Row) -> list[tuple[str, list[str]]]:
        """
        Return a customer's segments with his reasons, in the segments' order.

        Parameters
        ----------
        data : mapping of str to float, str or None
            What is known of him.

        Raises
        ------
        EngineNeededError
            When a number on the way is none, as that of dividing by nothing.
        """
        row = dict(data)
        for name, value in self._columns:
            row[name] = value(row)
        return [(name, reasons(row)) for name, condition, reasons in self._members if condition(row) is True]


def function_of(sql: str) -> Value:
    """
    Return the function of a row that some SQL is: NULL is None, and so is a condition that is unknown.

    Raises
    ------
    EngineNeededError
        When it says anything that is not read here.
    """
    return _read(sqlglot.parse_one(sql, read="duckdb"))


def _read(node: exp.Expr) -> Value:
    kind = node.name.lower() if isinstance(node, exp.Anonymous) else type(node)
    if kind in _READERS:
        return _READERS[kind](node)
    if kind in _OF_KNOWN:
        return _of_known(_OF_KNOWN[kind], list(map(_read, _operands(node))))
    raise EngineNeededError(f"{kind}")


def _operands(node: exp.Expr) -> list[exp.Expr]:
    return [each for each in node.iter_expressions() if not isinstance(each, exp.DataType)]


def _of_known(of: Callable[..., Any], operands: Sequence[Value]) -> Value:
    """Return a function of values that is unknown where one of them is, as most of SQL is."""
    if len(operands) == 2:  # noqa: PLR2004 - most have two, and are then asked in half the time
        one, two = operands

        def of_two(row: Row) -> Any:  # noqa: ANN401 - whatever the SQL gives, here and below
            left, right = one(row), two(row)
            return None if left is None or right is None else of(left, right)

        return of_two

    def of_some(row: Row) -> Any:  # noqa: ANN401
        values = [operand(row) for operand in operands]
        return None if any(value is None for value in values) else of(*values)

    return of_some


def _number(of: Callable[..., float]) -> Callable[..., float]:
    """Leave to the engine what is no number, which it tells apart from others and from what is unknown."""

    def finite(*operands: float) -> float:
        try:
            found = of(*operands)
        except (ZeroDivisionError, OverflowError) as error:
            raise EngineNeededError from error
        if not math.isfinite(found):
            raise EngineNeededError
        return found

    return finite


def _rounded(number: float) -> float:
    """Return the nearest whole number, as DuckDB has it the farther from 0 of two as near."""
    whole = math.trunc(number)
    return whole + math.copysign(1, number) if abs(number - whole) >= 0.5 else whole  # noqa: PLR2004 - a half


def _text(value: str | int) -> str:
    if isinstance(value, float):  # which engines write each in their own way
        raise EngineNeededError
    return str(value)


def _column(node: Any) -> Value:  # noqa: ANN401 - a node of sqlglot, here and below
    return operator.itemgetter(node.name)


def _literal(node: Any) -> Value:  # noqa: ANN401
    value = node.this if node.is_string else float(node.this)
    return lambda _: value


def _cast(node: Any) -> Value:  # noqa: ANN401
    if node.to.is_type("array"):
        return _read(node.this)
    for name, of in _CASTS.items():
        if node.to.is_type(name):
            return _of_known(of, [_read(node.this)])
    raise EngineNeededError(f"{node.to}")


def _all(node: Any) -> Value:  # noqa: ANN401
    return _joint(node, decides=False)


def _any(node: Any) -> Value:  # noqa: ANN401
    return _joint(node, decides=True)


def _joint(node: Any, *, decides: bool) -> Value:  # noqa: ANN401
    """Return AND or OR: one part may decide, and else any that is unknown leaves all unknown."""
    parts = [_read(part) for part in node.flatten()]

    def joint(row: Row) -> Any:  # noqa: ANN401 - True, False or None
        unknown = False
        for part in parts:
            found = part(row)
            if found is decides:
                return decides
            unknown |= found is None
        return None if unknown else not decides

    return joint


def _between(node: Any) -> Value:  # noqa: ANN401
    low = exp.GTE(this=node.this, expression=node.args["low"])
    high = exp.LTE(this=node.this, expression=node.args["high"])
    return _all(exp.And(this=low, expression=high))


def _is(node: Any) -> Value:  # noqa: ANN401
    if not isinstance(node.expression, exp.Null):
        raise EngineNeededError(f"{node}")
    asked = _read(node.this)
    return lambda row: asked(row) is None


def _case(node: Any) -> Value:  # noqa: ANN401
    if node.this is not None:
        raise EngineNeededError(f"{node}")
    whens = [(_read(each.this), _read(each.args["true"])) for each in node.args["ifs"]]
    default = node.args.get("default")
    other = (lambda _: None) if default is None else _read(default)

    def case(row: Row) -> Any:  # noqa: ANN401
        for condition, value in whens:
            if condition(row) is True:
                return value(row)
        return other(row)

    return case


def _coalesce(node: Any) -> Value:  # noqa: ANN401
    parts = [_read(part) for part in _operands(node)]
    return lambda row: next((value for part in parts if (value := part(row)) is not None), None)


def _nullif(node: Any) -> Value:  # noqa: ANN401
    one, two = map(_read, _operands(node))
    return lambda row: None if (value := one(row)) == two(row) else value


def _list(node: Any) -> Value:  # noqa: ANN401
    parts = [_read(part) for part in _operands(node)]
    return lambda row: [part(row) for part in parts]


def _filter(node: Any) -> Value:  # noqa: ANN401
    texts, kept = _read(node.this), _read(node.expression.this)
    (name,) = (each.name for each in node.expression.expressions)
    return lambda row: [text for text in texts(row) if kept({**row, name: text}) is True]


_READERS: Mapping[object, Callable[[Any], Value]] = {
    exp.Column: _column,
    exp.Identifier: _column,
    exp.Literal: _literal,
    exp.Null: lambda _: lambda _: None,
    exp.Paren: lambda node: _read(node.this),
    exp.Cast: _cast,
    exp.And: _all,
    exp.Or: _any,
    exp.Between: _between,
    exp.Is: _is,
    exp.Case: _case,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Array: _list,
    exp.ArrayFilter: _filter,
}
"""What SQL does with the unknown by rules of its own."""

_OF_KNOWN: Mapping[object, Callable[..., Any]] = {
    exp.Not: operator.not_,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.In: lambda value, *choices: value in choices,
    exp.Neg: operator.neg,
    exp.Add: _number(operator.add),
    exp.Sub: _number(operator.sub),
    exp.Mul: _number(operator.mul),
    exp.Div: _number(operator.truediv),
    exp.Round: _rounded,
    "isfinite": math.isfinite,
    exp.DPipe: operator.add,
    exp.Format: lambda template, *values: template.format(*values),
    exp.Contains: lambda text, part: part in text,
    exp.Chr: lambda number: chr(int(number)),
    exp.ArrayConcat: lambda *lists: [text for texts in lists for text in texts],
}
_CASTS: Mapping[str, Callable[[Any], Any]] = {"double": float, "bigint": round, "text": _text}
