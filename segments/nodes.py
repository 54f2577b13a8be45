"""A parsed segment expression: a small tree of our own rows, and the SQL and the statistics it needs.

NOT is not among the nodes. The reader pushes it down to the single conditions, where each operator names
its opposite; in three-valued logic that changes no answer, and a condition with an unknown value stays
unknown under NOT.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import add, mul, sub

from ledger.errors import InputError
from segments.operator import Operator
from segments.units import named, quoted
from segments.vocabulary import SegmentColumn


@dataclass(frozen=True)
class Constant:
    """A number or text of the expression, or a computed one; None when there was nothing to compute from."""

    value: float | str | None
    unit: str = ""
    currency: str = ""
    computed: bool = False


@dataclass(frozen=True)
class Statistic:
    """A number of the whole store, resolved when a release is made: a percentile, a mean, a lifecycle limit.

    Parameters
    ----------
    name : str
        Which: "75.0" for a percentile, "mean", or a lifecycle limit such as "A_1".
    column : SegmentColumn or None
        Over which column; None for a lifecycle limit.
    unit : str
        Unit of the number.
    """

    name: str
    column: SegmentColumn | None
    unit: str

    @property
    def key(self) -> str:
        """Its name among the release's thresholds and limits, e.g. `clv_365d:75.0` or `A_1`."""
        return self.name if self.column is None else f"{self.column.name}:{self.name}"


@dataclass(frozen=True)
class Call:
    """An operator with its operands: one condition, or a number computed from others."""

    operator: Operator
    operands: tuple["Value", ...]


@dataclass(frozen=True)
class Every:
    """Conditions that must all hold."""

    clauses: tuple["Clause", ...]


@dataclass(frozen=True)
class Some:
    """Conditions of which one must hold."""

    clauses: tuple["Clause", ...]


@dataclass(frozen=True)
class InSegment:
    """The condition of another segment, or its opposite, by that segment's name.

    Parameters
    ----------
    operator : Operator
        `in_segment` or its opposite.
    name, title : str
    clause : Clause
        What it asks for; under NOT the opposite, pushed down.
    """

    operator: Operator
    name: str
    title: str
    clause: "Clause"


Value = SegmentColumn | Constant | Statistic | Call
Clause = Call | Every | Some | InSegment
Node = Value | Clause


def leaves(node: Node) -> Iterator[Node]:
    """Yield columns, constants and statistics from left to right."""
    if isinstance(node, Every | Some):
        for clause in node.clauses:
            yield from leaves(clause)
    elif isinstance(node, InSegment):
        yield from leaves(node.clause)
    elif isinstance(node, Call):
        for operand in node.operands:
            yield from leaves(operand)
    else:
        yield node
        if isinstance(node, Statistic) and node.column is not None:
            yield node.column


def unit_of(value: Value) -> tuple[str, str]:
    """Return unit and currency of a value; empty when it has none, as a plain number or a ratio."""
    if isinstance(value, Statistic):
        return value.unit, value.column.currency if value.column else ""
    if not isinstance(value, Call):
        return value.unit, value.currency
    units = [unit_of(operand) for operand in value.operands]
    if value.operator.statistics:
        return units[-1]
    if value.operator.unit:
        return value.operator.unit, ""
    return _unit_of_both(value.operator, *units)


def _unit_of_both(operator: Operator, left: tuple[str, str], right: tuple[str, str]) -> tuple[str, str]:
    if operator.symbol == "/":
        return left if not right[0] else ("", "")
    if operator.symbol == "*" and left[0] and right[0]:
        return "", ""
    return left if left[0] else right


def with_unit(value: Value, unit: str, currency: str) -> Value:
    """Give constants the unit of what they stand beside: the 7 of `median_gap_days + 7` is 7 days."""
    if isinstance(value, Constant) and not value.unit:
        return replace(value, unit=unit, currency=currency)
    if isinstance(value, Call) and value.operator.symbol in {"+", "-"}:
        return Call(value.operator, tuple(with_unit(operand, unit, currency) for operand in value.operands))
    return value


