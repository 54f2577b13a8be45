"""A condition told of one customer, clause by clause: what holds, with his own values and how far they are off."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from features.words import shown, written
from segments import nodes, wording
from segments.clock import names_in
from segments.nodes import Call, Clause, Every, InSegment, Some, Value
from segments.operators import OPERATORS
from segments.units import names_shown

ONE, ALL = "one of these", "all of these"


@dataclass(frozen=True)
class Told:
    """One clause of a condition, of one customer.

    Parameters
    ----------
    kind : str
        "condition"; "every" or "some" of its parts; "segment", another one by name, whose parts are what that one asks,
        whether he is to be in it or not.
    holds : bool or None
        None where it is unknown, which makes no member.
    asks : str
        The clause in words; of a clause with parts, how many of them must hold.
    own : str
        The customer's value; empty of clauses with parts.
    gap : float or None
        How far the value is from where the answer changes, in the column's unit: not negative where the condition
        holds and not positive where it does not. None of what cannot be measured so.
    distance : str
        The gap in words.
    scores : tuple of str
        Names of the predictions it hangs on.
    parts : tuple of Told
    """

    kind: str
    holds: bool | None
    asks: str
    own: str = ""
    gap: float | None = None
    distance: str = ""
    scores: tuple[str, ...] = ()
    parts: tuple["Told", ...] = ()

    @property
    def text(self) -> str:
        """The clause as a line of a list, below which its parts stand."""
        if self.kind == "segment":
            return f"{self.asks}, which asks:"
        return f"{self.asks}:" if self.parts else self.asks


def lines(told: Told, depth: int = 0, *, alternative: bool = False) -> Iterator[tuple[int, Told]]:
    """Yield clauses as lines of a list, each with how deep it stands.

    What must all hold stands side by side; only as one of some alternatives does it have a line of its own.

    Parameters
    ----------
    told : Told
    depth : int
    alternative : bool
        Whether it is one of some, of which one must hold.
    """
    if told.kind == "every" and not alternative:
        for part in told.parts:
            yield from lines(part, depth)
        return
    yield depth, told
    for part in told.parts:
        yield from lines(part, depth + 1, alternative=told.kind == "some")


def missing(told: Told) -> list[Told]:
    """Return what keeps a customer out: all that does not hold, of alternatives those of the one he is nearest to.

    Parameters
    ----------
    told : Told
        That does not hold.
    """
    if told.kind == "condition" or (told.kind == "segment" and told.own):
        return [told]
    lacking = [part for part in told.parts if part.holds is not True]
    if told.kind == "some":
        return missing(min(lacking, key=_far))
    return [each for part in lacking for each in missing(part)]


def _far(alternative: Told) -> tuple[int, bool]:
    """Return how far an alternative is; of two as far, the nearer begins with what holds: whom it is meant for."""
    first = alternative.parts[0] if alternative.parts else alternative
    return len(missing(alternative)), first.holds is not True


@dataclass(frozen=True)
class Quantity:
    """What a condition compares."""

    symbol: str
    unit: str
    currency: str
    of_customer: bool


@dataclass(frozen=True)
class Plan:
    """A clause as it is told of any customer.

    Parameters
    ----------
    kind, asks, scores, parts
        As of `Told`.
    every : bool
        Whether all parts must hold, or one.
    negated : bool
        Whether it holds where its parts do not: of a segment that he is not to be in.
    places : tuple of int
        Of a condition: where its truth stands in the answer, its value, and what that is compared with.
    quantity : Quantity or None
        Of a condition.
    """

    kind: str
    asks: str
    scores: tuple[str, ...]
    parts: tuple["Plan", ...] = ()
    every: bool = True
    negated: bool = False
    places: tuple[int, ...] = ()
    quantity: Quantity | None = None

    def told(self, found: Sequence[object]) -> Told:
        """Return the clause as it is of one customer."""
        if self.quantity is None:
            parts = tuple(part.told(found) for part in self.parts)
            holds = _together([part.holds for part in parts], every=self.every)
            own = ""
            if self.negated:
                holds = None if holds is None else not holds
                own = "" if holds else "he is" if holds is False else "unknown"
            return Told(self.kind, holds, self.asks, own, scores=self.scores, parts=parts)
        truth, value, *limits = (found[place] for place in self.places)
        holds = None if truth is None else bool(truth)
        numbers = _numbers(value, limits)
        gap = _gap(self.quantity.symbol, numbers)
        own, distance = _own(value, self.quantity), _distance(gap, numbers, self.quantity, holds=holds)
        return Told(self.kind, holds, self.asks, own, gap, distance, self.scores)


def planned(clause: Clause, scores: frozenset[str], place: Callable[[str], int]) -> Plan:
    """Prepare all of a clause that is the same for every customer.

    Parameters
    ----------
    clause : Clause
        Resolved.
    scores : frozenset of str
        Names of the columns that are predictions.
    place : callable
        Notes SQL that has to be asked, and returns where its answer is going to stand.
    """
    named = tuple(sorted(names_in(clause) & scores))
    if isinstance(clause, InSegment):
        asks = " ".join(wording.statement(clause))
        negated = clause.operator.symbol != "in_segment"
        inner = planned(opposite(clause.clause) if negated else clause.clause, scores, place)
        parts = inner.parts if inner.kind == "every" else (inner,)
        return Plan("segment", asks, named, parts, negated=negated)
    if isinstance(clause, Call):
        compared = [nodes.sql(each) for each in _compared(clause)]
        places = tuple(place(sql) for sql in (nodes.sql(clause), *compared))
        unit, currency = nodes.unit_of(clause.operands[0])
        statement = wording.statement(clause)
        of_customer = statement.subject == wording.CUSTOMER
        quantity = Quantity(clause.operator.symbol, unit, currency, of_customer=of_customer)
        return Plan("condition", " ".join(statement), named, places=places, quantity=quantity)
    every = isinstance(clause, Every)
    inside = tuple(planned(part, scores, place) for part in clause.clauses)
    return Plan("every" if every else "some", ALL if every else ONE, named, inside, every=every)


def opposite(clause: Clause) -> Clause:
    """Return the clause that holds where another does not, and is unknown where that is."""
    if isinstance(clause, Every | Some):
        turned = tuple(opposite(part) for part in clause.clauses)
        return Some(turned) if isinstance(clause, Every) else Every(turned)
    operator = OPERATORS[clause.operator.opposite]
    if isinstance(clause, InSegment):
        return replace(clause, operator=operator, clause=opposite(clause.clause))
    return Call(operator, clause.operands)


def _together(answers: Sequence[bool | None], *, every: bool) -> bool | None:
    """Join truths as SQL does."""
    if (not every) in answers:
        return not every
    return None if None in answers else every


def _compared(condition: Call) -> list[Value]:
    """Return the value that a condition is about, and the numbers it is compared with."""
    first, *others = condition.operands
    return [first, *(each for each in others if nodes.unit_of(first)[0] not in {"text", "names"})]


def _own(value: object, quantity: Quantity) -> str:
    """Return a customer's own value in words."""
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return names_shown(value) if quantity.unit == "names" else f"“{value}”"
    number = float(value)  # type: ignore[arg-type]
    if quantity.of_customer:
        if quantity.symbol in {"=", "<>"} or quantity.unit == "flag":
            return "yes" if number else "no"
        return "once" if number == 1 else f"{number:,.0f} times" if number else "never"
    if quantity.unit == "date":
        return written(number, "date")
    told = shown(number, quantity.unit, quantity.currency)
    return f"{told} ago" if quantity.unit == "days_ago" else told


