import pytest

from segments.expression import parse
from segments.nodes import Call, Every, InSegment, leaves
from segments.operators import OPERATORS
from segments.segment import load_library
from segments.vocabulary import Measured, SegmentColumn

CONDITIONS = [row for row in OPERATORS.values() if row.gives == "truth"]


@pytest.mark.parametrize("symbol", OPERATORS)
def test_the_example_of_each_operator_uses_it(symbol: str, columns: dict[str, SegmentColumn]) -> None:
    def used(node: object) -> set[str]:
        parts = node.operands if isinstance(node, Call) else node.clauses if isinstance(node, Every) else ()
        own = {node.operator.symbol} if isinstance(node, Call | InSegment) else set()
        # A number that is measured is known by the call that measures it.
        called = {node.name.partition("(")[0]} if isinstance(node, Measured) else set()
        return own.union(called, *map(used, parts))

    library = {segment.name: segment for segment in load_library()}
    assert symbol in used(parse(OPERATORS[symbol].example, columns, library).clause)


@pytest.mark.parametrize("row", CONDITIONS, ids=lambda row: row.symbol)
def test_every_condition_has_an_opposite_whose_opposite_it_is(row: object) -> None:
    opposite = OPERATORS[row.opposite]  # type: ignore[attr-defined]
    assert OPERATORS[opposite.opposite] is row


@pytest.mark.parametrize("row", [row for row in CONDITIONS if row.mirror], ids=lambda row: row.symbol)
def test_sides_changed_twice_are_as_before(row: object) -> None:
    assert OPERATORS[OPERATORS[row.mirror].mirror] is row  # type: ignore[attr-defined]


def test_not_turns_an_operator_into_its_opposite(columns: dict[str, SegmentColumn]) -> None:
    assert parse("not orders > 3", columns).clause == parse("orders <= 3", columns).clause
    assert parse("orders not in (1, 2)", columns).clause == parse("not (orders in (1, 2))", columns).clause
    assert parse("not in_top(clv_365d, 10)", columns).sql({"clv_365d:90.0": 7}) == '("clv_365d" <= 7.0e0)'


def test_a_condition_names_columns_and_statistics_among_its_leaves(columns: dict[str, SegmentColumn]) -> None:
    clause = parse("in_top(clv_365d, 10) and orders >= 3", columns).clause
    assert {leaf.name for leaf in leaves(clause) if isinstance(leaf, SegmentColumn)} == {"clv_365d", "orders"}
