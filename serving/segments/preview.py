"""A condition tried on everybody of the last run before it is saved: how many, worth what, whom, and who else has them.

It is judged by the language's own SQL over the columns that the run kept, with the run's own numbers of the store.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import history
from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from ledger.engine import bound
from ledger.errors import InputError
from ledger.store import Ledger
from ledger.workspace import workspace
from models.scores import scores_for
from segments import known
from segments.assign import compile_segments, customers_sql
from segments.derived import inputs_of, statistics_of
from segments.expression import Expression, parse
from segments.measured import measure, relations_of
from segments.nodes import Call, Clause, Constant, InSegment
from segments.resolve import thresholds
from segments.segment import Segment
from segments.spelling import closest
from segments.vocabulary import Measured, SegmentColumn, vocabulary
from serving.facts import RunFacts
from serving.segments.records import view_past
from serving.store import PublishedRun

VALUE: Final = "clv_365d"
SAMPLE: Final = 5
EQUAL: Final = {"=", "<>", "in", "not in"}
TRIED: Final = Segment(
    name="tried", title="Tried", description="Tried.", expression="orders >= 0", advice="None."
)

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Overlap:
    """Another segment and how many of the members are in it too.

    Parameters
    ----------
    name : str
    both : int, customers
    share_of_these : float
        Of those that the condition holds for.
    share_of_those : float
        Of the other segment.
    """

    name: str
    both: int
    share_of_these: float
    share_of_those: float


@dataclass(frozen=True)
class Preview:
    """What a condition would make.

    Parameters
    ----------
    sentence : str
        The condition in words.
    count : int, customers
    value : float, currency
        Sum of clv_365d over them.
    sample : list of dict
        customer_id, reasons and clv_365d of a few, spread evenly over all by id.
    overlap : tuple of Overlap
        Segments with any of the members, those with most first.
    unheard : tuple of str
        What the condition asks for and no customer has, such as a country misspelt, in words.
    """

    sentence: str
    count: int
    value: float
    sample: list[dict[str, Any]]
    overlap: tuple[Overlap, ...]
    unheard: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """What an edit would change.

    Parameters
    ----------
    stay, enter, leave : int, customers
    entering, leaving : list of dict
        A few of them: customer_id, reasons (of those who enter) and clv_365d.
    value_before, value_after : float, currency
    """

    stay: int
    enter: int
    leave: int
    entering: list[dict[str, Any]]
    leaving: list[dict[str, Any]]
    value_before: float
    value_after: float


@dataclass(frozen=True)
class Trial:
    """A condition judged for every customer of a run.

    Parameters
    ----------
    run : PublishedRun
    expression : Expression
    numbers : dict of str to float
        The run's, and those that the condition needs beside them.
    added : dict of str to float
        The latter alone.
    frame : Table
        The columns that the condition names, a row a customer.
    members : (n,) bool
        For whom it holds.
    """

    run: PublishedRun
    expression: Expression
    numbers: dict[str, float]
    added: dict[str, float]
    frame: pa.Table
    members: Flags

    @classmethod
    def of(cls, run: PublishedRun, text: str, others: Sequence[Segment] = (), name: str = "") -> "Trial":
        """
        Judge a condition.

        Parameters
        ----------
        run : PublishedRun
        text : str
        others : sequence of Segment
            Those that it may name.
        name : str
            Of the segment whose condition it is to be; it must not name itself.

        Raises
        ------
        InputError
            When it is refused by the language, or names what the run did not keep.
        """
        columns = columns_of(run.facts)
        expression = parse(text, columns, {each.name: each for each in others}, (name,) if name else ())
        frame = _frame(run, expression, sorted(inputs_of(expression.columns)))
        added = _numbers(run, expression, frame)
        numbers = {**run.facts.numbers, **added}
        customers, _ = customers_sql([expression], columns, numbers)
        members = np.zeros(frame.num_rows, dtype=bool)
        with duckdb.connect(config={"enable_external_access": "false"}) as connection:
            places = pa.array(np.arange(frame.num_rows))
            connection.register("frame", frame.add_column(0, "customer_id", places))
            holds = f"SELECT customer_id FROM ({customers}) AS customers WHERE {expression.sql(numbers)}"
            members[connection.sql(holds).to_arrow_table()["customer_id"].to_numpy()] = True
        return cls(run, expression, numbers, added, frame, members)

    def preview(self, sample: int = SAMPLE) -> Preview:
        """Say what the condition would make, with some of its members."""
        count = int(self.members.sum())
        names = self.run.columns.segments
        shared = zip(names, self.run.columns.members(names), strict=True)
        overlap = [(name, int((self.members & mine).sum()), int(mine.sum())) for name, mine in shared]
        told = [Overlap(name, both, both / count, both / size) for name, both, size in overlap if both]
        return Preview(
            sentence=self.expression.describe(self.numbers),
            count=count,
            value=self.value(self.members),
            sample=self.sample(self.members, sample),
            overlap=tuple(sorted(told, key=lambda each: (-each.both, each.name))),
            unheard=tuple(_unheard(self.expression.clause, self.frame)),
        )

    def against(self, before: Flags, sample: int = SAMPLE, *, after: Flags | None = None) -> Difference:
        """Say what would change for a segment with other members.

        Parameters
        ----------
        before : (n,) bool
            Its members.
        sample : int, customers
        after : (n,) bool, optional
            Its members then; by default all that the condition holds for.
        """
        after = self.members if after is None else after
        enter, leave = after & ~before, before & ~after
        return Difference(
            stay=int((after & before).sum()),
            enter=int(enter.sum()),
            leave=int(leave.sum()),
            entering=self.sample(enter, sample),
            leaving=[{**row, "reasons": []} for row in self.sample(leave, sample, reasons=False)],
            value_before=self.value(before),
            value_after=self.value(after),
        )

    def value(self, members: Flags) -> float:
        """Return the sum of clv_365d over some customers."""
        worth = self.run.columns.read([VALUE])[VALUE].to_numpy()[members]
        return float(np.nansum(worth))

    def sample(self, members: Flags, size: int, *, reasons: bool = True) -> list[dict[str, Any]]:
        """Return a few of some customers, spread evenly over all of them by id."""
        places = np.flatnonzero(members)
        chosen = pa.array(
            places[np.unique(np.linspace(0, len(places) - 1, min(size, len(places)), dtype=int))]
        )
        customers = self.run.tables["scores"].select(["customer_id", VALUE]).take(chosen)
        rows = [{**row, "reasons": []} for row in customers.to_pylist()]
        if not reasons or not rows:
            return rows
        told = self._reasons(self.frame.take(chosen).add_column(0, "customer_id", customers["customer_id"]))
        return [{**row, "reasons": told.get(row["customer_id"], [])} for row in rows]

    def _reasons(self, frame: pa.Table) -> dict[str, list[str]]:
        others = [
            Segment(**_TEXTS, name=each.name, title=each.title, expression=each.expression)
            for each in self.run.facts.segments
        ]
        tried = TRIED.model_copy(update={"expression": self.expression.text})
        assigner = compile_segments([tried], columns_of(self.run.facts), self.numbers, {}, among=others)
        return {row["customer_id"]: row["reasons"] for row in assigner.assign(frame).to_pylist()}


_TEXTS: Final = {"description": "x", "advice": "x"}


def columns_of(facts: RunFacts) -> Mapping[str, SegmentColumn]:
    """Return the vocabulary of segments of a run."""
    rows = (*CATALOG, *scores_for(facts.horizon_days))
    return vocabulary(rows, facts.currency, facts.sensitive_attributes)


def _frame(run: PublishedRun, expression: Expression, needs: Sequence[str]) -> pa.Table:
    """Return the columns that a condition is judged by; what is measured of histories is measured anew if need be."""
    kept = set(run.columns.names)
    missing = [name for name in needs if name not in kept]
    of_histories = [column for column in sorted(expression.measured, key=_name) if column.name in missing]
    if len(of_histories) < len(missing):
        lacking = sorted(set(missing) - {column.name for column in of_histories})
        raise InputError(f"the last run kept no {', '.join(lacking)}; run `regulars score` and try again")
    frame = run.columns.read([name for name in needs if name in kept])
    if of_histories:
        measured = _measured(run, of_histories)
        for column in of_histories:
            frame = frame.append_column(column.name, measured[column.name])
    return frame if frame.num_columns else run.columns.read([VALUE])


def _measured(run: PublishedRun, columns: Sequence[Measured]) -> pa.Table:
    """Measure columns from the ledger as of the run, a row for each of its customers."""
    cutoff = Cutoff(run.facts.as_of, run.facts.time_zone)
    customers = run.tables["scores"]["customer_id"]
    with workspace(run.home) as spill, Ledger(run.home).connect() as connection:
        bound(connection, spill)
        history.stage(connection, cutoff)
        view_past(connection, run.home)
        known.stage(connection, cutoff, customers, relations_of(columns))
        found = measure(connection, columns)
    # Since the run, two ids may have become one: the order is the run's, and who is not found is unknown.
    return found.take(pc.index_in(customers, value_set=found["customer_id"].combine_chunks()))


def _unheard(clause: Clause, frame: pa.Table) -> Iterator[str]:
    """Yield the texts of a condition that no customer's column equals."""
    if isinstance(clause, InSegment):
        return
    if not isinstance(clause, Call):
        for part in clause.clauses:
            yield from _unheard(part, frame)
        return
    column, *texts = clause.operands
    if clause.operator.symbol not in EQUAL or getattr(column, "name", None) not in frame.column_names:
        return
    held = set(pc.unique(frame[column.name]).to_pylist())  # type: ignore[union-attr]
    for asked in (each.value for each in texts if isinstance(each, Constant)):
        if isinstance(asked, str) and asked not in held:
            meant = closest(asked, [each for each in held if isinstance(each, str)])
            so = f"; did you mean {meant!r}?" if meant else ""
            yield f"nobody's {column.phrase} is {asked!r}{so}"  # type: ignore[union-attr]


def _numbers(run: PublishedRun, expression: Expression, frame: pa.Table) -> dict[str, float]:
    """Return the numbers of the store that a condition needs and the run lacks, taken over the run's customers."""
    lacking = {each for each in statistics_of(expression) if each.key not in run.facts.numbers}
    of_columns = {each.column.name for each in lacking if each.column is not None}
    if not of_columns:
        return {}
    missing = [name for name in sorted(of_columns) if name not in frame.column_names]
    for name in missing:
        frame = frame.append_column(name, run.columns.read([name])[name])
    found = thresholds([expression], frame.filter(pa.array(run.scored)))
    return {key: value for key, value in found.items() if key not in run.facts.numbers}


def _name(column: SegmentColumn) -> str:
    return column.name
