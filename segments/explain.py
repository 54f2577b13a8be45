"""Why a customer is in a segment or not: clause by clause with his own values, and when time alone will move him.

One SELECT holds the truth and the operands of every condition of all segments, another what becomes of them in the days
to come; both are planned once, and rows of one customer are exchanged below them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from features.words import shown, written
from ledger.plans import Exchanged
from segments import clock, nodes, wording
from segments.assign import customers_sql, parse_all
from segments.derived import INPUTS, inputs_of
from segments.nodes import Call, Clause, Every, InSegment, Value
from segments.segment import Segment
from segments.vocabulary import DERIVED, SegmentColumn


@dataclass(frozen=True)
class Told:
    """One clause of a condition, of one customer.

    Parameters
    ----------
    kind : str
        "condition"; "every" or "some" of its parts; "segment", another one by name.
    holds : bool or None
        None where it is unknown, which makes no member.
    asks : str
        The clause in words.
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


@dataclass(frozen=True)
class Turn:
    """When time alone moves a customer in or out, nothing else happening.

    Parameters
    ----------
    days : int or None
        From the cutoff; None where it does not within `segments.clock.HORIZON_DAYS`.
    certain : bool
        Whether he stays as he is until then. Otherwise the segment hangs on what time moves too, such as a
        prediction: he may move earlier, and by then has at the latest.
    hangs_on : tuple of str
        Phrases of what may move him earlier.
    """

    days: int | None
    certain: bool
    hangs_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """One customer and one segment.

    Parameters
    ----------
    name, title : str
    holds : bool
        Whether he is in it.
    sentence : str
        What it asks, with the release's numbers.
    told : Told
    turn : Turn
    """

    name: str
    title: str
    holds: bool
    sentence: str
    told: Told
    turn: Turn


