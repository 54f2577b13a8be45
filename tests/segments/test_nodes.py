"""Three-valued logic: the SQL of a condition against a plain evaluation of what the user wrote."""

from collections.abc import Callable
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segments.expression import parse
from segments.vocabulary import SegmentColumn

A = SegmentColumn("a", "1", "a")
B = SegmentColumn("b", "1", "b")
Customer = dict[str, float | None]
Truth = bool | None


class Written(NamedTuple):
    """A condition as text, and what it means for one customer, step by step and without any rewriting."""

    text: str
    holds: Callable[[Customer], Truth]


def either(left: Truth, right: Truth) -> Truth:
    return True if left or right else None if left is None or right is None else False


def opposite(value: Truth) -> Truth:
    return None if value is None else not value


def member(text: str, a: float | None, b: float | None = None) -> Truth:
    values = [f"CAST({'NULL' if value is None else value} AS DOUBLE)" for value in (a, b)]
    sql = parse(text, {"a": A, "b": B}).sql()
    ((answer,),) = duckdb.execute(
        f'SELECT {sql} FROM (SELECT {values[0]} AS "a", {values[1]} AS "b")'
    ).fetchall()
    return None if answer is None else bool(answer)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("a > 5", None),
        ("not a > 5", None),
        ("not not a > 5", None),
        ("a = 5 or a <> 5", None),
        ("a in (5, 6)", None),
        ("not a in (5, 6)", None),
        ("a not between 5 and 6", None),
        ("a > 5 or b = 1", True),
        ("not (a > 5 and b = 2)", True),
        ("not (a > 5 or b = 1)", False),
        ("a is unknown", True),
        ("not a is unknown", False),
        ("a + b > 0", None),
    ],
)
def test_an_unknown_value_makes_a_condition_neither_true_nor_false_also_under_not(
    text: str, answer: Truth
) -> None:
    assert member(text, a=None, b=1) is answer


def test_dividing_by_zero_is_unknown() -> None:
    assert member("a / b > 1", a=3, b=0) is None
    assert member("not a / b > 1", a=3, b=0) is None


def comparison(symbol: str, name: str, number: int) -> Written:
    compare: dict[str, Callable[[float], bool]] = {
        ">": lambda value: value > number,
        ">=": lambda value: value >= number,
        "<": lambda value: value < number,
        "<=": lambda value: value <= number,
        "=": lambda value: value == number,
        "<>": lambda value: value != number,
        "in": lambda value: value in {number, number + 1},
        "not in": lambda value: value not in {number, number + 1},
        "between": lambda value: number <= value <= number + 1,
        "not between": lambda value: not number <= value <= number + 1,
    }
    right = f"({number}, {number + 1})" if "in" in symbol else f"{number} and {number + 1}"
    text = f"{name} {symbol} {right if symbol not in set('<>=') | {'>=', '<=', '<>'} else number}"

    def holds(customer: Customer) -> Truth:
        value = customer[name]
        return None if value is None else compare[symbol](value)

    return Written(text, holds)


def unknown(name: str, word: str) -> Written:
    return Written(f"{name} is {word}unknown", lambda customer: (customer[name] is None) is (word == ""))


SYMBOLS = [">", ">=", "<", "<=", "=", "<>", "in", "not in", "between", "not between"]
NAMES = st.sampled_from(["a", "b"])
LEAVES = st.one_of(
    st.builds(comparison, st.sampled_from(SYMBOLS), NAMES, st.integers(-2, 2)),
    st.builds(unknown, NAMES, st.sampled_from(["", "not "])),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda x: Written(f"not ({x.text})", lambda c: opposite(x.holds(c))), inner),
        st.builds(
            lambda x, y: Written(f"({x.text}) or ({y.text})", lambda c: either(x.holds(c), y.holds(c))),
            inner,
            inner,
        ),
        st.builds(
            lambda x, y: Written(
                f"({x.text}) and ({y.text})",
                lambda c: opposite(either(opposite(x.holds(c)), opposite(y.holds(c)))),
            ),
            inner,
            inner,
        ),
    ),
    max_leaves=8,
)
VALUES = st.one_of(st.none(), st.integers(-3, 3))


@settings(max_examples=300, deadline=None)
@given(condition=CONDITIONS, a=VALUES, b=VALUES)
def test_the_sql_answers_as_the_condition_read_plainly(
    condition: Written, a: int | None, b: int | None
) -> None:
    assert member(condition.text, a, b) is condition.holds({"a": a, "b": b})
