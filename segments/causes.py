"""Which condition of a segment let somebody in or made him leave: what held before and what holds now, side by side."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from segments import nodes, wording
from segments.assign import customers_sql
from segments.derived import statistics_of
from segments.expression import Expression
from segments.movement import ENTERED
from segments.nodes import Call, Clause, Every, Some
from segments.operators import OPERATORS
from segments.units import quoted
from segments.vocabulary import SegmentColumn

CAUSED: Final = pa.schema([("cause", pa.string()), ("changed", pa.list_(pa.string()))])
CAUSES: Final = {
    "condition": "a condition came to hold or ceased to; `changed` names it with the customer's own value",
    "limits": "the customer's values did not move across a condition, the store's numbers in it did",
    "definition": "the segment was defined anew",
    "started": "the segment is followed since this run",
    "ended": "the segment is followed no more",
    "new": "the customer is known since this run",
    "gone": "the customer is no longer known under this id",
}
"""What may be behind a change."""


@dataclass(frozen=True)
class Described:
    """Customers as one run knew them, and what conditions are read by.

    Parameters
    ----------
    frame : Table
        One row a customer: customer_id, features and scores.
    known : mapping of str to float
        Thresholds of the release and lifecycle limits.
    """

    frame: pa.Table
    known: Mapping[str, float]


def with_causes(  # noqa: PLR0913 - two runs, side by side
    changes: pa.Table,
    parsed: Mapping[str, Expression],
    columns: Mapping[str, SegmentColumn],
    *,
    now: Described,
    before: Described | None,
    redefined: Collection[str] = (),
) -> pa.Table:
    """Add `cause` and `changed` to changes.

    Parameters
    ----------
    changes : Table
        Columns of `segments.movement.CHANGES`.
    parsed : mapping of str to Expression
        The segments that the run before followed by the same definition as this one, by name. Changes of others are
        because these were defined anew, or are followed since now, or no more.
    columns : mapping of str to SegmentColumn
        The vocabulary.
    now : Described
    before : Described, optional
        As of the run before; without it every condition that holds now may have been the one.
    redefined : collection of str
        Names of segments whose definition is another than in the run before.

    Returns
    -------
    Table
        In the order of the changes. Where nothing is known of a cause, `changed` is empty.
    """
    numbered = changes.append_column("place", pa.array(range(changes.num_rows), pa.int64()))
    asked = pc.is_in(changes["segment"], value_set=pa.array(list(parsed), pa.string()))
    found = [_unasked(numbered.filter(pc.invert(asked)), redefined)]
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        for name in pc.unique(changes["segment"].filter(asked)).to_pylist():
            connection.register("movers", numbered.filter(pc.equal(numbered["segment"], name)))
            query = _query(connection, parsed[name], columns, now, before)
            found.append(connection.sql(query).to_arrow_table().cast(found[0].schema))
    ordered = pa.concat_tables(found).sort_by("place")
    for field in CAUSED:
        changes = changes.append_column(field, ordered[field.name])
    return changes


def _unasked(movers: pa.Table, redefined: Collection[str]) -> pa.Table:
    anew = pc.is_in(movers["segment"], value_set=pa.array(list(redefined), pa.string()))
    followed = pc.if_else(pc.equal(movers["kind"], ENTERED), "started", "ended")
    nothing = pa.array([[]] * movers.num_rows, pa.list_(pa.string()))
    return pa.table(
        {"place": movers["place"], "cause": pc.if_else(anew, "definition", followed), "changed": nothing}
    )


def _query(
    connection: duckdb.DuckDBPyConnection,
    expression: Expression,
    columns: Mapping[str, SegmentColumn],
    now: Described,
    before: Described | None,
) -> str:
    """Return the SELECT of one segment's movers: place, cause, changed."""
    today = _customers(connection, "frame_now", expression, columns, now)
    if today is None:
        return "SELECT place, 'condition' AS cause, CAST([] AS VARCHAR[]) AS changed FROM movers"
    earlier = before and _customers(connection, "frame_before", expression, columns, before)
    parts = _parts(expression, now)
    texts = ", ".join(
        f"CASE WHEN {nodes.sql(part)} THEN {wording.reasons_sql(part)} ELSE {opposite_sql(part)} END"
        for part in parts
    )
    if earlier and before:
        then = f"{_true_sql(_parts(expression, before))} AS held, {_true_sql(parts)} AS held_by_todays"
        held = f"SELECT customer_id, {then} FROM ({earlier}) AS customers"
    else:
        never = (
            f"[{', '.join(['false'] * len(parts))}] AS held, [{', '.join(['NULL'] * len(parts))}]::BOOLEAN[]"
        )
        held = f"SELECT DISTINCT customer_id, {never} AS held_by_todays FROM movers"
    changed = ", ".join(
        f"CASE WHEN CASE WHEN m.kind = 'left' THEN NOT n.holds[{k}] ELSE n.holds[{k}] AND NOT b.held[{k}] END "
        f"THEN n.texts[{k}] END"
        for k in range(1, len(parts) + 1)
    )
    # By today's numbers of the store his values of before would have had him where he is now.
    by_numbers = " AND ".join(
        f"coalesce(CASE WHEN m.kind = 'left' THEN n.holds[{k}] OR NOT b.held_by_todays[{k}] "
        f"ELSE b.held[{k}] OR b.held_by_todays[{k}] END, false)"
        for k in range(1, len(parts) + 1)
    )
    return f"""
        WITH n AS (SELECT customer_id, {_true_sql(parts)} AS holds, [{texts}] AS texts FROM ({today}) AS customers),
             b AS ({held}),
             told AS (
                SELECT m.place, n.customer_id IS NULL AS gone, b.customer_id IS NULL AS new,
                       flatten(list_filter([{changed}], lambda each: each IS NOT NULL)) AS changed,
                       {by_numbers} AS by_numbers
                FROM movers m LEFT JOIN n ON n.customer_id = m.customer_id LEFT JOIN b ON b.customer_id = m.customer_id
             )
        SELECT place, CASE WHEN gone THEN 'gone' WHEN new THEN 'new' WHEN by_numbers THEN 'limits'
                           ELSE 'condition' END AS cause,
               CASE WHEN gone OR new THEN CAST([] AS VARCHAR[]) ELSE changed END AS changed
        FROM told
        """