class Explainer:
    """Explains any customer's membership of some segments.

    Parameters
    ----------
    segments : sequence of Segment
    columns : mapping of str to SegmentColumn
        The vocabulary.
    known : mapping of str to float
        Thresholds of the release and lifecycle limits.
    scores : collection of str
        Names of the columns that are predictions.
    exact : iterable of str
        Columns that whoever asks gives for every day to come.

    Raises
    ------
    InputError
        As `segments.assign.compile_segments`.
    """

    def __init__(
        self,
        segments: Sequence[Segment],
        columns: Mapping[str, SegmentColumn],
        known: Mapping[str, float],
        *,
        scores: Iterable[str] = (),
        exact: Iterable[str] = (),
    ) -> None:
        parsed = parse_all(segments, columns)
        self._segments = {segment.name: segment for segment in segments}
        self._clauses = {name: nodes.resolved(each.clause, known) for name, each in parsed.items()}
        self._sentences = {name: each.describe(known) for name, each in parsed.items()}
        self._scores = frozenset(scores)
        customers, self.needs = customers_sql(parsed.values(), columns, known)
        measured = {leaf.name: leaf for each in parsed.values() for leaf in each.measured}
        said = {**INPUTS, **columns, **measured}
        self._columns = {name: said[name] for name in self.needs}
        self._said = said
        self._exact = frozenset(exact)
        self._unknown = self._moving()
        self._places: dict[str, int] = {}
        self._plans = {name: self._plan(clause) for name, clause in self._clauses.items()}
        self._turn_plans = {name: self._hangs_on(clause) for name, clause in self._clauses.items()}
        self._asked = Exchanged(self._frame({}, 1))
        self._coming = Exchanged(self._frame({}, 1))
        engine = duckdb.connect(config={"enable_external_access": "false", "threads": 1})
        self._now, self._then = engine.cursor(), engine.cursor()
        self._now.register("frame", self._asked)
        self._now.execute(f"PREPARE explaining AS SELECT {', '.join(self._places)} FROM ({customers})")
        self._then.register("frame", self._coming)
        self._then.execute(f"PREPARE turning AS SELECT {self._turns_sql()} FROM ({customers})")

    def explain(
        self,
        facts: Mapping[str, Any],
        names: Iterable[str] | None = None,
        days: Mapping[str, Sequence[Any]] | None = None,
    ) -> list[Explanation]:
        """Explain one customer; not to be called by two threads at once.

        Parameters
        ----------
        facts : mapping of str to value
            The customer's columns; what is missing is unknown.
        names : iterable of str, optional
            Segments; all of them by default.
        days : mapping of str to sequence, optional
            Of every `exact` column, its value on each of the days to come, the first being today.

        Returns
        -------
        list of Explanation
            In the order of the segments.
        """
        self._asked.rows = self._frame(facts, 1)
        found = self._now.execute("EXECUTE explaining").fetchall()[0]
        self._coming.rows = self._frame(facts, clock.HORIZON_DAYS + 1, days or {})
        turns = self._then.execute("EXECUTE turning").fetchall()[0]
        wanted = set(self._segments if names is None else names)
        return [
            self._explanation(name, found, turns[2 * place : 2 * place + 2])
            for place, name in enumerate(self._segments)
            if name in wanted
        ]

    def _explanation(
        self, name: str, found: Sequence[Any], turns: tuple[int | None, int | None]
    ) -> Explanation:
        told = self._plans[name].told(found)
        member = told.holds is True
        # The first day on which nothing lets him stay, or on which nothing keeps him out.
        out, inside = turns
        hangs_on = self._turn_plans[name]
        turn = Turn(out if member else inside, not hangs_on, hangs_on)
        return Explanation(name, self._segments[name].title, member, self._sentences[name], told, turn)

    def _hangs_on(self, clause: Clause) -> tuple[str, ...]:
        unknown = clock.names_in(clause) & self._unknown
        return tuple(sorted(self._said[each].phrase for each in unknown))

    def _moving(self) -> frozenset[str]:
        """Return the columns that time moves in a way not known, those derived from them included."""
        plain = clock.moving(self._columns.values(), self._exact)
        return plain | {each.name for each in DERIVED if inputs_of([each.name]) & plain}

    def _frame(
        self, facts: Mapping[str, Any], rows: int, days: Mapping[str, Sequence[Any]] | None = None
    ) -> pa.Table:
        ahead = np.arange(rows, dtype=np.float64)
        # The one customer of each day to come is told apart by the day.
        arrays: dict[str, pa.Array] = {"customer_id": pa.array(ahead.astype(np.int64))}
        for name, column in self._columns.items():
            value = facts.get(name)
            if days and name in days:
                kind = pa.string() if column.unit in {"text", "names"} else pa.float64()
                arrays[name] = pa.array(days[name], kind, from_pandas=True)
            elif column.unit in {"text", "names"}:
                arrays[name] = pa.array([value] * rows, pa.string())
            else:
                number = np.nan if value is None else float(value)
                ages = rows > 1 and clock.clock_of(column) == "ages"
                arrays[name] = pa.array(number + ahead if ages else np.full(rows, number))
        return pa.table(arrays)

    def _turns_sql(self) -> str:
        turns = []
        aged = {name for name, each in self._columns.items() if clock.clock_of(each) == "ages"} | self._exact
        aged |= {each.name for each in DERIVED if inputs_of([each.name]) & aged}
        for clause in self._clauses.values():
            if not clock.names_in(clause) & aged:
                turns += ["NULL", "NULL"]
                continue
            may = clock.certain_sql(clause, self._unknown, otherwise=True)
            must = clock.certain_sql(clause, self._unknown, otherwise=False)
            turns += [
                f"min(CASE WHEN {must_not} THEN customer_id END)"
                for must_not in (f"({may}) IS NOT TRUE", must)
            ]
        return ", ".join(turns) or "NULL"

    def _plan(self, clause: Clause) -> "_Plan":
        """Note what has to be asked for a clause, and prepare all that is the same for every customer."""
        scores = tuple(sorted(clock.names_in(clause) & self._scores))
        if isinstance(clause, InSegment):
            inner = self._plan(clause.clause)
            parts = inner.parts if inner.kind in {"every", "some"} else (inner,)
            asks = " ".join(wording.statement(clause))
            joint = inner.kind if inner.kind in {"every", "some"} else "every"
            return _Plan("segment", asks, scores, parts, every=joint == "every")
        if isinstance(clause, Call):
            compared = [nodes.sql(each) for each in _compared(clause)]
            places = tuple(self._place(sql) for sql in (nodes.sql(clause), *compared))
            unit, currency = nodes.unit_of(clause.operands[0])
            statement = wording.statement(clause)
            of_customer = statement.subject == wording.CUSTOMER
            return _Plan(
                "condition",
                " ".join(statement),
                scores,
                places=places,
                quantity=_Quantity(clause.operator.symbol, unit, currency, of_customer=of_customer),
            )
        every = isinstance(clause, Every)
        parts = tuple(self._plan(part) for part in clause.clauses)
        return _Plan("every" if every else "some", wording.sentence(clause), scores, parts, every=every)

    def _place(self, sql: str) -> int:
        return self._places.setdefault(sql, len(self._places))


