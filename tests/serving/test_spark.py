"""Scoring on Spark writes what scoring here writes."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from features.engines import spark as engine
from ledger.errors import InputError
from ledger.home import Home
from segments.segment import load_library
from serving import batch, tables
from serving.spark import SparkScoring
from serving.store import PublishedRun
from tests.serving.shop import CUTOFF, Shop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def by_key(table: pa.Table) -> pa.Table:
    keys = ("customer_id", "segment", "level", "product_id", "category")
    order = [(name, "ascending") for name in keys if name in table.column_names]
    return table.sort_by(order) if order else table


def read(path: Path) -> pa.Table:
    found = tables.read(path)
    assert found is not None
    return by_key(found)


def assert_same(one: pa.Table, other: pa.Table) -> None:
    """Hold two tables to be equal: texts and instants exactly, numbers to a billionth."""
    assert one.schema.equals(other.schema)
    for name in one.column_names:
        expected, got = one[name].to_pylist(), other[name].to_pylist()
        if pa.types.is_floating(one.schema.field(name).type):
            assert one[name].is_null().equals(other[name].is_null()), name
            known = [[cell for cell in cells if cell is not None] for cells in (expected, got)]
            assert known[1] == pytest.approx(known[0], rel=1e-9, abs=1e-9), name
        else:
            assert got == expected, name


@pytest.mark.slow
def test_scoring_on_spark_writes_and_publishes_what_scoring_here_does(
    both: Shop, tmp_path: Path, spark_session: "SparkSession"
) -> None:
    shutil.copytree(both.home.path, tmp_path / "home")
    home = Home(tmp_path / "home")
    for path in (home.scores, home.replenishment, home.suggestions, home.demand, home.memberships):
        path.rename(path.with_suffix(".before"))

    summary = batch.run(home, both.release, load_library(), CUTOFF, scoring=SparkScoring(spark_session, home))

    for name in ("scores", "replenishment", "suggestions", "demand", "memberships"):
        assert_same(read(getattr(both.home, name)), read(getattr(home, name)))
    here, there = PublishedRun.open(both.home), PublishedRun.open(home)
    assert there.name == summary.published
    assert here.tables.keys() == there.tables.keys()
    for name, table in here.tables.items():
        assert_same(by_key(table), by_key(there.tables[name]))
    for here_too, there_too in zip(both.summary.facts.segments, summary.facts.segments, strict=True):
        assert there_too.value == pytest.approx(here_too.value, rel=1e-9)
        assert there_too.model_copy(update={"value": here_too.value}) == here_too


def test_without_java_spark_says_in_one_line_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda _name: True)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(InputError) as refused:
        engine.open_session()

    assert str(refused.value) == (
        f"Spark needs Java 17 or later, and there is none in JAVA_HOME ({tmp_path}); "
        "on Debian and Ubuntu: apt install openjdk-17-jre-headless"
    )


def test_without_pyspark_spark_says_in_one_line_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda _name: None)

    with pytest.raises(InputError) as refused:
        engine.open_session()

    assert str(refused.value) == (
        "Spark needs pyspark, which is not installed; run `pip install 'regulars[spark]'`"
    )
