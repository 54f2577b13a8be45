"""A parsed segment expression in English: its sentence, and SQL of a member's reasons with his own values."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from features.words import written
from segments.nodes import (
    Call,
    Clause,
    Constant,
    Every,
    InSegment,
    Statistic,
    Value,
    sql,
    store_number,
    unit_of,
)
from segments.operator import Operator
from segments.operators import OPERATORS
from segments.units import quoted, shown_sql
from segments.vocabulary import FLAG_WORDS, TODAY, Measured, SegmentColumn


class Statement(NamedTuple):
    """One condition in words: `the last order` `was` `more than 30 days ago`."""

    subject: str
    verb: str
    predicate: str


Condition = Call | InSegment
CUSTOMER = "the customer"
_AGO_TEMPLATES = {row.ago for row in OPERATORS.values() if row.ago}


def sentence(clause: Clause) -> str:
    """Return the condition as a marketer would write it, without capital and full stop."""
    return _sentence(clause, depth=0)


def reasons_sql(clause: Clause) -> str:
    """Return SQL of a VARCHAR[]: one text for each condition that makes somebody a member, with his own values."""
    guarded = list(_guarded(clause, ()))
    certain = [reason_sql(condition) for guards, condition in guarded if not guards]
    maybe = [
        f"CASE WHEN {' AND '.join(guards)} THEN {reason_sql(condition)} END"
        for guards, condition in guarded
        if guards
    ]
    texts = f"[{', '.join(certain)}]" if certain else "CAST([] AS VARCHAR[])"
    if not maybe:
        return texts
    return f"list_concat({texts}, list_filter([{', '.join(maybe)}], lambda text: text IS NOT NULL))"


def _guarded(clause: Clause, guards: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Condition]]:
    """Yield each condition with what must hold for it to be a reason: the whole branch of an OR that it is in."""
    if isinstance(clause, Condition):
        yield guards, clause
        return
    for part in clause.clauses:
        yield from _guarded(part, guards if isinstance(clause, Every) else (*guards, sql(part)))


def reason_sql(condition: Condition) -> str:
    """Return SQL of one reason: `the last order was 45 days ago (more than 30 days ago)`."""
    subject, verb, predicate = statement(condition)
    if isinstance(condition, InSegment) or condition.operator.symbol == "is unknown" or subject == CUSTOMER:
        return quoted(f"{subject} {verb} {predicate}")
    value = condition.operands[0]
    if condition.operator.symbol in {"anniversary", "not anniversary"}:
        of = shown_sql(sql(condition.operands[0]), "date")
        return f"{quoted(f'{subject} is {predicate} (of ')} || {of} || ')'"
    name, currency = unit_of(value)
    ago = " ago" if name == "days_ago" else ""
    verb = "is" if condition.operator.verb else verb
    own = f"{quoted(f'{subject} {verb} ')} || {shown_sql(sql(value), name, currency)}"
    if not condition.operator.shows_limit:
        return f"{own} || {quoted(ago)}" if ago else own
    limit = _moving_limit(condition)
    if limit is None:
        return f"{own} || {quoted(f'{ago} ({predicate})')}"
    return f"{own} || {quoted(f'{ago} ({predicate}, that is ')} || {shown_sql(sql(limit), *unit_of(limit))} || ')'"


def _moving_limit(condition: Call) -> Value | None:
    """Return the limit that is each customer's own, as in `longer ago than 2 times the usual gap, that is 40 days`."""
    if len(condition.operator.takes) != 2 or condition.operator.statistics:  # noqa: PLR2004 - a comparison
        return None
    limit = store_number(condition.operands[-1])
    return None if isinstance(limit, Constant) else limit


def _sentence(clause: Clause, depth: int) -> str:
    if isinstance(clause, Condition):
        return " ".join(statement(clause))
    joint = "and" if isinstance(clause, Every) else "or"
    parts = list(_parts(clause.clauses, joint, depth))
    # After "either this or that, and ..." a comma would leave open what the "and" is of.
    apart = (joint == "or" and depth == 0) or any(part.startswith("either ") for part in parts[:-1])
    text = _series(parts, joint, mark=";" if apart else ",")
    if len(parts) == 1:
        return text
    if depth > 1:
        return f"({text})"
    return f"either {text}" if joint == "or" else text


def _parts(clauses: Iterable[Clause], joint: str, depth: int) -> Iterator[str]:
    """Yield the parts of a list of conditions; neighbours about one subject become one part."""
    open_part: Statement | None = None
    verb = ""
    for clause in clauses:
        part = statement(clause) if isinstance(clause, Condition) else None
        if open_part and part and open_part.subject == part.subject:
            # After "without having done this, and" the verb tells that what follows is not without.
            again = "" if part.verb == verb and " without " not in open_part.predicate else f"{part.verb} "
            open_part = open_part._replace(predicate=f"{open_part.predicate} {joint} {again}{part.predicate}")
            verb = part.verb
            continue
        if open_part:
            yield " ".join(open_part)
        open_part, verb = part, part.verb if part else ""
        if part is None:
            yield _sentence(clause, depth + 1)
    if open_part:
        yield " ".join(open_part)


