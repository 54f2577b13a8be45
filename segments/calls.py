"""How calls of history functions are read: their named arguments, their events, and the column they stand for."""

import difflib
import re
from collections.abc import Mapping
from datetime import date

from sqlglot import exp

from ledger.event_names import EVENT_NAMES
from segments.event_words import common_name
from segments.history_columns import EPOCH, Given, measured_by
from segments.history_functions import ARGUMENTS, SEQUENCES
from segments.nodes import Call
from segments.operator import Operator
from segments.operators import OPERATORS
from segments.past_functions import PARTITIONS, PAST, in_control_group, moved, was_in_segment
from segments.segment import Segment
from segments.spelling import meant_segment, suggestion
from segments.vocabulary import Measured, SegmentColumn, attribute_column

MOST_DAYS = 36_500  # a hundred years
MOST_TEXTS = 100
MOST_AMOUNT = 1e12
CLOSE = 0.8  # a name this like one of the common events is taken for a slip of it
SENSITIVE = re.compile(
    r"race|racial|ethni|religio|faith|church|health|disease|diagnos|disab|income|salary|sexual|politic|union",
    re.IGNORECASE,
)
"""What nobody is to be chosen by, unless the owner allows it; else such an attribute is no column."""
MOST_PERCENT = 100


class CallError(Exception):
    """A call that is not understood; says why, and where when that is known: a place, or the text at fault."""

    def __init__(self, why: str, start: int = 0, *, text: str | None = None) -> None:
        super().__init__(why)
        self.start = start
        self.text = text


def history_column(
    operator: Operator,
    node: exp.Anonymous,
    columns: Mapping[str, SegmentColumn],
    segments: Mapping[str, Segment],
) -> Measured | Call:
    """Return what a call of a history function stands for.

    Parameters
    ----------
    operator : Operator
        A row with a relation it is over, or one that names what it measures.
    node : exp.Anonymous
    columns : mapping of str to SegmentColumn
        The vocabulary: its currency, and the sensitive attributes that may be asked for.
    segments : mapping of str to Segment
        Those that may be named.

    Returns
    -------
    Measured or Call
        A number; or a condition on one.

    Raises
    ------
    CallError
    """
    given, plain = given_arguments(operator, node)
    texts = tuple(part.this for part in plain if isinstance(part, exp.Literal) and part.is_string)
    if len(texts) != len(operator.takes) or len(texts) != len(plain):
        wanted = {
            0: "only arguments with names",
            1: "a name in single quotes",
            2: "two events in single quotes",
        }
        raise CallError(f"{operator.symbol} takes {wanted[len(operator.takes)]}")
    if operator.symbol == "attribute":
        return _attribute(texts[0], columns)
    if operator in PAST:
        return _of_past(operator, texts[0], given, segments)
    counted = OPERATORS[operator.measures] if operator.measures else operator
    currency = next((each.currency for each in columns.values() if each.currency), "")
    column = measured_by(counted, tuple(_event(text) for text in texts), given, currency)
    return Call(operator, (column,)) if operator.measures or operator in SEQUENCES else column


def _of_past(
    operator: Operator, name: str, given: Mapping[str, Given], segments: Mapping[str, Segment]
) -> Call:
    (argument,) = operator.named
    number = given.get(argument)
    if not isinstance(number, float):
        raise CallError(f"{operator.symbol} needs {argument}")
    if operator.symbol == "in_control_group":
        if not 0 < number < MOST_PERCENT:
            raise CallError("percent is a number between 0 and 100")
        if not re.fullmatch(r"\w[\w \-]{0,59}", name):
            raise CallError("an experiment's name is of letters, digits, blanks and hyphens", text=name)
        return Call(operator, (in_control_group(name, number),))
    if operator.symbol == "was_in_segment":
        if name not in segments:
            raise CallError(f"unknown segment {name!r}; {meant_segment(name, segments)}", text=name)
        return Call(operator, (was_in_segment(name, segments[name].title, int(number)),))
    if name not in PARTITIONS:
        raise CallError(f"unknown groups {name!r}; {suggestion(name, PARTITIONS)}", text=name)
    return Call(operator, moved(operator.symbol, name, int(number)))


