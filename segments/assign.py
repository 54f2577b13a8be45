"""Who is in which segment and why: one SELECT for all segments, over one customer or millions."""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ledger.errors import InputError
from ledger.plans import KeptPlans
from segments.alone import Alone, EngineNeededError
from segments.derived import INPUTS, derived_sql, inputs_of, layers
from segments.expression import Expression, parse
from segments.segment import Segment
from segments.units import named, quoted
from segments.vocabulary import Measured, SegmentColumn

MEMBERSHIPS = pa.schema(
    [("customer_id", pa.string()), ("segment", pa.string()), ("reasons", pa.list_(pa.string()))]
)
FEW = 1_000
"""Customers of one request at most. Of them planning is most of the work, so their plan is kept."""
ONE_BY_ONE = 16
"""Customers of whom less time goes by without an engine."""
CUSTOMERS_A_BLOCK = 131_072
"""Assigned at once: all together take gigabytes, and planning for as many again costs little beside them."""
NOBODY = "SELECT '' AS customer_id, 0 AS place, '' AS segment, CAST([] AS VARCHAR[]) AS reasons LIMIT 0"


def _sealed_engine() -> duckdb.DuckDBPyConnection:
    """Return an engine without files and network: nothing here needs them, should a refused word ever slip through."""
    return duckdb.connect(config={"enable_external_access": "false", "threads": 1, "async_threads": 0})


@dataclass(frozen=True)
class Parts:
    """What the SELECT of all segments is put together from, for `segments.alone.Alone`.

    Parameters
    ----------
    columns : tuple of (str, str)
        Columns that conditions see, and their SQL, in the order in which they hang on each other.
    members : tuple of (str, str, str)
        Of each segment its name, and the SQL of its condition and of its members' reasons.
    """

    columns: tuple[tuple[str, str], ...]
    members: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Assigner:
    """All segments compiled into one SELECT; build it once for a release and use it for every request.

    Parameters
    ----------
    query : str
        Reads `frame`, a relation with customer_id and the columns of `needs`.
    needs : tuple of str
        Columns that the frame must have.
    measured : tuple of Measured
        Those of them that are measured from a customer's history, by `segments.measured.measure`.
    parts : Parts, optional
        Of the same query, by which a few customers are assigned without an engine.
    """

    query: str
    needs: tuple[str, ...]
    measured: tuple[Measured, ...] = ()
    parts: Parts | None = None

    @cached_property
    def _engine(self) -> duckdb.DuckDBPyConnection:
        return _sealed_engine()

    @cached_property
    def _plans(self) -> KeptPlans:
        return KeptPlans(_sealed_engine())

    def assign(self, frame: pa.Table | pd.DataFrame) -> pa.Table:
        """Return the memberships of every customer of the frame.

        Parameters
        ----------
        frame : Table or DataFrame
            One row a customer: customer_id, features and scores.

        Returns
        -------
        Table
            customer_id, segment and reasons (a list of short texts), sorted by customer, then in the
            segments' order.

        Raises
        ------
        InputError
            When the frame lacks a column that a segment names.
        """
        present = frame.column_names if isinstance(frame, pa.Table) else list(frame.columns)
        missing = [name for name in ("customer_id", *self.needs) if name not in present]
        if missing:
            raise InputError(f"segments need the columns {missing}, which the customers' data does not hold")
        if not isinstance(frame, pa.Table):
            return self._block(frame)
        frame = frame.select(["customer_id", *self.needs])
        if len(frame) <= ONE_BY_ONE and self._alone is not None:
            with suppress(EngineNeededError):  # of such numbers DuckDB has the say
                return _one_by_one(self._alone, frame)
        if len(frame) <= min(FEW, CUSTOMERS_A_BLOCK):
            return self._plans.run(self.query, "frame", frame).cast(MEMBERSHIPS)
        if len(frame) <= CUSTOMERS_A_BLOCK:
            return self._block(frame)
        # Nobody's memberships hang on who else is asked about, so there is a thread for each processor.
        frame = _by_customer(frame)
        starts = range(0, len(frame), CUSTOMERS_A_BLOCK)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return pa.concat_tables(
                pool.map(lambda at: self._block(frame.slice(at, CUSTOMERS_A_BLOCK)), starts)
            )

    @cached_property
    def _alone(self) -> Alone | None:
        """The segments without an engine; None when one of them says what is not read there."""
        try:
            return None if self.parts is None else Alone(self.parts.columns, self.parts.members)
        except EngineNeededError:
            return None

    def _block(self, frame: pa.Table | pd.DataFrame) -> pa.Table:
        with self._engine.cursor() as connection:
            connection.register("frame", frame)
            # Prepared first: a relation over the SELECT plans it twice, and of one customer planning is all the work.
            connection.execute(f"PREPARE assigning AS {self.query}")
            return connection.sql("EXECUTE assigning").to_arrow_table().cast(MEMBERSHIPS)


def _one_by_one(alone: Alone, frame: pa.Table) -> pa.Table:
    found = [
        {"customer_id": row["customer_id"], "segment": name, "reasons": reasons}
        for row in sorted(frame.to_pylist(), key=lambda row: row["customer_id"])
        for name, reasons in alone.memberships(row)
    ]
    return pa.Table.from_pylist(found, MEMBERSHIPS)


