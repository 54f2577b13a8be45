"""A segment's condition: parsed once, it gives its SQL, its sentence, its reasons and what it needs."""

from collections.abc import Mapping
from dataclasses import dataclass

from segments import nodes, wording
from segments.nodes import Clause, Statistic
from segments.reading import Reader
from segments.segment import Segment
from segments.vocabulary import Measured, SegmentColumn


@dataclass(frozen=True)
class Expression:
    """One parsed condition.

    Parameters
    ----------
    text : str
        As the user wrote it.
    clause : Clause
        The parsed tree.
    """

    text: str
    clause: Clause

    @property
    def columns(self) -> frozenset[str]:
        """Columns of the vocabulary that it names."""
        return frozenset(leaf.name for leaf in nodes.leaves(self.clause) if isinstance(leaf, SegmentColumn))

    @property
    def measured(self) -> frozenset[Measured]:
        """Columns among them that are measured from a customer's history."""
        return frozenset(leaf for leaf in nodes.leaves(self.clause) if isinstance(leaf, Measured))

    @property
    def statistics(self) -> frozenset[Statistic]:
        """Numbers of the whole store that a release must hold for it."""
        return frozenset(leaf for leaf in nodes.leaves(self.clause) if isinstance(leaf, Statistic))

    @property
    def percentiles(self) -> frozenset[tuple[str, float]]:
        """Percentiles among its statistics: column and per cent, e.g. ("clv_365d", 75.0)."""
        return frozenset(
            (each.column.name, float(each.name))
            for each in self.statistics
            if each.column is not None and each.name not in {"mean", "deviation"}
        )

    @property
    def sentence(self) -> str:
        """The condition in English, without capital and full stop."""
        return wording.sentence(self.clause)

    def describe(self, known: Mapping[str, float]) -> str:
        """Return the sentence with a release's numbers in place of "the active limit" and the like."""
        return wording.sentence(nodes.resolved(self.clause, known))

    def sql(self, known: Mapping[str, float] | None = None) -> str:
        """Return the condition as DuckDB SQL of a BOOLEAN: NULL where a value it hangs on is unknown.

        Parameters
        ----------
        known : mapping of str to float, optional
            Thresholds of the release and lifecycle limits.

        Raises
        ------
        InputError
            When it needs a threshold that `known` lacks.
        """
        return nodes.sql(nodes.resolved(self.clause, known or {}))

    def reasons_sql(self, known: Mapping[str, float] | None = None) -> str:
        """Return SQL of a VARCHAR[]: why a member is one, condition by condition with his own values."""
        return wording.reasons_sql(nodes.resolved(self.clause, known or {}))


def parse(
    text: str,
    columns: Mapping[str, SegmentColumn],
    segments: Mapping[str, Segment] | None = None,
    path: tuple[str, ...] = (),
) -> Expression:
    """Parse a condition.

    Parameters
    ----------
    text : str
        E.g. `orders >= 3 and days_since_last_order > 2 * median_gap_days`.
    columns : mapping of str to SegmentColumn
        The vocabulary, by column name.
    segments : mapping of str to Segment, optional
        Those that `in_segment` may name, by name.
    path : tuple of str
        Name of the segment whose condition this is, so that it is refused when it names itself.

    Raises
    ------
    InputError
        When anything in it is not part of the language; names the position and a suggestion.
    """
    return Expression(text, Reader(text, columns, segments or {}, path).read())