def given_arguments(operator: Operator, node: exp.Anonymous) -> tuple[dict[str, Given], list[exp.Expr]]:
    """Return a call's named arguments, and its operands without names.

    Raises
    ------
    CallError
        When one is unknown, given twice, or not what it has to be.
    """
    given: dict[str, Given] = {}
    plain: list[exp.Expr] = []
    for part in node.expressions:
        if not isinstance(part, exp.EQ):
            plain.append(part)
            continue
        name = (
            part.this.name.lower() if isinstance(part.this, exp.Column) and len(part.this.parts) == 1 else ""
        )
        start = min((each.meta["start"] for each in part.walk() if "start" in each.meta), default=0)
        if name not in operator.named:
            known = ", ".join(operator.named) or "none"
            raise CallError(f"{operator.symbol} has no argument {name!r}; it has {known}", start)
        if name in given:
            raise CallError(f"{name} is given twice", start)
        given[name] = _given(name, part.expression, start)
    for unit in ("days", "hours"):
        within, before = given.get(f"within_{unit}"), given.get(f"before_{unit}")
        if isinstance(within, float) and isinstance(before, float) and before > within:
            raise CallError(f"before_{unit} is more than within_{unit}, which nothing can be")
    if operator.symbol.endswith("anniversary") and not given:
        raise CallError("anniversary needs within_days")
    return given, plain


def day_number(text: str) -> int | None:
    """Return the local day number of a day written as 2024-01-31; None of any other text."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return (date.fromisoformat(text) - EPOCH).days
    except ValueError:
        return None


def _given(name: str, node: exp.Expr, start: int) -> Given:
    row = ARGUMENTS[name]
    parts = [part.unnest() for part in (node.expressions if isinstance(node, exp.Tuple) else [node.unnest()])]
    literals = [part.this for part in parts if isinstance(part, exp.Literal) and part.is_string]
    if row.kind == "texts":
        if not parts or len(literals) != len(parts) or len(parts) > MOST_TEXTS:
            raise CallError(f"{name} is a text in single quotes or a list of up to {MOST_TEXTS}", start)
        return tuple(dict.fromkeys(literals))
    if row.kind == "date":
        day = day_number(literals[0]) if len(parts) == len(literals) == 1 else None
        if day is None:
            raise CallError(f"{name} is a day written as '2024-01-31'", start)
        return float(day)
    number = _number(parts[0]) if len(parts) == 1 else None
    if row.kind == "whole" and not (number and number == int(number) and 1 <= number <= MOST_DAYS):
        raise CallError(f"{name} is a whole number from 1 to {MOST_DAYS:,}", start)
    if number is None:
        raise CallError(f"{name} is a number from 0 to {MOST_AMOUNT:g}", start)
    return number


def _number(node: exp.Expr) -> float | None:
    if not isinstance(node, exp.Literal) or node.is_string:
        return None
    try:
        number = float(node.this)
    except ValueError:
        return None
    return number if number <= MOST_AMOUNT else None


def _event(text: str) -> str:
    """Return an event's name as the ledger spells it; a shop's own name is kept, unless it looks like a slip."""
    known = common_name(text)
    if known:
        return known
    close = difflib.get_close_matches(text.strip().title(), EVENT_NAMES, n=1, cutoff=CLOSE)
    if close or not text.strip():
        raise CallError(
            f"unknown event {text!r}; did you mean {(close or ['Product Viewed'])[0]!r}?", text=text
        )
    return text


def _attribute(name: str, columns: Mapping[str, SegmentColumn]) -> Measured:
    if not re.fullmatch(r"\w[\w \-]{0,59}", name):
        raise CallError(
            "attribute takes a name of letters, digits, blanks and hyphens in single quotes", text=name
        )
    column = attribute_column(name)
    if SENSITIVE.search(name) and column.name not in columns:
        raise CallError(
            f"{name!r} looks sensitive, and nobody is chosen by that unless the owner lists it as one of "
            "sensitive_attributes in settings.toml and trains again",
            text=name,
        )
    return column
