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

from ledger.plans import Exchanged
from segments import clock, nodes
from segments.assign import customers_sql, parse_all
from segments.derived import INPUTS, inputs_of
from segments.nodes import Clause
from segments.segment import Segment
from segments.told import Told, planned
from segments.vocabulary import DERIVED, SegmentColumn


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
        customers, self.needs = customers_sql(parsed.values(), columns, known)
        measured = {leaf.name: leaf for each in parsed.values() for leaf in each.measured}
        said = {**INPUTS, **columns, **measured}
        self._columns = {name: said[name] for name in self.needs}
        self._said = said
        self._exact = frozenset(exact)
        self._unknown = self._moving()
        self._places: dict[str, int] = {}
        said_by = frozenset(scores)
        self._plans = {name: planned(clause, said_by, self._place) for name, clause in self._clauses.items()}
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

    def _place(self, sql: str) -> int:
        return self._places.setdefault(sql, len(self._places))
