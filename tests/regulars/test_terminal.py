import json
import re
from datetime import date

import pytest

from regulars import terminal


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (float("nan"), "-"),
        (True, "yes"),
        (1234567, "1,234,567"),
        (1234567.8, "1,234,568"),
        (0.123456, "0.1235"),
        (["a", 2], "a, 2"),
        (date(2018, 1, 1), "2018-01-01"),
    ],
)
def test_values_are_shown_as_a_reader_wants_them(value: object, shown: str) -> None:
    assert terminal.text(value) == shown


def test_away_from_a_terminal_a_table_is_aligned_text_with_numbers_to_the_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal.show([{"peer": "rule", "orders": 12}, {"peer": "regulars", "orders": 3456}])
    assert capsys.readouterr().out == "peer      orders\nrule          12\nregulars   3,456\n"


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show([], title="segments")
    assert capsys.readouterr().out == "segments\n(nothing)\n"


def test_json_keeps_digits_and_has_null_where_there_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_json(
        {"day": date(2018, 1, 1), "auc": 0.123456789012, "none": float("nan"), "rows": ({"n": 1},)}
    )
    assert json.loads(capsys.readouterr().out) == {
        "day": "2018-01-01",
        "auc": 0.123456789012,
        "none": None,
        "rows": [{"n": 1}],
    }


def test_away_from_a_terminal_progress_is_one_line_a_step_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with terminal.progress() as report:
        report("read orders", 0.0)
        report("read orders", 0.7)
        report("train", 0.1)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "read orders ...\ntrain ...\n")


def test_on_a_terminal_progress_shows_every_step_done_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with terminal.progress() as report:
        report("read orders", 0.4)
        report("train", 0.1)
    shown = capsys.readouterr().err
    assert [step for step in ("read orders", "train") if re.search(f"{step}.*100%", shown)] == [
        "read orders",
        "train",
    ]