@dataclass(frozen=True)
class _Quantity:
    """What a condition compares."""

    symbol: str
    unit: str
    currency: str
    of_customer: bool


@dataclass(frozen=True)
class _Plan:
    """A clause as it is told of any customer.

    Parameters
    ----------
    kind, asks, scores, parts
        As of `Told`.
    every : bool
        Whether all parts must hold, or one.
    places : tuple of int
        Of a condition: where its truth stands in the answer, its value, and what that is compared with.
    quantity : _Quantity or None
        Of a condition.
    """

    kind: str
    asks: str
    scores: tuple[str, ...]
    parts: tuple["_Plan", ...] = ()
    every: bool = True
    places: tuple[int, ...] = ()
    quantity: _Quantity | None = None

    def told(self, found: Sequence[Any]) -> Told:
        """Return the clause as it is of one customer."""
        if self.quantity is None:
            parts = tuple(part.told(found) for part in self.parts)
            holds = _together([part.holds for part in parts], every=self.every)
            return Told(self.kind, holds, self.asks, scores=self.scores, parts=parts)
        holds, value, *limits = (found[place] for place in self.places)
        gap = _gap(self.quantity.symbol, value, limits)
        own, distance = _own(value, self.quantity), _distance(gap, self.quantity, holds=holds)
        return Told(self.kind, holds, self.asks, own, gap, distance, self.scores)


def _together(answers: Sequence[bool | None], *, every: bool) -> bool | None:
    """Join truths as SQL does."""
    if (not every) in answers:
        return not every
    return None if None in answers else every


def _compared(condition: Call) -> list[Value]:
    """Return the value that a condition is about, and the numbers it is compared with."""
    first, *others = condition.operands
    return [first, *(each for each in others if nodes.unit_of(first)[0] not in {"text", "names"})]


def _own(value: object, quantity: _Quantity) -> str:
    """Return a customer's own value in words."""
    if value is None:
        return "unknown"
    if isinstance(value, str):
        names = value.strip("\n").split("\n") if quantity.unit == "names" else [value]
        return ", ".join(f"“{name}”" for name in names)
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


def _gap(symbol: str, value: object, limits: Sequence[object]) -> float | None:
    """Return how far a value is from where the answer changes; negative or 0 where the condition does not hold."""
    numbers = [float(each) for each in (value, *limits) if isinstance(each, int | float)]
    if len(numbers) != 1 + len(limits) or not limits:
        return None
    own, limit = numbers[0], numbers[-1]
    if symbol in _WITHIN | _OUTSIDE:
        inside = min(own - numbers[-2], limit - own)
        return inside if symbol in _WITHIN else -inside
    if symbol in _ABOVE | _BELOW:
        return own - limit if symbol in _ABOVE else limit - own
    return -abs(own - limit) if symbol == "=" else None


def _distance(gap: float | None, quantity: _Quantity, *, holds: bool | None) -> str:
    if gap is None or holds is None or quantity.of_customer or (quantity.symbol == "=" and holds):
        return ""
    if gap == 0:
        return "exactly at the limit"
    unit = {"date": "days", "days_ago": "days"}.get(quantity.unit, quantity.unit)
    told = shown(abs(gap), unit, quantity.currency)
    if unit in {"share", "probability"}:
        told = f"{100 * abs(gap):,.1f} percentage points"
    return f"{told} to spare" if holds else f"{told} away"