def _series(parts: list[str], joint: str, mark: str) -> str:
    """Join parts as English does; a mark keeps parts apart that hold an `and` or `or` of their own."""
    *before, last = parts
    if not before:
        return last
    if re.search(r" (and|or) ", " ".join(parts)):
        return f"{f'{mark} '.join(before)}{mark} {joint} {last}"
    return f"{', '.join(before)} {joint} {last}"


def statement(condition: Condition) -> Statement:
    """Return one condition in words."""
    if isinstance(condition, InSegment):
        return Statement(CUSTOMER, "is", condition.operator.says.format(condition.title))
    first, *others = condition.operands
    told = _of_customer(condition, first, others)
    if told:
        return told
    template = _template(condition.operator, first, others)
    subject = first.phrase if isinstance(first, SegmentColumn) else _words(first, None).removeprefix("the ")
    was = isinstance(first, SegmentColumn) and first.unit in {"days_ago", "date"} and first != TODAY
    verb = "was" if was else "is"
    return Statement(subject, condition.operator.verb or verb, _fill(template, condition, about=first))


def _of_customer(condition: Call, first: Value, others: list[Value]) -> Statement | None:
    """Return a statement whose subject is the customer, or an anniversary of his; None for any other."""
    operator = condition.operator
    if operator.symbol in {"anniversary", "not anniversary"} and isinstance(first, SegmentColumn):
        birthday = first.name == "birth_date"
        subject = "the birthday" if birthday else f"the anniversary of {first.phrase}"
        return Statement(subject, "is", operator.says.format("", "", _words(others[1], None)))
    if isinstance(first, Measured) and first.done and operator.says in {"{done}", "not {done}"}:
        return Statement(CUSTOMER, operator.verb or "has", operator.says.format(done=first.done))
    if not isinstance(first, SegmentColumn) or first.name not in FLAG_WORDS or len(others) != 1:
        return None
    verb, true, false = FLAG_WORDS[first.name]
    answers = {("=", 1.0): true, ("<>", 0.0): true, ("=", 0.0): false, ("<>", 1.0): false}
    asked = others[0].value if isinstance(others[0], Constant) else None
    if (operator.symbol, asked) not in answers:
        return None
    return Statement(CUSTOMER, verb, answers[operator.symbol, asked])  # type: ignore[index]


def _template(operator: Operator, first: Value, others: list[Value]) -> str:
    if isinstance(first, SegmentColumn) and first.unit == "date" and operator.dated:
        back = others and all(isinstance(other, Call) for other in others)  # days_ago
        # A day after that of 30 days ago is less than 30 days ago.
        return OPERATORS[operator.mirror].ago if back and operator.mirror else operator.dated
    if not (isinstance(first, SegmentColumn) and first.unit == "days_ago" and operator.ago):
        return operator.says
    constant = all(isinstance(store_number(other), Constant) for other in others)
    return operator.ago if constant else operator.ago_than or operator.ago


def _fill(template: str, call: Call, about: Value | None) -> str:
    """Fill a row's template with its operands in words; `about` is the subject, which need not be named again."""
    kinds = call.operator.takes
    named = call.operands if call.operator.repeats else call.operands[: len(kinds)]
    words = [_operand(value, kinds[min(place, len(kinds) - 1)], about) for place, value in enumerate(named)]
    if template in _AGO_TEMPLATES:
        words = [word.removesuffix(" ago") for word in words]
    nths = {f"nth{place}": _ordinal(value) for place, value in enumerate(named)}
    of = "" if call.operands[0] == about else f" of {words[0]}"
    return template.format(*words, either=_listed(words[1:]), of=of, **nths)


def _operand(value: Value, kind: str, about: Value | None) -> str:
    if isinstance(value, Constant) and isinstance(value.value, int | float):
        if kind == "percent":
            return f"{value.value:g} %"
        if kind == "order count":
            return f"customers with {_ORDER_COUNTS[int(value.value)]}"
    return _words(value, about)


_ORDER_COUNTS = ("no order", "1 order", "2 orders", "3 or more orders")


def _words(value: Value, about: Value | None) -> str:
    value = store_number(value)
    if isinstance(value, SegmentColumn):
        return _of_column(value)
    if isinstance(value, Call):
        return _fill(value.operator.says, value, about)
    if isinstance(value, Statistic):
        return value.key
    if isinstance(value.value, str):
        return f"“{value.value}”"
    if value.value is None:
        return "unknown"
    return written(value.value, value.unit, value.currency, rounded=value.computed)


def _of_column(column: SegmentColumn) -> str:
    if column.unit == "days_ago":
        return f"the time since {column.phrase}"
    return _day_of(column) if column.unit == "date" else f"the {column.phrase}"


def _day_of(column: SegmentColumn) -> str:
    return f"the day of {column.phrase}" if column.phrase.startswith("the ") else column.phrase


def _listed(words: Sequence[str]) -> str:
    """Write `a`, `a or b`, `a, b or c`."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)


def _ordinal(value: Value) -> str:
    if not isinstance(value, Constant) or not isinstance(value.value, int | float):
        return ""
    digits = f"{value.value:g}"
    if digits[-2:] in {"11", "12", "13"}:
        return f"{digits}th"
    return digits + {"1": "st", "2": "nd", "3": "rd"}.get(digits[-1], "th")
