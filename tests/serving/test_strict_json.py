import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import Problem, ProblemError
from serving.strict_json import read_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


def problem_of(body: bytes) -> Problem:
    with pytest.raises(ProblemError) as refused:
        read_json(body)
    assert refused.value.problem.kind == "bad-request"
    return refused.value.problem


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"as_of": 1, "as_of": 1}', "as_of"),
        (
            b'{"customers": {"orders": [{"a": 1}, {"net_amount": 1, "net_amount": 2}]}}',
            "customers.orders[1].net_amount",
        ),
        (b'[0, [{"x": {}, "x": []}]]', "[1][0].x"),
        (b'{"a": 1, "\\u0061": 2}', "a"),
        (b'{"ada@mail.test": {"b": 1, "b": 2}}', "*.b"),
        (b'{"events": [{"properties": {"\\u202e": 1, "\\u202e": 2}}]}', "events[0].properties.*"),
    ],
)
def test_a_key_that_stands_twice_in_an_object_is_refused_by_its_place(body: bytes, place: str) -> None:
    problem = problem_of(body)
    assert problem.field == place
    assert "stands twice" in problem.detail
    assert problem.got is None


def test_the_same_key_in_two_objects_is_no_repetition() -> None:
    assert read_json(b'{"a": {"a": [{"a": 1}, {"a": 1}]}}') == {"a": {"a": [{"a": 1}, {"a": 1}]}}


@pytest.mark.parametrize(
    "body",
    [
        *(
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b"[-Infinity]",
            b'{"a": 1e999}',
            b"[-1e999]",
            b"[" + b"9" * 400 + b".0]",
        ),
        *(
            b'{"a": "\\ud800"}',
            b'{"\\udc00": 1}',
            b'{"a": "\xed\xa0\x80"}',
            b'{"a": "\xff"}',
            b'["\xc0\xaf"]',
        ),
        *(b'\xef\xbb\xbf{"a": 1}', '{"a": 1}'.encode("utf-16"), '{"a": 1}'.encode("utf-32-le")),
        *(b"[" + b"9" * 5_000 + b"]", b"[" * 1_000_000, b'{"a":' * 500_000, b"[" * 202 + b"]" * 202),
        *(
            b"",
            b"{} {}",
            b"[1,]",
            b"[01]",
            b"[+1]",
            b"[.5]",
            b"{/* */}",
            b'{"a": "\n"}',
            b"[1]\x00",
            b"{'a': 1}",
        ),
    ],
)
def test_what_is_no_json_to_every_parser_is_refused(body: bytes) -> None:
    assert problem_of(body).field == "body"


@given(VALUES)
def test_whatever_json_can_hold_is_taken(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value