_ABOVE = {">", ">=", "in_top", "not in_bottom"}
_BELOW = {"<", "<=", "in_bottom", "not in_top"}
_WITHIN = {"between", "between_percentiles"}
_OUTSIDE = {"not between", "not between_percentiles"}
_LEAST_POINTS = 0.05  # percentage points that would be written as 0.0


def _numbers(value: object, limits: Sequence[object]) -> list[float]:
    """Return a value and what it is compared with; empty where one of them is no number."""
    numbers = [float(each) for each in (value, *limits) if isinstance(each, int | float)]
    return numbers if limits and len(numbers) == 1 + len(limits) else []


def _gap(symbol: str, numbers: Sequence[float]) -> float | None:
    """Return how far a value is from where the answer changes; negative or 0 where the condition does not hold."""
    if not numbers:
        return None
    own, limit = numbers[0], numbers[-1]
    if symbol in _WITHIN | _OUTSIDE:
        inside = min(own - numbers[-2], limit - own)
        return inside if symbol in _WITHIN else -inside
    if symbol in _ABOVE | _BELOW:
        return own - limit if symbol in _ABOVE else limit - own
    return -abs(own - limit) if symbol == "=" else None


def _distance(gap: float | None, numbers: Sequence[float], quantity: Quantity, *, holds: bool | None) -> str:
    if gap is None or holds is None or quantity.of_customer or (quantity.symbol == "=" and holds):
        return ""
    if gap == 0:
        return "exactly at the limit"
    unit = {"date": "days", "days_ago": "days"}.get(quantity.unit, quantity.unit)
    told = shown(abs(gap), unit, quantity.currency)
    if unit in {"share", "probability"}:
        points = 100 * abs(gap)
        told = f"{points:,.1f} percentage points" if points >= _LEAST_POINTS else "hardly anything"
    if holds:
        return f"{told} to spare"
    if quantity.symbol in _OUTSIDE:
        return f"{told} away"
    return f"{told} {'short' if numbers[0] < numbers[-1] else 'over'}"
