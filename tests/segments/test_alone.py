"""What a few customers are told without an engine, beside what DuckDB tells of the same SQL."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from benchmarks.segment_fuzz import Grammar
from ledger.errors import InputError
from segments.alone import EngineNeededError, function_of
from segments.assign import ONE_BY_ONE, Assigner, compile_segments, parse_all
from segments.derived import INPUTS, statistics_of
from segments.segment import Segment, load_library
from segments.vocabulary import SegmentColumn

LIBRARY = load_library()
Limits = Mapping[str, float]
Columns = dict[str, SegmentColumn]
NUMBERS = [
    None,
    0.0,
    -0.0,
    1.0,
    2.0,
    3.0,
    0.5,
    30.0,
    0.125,
    66.65,
    -2.5,
    999.0,
    1000.0,
    1234567.891,
    float("nan"),
]
TEXTS = [None, "", "loyal_active", "Coffee > Beans", "\ncoffee\n", "a b"]


def people(assigner: Assigner, columns: Columns, seed: int) -> pa.Table:
    """Return customers with all that a condition can stumble over."""
    chance = np.random.default_rng(seed)
    said = {**INPUTS, **columns, **{each.name: each for each in assigner.measured}}
    filled: dict[str, Any] = {"customer_id": pa.array([f"c{number:02d}" for number in range(ONE_BY_ONE)])}
    for name in assigner.needs:
        text = said[name].unit in {"text", "names"}
        values: Sequence[object] = TEXTS if text else NUMBERS
        some = [values[at] for at in chance.integers(0, len(values), ONE_BY_ONE)]
        filled[name] = pa.array(some, pa.string() if text else pa.float64())
    return pa.table(filled)


def compiled(segments: Sequence[Segment], columns: Columns, limits: Limits) -> Assigner:
    parsed = parse_all(segments, columns, LIBRARY)
    known = {each.key: 1.0 for expression in parsed.values() for each in statistics_of(expression)}
    return compile_segments(segments, columns, known, limits, among=LIBRARY)


def is_read(sql: str) -> bool:
    try:
        function_of(sql)
    except EngineNeededError:
        return False
    return True


def with_an_engine(assigner: Assigner, frame: pa.Table) -> list[dict[str, Any]]:
    with duckdb.connect() as engine:
        engine.register("frame", frame)
        found: list[dict[str, Any]] = engine.sql(assigner.query).to_arrow_table().to_pylist()
    return found


def test_the_library_tells_everybody_the_same_with_an_engine_and_without(
    columns: Columns, limits: Limits
) -> None:
    everybody = compiled(LIBRARY, columns, limits).parts
    assert everybody is not None
    named = {name for name, *texts in everybody.members if all(map(is_read, texts))}
    read = [each for each in LIBRARY if each.name in named]
    assert len(LIBRARY) - len(read) < 10  # anniversaries and places in lists are the engine's
    assigner = compiled(read, columns, limits)
    for seed in range(5):
        frame = people(assigner, columns, seed)
        assert assigner.assign(frame).to_pylist() == with_an_engine(assigner, frame)


def test_whatever_the_grammar_grows_holds_for_the_same_with_an_engine_and_without(
    columns: Columns, limits: Limits
) -> None:
    grammar, tried = Grammar(columns, seed=7), 0
    while tried < 100:
        grown = Segment(name="s", title="S", description="D.", expression=grammar.condition(3), advice="A.")
        try:
            assigner = compiled([grown], columns, limits)
        except InputError:
            continue
        if assigner.parts and all(map(is_read, assigner.parts.members[0][1:])):
            tried += 1
            frame = people(assigner, columns, tried)
            found, expected = assigner.assign(frame).to_pylist(), with_an_engine(assigner, frame)
            assert found == expected, grown.expression


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("x > 1 OR y > 1", None),
        ("x > 1 OR 2 > 1", True),
        ("x > 1 AND 2 < 1", False),
        ("NOT x > 1", None),
        ("x IS NULL", True),
        ("coalesce(x, y, 3)", 3.0),
        ("4 / nullif(0, 0)", None),
        ("[CAST(x AS VARCHAR), 'a']", [None, "a"]),
        ("CASE WHEN x > 1 THEN 'a' ELSE 'b' END", "b"),
        ("round(-2.5)", -3.0),
        ("round(0.49999999999999994)", 0.0),
        ("format('{:,.2f}', 1234567.895)", "1,234,567.90"),
    ],
)
def test_the_unknown_and_numbers_are_as_sql_has_them(sql: str, value: object) -> None:
    with duckdb.connect() as engine:
        nobody = "SELECT CAST(NULL AS DOUBLE) AS x, CAST(NULL AS DOUBLE) AS y"
        assert engine.execute(f"SELECT {sql} FROM ({nobody})").fetchone() == (value,)
    assert function_of(sql)({"x": None, "y": None}) == value


@pytest.mark.parametrize("sql", ["lower(x)", "x LIKE 'a'", "(SELECT 1)", "CAST(x AS DATE)", "x IS TRUE"])
def test_other_sql_is_left_to_the_engine(sql: str) -> None:
    with pytest.raises(EngineNeededError):
        function_of(sql)


def test_numbers_that_are_none_are_left_to_the_engine() -> None:
    with pytest.raises(EngineNeededError):
        function_of("x * 1e308")({"x": 1e308})
