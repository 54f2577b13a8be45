import pytest

from serving.errors import KINDS, Problem, instance_of, shown


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (1.5, "1.5"),
        (10**400, "a very large number"),
        ("2018-13-01", "'2018-13-01'"),
        ("", "''"),
        ("x" * 61, "a text of 61 characters"),
        ("<b>", "a text of 3 characters"),
        ("a\u202eb", "a text of 3 characters"),
        ("a\nb", "a text of 3 characters"),
        ([1, 2], "a list of 2"),
        ({"secret": 1}, "an object of 1 fields"),
    ],
)
def test_a_value_is_sent_back_only_when_it_is_short_and_plain(value: object, written: str) -> None:
    assert shown(value) == written


def test_a_problem_has_the_members_of_the_standard_and_only_those_known() -> None:
    problem = Problem("bad-request", "as_of is not a date", "as_of", "ISO 8601", "'soon'")
    assert problem.document() == {
        "type": "urn:regulars:problem:bad-request",
        "title": "The request cannot be read",
        "status": 400,
        "detail": "as_of is not a date",
        "field": "as_of",
        "expected": "ISO 8601",
        "got": "'soon'",
    }


def test_a_problem_is_ascii_so_that_no_text_direction_mark_survives() -> None:
    assert b"\\u202e" in Problem("failed", "\u202e").body()


def test_every_kind_is_an_error() -> None:
    assert all(400 <= status < 600 for status, _ in KINDS.values())


@pytest.mark.parametrize(
    ("path", "shown_path"),
    [
        (b"/v1/customers/a%20b", "/v1/customers/a%20b"),
        (b"/" + b"x" * 200, None),
        (b"/<x>", None),
        ("/\u202e", None),
    ],
)
def test_a_path_is_repeated_only_when_it_is_short_and_plain(
    path: bytes | str, shown_path: str | None
) -> None:
    assert instance_of(path) == shown_path