def _by_customer(frame: pa.Table) -> pa.Table:
    """Return customers sorted by id, as they mostly come."""
    ids = frame["customer_id"]
    in_order = pc.all(pc.less_equal(ids.slice(0, len(ids) - 1), ids.slice(1)), min_count=0).as_py()
    return frame if in_order else frame.sort_by("customer_id")


def compile_segments(
    segments: Sequence[Segment],
    columns: Mapping[str, SegmentColumn],
    thresholds: Mapping[str, float],
    limits: Mapping[str, float],
    *,
    among: Sequence[Segment] = (),
) -> Assigner:
    """Compile segments into one SELECT.

    Parameters
    ----------
    segments : sequence of Segment
    columns : mapping of str to SegmentColumn
        The vocabulary, from `segments.vocabulary.vocabulary`.
    thresholds : mapping of str to float
        From `segments.resolve.thresholds`, as the release holds them.
    limits : mapping of str to float
        From `segments.partitions.lifecycle_limits`.
    among : sequence of Segment
        Others that `in_segment` may name.

    Raises
    ------
    InputError
        When an expression is refused (names the segment) or a number is missing (names the number).
    """
    known = {**thresholds, **limits}
    parsed = parse_all(segments, columns, among)
    customers, needs = customers_sql(parsed.values(), columns, known)
    seen = tuple(column for step in _steps(list(parsed.values()), columns, known) for column in step)
    members = tuple((name, each.sql(known), each.reasons_sql(known)) for name, each in parsed.items())
    return Assigner(_query(customers, members), needs, measured_in(parsed.values()), Parts(seen, members))


def customers_sql(
    expressions: Iterable[Expression], columns: Mapping[str, SegmentColumn], known: Mapping[str, float]
) -> tuple[str, tuple[str, ...]]:
    """Return a SELECT over `frame` of the customers as conditions see them, and the columns that `frame` must have.

    Parameters
    ----------
    expressions : iterable of Expression
    columns : mapping of str to SegmentColumn
        The vocabulary.
    known : mapping of str to float
        Thresholds of the release and lifecycle limits.
    """
    facts, *derived = _steps(list(expressions), columns, known)
    select = f"SELECT {', '.join(['customer_id', *_aliased(facts)])} FROM frame"
    for layer in derived:
        if layer:
            select = f"SELECT *, {', '.join(_aliased(layer))} FROM ({select})"
    return select, tuple(name for name, _ in facts)


def _steps(
    expressions: Sequence[Expression], columns: Mapping[str, SegmentColumn], known: Mapping[str, float]
) -> list[list[tuple[str, str]]]:
    """Return the columns that conditions see and their SQL: what is known of customers, then what is made of it."""
    said = {**INPUTS, **columns, **{column.name: column for column in measured_in(expressions)}}
    used = {name for expression in expressions for name in expression.columns}
    facts = [(name, _fact(said[name])) for name in sorted(inputs_of(used))]
    return [facts, *([(name, derived_sql(name, known)) for name in layer] for layer in layers(used))]


def _aliased(columns: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{sql} AS {named(name)}" for name, sql in columns]


def measured_in(expressions: Iterable[Expression]) -> tuple[Measured, ...]:
    """Return the columns that some conditions have measured, by name."""
    found = {column for expression in expressions for column in expression.measured}
    return tuple(sorted(found, key=lambda column: column.name))


def assign(
    frame: pa.Table | pd.DataFrame,
    segments: Sequence[Segment],
    thresholds: Mapping[str, float],
    limits: Mapping[str, float],
    columns: Mapping[str, SegmentColumn],
) -> pa.Table:
    """Return the memberships of a frame of customers; see `compile_segments` and `Assigner.assign`."""
    return compile_segments(segments, columns, thresholds, limits).assign(frame)


def parse_all(
    segments: Iterable[Segment], columns: Mapping[str, SegmentColumn], among: Iterable[Segment] = ()
) -> dict[str, Expression]:
    """Parse the segments' expressions, by segment name; `among` are others that `in_segment` may name.

    Raises
    ------
    InputError
        When one is refused, or two segments share a name; names the segment.
    """
    parsed: dict[str, Expression] = {}
    listed = list(segments)
    others = {segment.name: segment for segment in (*among, *listed)}
    for segment in listed:
        if segment.name in parsed:
            raise InputError(f"two segments are named {segment.name!r}; give one of them another name")
        try:
            parsed[segment.name] = parse(segment.expression, columns, others, (segment.name,))
        except InputError as error:
            raise InputError(f"segment {segment.name!r}: {error}") from error
    return parsed


def _query(customers: str, segments: Iterable[tuple[str, str, str]]) -> str:
    members = " UNION ALL ".join(
        f"SELECT customer_id, {place} AS place, {quoted(name)} AS segment, "
        f"{reasons} AS reasons FROM customers WHERE {condition}"
        for place, (name, condition, reasons) in enumerate(segments)
    )
    # Reading the customers once per segment, for its members only, is twice as fast as one wide row of all
    # segments taken apart: of 37 segments over 1 M customers, the reasons are nine tenths of the work.
    return f"""
        WITH customers AS MATERIALIZED ({customers}),
             members AS ({members or NOBODY})
        SELECT customer_id, segment, reasons FROM members ORDER BY customer_id, place
        """


def _fact(column: SegmentColumn) -> str:
    """Return a column as conditions see it: numbers as DOUBLE, with NaN and infinity unknown like NULL."""
    name = named(column.name)
    if column.unit in {"text", "names"}:
        return f"CAST({name} AS VARCHAR)"
    number = f"CAST({name} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"