def _parts(expression: Expression, described: Described) -> tuple[Clause, ...]:
    """Return what must all hold."""
    clause = nodes.resolved(expression.clause, described.known)
    return clause.clauses if isinstance(clause, Every) else (clause,)


def _customers(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    expression: Expression,
    columns: Mapping[str, SegmentColumn],
    described: Described,
) -> str | None:
    """Return a SELECT of the movers as conditions see them; None when a column or a number of the store is missing."""
    if not resolvable(expression, described.known):
        return None
    customers, needs = customers_sql([expression], columns, described.known)
    if set(needs) - set(described.frame.column_names):
        return None
    connection.register(name, described.frame.select(["customer_id", *needs]))
    mine = f"SELECT * FROM {name} WHERE customer_id IN (SELECT customer_id FROM movers)"
    return f"WITH frame AS ({mine}) {customers}"


def resolvable(expression: Expression, known: Mapping[str, float]) -> bool:
    """Return whether every number of the store that a condition needs is known, if only as one of nobody."""
    return all(
        each.key in known or (each.column is not None and known.get(f"{each.column.name}:known") == 0)
        for each in statistics_of(expression)
    )


def _true_sql(parts: Sequence[Clause]) -> str:
    return f"[{', '.join(f'({nodes.sql(part)}) IS TRUE' for part in parts)}]"


def opposite_sql(clause: Clause) -> str:
    """Return SQL of a VARCHAR[]: what is the case instead of a condition that does not hold.

    Of alternatives, none of which holds, it names each.
    """
    if isinstance(clause, Every | Some):
        return f"flatten([{', '.join(opposite_sql(part) for part in clause.clauses)}])"
    unknown = quoted(f"unknown whether {wording.sentence(clause)}")
    if not isinstance(clause, Call):
        return f"[{quoted(f'no longer: {wording.sentence(clause)}')}]"
    instead = Call(OPERATORS[clause.operator.opposite], clause.operands)
    return f"[coalesce({wording.reason_sql(instead)}, {unknown})]"
