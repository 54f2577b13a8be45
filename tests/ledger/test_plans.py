"""Kept plans answer of the rows of the moment, and keep none of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pytest

from ledger.engine import open_engine
from ledger.plans import MOST_STATEMENTS, KeptPlans

TOTAL = "SELECT CAST(sum(amount) AS BIGINT) AS total, count(*) AS rows FROM few"


def few(*amounts: int) -> pa.Table:
    """Return rows of one amount each."""
    return pa.table({"amount": pa.array(amounts, pa.int64())})


def test_a_plan_answers_of_the_rows_of_the_moment() -> None:
    plans = KeptPlans(open_engine())
    answers = [plans.run(TOTAL, "few", rows).to_pylist()[0] for rows in (few(1, 2), few(), few(40))]
    assert answers == [
        {"total": 3, "rows": 2},
        {"total": None, "rows": 0},
        {"total": 40, "rows": 1},
    ]


def test_rows_of_another_schema_are_another_plan() -> None:
    plans = KeptPlans(open_engine())
    plans.run(TOTAL, "few", few(1))
    found = plans.run(TOTAL, "few", pa.table({"amount": pa.array([1.75, 0.25], pa.float64())}))
    assert found.to_pylist() == [{"total": 2, "rows": 2}]


def test_every_type_comes_as_duckdb_gives_it_with_unknowns() -> None:
    instants = pa.array([datetime(2024, 3, 1, 12, 30, 0, 7, tzinfo=UTC), None], pa.timestamp("us", "UTC"))
    rows = pa.table(
        {
            "place": pa.array([1, 2], pa.int64()),
            "at": instants,
            "name": pa.array(["Zoë", None]),
            "said": pa.array([["a", None], []], pa.list_(pa.string())),
            "yes": pa.array([True, None]),
            "half": pa.array([0.5, None]),
            "small": pa.array([None, 3], pa.int32()),
            "day": pa.array([date(2024, 3, 1), None]),
        }
    )
    select = "SELECT * FROM few ORDER BY place"
    with open_engine() as engine:
        engine.register("few", rows)
        expected = engine.sql(select).to_arrow_table()
    found = KeptPlans(open_engine()).run(select, "few", rows)
    assert found.schema == expected.schema
    assert found.to_pylist() == expected.to_pylist()


def test_a_plan_that_failed_is_not_asked_again_and_the_next_answers() -> None:
    plans = KeptPlans(open_engine())
    halves = "SELECT CAST(amount AS TINYINT) AS small FROM few"
    with pytest.raises(duckdb.ConversionException):
        plans.run(halves, "few", few(1_000))
    assert plans.run(halves, "few", few(7)).to_pylist() == [{"small": 7}]


def test_many_threads_get_the_answers_to_their_own_rows() -> None:
    plans = KeptPlans(open_engine())
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda n: plans.run(TOTAL, "few", few(n, n)).to_pylist()[0]["total"], range(200))
        )
    assert found == [2 * n for n in range(200)]


def test_decimals_are_refused_when_the_plan_is_made() -> None:
    with pytest.raises(ValueError, match="answers no decimals"):
        KeptPlans(open_engine()).run("SELECT sum(amount) AS total FROM few", "few", few(1))


def test_more_statements_than_are_kept_are_answered_too() -> None:
    plans = KeptPlans(open_engine())
    for _ in range(2):
        for add in range(MOST_STATEMENTS + 3):
            found = plans.run(f"SELECT amount + {add} AS more FROM few", "few", few(1))
            assert found.to_pylist() == [{"more": 1 + add}]