def resolved_value(value: Value, known: Mapping[str, float]) -> Value:
    """Put numbers in place of the statistics that are known; a column without any known value gives None.

    Parameters
    ----------
    value : Value
    known : mapping of str to float
        Thresholds of a release and lifecycle limits. `column:known` is the number of customers that the
        column's thresholds were taken over.
    """
    if isinstance(value, Call):
        return _folded(
            Call(value.operator, tuple(resolved_value(operand, known) for operand in value.operands))
        )
    if not isinstance(value, Statistic):
        return value
    _, currency = unit_of(value)
    if value.key in known:
        return Constant(float(known[value.key]), value.unit, currency, computed=True)
    if value.column is not None and known.get(f"{value.column.name}:known") == 0:
        return Constant(None, value.unit, currency)
    return value


def store_number(value: Value) -> Value:
    """Return a store-wide number itself once it is resolved and known, else the value as it is."""
    if isinstance(value, Call) and value.operator.statistics:
        number = value.operands[-1]
        return number if isinstance(number, Constant) and number.value is not None else value
    return value


def _folded(call: Call) -> Value:
    """Compute what hangs on no customer, so that a sentence says `over 10 %`, not `over 2 times 5 %`."""
    numbers = [operand.value for operand in map(store_number, call.operands) if isinstance(operand, Constant)]
    if call.operator.symbol not in _EXACT or len(numbers) < len(call.operands):
        return call
    left, right = numbers
    if not isinstance(left, float) or not isinstance(right, float):
        return call
    return Constant(_EXACT[call.operator.symbol](left, right), *unit_of(call), computed=True)


# The same IEEE operations that DuckDB would do; division is left to it, which knows what x / 0 is here.
_EXACT: dict[str, Callable[[float, float], float]] = {"+": add, "-": sub, "*": mul}


def resolved(clause: Clause, known: Mapping[str, float]) -> Clause:
    """Put numbers in place of the statistics of every condition, as `resolved_value` does."""
    if isinstance(clause, Call):
        return Call(clause.operator, tuple(resolved_value(operand, known) for operand in clause.operands))
    if isinstance(clause, InSegment):
        return replace(clause, clause=resolved(clause.clause, known))
    parts = tuple(resolved(part, known) for part in clause.clauses)
    # Once a number of the store is known, "or it is unknown" and "and it is known" say nothing.
    idle = "is unknown" if isinstance(clause, Some) else "is not unknown"
    left = tuple(part for part in parts if not _of_known_number(part, idle))
    return type(clause)(left or parts)


def _of_known_number(clause: Clause, symbol: str) -> bool:
    """Return whether a clause asks if a number of the store is known, and it is."""
    if not isinstance(clause, Call) or clause.operator.symbol != symbol:
        return False
    number = store_number(clause.operands[0])
    return isinstance(number, Constant) and number.value is not None


def sql(node: Node) -> str:
    """Return the SQL of a resolved node: operator templates, quoted columns, re-written literals.

    Raises
    ------
    InputError
        When a statistic was not resolved; names it and the next step.
    """
    if isinstance(node, Every | Some):
        return "(" + (" AND " if isinstance(node, Every) else " OR ").join(map(sql, node.clauses)) + ")"
    if isinstance(node, InSegment):
        return sql(node.clause)
    if isinstance(node, Call):
        operands = [sql(operand) for operand in node.operands]
        return node.operator.sql.format(*operands, rest=", ".join(operands[1:]))
    if isinstance(node, SegmentColumn):
        return named(node.name)
    if isinstance(node, Statistic):
        raise InputError(
            f"the release in use holds no number for {node.key!r}, which a segment needs; "
            "run `regulars train`"
        )
    return _literal(node.value)


def _literal(value: float | str | None) -> str:
    if value is None:
        return "CAST(NULL AS DOUBLE)"
    if isinstance(value, str):
        return quoted(value)
    digits = repr(float(value))
    return digits if "e" in digits else f"{digits}e0"  # with an exponent DuckDB reads a DOUBLE, not a DECIMAL
