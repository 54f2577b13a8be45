"""What an operand may be: the kinds that the operator table names, in words and as a test."""

from segments.nodes import Constant, Value, unit_of
from segments.vocabulary import TODAY, SegmentColumn

MAX_DAYS = 36_500  # a hundred years
KINDS = {
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


def fits(operand: Value, kind: str) -> bool:
    """Return whether an operand is of a kind."""
    is_text = unit_of(operand)[0] in {"text", "names"} or isinstance(getattr(operand, "value", None), str)
    number = operand.value if isinstance(operand, Constant) and isinstance(operand.value, float) else None
    is_column, is_constant = isinstance(operand, SegmentColumn), isinstance(operand, Constant)
    found = {
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
    return found[kind]
